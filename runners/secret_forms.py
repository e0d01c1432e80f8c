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
import re
import zlib
from collections.abc import Callable, Iterable, Iterator

from benchledger.runners.secret_escapes import unescaped
from benchledger.runners.secret_layers import Builder, Layer, Seen

MAX_UNPACKED = 8 * 1024 * 1024  # bytes of all members of one text; a bomb is cut there
MAX_SILENT = 4096  # bytes of a member that yield nothing: a file name of megabytes holds a header every ten

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
        made = Builder(seen)
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
        made = Builder(seen)
        for start, end, text in runs:
            usable = text[offset:]
            made.add(bytes.fromhex(usable[: len(usable) // 2 * 2].decode()), start, end, exact=False)
            made.gap()
        yield made.layer()


_MEMBER = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")


def decompressed(data: bytes, seen: Seen) -> Iterator[Layer]:
    """Unpack gzip and zlib members that stand anywhere in `data`, cut-off and damaged ones included."""
    made, at = Builder(seen), 0
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


_FRAME = re.compile(rb'^\[[0-9.e-]+, "o", "((?:[^"\\]|\\.)*)"\]$', re.MULTILINE)


def joined_pieces(data: bytes, seen: Seen) -> Iterator[Layer]:
    """Join the values of one key over the events of a stream: by key, and by key and the indexes beside it.

    Of a terminal recording, join what was shown.
    """
    if data.startswith(b'{"version": 2'):
        yield _channels(data, [[found.span(1) for found in _FRAME.finditer(data)]], seen)
        return
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
    made = Builder(seen)
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
