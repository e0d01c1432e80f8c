r"""The forms that a secret takes in stored bytes: each layer undoes one way of encoding.

A layer turns bytes into other bytes in which a secret would stand in the clear, and remembers
where they came from, so that what is found inside can be blanked outside:

    unescape    \u002d \x2d \/ \n, %2d, &#45; &quot;        position by position
    base64      both alphabets, wrapped lines, any alignment whole runs
    hex         73 6b 2d, 73:6b:2d, 736b2d                   whole runs
    compressed  gzip and zlib members                        whole members
    pieces      one text cut over the events of a stream     position by position

Layers nest: gzip in base64 in an escaped JSON string is three of them. A run that is met again in
another layer need not be read twice to know whether anything is there: whoever only asks that
passes a set in which runs are remembered, and gets layers without positions.
"""

from __future__ import annotations

import binascii
import html
import re
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Span = tuple[int, int, str]
Seen = set[bytes] | None

MAX_UNPACKED = 8 * 1024 * 1024  # bytes of all members of one text; a bomb is cut there
MAX_SILENT = 4096  # bytes of a member that yield nothing: a file name of megabytes holds a header every ten


@dataclass(frozen=True, slots=True)
class Segment:
    """Decoded bytes [decoded, decoded_end) came from [start, end); `exact` where both are as long."""

    decoded: int
    decoded_end: int
    start: int
    end: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """Decoded bytes and where they came from; segments are in order of `decoded`."""

    data: bytes
    segments: list[Segment]

    def outside(self, span: Span) -> Iterator[Span]:
        """Yield the ranges of the original bytes that hold `span` of the decoded ones."""
        first, last, label = span
        at = max(bisect_right(self.segments, first, key=lambda item: item.decoded) - 1, 0)
        joined: Span | None = None
        for segment in self.segments[at:]:
            if segment.decoded >= last:
                break
            if segment.decoded_end <= first:
                continue
            start, end = segment.start, segment.end
            if segment.exact:
                start += max(first - segment.decoded, 0)
                end -= max(segment.decoded_end - last, 0)
            if joined is not None and joined[1] == start:
                joined = (joined[0], end, label)
            else:
                if joined is not None:
                    yield joined
                joined = (start, end, label)
        if joined is not None:
            yield joined


class _Builder:
    """Collects pieces of a layer; without positions where runs are only asked for."""

    def __init__(self, seen: Seen) -> None:
        self.placed = seen is None
        self.parts: list[bytes] = []
        self.segments: list[Segment] = []
        self.size = 0

    def add(self, piece: bytes, start: int, end: int, *, exact: bool) -> None:
        if piece:
            self.parts.append(piece)
            if self.placed:
                self.segments.append(Segment(self.size, self.size + len(piece), start, end, exact))
            self.size += len(piece)

    def gap(self) -> None:
        """Part two pieces, so that nothing is found across them."""
        self.parts.append(b"\0")
        self.size += 1

    def layer(self) -> Layer:
        return Layer(b"".join(self.parts), self.segments)


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
    """Undo one level of JSON and C escapes, of URL escapes, of XML entities."""
    for sign, pattern, plain in _ESCAPES:
        if sign not in data:
            continue
        made, at = _Builder(seen), 0
        for found in pattern.finditer(data):
            made.add(data[at : found.start()], at, found.start(), exact=True)
            made.add(plain(found.group()), found.start(), found.end(), exact=False)
            at = found.end()
        if at:
            made.add(data[at:], at, len(data), exact=True)
            yield made.layer()


_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}")
_STANDARD = bytes.maketrans(b"-_", b"+/")


def _runs(pattern: re.Pattern[bytes], data: bytes, seen: Seen) -> Iterator[tuple[int, int, bytes]]:
    for found in pattern.finditer(data):
        text = found.group()
        if seen is not None:
            key = pattern.pattern[:12] + text
            if key in seen:
                continue
            seen.add(key)
        yield found.start(), found.end(), text


_PADDING = re.compile(rb"[\r\n=]")


