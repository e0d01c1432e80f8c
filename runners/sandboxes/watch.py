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

# Seconds between two looks, and at least so many where the cap is near; a look in so many times its cost.
_GAP = 0.1
_LEAST_GAP = 0.01
_SHARE = 20


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
    """Looks now and then, and sooner where the files grow towards their cap.

    Where nothing grows it uses at most a twentieth of a processor, and never more than half of one.
    """

    def __init__(
        self,
        limits: Limits,
        disk_bytes: int,
        disk_used: Callable[[], int],
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        """Start the clock of `limits.seconds`.

        `cost` is the clock that a look is billed by: that of the processor, for on a busy machine
        the other one would make us look seldom. Where somebody else does the work it is `monotonic`.
        """
        self._limits, self._disk, self._used, self._cost = limits, disk_bytes, disk_used, cost
        started = time.monotonic()
        self._end = started + limits.seconds if limits.seconds else float("inf")
        # as if all had been written since the start, until a second look knows better
        self._seen = (started, 0)
        self._next = {"disk": started + _GAP, "processes": started + _GAP}

    def wait_seconds(self) -> float:
        """Return for how long nothing needs a look."""
        return max(0.0, min(self._end, *self._next.values()) - time.monotonic())

    def look(self, family: Family | None = None) -> Breach | None:
        """Return the limit that is broken, if any. `family`: count its memory and processes as well."""
        now = time.monotonic()
        if now >= self._end:
            return "seconds"
        if now >= self._next["disk"] and self._disk_is_full():
            return "disk"
        if now >= self._next["processes"]:
            before = self._cost()
            broken = self._processes(family) if family else None
            self._later("processes", self._cost() - before)
            return broken
        return None

    def _disk_is_full(self) -> bool:
        before, began = self._cost(), time.monotonic()
        used = self._used()
        cost = self._cost() - before
        since, last = self._seen
        self._seen = (began, used)
        rate = (used - last) / max(began - since, 1e-3)
        # half way to the cap, for it may grow faster still
        self._later("disk", cost, (self._disk - used) / rate / 2 if rate > 0 else float("inf"))
        return used >= self._disk

    def _processes(self, family: Family) -> Breach | None:
        pids = family.members()
        if self._limits.pids and len(pids) > self._limits.pids:
            return "pids"
        memory = self._limits.memory_mb
        return "memory" if memory and resident_bytes(pids) > memory << 20 else None

    def _later(self, what: str, cost: float, at_most: float = float("inf")) -> None:
        wait = max(min(max(_GAP, _SHARE * cost), at_most), _LEAST_GAP, cost)
        self._next[what] = time.monotonic() + wait
