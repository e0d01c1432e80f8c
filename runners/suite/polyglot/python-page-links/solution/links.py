"""Links from one page to the others."""

from paging import page_count


def links(base, number, items, size):
    """Return the links of a page by their relation: first, last, and prev and next where they exist."""
    last = page_count(items, size)
    if not 1 <= number <= last:
        raise LookupError(f"there is no page {number}")
    found = {"first": f"{base}?page=1", "last": f"{base}?page={last}"}
    if number > 1:
        found["prev"] = f"{base}?page={number - 1}"
    if number < last:
        found["next"] = f"{base}?page={number + 1}"
    return found
