"""Cutting lists into pages, counted from 1."""


def page_count(items, size):
    """Return how many pages of `size` there are; an empty list has one."""
    return max(1, -(-items // size))


def page(rows, number, size):
    """Return the rows of one page; raise LookupError where there is no such page."""
    if not 1 <= number <= page_count(len(rows), size):
        raise LookupError(f"there is no page {number}")
    start = (number - 1) * size
    return rows[start : start + size]
