"""Times of foreign records: ISO 8601 or Unix microseconds in, Unix microseconds out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from benchledger.schema.canonical import MAX_INT

__all__ = ["Instant", "wall_between"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("is no ISO 8601 time like 2026-01-31T12:00:00.000000Z") from None
    if moment.tzinfo is None:
        raise ValueError("has no time zone: end it with Z or an offset like +02:00")
    return (moment - _EPOCH) // timedelta(microseconds=1)


Instant = Annotated[
    int,
    Field(ge=0, le=MAX_INT),
    BeforeValidator(_micros),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": MAX_INT},
                {"type": "string", "format": "date-time"},
            ]
        }
    ),
]


def wall_between(started_at: int, ended_at: int) -> float:
    """Return the milliseconds between two Unix times in microseconds, as `total_seconds() * 1000` gives them.

    The published reference computes it so; any other order of operations differs in the last bits.
    """
    return timedelta(microseconds=ended_at - started_at).total_seconds() * 1000
