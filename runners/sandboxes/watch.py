"""What no kernel limit holds for us: seconds, bytes of files, and memory and processes without a group."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from benchledger.runners.sandboxes.process import Family, resident_bytes
from benchledger.schema.task import Limits

__all__ = ["Breach", "Watch", "apparent_bytes"]

Breach = Literal["seconds", "disk", "memory", "pids"]

# A file costs its place in a folder too: many empty ones fill a disk as well.
_ENTRY_BYTES = 512


def apparent_bytes(roots: Iterable[Path], stop_at: float = float("inf")) -> int:
    """Return the size of all that lies below `roots`, links not followed; may stop early beyond `stop_at`."""
    total, folders = 0, [os.fspath(root) for root in roots]
    while folders and total <= stop_at:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    total += _ENTRY_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue  # the program removes what we look at
    return total


class Watch:
    """Looks now and then, never using more than a twentieth of a processor."""

    def __init__(self, limits: Limits, disk_bytes: int, disk_used: Callable[[], int]) -> None:
        """Start the clock of `limits.seconds`."""
        self._limits, self._disk, self._used = limits, disk_bytes, disk_used
        self._end = time.monotonic() + limits.seconds if limits.seconds else float("inf")
        first = time.monotonic() + 0.1
        self._next = {"disk": first, "processes": first}

    def wait_seconds(self) -> float:
        """Return for how long nothing needs a look."""
        return max(0.0, min(self._end, *self._next.values()) - time.monotonic())

    def look(self, family: Family | None = None) -> Breach | None:
        """Return the limit that is broken, if any. `family`: count its memory and processes as well."""
        now = time.monotonic()
        if now >= self._end:
            return "seconds"
        if now >= self._next["disk"]:
            used = self._used()
            self._later("disk", now)
            if used >= self._disk:
                return "disk"
        if now >= self._next["processes"]:
            broken = self._processes(family) if family else None
            self._later("processes", now)
            return broken
        return None

    def _processes(self, family: Family) -> Breach | None:
        pids = family.members()
        if self._limits.pids and len(pids) > self._limits.pids:
            return "pids"
        memory = self._limits.memory_mb
        return "memory" if memory and resident_bytes(pids) > memory << 20 else None

    def _later(self, what: str, started: float) -> None:
        now = time.monotonic()
        self._next[what] = now + max(0.1, 20 * (now - started))
