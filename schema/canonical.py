"""Canonical JSON: the one spelling of a value whose bytes are hashed.

Changing what `canonical_bytes` returns changes every hash of every ledger.

The profile (schema/README.md, section 2): UTF-8, keys sorted by code point, no white
space, no duplicate keys, no NaN or Infinity, integers within +-(2**53 - 1), no lone
surrogates, floats in the shortest form that reads back as the same double.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

from benchledger.schema.errors import CanonicalError
from benchledger.schema.plain import MAX_DEPTH, MAX_INT, NotPlainError, fast_bytes, plain

__all__ = ["MAX_DEPTH", "MAX_INT", "canonical_bytes", "parse_json"]

_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode

_PLAIN = frozenset({str, bool, float, type(None)})


def canonical_bytes(value: Any) -> bytes:
    """Return the canonical JSON bytes of `value` (dict, list, tuple, str, int, float, bool, None).

    Raises CanonicalError for anything that JSON or the profile cannot say: another type, a
    key that is no string, NaN, an integer outside +-(2**53 - 1), a lone surrogate, more than
    64 levels.
    """
    try:
        return fast_bytes(plain(value))
    except NotPlainError:
        return _defined_bytes(value)


def _defined_bytes(value: Any) -> bytes:
    _check(value, MAX_DEPTH)
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError("text holds a lone surrogate, which has no UTF-8 form") from error
    except ValueError as error:
        raise CanonicalError("numbers must be finite: NaN and Infinity have no JSON form") from error


def _check(value: Any, depth: int) -> None:
    # The stdlib encoder silently turns int keys into text and writes integers of any size;
    # both read back as something else, so they are refused before encoding.
    kind = type(value)
    if kind is dict:
        for key in value:
            if type(key) is not str:
                raise CanonicalError(f"key {key!r} is not text")
        items: Iterable[Any] = value.values()
    elif kind is list or kind is tuple:
        items = value
    else:
        _check_one(value)
        return
    if depth == 0:
        raise CanonicalError(f"nested deeper than {MAX_DEPTH} levels")
    for item in items:
        kind = type(item)
        if kind is dict or kind is list or kind is tuple:
            _check(item, depth - 1)
        elif kind not in _PLAIN:
            _check_one(item)


def _check_one(value: Any) -> None:
    kind = type(value)
    if kind is int:
        if not -MAX_INT <= value <= MAX_INT:
            raise CanonicalError(f"integer {value} is outside +-(2**53 - 1)")
    elif kind not in _PLAIN:
        raise CanonicalError(f"{kind.__name__} has no canonical JSON form")


def parse_json(data: bytes | str) -> Any:
    """Parse foreign JSON strictly; the value is one that `canonical_bytes` accepts.

    Raises CanonicalError for invalid UTF-8 or JSON, duplicate keys, NaN, Infinity, numbers
    outside the profile, and nesting that exhausts the parser.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise CanonicalError(f"not UTF-8: byte {error.start} cannot be decoded") from error
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except json.JSONDecodeError as error:
        raise CanonicalError(f"not JSON: {error.msg} at column {error.pos + 1}") from error
    except RecursionError as error:
        raise CanonicalError(f"nested deeper than {MAX_DEPTH} levels") from error
    _check(value, MAX_DEPTH)
    try:
        text.encode("utf-8")
        _encode(value).encode("utf-8")  # "\\ud800" escapes decode to lone surrogates
    except UnicodeEncodeError as error:
        raise CanonicalError("text holds a lone surrogate, which has no UTF-8 form") from error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise CanonicalError(f"key {twice!r} stands twice in one object")
    return value


def _constant(name: str) -> NoReturn:
    raise CanonicalError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise CanonicalError(f"number {text[:40]} is outside the range of a double")
    return number


def _bounded(text: str) -> int:
    if len(text) > 17 or not -MAX_INT <= int(text) <= MAX_INT:
        raise CanonicalError(f"integer {text[:40]} is outside +-(2**53 - 1)")
    return int(text)
