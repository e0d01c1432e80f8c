"""Open a foreign file, whatever it is, and read its records one at a time in bounded memory.

A file or standard input, plain or gzip (told by its first bytes, not by its name), holds
JSON Lines, JSON objects printed over many lines, one JSON array of objects, our own export,
or an SQLite ledger. What is wrong with one record is yielded as a RecordError, so that all
bad lines can be named at once; what is wrong with the file is raised.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from benchledger.ledger.importers.cutter import Cutter, Stop
from benchledger.ledger.importers.plain import Plain, open_plain
from benchledger.schema.canonical import canonical_bytes, parse_json
from benchledger.schema.errors import (
    BadInput,
    BenchledgerError,
    CanonicalError,
    RecordError,
    RecordErrors,
)

__all__ = ["EXPORT_FORMAT", "MAX_RECORD", "MAX_UNPACKED", "Source", "SourceRecord", "open_source"]

EXPORT_FORMAT = "benchledger-export-1"
MAX_RECORD = 64 * 2**20  # bytes of one record
MAX_UNPACKED = 8 * 2**30  # plain bytes of a gzip input, against bombs
MAX_BAD = 1000  # a file of another kind would give one error a line, without end

_CHUNK = 2**18
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_SQLITE = b"SQLite format 3\x00"
_OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ": "xz data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_FORMS = "hand in JSON Lines, JSON objects or a JSON array, plain or gzip"

Kind = Literal["records", "export", "ledger"]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record: the line it starts on (from 1), its value, and the canonical bytes of that value."""

    line: int
    value: dict[str, Any]
    canonical: bytes


class Source:
    """An opened input. `kind` says how to go on: `records()`, `lines()` (export), or open `path` (ledger).

    `name` is the base name (`stdin` for standard input). `digest` (BLAKE3, 64 hex digits) and
    `size` are those of the plain bytes, known once the input was read to its end.
    """

    def __init__(self, plain: Plain, path: Path | None, max_record: int) -> None:
        """Look at the first bytes; raises BadInput where they are neither JSON nor a ledger."""
        self.name = name = plain.name
        self.path = path
        self._plain = plain
        self._max_record = max_record
        self._buffer = io.BufferedReader(plain, _CHUNK)
        head = self._buffer.peek()
        self.kind: Kind = _kind(name, head)
        if self.kind == "ledger" and (path is None or plain.packed):
            raise BadInput(f"{name} is an SQLite file that is piped or packed", "unpack it and name the file")
        if head.startswith(_BOM):
            self._buffer.read(len(_BOM))
        self._shape = _shape(head.removeprefix(_BOM).lstrip(_SPACE))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self._buffer.close()

    @property
    def ended(self) -> bool:
        """Return whether the input was read to its end, so that `digest` and `size` are known."""
        return self._plain.ended

    @property
    def digest(self) -> str:
        """Return the BLAKE3 of the plain bytes, 64 hex digits."""
        return self._whole().hasher.hexdigest()

    @property
    def size(self) -> int:
        """Return the number of plain bytes."""
        return self._whole().size

    def _whole(self) -> Plain:
        if not self._plain.ended:
            raise RuntimeError(f"{self.name} was not read to its end")
        return self._plain

    def records(self) -> Iterator[SourceRecord | RecordError]:
        """Yield every record, or what is wrong with it; after an error that hides the rest, the last item.

        Raises BadInput where the input holds no record or its gzip data is damaged, NoAccess
        where it cannot be read on.
        """
        seen = bad = 0
        try:
            for line, data in self._pieces():
                seen += 1
                item = self._record(line, data)
                yield item
                bad += isinstance(item, RecordError)
                if bad == MAX_BAD:
                    raise Stop(line, f"{bad} records are bad: reading stops here")
        except Stop as stop:
            yield RecordError(self.name, stop.line, "", stop.reason)
            return
        if not seen:
            raise BadInput(f"{self.name} holds no records", _FORMS)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (number from 1, bytes) of each line not blank; raises RecordErrors at one too long."""
        try:
            yield from self._lines()
        except Stop as stop:
            raise RecordErrors([RecordError(self.name, stop.line, "", stop.reason)]) from stop

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        return self._lines() if self._shape == "lines" else self._cut()

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        number = 0
        while line := self._buffer.readline(self._max_record + 1):
            number += 1
            if len(line) > self._max_record and not line.endswith(b"\n"):
                raise Stop.too_long(number, self._max_record)
            if line.strip(_SPACE):
                yield number, line

    def _cut(self) -> Iterator[tuple[int, bytes]]:
        cutter = Cutter(self._max_record, array=self._shape == "array")
        while chunk := self._buffer.read1(_CHUNK):
            yield from cutter.feed(chunk)
        cutter.end()

    def _record(self, line: int, data: bytes) -> SourceRecord | RecordError:
        data = data.rstrip(_SPACE)  # else a fault at the end would count as one of the next line
        try:
            value = parse_json(data)
        except CanonicalError as error:
            return RecordError(self.name, *_located(line, data, error))
        if not isinstance(value, dict):
            return RecordError(self.name, line, "", f"is a JSON {_json_type(value)}, not an object")
        return SourceRecord(line, value, canonical_bytes(value))


def open_source(path: str, *, max_record: int = MAX_RECORD, max_unpacked: int = MAX_UNPACKED) -> Source:
    """Open the file at `path`, or standard input where it is `-`.

    Raises UsageError where there is no such regular file, NoAccess where the system refuses
    it, BadInput where its first bytes show that it holds no records.
    """
    plain = open_plain(path, max_unpacked)
    try:
        return Source(plain, None if path == "-" else Path(path), max_record)
    except BenchledgerError:
        plain.close()
        raise


def _kind(name: str, head: bytes) -> Kind:
    if head.startswith(_SQLITE):
        return "ledger"
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise BadInput(f"{name} is {what}", _FORMS)
    if b"\x00" in head:
        raise BadInput(f"{name} is binary data, no JSON", _FORMS)
    first = head.removeprefix(_BOM).lstrip(_SPACE).split(b"\n", 1)[0]
    if EXPORT_FORMAT.encode() in first:
        try:
            value = parse_json(first)
        except CanonicalError:
            return "records"
        if isinstance(value, dict) and value.get("format") == EXPORT_FORMAT:
            return "export"
    return "records"


def _shape(text: bytes) -> Literal["lines", "objects", "array"]:
    if text.startswith(b"["):
        return "array"
    first, mark, _ = text.partition(b"\n")
    # A record cut off in JSON Lines must not swallow the rest, so only the line ends of printed JSON count.
    printed = mark and first.startswith(b"{") and first.rstrip(_SPACE).endswith((b"{", b"[", b",", b":"))
    return "objects" if printed else "lines"


def _located(line: int, data: bytes, error: CanonicalError) -> tuple[int, str, str]:
    """Return (line of the file, field, reason); a record may span several lines."""
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        return line + cause.lineno - 1, "", f"not JSON: {cause.msg} at column {cause.colno}"
    if isinstance(cause, UnicodeDecodeError):
        before = data[: cause.start]
        start = before.rfind(b"\n") + 1
        return line + before.count(b"\n"), "", f"not UTF-8: byte {cause.start - start + 1} of the line"
    return line, "", error.message


def _json_type(value: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
