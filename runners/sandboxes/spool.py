"""Streams of a program: kept in a file up to a cap, drained for ever."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from threading import Thread

__all__ = ["CHUNK", "Spool", "drain"]

CHUNK = 1 << 16


class Spool:
    """The first `cap` bytes of a stream; the rest is counted and dropped."""

    def __init__(self, cap: int) -> None:
        """Open the file; it has no name, so that nothing is left of it."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._cap = cap
        self._failure: OSError | None = None
        self.seen = 0

    @property
    def truncated(self) -> bool:
        """Whether the stream went beyond the cap."""
        return self.seen > self._cap

    def write(self, data: bytes | memoryview) -> None:
        """Take a chunk. Where the disk is full it is dropped, for the program must not wait; `take` says so."""
        room = self._cap - self.seen
        self.seen += len(data)
        if room > 0 and self._failure is None and not self._file.closed:
            try:
                self._file.write(data[:room])
            except OSError as error:
                self._failure = error

    def take(self) -> bytes:
        """Return what was kept; raises OSError where the host had no room for it."""
        if self._failure is not None:
            raise self._failure
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """Forget it."""
        with contextlib.suppress(OSError):  # it may hold what a full disk did not take
            self._file.close()


def drain(descriptor: int, *takers: Callable[[bytes], None]) -> Thread:
    """Read `descriptor` to its end in a thread that closes it. A program never waits for a full pipe."""

    def read() -> None:
        try:
            while data := os.read(descriptor, CHUNK):
                for take in takers:
                    take(data)
        except OSError:
            pass  # EIO: the last one has closed the pseudo-terminal
        finally:
            os.close(descriptor)

    thread = Thread(target=read, daemon=True)
    thread.start()
    return thread
