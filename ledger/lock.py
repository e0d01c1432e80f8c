"""One writer at a time: an advisory lock in a file beside the ledger.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write and checkpoint
at the same moment (the WAL-reset bug, mended in 3.51.3), so appends and checkpoints are
serialised here. A lock on the database file itself would be dropped by SQLite's own closes.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchledger.schema.errors import LedgerBusy

__all__ = ["WriterLock"]


class WriterLock:
    """An exclusive lock over threads and processes, held for one transaction at a time."""

    def __init__(self, ledger: Path, timeout_s: float = 60.0) -> None:
        """Open the lock file `<ledger>-lock` (made where it is not there)."""
        self._path = ledger.with_name(ledger.name + "-lock")
        self._timeout_s = timeout_s
        self._thread = threading.RLock()
        self._depth = 0
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; raises LedgerBusy where another holds it for longer than the time limit."""
        with self._thread:
            if self._depth == 0:
                self._acquire()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    fcntl.flock(self._file, fcntl.LOCK_UN)

    def _acquire(self) -> None:
        pause = 0.0002
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LedgerBusy(f"{self._path} has been held for {self._timeout_s:.0f} s") from None
                time.sleep(pause)
                pause = min(pause * 1.5, 0.005)
            else:
                return

    def close(self) -> None:
        """Close the lock file; it stays on disk, for a file that is removed can be locked twice."""
        os.close(self._file)
