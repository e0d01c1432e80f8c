"""The weekly report of orders."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Order:
    number: int
    customer: str
    created: date
    updated: date


def report(orders):
    """Return a line for each order."""
    return [f"{order.number}\t{order.customer}\t{order.created}\t{order.updated}" for order in orders]
