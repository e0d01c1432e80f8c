"""Parts of blobs: as much of one as a page shows, whatever its size, and never a wrong text.

    digest --find--> Stored --head, page, pieces--> plain bytes, at most a piece of them in memory

A blob may have hundreds of megabytes. It is read through SQLite's incremental blob I/O and unpacked
piece by piece. `page` and `pieces` check the whole blob first, once for each instance; `head` checks
it where it is short, and says where it did not.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple, Self

from blake3 import blake3

from benchledger.ledger.database import translated
from benchledger.ledger.reading import Reader
from benchledger.schema.errors import Tampered

__all__ = ["PAGE", "SHORT", "Parts", "Piece", "Stored", "whole"]

PAGE = 1 << 16  # bytes of a page of text, before it is cut at the end of a line
_PIECE = 1 << 16
_LOOK = 4096  # so far before its nominal end a page looks for the end of a line
SHORT = 1 << 20  # bytes up to which a head is worth the check of the whole
_RESUMED = 8  # blobs of which the place behind the last page is kept


class Stored(NamedTuple):
    """One blob as it lies in the ledger: sizes in bytes, `length` that of what is stored."""

    digest: str
    row: int
    size: int
    encoding: str
    stored_digest: bytes
    length: int

    @property
    def pages(self) -> int:
        """Return how many pages of text it has; an empty one has one."""
        return max(1, -(-self.size // PAGE))


class Piece(NamedTuple):
    """Bytes `start` <= place < `stop` of a blob; `checked` says that the whole blob was."""

    data: bytes
    start: int
    stop: int
    checked: bool


class Parts:
    """Reads parts of the blobs of one ledger. Not to be shared by threads."""

    def __init__(self, ledger: Reader) -> None:
        """Read through the connection of an open ledger."""
        self.connection, self._path = ledger.connection, ledger.path
        self._sound: set[str] = set()
        self._places: OrderedDict[str, _Plain] = OrderedDict()

    def find(self, digest: str) -> Stored | None:
        """Return where a blob lies, None where it is not stored."""
        query = "SELECT rowid, size, encoding, stored_digest, length(data) FROM blobs WHERE digest = ?"
        with translated(self._path):
            row = self.connection.execute(query, (bytes.fromhex(digest),)).fetchone()
        return None if row is None else Stored(digest, *row)

    def head(self, stored: Stored, most: int) -> Piece:
        """Return the first bytes, at most `most`, cut at the end of a line or a character.

        Raises Tampered where the blob is found to be damaged; one of more than 1 MiB is read no
        further than it is shown, and the piece says that the rest was not checked.
        """
        if max(stored.size, stored.length) <= SHORT:
            self.check(stored)
        with self._opened(stored) as plain:
            data = plain.take(min(most, stored.size))
        stop = len(data) if len(data) == stored.size else whole(data)
        return Piece(data[:stop], 0, stop, stored.digest in self._sound)

    def tail(self, stored: Stored, most: int) -> Piece:
        """Return the last bytes, at most `most`, from the start of a line or of a character on.

        The whole blob is unpacked for that and checked; raises Tampered where it is damaged.
        """
        self.check(stored)
        start = max(0, stored.size - most)
        with self._opened(stored, start) as plain:
            plain.skip(start - plain.place)
            data = plain.take(most)
        if start:
            line = data.find(b"\n", 0, _LOOK)
            skipped = (
                line + 1
                if line >= 0
                else next((n for n, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0)
            )
            data, start = data[skipped:], start + skipped
        return Piece(data, start, stored.size, checked=True)

    def page(self, stored: Stored, number: int) -> Piece:
        """Return page `number`, from 1, of about 64 KiB that begins and ends where lines do, if any do.

        Raises Tampered where the blob is damaged, IndexError where it has no such page.
        """
        if not 1 <= number <= stored.pages:
            raise IndexError(number)
        self.check(stored)
        first, last = (number - 1) * PAGE, min(number * PAGE, stored.size)
        begin = max(0, first - _LOOK)
        with self._opened(stored, begin) as plain:
            plain.skip(begin - plain.place)
            data = plain.take(max(0, last - _LOOK - begin))
            self._keep(stored.digest, plain)
            data += plain.take(last - plain.place)
        start = begin + whole(data[: first - begin]) if first else 0
        stop = stored.size if last == stored.size else begin + whole(data)
        return Piece(data[start - begin : stop - begin], start, stop, checked=True)

    def pieces(self, stored: Stored) -> Iterator[bytes]:
        """Return the plain bytes in pieces; raises Tampered at once, before the first, where it is damaged."""
        self.check(stored)
        return self._pieces(stored)

    def _pieces(self, stored: Stored) -> Iterator[bytes]:
        with self._opened(stored) as plain:
            while data := plain.read(_PIECE):
                yield data

    def check(self, stored: Stored) -> None:
        """Raise Tampered where the stored bytes, their length or the plain bytes are not what was recorded."""
        if stored.digest in self._sound:
            return
        with translated(self._path), self._handle(stored) as handle:
            hasher = blake3()
            while data := handle.read(_PIECE):
                hasher.update(data)
        # The stored bytes are checked first: some flipped bits in zlib data unpack to the same text.
        if hasher.digest() != stored.stored_digest:
            raise _damaged(stored, "stored bytes do not match stored_digest")
        hasher = blake3()
        with self._opened(stored) as plain:
            while data := plain.read(_PIECE):
                hasher.update(data)
            plain.end()
        if hasher.hexdigest() != stored.digest:
            raise _damaged(stored, "plain bytes do not match digest")
        self._sound.add(stored.digest)

    @contextlib.contextmanager
    def _opened(self, stored: Stored, place: int = 0) -> Iterator[_Plain]:
        """Yield what reads a blob, from the last kept place that does not lie behind `place`."""
        with translated(self._path), self._handle(stored) as handle:
            kept = self._places.get(stored.digest)
            if stored.encoding == "raw":
                yield _Plain(stored, handle, place)
            elif stored.encoding != "zlib":
                raise _damaged(stored, f"has the unknown encoding {stored.encoding!r}")
            elif kept is not None and kept.place <= place:
                yield kept.copy(handle)
            else:
                yield _Packed(stored, handle)

    def _handle(self, stored: Stored) -> sqlite3.Blob:
        return self.connection.blobopen("blobs", "data", stored.row, readonly=True)

    def _keep(self, digest: str, plain: _Plain) -> None:
        # A place in raw bytes needs no keeping.
        if isinstance(plain, _Packed):
            self._places[digest] = plain.copy(plain.handle)
            self._places.move_to_end(digest)
            if len(self._places) > _RESUMED:
                self._places.popitem(last=False)


def whole(data: bytes) -> int:
    """Return where to cut `data`, which goes on: behind the last line that ends near its end, or a character."""
    line = data.rfind(b"\n", max(0, len(data) - _LOOK))
    if line >= 0:
        return line + 1
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
        if byte < 0x80:
            break
    return len(data)


def _damaged(stored: Stored, what: str) -> Tampered:
    return Tampered(f"blob {stored.digest[:12]}… {what}", "run `benchledger verify`")


class _Plain:
    """Reads stored bytes that are the plain ones, forwards; `place` is where it stands."""

    def __init__(self, stored: Stored, handle: sqlite3.Blob, place: int = 0) -> None:
        self.stored, self.place = stored, place
        self.handle = handle
        self.stored_place = place

    def copy(self, handle: sqlite3.Blob) -> Self:
        made = type(self)(self.stored, handle, self.place)
        made.stored_place = self.stored_place
        return made

    def read(self, most: int) -> bytes:
        """Return at most `most` bytes, b"" at the end alone."""
        data = self._more(most)
        self.place += len(data)
        if self.place > self.stored.size:
            raise _damaged(self.stored, f"has more bytes than the {self.stored.size} that its row says")
        return data

    def _more(self, most: int) -> bytes:
        self.handle.seek(self.stored_place)
        data = self.handle.read(most)
        self.stored_place += len(data)
        return data

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes; fewer only at the end."""
        found = []
        while count > 0 and (data := self.read(min(count, _PIECE))):
            found.append(data)
            count -= len(data)
        return b"".join(found)

    def skip(self, count: int) -> None:
        """Go on by `count` bytes."""
        while count > 0 and (data := self.read(min(count, _PIECE))):
            count -= len(data)

    def end(self) -> None:
        """Raise Tampered unless everything was read and is as long as the row says."""
        if self.place != self.stored.size:
            raise _damaged(self.stored, f"has {self.place} bytes where its row says {self.stored.size}")
        if self.stored_place != self.stored.length:
            raise _damaged(self.stored, "has bytes left over after unpacking")


