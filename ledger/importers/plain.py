"""The plain bytes of a file or of standard input: unpacked, hashed, counted, foreign errors translated."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from blake3 import blake3

from benchledger.schema.errors import BadInput, BenchledgerError, NoAccess, UsageError

__all__ = ["Plain", "open_plain", "printable"]

_GZIP = b"\x1f\x8b"


def open_plain(path: str, max_unpacked: int) -> Plain:
    """Open the file at `path`, or standard input where it is `-`.

    Raises UsageError where there is no such regular file, NoAccess where the system refuses it.
    """
    if path == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed", "name a file, or pipe the records in")
        return Plain("stdin", sys.stdin.buffer, max_unpacked, owned=False)
    stream = _open(path)
    name = printable(os.path.basename(path))  # noqa: PTH119 - bytes that are no UTF-8 pass through
    try:
        return Plain(name, stream, max_unpacked, owned=True)
    except BenchledgerError:
        stream.close()
        raise


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Rejoined:
    """A stream whose first bytes were taken off to look at them."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int, /) -> bytes:
        if not self._head:
            return self._rest.read(size)
        taken, self._head = self._head[:size], self._head[size:]
        return taken + self._rest.read(size - len(taken)) if len(taken) < size else taken


class Plain(io.RawIOBase):
    """A raw stream of plain bytes. `packed` says that they come out of gzip, `ended` that all were read.

    Reading raises BadInput where gzip data is damaged, cut off or too large, NoAccess where
    the system refuses.
    """

    def __init__(self, name: str, stream: BinaryIO, max_unpacked: int, *, owned: bool) -> None:
        """Read from `stream`, and close it with this one where it is `owned`."""
        super().__init__()
        self.name, self.size, self.ended, self.hasher = name, 0, False, blake3()
        self._limit = max_unpacked
        self._owned = stream if owned else None
        try:
            head = stream.read(len(_GZIP))
        except OSError as error:
            raise _refused(name, error) from error
        self.packed = head == _GZIP
        joined: _Readable = _Rejoined(head, stream)
        # gzip asks its file for nothing but read()
        self._stream = gzip.GzipFile(fileobj=joined, mode="rb") if self.packed else joined  # type: ignore[call-overload]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        self.hasher.update(data)
        self.size += len(data)
        self.ended = not data
        if self.packed and self.size > self._limit:
            raise BadInput(
                f"{self.name} unpacks to more than {self._limit} bytes", "split it into smaller files"
            )
        return len(data)

    def _read(self, size: int) -> bytes:
        again = "pack or fetch the file again"
        try:
            data: bytes = self._stream.read(size)
        except EOFError as error:
            raise BadInput(
                f"{self.name}: the gzip data is cut off after {self.size} plain bytes", again
            ) from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise BadInput(f"{self.name}: the gzip data is damaged ({error})", again) from error
        except OSError as error:
            raise _refused(self.name, error) from error
        return data

    def close(self) -> None:
        if self._owned is not None:
            self._owned.close()
        super().close()


def _open(path: str) -> BinaryIO:
    shown = printable(path)
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - before opening: a FIFO would block, a device might act
        if stat.S_ISDIR(mode):
            raise UsageError(f"{shown} is a folder", "name the file in it that holds the records")
        if not stat.S_ISREG(mode):
            raise UsageError(f"{shown} is a pipe, socket or device", "pipe it in and write `-` for the file")
        return Path(path).open("rb")
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UsageError(f"there is no file {shown}", "check the path; `-` reads standard input") from error
    except OSError as error:
        raise _refused(shown, error) from error


def _refused(name: str, error: OSError) -> NoAccess:
    return NoAccess(f"{name} cannot be read: {error.strerror or error}")


def printable(text: str) -> str:
    """Return `text` on one line: control characters and bytes that are no UTF-8 (surrogates) replaced."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