def from_base64(data: bytes, seen: Seen) -> Iterator[Layer]:
    """Decode every run of base64, read from each of four places: the start of a run proves nothing."""
    runs = [
        (start, end, _PADDING.sub(b"", text).translate(_STANDARD))
        for start, end, text in _runs(_BASE64, data, seen)
    ]
    for offset in range(4) if runs else ():
        made = _Builder(seen)
        for start, end, text in runs:
            usable = text[offset:]
            tail = len(usable) % 4
            padded = usable[:-1] if tail == 1 else usable + b"=" * (-tail % 4)
            made.add(binascii.a2b_base64(padded), start, end, exact=False)
            made.gap()
        yield made.layer()


# The tail takes runs of digits whole: pair by pair the matcher needs a hundred bytes of memory for each.
_HEX = re.compile(
    rb"[0-9A-Fa-f]{2}(?:[ :\r\n]{0,2}[0-9A-Fa-f]{2}){7}"
    rb"(?:[0-9A-Fa-f]++|[ :\r\n]{1,2}(?=[0-9A-Fa-f]{2}))*+"
)
_NO_HEX = re.compile(rb"[^0-9A-Fa-f]")


def from_hex(data: bytes, seen: Seen) -> Iterator[Layer]:
    """Decode every run of hexadecimal digits, read from both places."""
    runs = [(start, end, _NO_HEX.sub(b"", text)) for start, end, text in _runs(_HEX, data, seen)]
    for offset in range(2) if runs else ():
        made = _Builder(seen)
        for start, end, text in runs:
            usable = text[offset:]
            made.add(bytes.fromhex(usable[: len(usable) // 2 * 2].decode()), start, end, exact=False)
            made.gap()
        yield made.layer()


_MEMBER = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")


def decompressed(data: bytes, seen: Seen) -> Iterator[Layer]:
    """Unpack gzip and zlib members that stand anywhere in `data`, cut-off and damaged ones included."""
    made, at = _Builder(seen), 0
    while found := _MEMBER.search(data, at):
        plain, end = _unpacked(data, found.start(), MAX_UNPACKED - made.size)
        made.add(plain, found.start(), end, exact=False)
        at = end if plain else found.start() + 1
        if made.size >= MAX_UNPACKED:
            break
    if made.size:
        yield made.layer()


def _unpacked(data: bytes, start: int, room: int) -> tuple[bytes, int]:
    """Return (what unpacks before the end or the first damage, where its member ends)."""
    unpacker, plain, at = zlib.decompressobj(wbits=47), bytearray(), start  # 47: gzip or zlib by header
    step = 64  # most places that look like a header are none, and say so within a few bytes
    while at < len(data) and not unpacker.eof and len(plain) < room:
        if not plain and at - start > MAX_SILENT:
            break
        try:
            plain += unpacker.decompress(data[at : at + step], room - len(plain))
        except zlib.error:
            break
        at += step
        step = 65536 if plain else 1024
    return bytes(plain), max(min(at, len(data)) - len(unpacker.unused_data), start + 1)


_TEXT = re.compile(rb'"(\w+)"\s*:\s*"([^"\\]*+(?:\\.[^"\\]*+)*+)"|"\w*index"\s*:\s*(\d+)|(\n\n|\r\n\r\n)')


def joined_pieces(data: bytes, seen: Seen) -> Iterator[Layer]:
    """Join the values of one key over the events of a stream: by key, and by key and the indexes beside it."""
    if data.count(b"data:") < 2 and not data.lstrip().startswith(b"["):
        return
    for with_indexes in (False, True):
        channels: dict[tuple[bytes, ...], list[tuple[int, int]]] = {}
        beside: list[bytes] = []
        waiting: list[tuple[bytes, tuple[int, int]]] = []
        for found in (*_TEXT.finditer(data), None):
            if found is not None and found.group(1) is not None:
                waiting.append((found.group(1), found.span(2)))
            elif found is not None and found.group(3) is not None:
                beside += [found.group(3)] if with_indexes else []
            else:
                for key, span in waiting:
                    channels.setdefault((key, *beside), []).append(span)
                beside, waiting = [], []
        yield _channels(data, channels.values(), seen)


def _channels(data: bytes, channels: Iterable[list[tuple[int, int]]], seen: Seen) -> Layer:
    made = _Builder(seen)
    for spans in channels:
        for start, end in spans:
            made.add(data[start:end], start, end, exact=True)
        made.gap()
    return made.layer()


LAYERS: tuple[Callable[[bytes, Seen], Iterator[Layer]], ...] = (
    unescaped,
    from_base64,
    from_hex,
    decompressed,
)