class _Packed(_Plain):
    """Unpacks zlib, never more than is asked for: a few stored bytes may stand for a gigabyte."""

    def __init__(self, stored: Stored, handle: sqlite3.Blob, place: int = 0) -> None:
        super().__init__(stored, handle, place)
        self.stored_place = 0
        self.unpacker = zlib.decompressobj()
        self.waiting = b""

    def copy(self, handle: sqlite3.Blob) -> Self:
        made = super().copy(handle)
        made.unpacker, made.waiting = self.unpacker.copy(), self.waiting
        return made

    def read(self, most: int) -> bytes:
        """Return at most `most` bytes, b"" at the end alone."""
        while not self.unpacker.eof:
            waiting = self.waiting or self._more(_PIECE >> 2)
            try:
                data = self.unpacker.decompress(waiting, most)
            except zlib.error as error:
                raise _damaged(self.stored, f"cannot be unpacked: {error}") from error
            self.waiting = self.unpacker.unconsumed_tail
            self.place += len(data)
            if self.place > self.stored.size:
                raise _damaged(self.stored, f"has more bytes than the {self.stored.size} that its row says")
            if data:
                return data
            if not waiting and not self.unpacker.eof:
                raise _damaged(self.stored, "cannot be unpacked: it ends too early")
        return b""

    def end(self) -> None:
        """Raise Tampered unless everything was read and is as long as the row says."""
        super().end()
        if self.waiting or self.unpacker.unused_data:
            raise _damaged(self.stored, "has bytes left over after unpacking")
