"""Cut a stream of JSON text into its top-level objects without parsing it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, Self

__all__ = ["Cutter", "Stop"]

_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')
_TEXT = re.compile(rb"[^ \t\r\n]")


class Stop(Exception):
    """An input cannot be read on from this line: nothing tells where the next record starts."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep the line (from 1) and the reason."""
        super().__init__(reason)
        self.line = line
        self.reason = reason

    @classmethod
    def too_long(cls, line: int, limit: int) -> Self:
        """Return the Stop of a record that is larger than `limit` bytes."""
        return cls(line, f"the record is larger than {limit} bytes: split it, or leave long texts out of it")


class Cutter:
    """Cuts objects that follow one another, or the elements of one array; memory is one object.

    Only brackets and strings are told apart: whether an object is JSON is for the parser to say.
    """

    def __init__(self, limit: int, *, array: bool) -> None:
        """Refuse objects larger than `limit` bytes."""
        self._limit = limit
        self._array = array
        # of an array: what may stand next between its elements
        self._next: Literal["[", "first", "element", "comma", "nothing"] = "["
        self._line = 1
        self._piece = bytearray()
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (line on which it starts, bytes) of every object that ends in `chunk`; raises Stop."""
        at = 0
        while at < len(chunk):
            if self._depth == 0:
                at = self._between(chunk, at)
                continue
            end = self._within(chunk, at)
            self._piece += chunk[at:end]
            at = end
            if len(self._piece) > self._limit:
                raise Stop.too_long(self._line, self._limit)
            if self._depth == 0:
                yield self._line, bytes(self._piece)
                self._line += self._piece.count(b"\n")
                self._piece.clear()

    def end(self) -> None:
        """Raise Stop where the input ends in the middle of something."""
        if self._depth:
            raise Stop(self._line, "the file ends within the object that starts here: it was cut off")
        if self._array and self._next != "nothing":
            raise Stop(self._line, "the file ends before the array does: it was cut off")

    def _between(self, chunk: bytes, at: int) -> int:
        """Return where the next object starts, or the position after one mark of the array around it."""
        found = _TEXT.search(chunk, at)
        start = found.start() if found else len(chunk)
        self._line += chunk.count(b"\n", at, start)
        if found is None:
            return start
        mark = found.group().decode("latin-1")
        if mark == "{" and (not self._array or self._next in ("first", "element")):
            self._next, self._depth = "comma", 1
            self._piece += b"{"
        elif not self._array or not self._take(mark):
            raise Stop(self._line, "something other than a JSON object stands here")
        return start + 1

    def _take(self, mark: str) -> bool:
        if mark == "[" and self._next == "[":
            self._next = "first"
        elif mark == "," and self._next == "comma":
            self._next = "element"
        elif mark == "]" and self._next in ("first", "comma"):
            self._next = "nothing"
        else:
            return False
        return True

    def _within(self, chunk: bytes, at: int) -> int:
        """Return the position after the end of the object, or the end of the chunk."""
        if self._escaped:  # the backslash was the last byte of the chunk before
            at, self._escaped = at + 1, False
        while at < len(chunk):
            found = (_INSIDE if self._quoted else _OUTSIDE).search(chunk, at)
            if found is None:
                break
            mark, at = found.group(), found.end()
            if mark == b'"':
                self._quoted = not self._quoted
            elif mark == b"\\":
                self._escaped = at == len(chunk)
                at += 1
            else:
                self._depth += 1 if mark in b"{[" else -1
                if self._depth == 0:
                    return at
        return len(chunk)
