"""Reading a stored payload and seeing on the way whether it is spelled canonically."""

from __future__ import annotations

import json
from typing import Any

from benchledger.schema.canonical import MAX_DEPTH, MAX_INT, canonical_bytes
from benchledger.schema.errors import CanonicalError

__all__ = ["KEPT", "SHORT", "Speller"]

# Payloads of so many characters, so many of them: what an axis says that does not apply, an ordinary end.
SHORT, KEPT = 512, 4_096


def _bounded(digits: str) -> int:
    number = int(digits)
    if -MAX_INT <= number <= MAX_INT:
        return number
    raise ValueError("an integer outside of the profile")


# Without the checks that json.loads makes of its argument; `_plain` also reads what the profile refuses.
_strict = json.JSONDecoder(parse_int=_bounded).scan_once  # type: ignore[attr-defined]  # typeshed leaves it out
_plain = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
_spell = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


class Speller:
    """Reads payloads; short ones that come again and again are not spelled again."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: set[str] = set()

    def read(self, text: str) -> tuple[Any, bool]:
        """Return the value of a stored payload and whether `text` is its canonical spelling.

        In another spelling (a key twice, a NaN) two readers may see two values. Gives the same
        verdict as `canonical_bytes`, whose other checks are done by what precedes them here:
        keys of JSON are text, the parser bounds integers, a lone surrogate can only be written
        as an escape, which is never canonical. Raises ValueError and its like for what is no JSON.
        """
        try:
            value, _end = _strict(text, 0)
            if text in self._seen:
                return value, True
            same = _spell(value) == text
        except (ValueError, TypeError, RecursionError, StopIteration):
            return _plain(text, 0)[0], False
        # No text with so few brackets is nested too deep.
        if same and text.count("[") + text.count("{") > MAX_DEPTH:
            try:
                canonical_bytes(value)
            except CanonicalError:
                same = False
        if same and len(text) <= SHORT:
            if len(self._seen) >= KEPT:
                self._seen.clear()
            self._seen.add(text)
        return value, same
