"""The processes of one attempt, as /proc knows them: found by descent and by marker, counted, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from benchledger.runners.sandboxes.port import MARKER, User
from benchledger.schema.errors import SandboxFailed

__all__ = ["Family", "processes_of", "resident_bytes"]

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
KILL_SECONDS = 10.0


class Family:
    """All processes of an attempt but its stage: those below the stage, and those that carry the marker.

    The stage is the parent of every orphan, so that a daemon stays below it. The marker finds what
    has escaped a stage that was killed. Without /proc there is only the process group.
    """

    def __init__(self, stage: int, value: str, *, init: bool, user: User | None = None) -> None:
        """Know the stage, the marker's value, and whether the stage's child is an init of its own.

        `user` is one that no other process of this machine has: all of its processes are the attempt's.
        """
        self._stage, self.has_init, self._user = stage, init, user
        self._marker = f"{MARKER}={value}".encode()

    def members(self, *, marked: bool = False) -> list[int]:
        """Return the pids, zombies left out; `marked` reads every environment too, which is slower.

        Nothing leaves a namespace of processes, so that with an init no marker need be looked for, nor
        can a program of another user kill the stage, so that all of it stays below.
        """
        if not _PROC.is_dir():
            return []
        spared = {self._stage, *self._inits()}
        found = set(_below(self._stage))
        if marked and not self.has_init and not self._user:
            found |= {int(name) for name in _listed("/proc") if self._carries(name)}
        return sorted(pid for pid in found - spared if _lives(pid))

    def terminate(self) -> None:
        """Ask all of them to end; those below the stage at once, for to read every environment takes a while."""
        if self._user:
            _signal_user(self._user, "TERM")
            return
        below = self.members()
        _signal(below, signal.SIGTERM)
        _signal(set(self.members(marked=True)) - set(below), signal.SIGTERM)

    def kill(self) -> int:
        """Kill until none is left; return how many there were at first.

        SandboxFailed where some cannot be killed.
        """
        first = left = self.members(marked=True)
        end = time.monotonic() + KILL_SECONDS
        # with its init the kernel ends a whole namespace, however fast it forks
        _signal(self._inits(), signal.SIGKILL)
        if self._user:
            _signal_user(self._user, "KILL")
        while left:
            # stopped first, for a killed one makes room for another fork
            _signal(left, signal.SIGSTOP)
            now = self.members(marked=True)
            if set(now) <= set(left):
                _signal(now, signal.SIGKILL)
                time.sleep(0.001)
            if time.monotonic() > end:
                raise SandboxFailed(f"{len(left)} processes outlive SIGKILL: {left[:5]}")
            left = [pid for pid in {*left, *self.members(marked=True)} if _lives(pid)]
        return len(first)

    def _inits(self) -> list[int]:
        return _children(self._stage) if self.has_init else []

    def _carries(self, pid: str) -> bool:
        return self._marker in _read(f"/proc/{pid}/environ").split(b"\0")


def processes_of(uid: int) -> list[int]:
    """Return the pids of the living processes of a user, by their real uid."""
    found = []
    for name in _listed("/proc"):
        with contextlib.suppress(OSError, StopIteration, ValueError):
            lines = (_PROC / name / "status").read_text(errors="replace").splitlines()
            if int(next(line for line in lines if line.startswith("Uid:")).split()[1]) == uid:
                found.append(int(name))
    return [pid for pid in found if _lives(pid)]


def resident_bytes(pids: Iterable[int]) -> int:
    """Return the memory that these processes hold; pages that they share count for each."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (_PROC / str(pid) / "statm").read_text().split()
            total += (int(fields[1]) - int(fields[2])) * _PAGE
    return total


def _listed(folder: str) -> list[str]:
    """Return the names that are numbers."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.name.isdigit()]
    except OSError:
        return []


def _read(path: str) -> bytes:
    """Return a file of /proc, nothing where the process is gone. Plain calls: hundreds are read at a time."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        chunks = []
        while chunk := os.read(descriptor, 1 << 16):
            chunks.append(chunk)
        return b"".join(chunks)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _fields(pid: int) -> list[bytes]:
    """Return state, parent and so on. The name may hold spaces and brackets: they start at the last one."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _lives(pid: int) -> bool:
    fields = _fields(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def _children(pid: int) -> list[int]:
    tasks = _listed(f"/proc/{pid}/task")
    return [int(child) for task in tasks for child in _read(f"/proc/{pid}/task/{task}/children").split()]


def _below(root: int) -> Iterator[int]:
    if Path(f"/proc/self/task/{threading.get_native_id()}/children").exists():
        children = _children
    else:  # a kernel without that file: the table of all processes
        parents: dict[int, list[int]] = {}
        for name in _listed("/proc"):
            if fields := _fields(int(name)):
                parents.setdefault(int(fields[1]), []).append(int(name))
        children = partial(_looked_up, parents)
    front = [root]
    while front:
        front = [child for pid in front for child in children(pid)]
        yield from front


def _looked_up(parents: dict[int, list[int]], pid: int) -> list[int]:
    return parents.get(pid, [])


def _signal_user(user: User, name: str) -> None:
    """Signal every process of a user in one step of the kernel's, however fast they fork."""
    # not by a fork of our own: this process has threads
    with contextlib.suppress(OSError):
        subprocess.run(
            ["/bin/sh", "-c", f"kill -{name} -1"], env={}, user=user[0], group=user[1], extra_groups=[],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)
