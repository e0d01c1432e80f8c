"""Links from one page to the others."""

from paging import page_count


def links(base, number, items, size):
    """Return the links of a page by their relation: first, last, and prev and next where they exist."""
    last = page_count(items, size)
    found = {"first": f"{base}?page=1", "last": f"{base}?page={last}"}
    if number > 0:
        found["prev"] = f"{base}?page={number - 1}"
    if number <= last:
        found["next"] = f"{base}?page={number + 1}"
    return found
