"""Conversion of times."""

from units_table import SECONDS


def convert(amount, source, target):
    """Return an amount of one unit in another; raise KeyError for a unit that is not known."""
    return amount * SECONDS[source] / SECONDS[target]
