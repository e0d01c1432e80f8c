"""The processes of one attempt, as /proc knows them: found by descent and by marker, counted, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchledger.runners.sandboxes.port import MARKER
from benchledger.schema.errors import SandboxFailed

__all__ = ["Family", "resident_bytes"]

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
KILL_SECONDS = 10.0


class Family:
    """All processes of an attempt but its stage: those below the stage, and those that carry the marker.

    The stage is the parent of every orphan, so that a daemon stays below it. The marker finds what
    has escaped a stage that was killed. Without /proc there is only the process group.
    """

    def __init__(self, stage: int, value: str, *, init: bool) -> None:
        """Know the stage, the marker's value, and whether the stage's child is an init of its own."""
        self._stage, self._init = stage, init
        self._marker = f"{MARKER}={value}".encode()

    def members(self, *, marked: bool = False) -> list[int]:
        """Return the pids, zombies left out; `marked` reads every environment too, which is slower."""
        if not _PROC.is_dir():
            return []
        table = dict(_table())
        spared = {self._stage, *self._inits(table)}
        found = set(_below(self._stage, table))
        if marked:
            found |= {pid for pid in table if self._carries(pid)}
        return sorted(pid for pid in found - spared if table[pid][1] not in "ZX")

    def terminate(self) -> None:
        """Ask all of them to end."""
        _signal(self.members(marked=True), signal.SIGTERM)

    def kill(self) -> int:
        """Kill until none is left; return how many there were at first.

        SandboxFailed where some cannot be killed.
        """
        first = left = self.members(marked=True)
        end = time.monotonic() + KILL_SECONDS
        # with its init the kernel ends a whole namespace, however fast it forks
        _signal(self._inits(dict(_table())) if _PROC.is_dir() else [], signal.SIGKILL)
        while left:
            # stopped first, for a killed one makes room for another fork
            _signal(left, signal.SIGSTOP)
            now = self.members(marked=True)
            if set(now) <= set(left):
                _signal(now, signal.SIGKILL)
                time.sleep(0.001)
            if time.monotonic() > end:
                raise SandboxFailed(f"{len(left)} processes outlive SIGKILL: {left[:5]}")
            left = self.members(marked=True)
        return len(first)

    def _inits(self, table: dict[int, tuple[int, str]]) -> list[int]:
        return [pid for pid, (parent, _) in table.items() if self._init and parent == self._stage]

    def _carries(self, pid: int) -> bool:
        try:
            return self._marker in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            return False


def resident_bytes(pids: Iterable[int]) -> int:
    """Return the memory that these processes hold; pages that they share count for each."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (_PROC / str(pid) / "statm").read_text().split()
            total += (int(fields[1]) - int(fields[2])) * _PAGE
    return total


def _table() -> Iterator[tuple[int, tuple[int, str]]]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                # the name of a process may hold spaces and brackets: what follows starts at the last one
                fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
                yield int(entry.name), (int(fields[1]), fields[0].decode())


def _below(root: int, table: dict[int, tuple[int, str]]) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    front = [root]
    while front:
        front = [child for pid in front for child in children.get(pid, ())]
        yield from front


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)
