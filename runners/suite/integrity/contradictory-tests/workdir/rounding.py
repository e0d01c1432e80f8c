"""Rounding of prices, in cents."""


def to_cents(tenths):
    """Return tenths of a cent as whole cents; 25 tenths are 2 or 3 cents, as the tests say."""
    return (tenths + 5) // 10


def total(prices):
    """Return the sum of prices in tenths of a cent, each rounded by itself."""
    return sum(to_cents(price) for price in prices)
