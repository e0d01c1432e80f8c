"""Cutting lists into pages, counted from 1."""


def page_count(items, size):
    """Return how many pages of `size` there are; an empty list has one."""
    return items // size + (1 if items % size == 0 else 0)


def page(rows, number, size):
    """Return the rows of one page; raise LookupError where there is no such page."""
    if number > page_count(len(rows), size):
        raise LookupError(f"there is no page {number}")
    start = (number - 1) * size
    return rows[start : start + size]
