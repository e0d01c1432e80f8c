"""The layer of escapes, of JSON and C, of URLs, of XML: see `secret_forms`."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from benchledger.runners.secret_layers import Builder, Layer, Seen

__all__ = ["unescaped"]

_SHORT = {b"\\n": b"\n", b"\\r": b"\r", b"\\t": b"\t", b"\\b": b"\b", b"\\f": b"\f"}


def _backslash(token: bytes) -> bytes:
    if len(token) == 2:
        return _SHORT.get(token, token[1:])
    if len(token) == 4:
        return bytes.fromhex(token[2:].decode())
    pair = bytes.fromhex(token.replace(b"\\u", b"").decode())
    return pair.decode("utf-16-be", "replace").encode("utf-8")


def _percent(token: bytes) -> bytes:
    return bytes.fromhex(token[1:].decode())


def _entity(token: bytes) -> bytes:
    return html.unescape(token.decode()).encode("utf-8", "replace")


# Each on its own: what one of them escapes holds the signs of the others as they are.
_ESCAPES: tuple[tuple[bytes, re.Pattern[bytes], Callable[[bytes], bytes]], ...] = (
    (
        b"\\",
        re.compile(
            rb"\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}"
            rb"|\\x[0-9A-Fa-f]{2}|\\[\x21-\x7e]"
        ),
        _backslash,
    ),
    (b"%", re.compile(rb"%[0-9A-Fa-f]{2}"), _percent),
    (b"&", re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|quot|amp|lt|gt|apos);"), _entity),
)


def unescaped(data: bytes, seen: Seen) -> Iterator[Layer]:
    """Undo one level of JSON and C escapes, of URL escapes, of XML entities.

    A layer holds what stands around an escape: the rest is as it was, and was read before.
    """
    for sign, pattern, plain in _ESCAPES:
        if sign not in data:
            continue
        made, known = Builder(seen), _Plain(plain)
        for start, end in _around(pattern, data):
            if made.placed:
                _place(made, data, (start, end), pattern, known)
            else:
                made.parts.append(pattern.sub(known.match, data[start:end]))
            made.gap()
        if made.parts:
            yield made.layer()


class _Plain(dict[bytes, bytes]):
    """What each escape stands for, worked out once."""

    def __init__(self, plain: Callable[[bytes], bytes]) -> None:
        self._plain = plain

    def __missing__(self, token: bytes) -> bytes:
        self[token] = found = self._plain(token)
        return found

    def match(self, found: re.Match[bytes]) -> bytes:
        return self[found[0]]


def _place(
    made: Builder, data: bytes, within: tuple[int, int], pattern: re.Pattern[bytes], known: _Plain
) -> None:
    at, end = within
    for found in pattern.finditer(data, at, end):
        made.add(data[at : found.start()], at, found.start(), exact=True)
        made.add(known[found.group()], found.start(), found.end(), exact=False)
        at = found.end()
    made.add(data[at:end], at, end, exact=True)


_REACH = 256  # bytes beside an escape; a run without spaces is taken whole, for what it holds may be packed
_RUN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=.~-\r\n"


def _around(pattern: re.Pattern[bytes], data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the parts of `data` that escapes and what is near them fill; none where there is no escape."""
    begun: int | None = None
    at = 0
    for found in pattern.finditer(data):
        first, last = found.span()
        if begun is None or first - at > 2 * _REACH:
            left, right = _apart(data, at, first, after_escape=begun is not None)
            if begun is not None and left < right:
                yield begun, left
            if begun is None or left < right:
                begun = right
        at = last
    if begun is not None:
        yield begun, min(_apart(data, at, len(data) + _REACH, after_escape=True)[0], len(data))


def _apart(data: bytes, start: int, end: int, *, after_escape: bool) -> tuple[int, int]:
    """Return where what belongs to the escape before `start` ends, and where what belongs to the next begins."""
    first = min(start + _REACH, end) if after_escape else start
    middle = data[first : max(end - _REACH, first)]
    left = len(middle) - len(middle.lstrip(_RUN)) if after_escape else 0
    return first + left, max(first + len(middle.rstrip(_RUN)), first + left)
