"""When a sweep launches nothing more: a time, an amount of money, a disk that is nearly full."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchledger.schema.errors import UsageError

__all__ = ["DEFAULT_FREE", "free_bytes", "size_of", "until_of"]

DEFAULT_FREE = "256MB"
_UNITS = {"": 1, "B": 1, "K": 10**3, "KB": 10**3, "M": 10**6, "MB": 10**6, "G": 10**9, "GB": 10**9, "T": 10**12,
          "TB": 10**12, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}  # fmt: skip
_SPANS = {"m": 60, "min": 60, "h": 3600, "d": 86_400}


def size_of(text: str) -> int:
    """Return bytes of `5GB`, `500 MiB`, `1000000`; raises UsageError."""
    found = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2].upper() not in _UNITS:
        raise UsageError(f"{text!r} is no size", "write it as 5GB or 500MiB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def until_of(text: str, now: datetime) -> datetime:
    """Return when `text` is: `06:00` (the next one, local), `+8h`, or an ISO date and time; `now` has a time zone.

    Raises UsageError for what is none of these, or lies in the past.
    """
    hint = "write a time of day such as 06:00, a span such as +8h, or 2026-01-31T06:00"
    if found := re.fullmatch(r"\+([0-9]{1,6})\s*(m|min|h|d)", text):
        return now + timedelta(seconds=int(found[1]) * _SPANS[found[2]])
    if found := re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text):
        today = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        return today if today > now else today + timedelta(days=1)
    try:
        asked = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time", hint) from None
    asked = asked if asked.tzinfo is not None else asked.replace(tzinfo=now.tzinfo or UTC)
    if asked <= now:
        raise UsageError(f"{text!r} is past", hint)
    return asked


def free_bytes(places: Iterable[Path]) -> int:
    """Return the room that the fullest of the file systems of `places` has left."""
    return min(shutil.disk_usage(place).free for place in places)
