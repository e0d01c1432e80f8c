"""Control groups of an attempt's own, where the machine lets us make them (versions 1 and 2)."""

from __future__ import annotations

import contextlib
import os
import re
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchledger.runners.host import process_namespace, process_start
from benchledger.schema.task import Limits

__all__ = ["Group", "group_name", "remove_abandoned"]

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
# the stage and its init are counted by the kernel, and are none of the program's
_OWN_PIDS = 2
_NAME = re.compile(r"benchledger-([0-9]+)-([0-9]+)-([0-9]+)-[0-9a-f]+")


@dataclass
class Group:
    """One folder per controller in version 1, one for all in version 2. Missing controllers are left out."""

    folders: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def make(cls, name: str, limits: Limits) -> Group:
        """Return a group that holds as many of `limits` as can be had; `held` says which."""
        made = cls()
        for controller, files in _wanted(limits).items():
            folder = made._folder(controller, name)
            if folder is None:
                continue
            with contextlib.suppress(OSError):
                for file, value, needed in files:
                    path = folder / file
                    if needed or path.exists():
                        path.write_text(str(value))
                made.folders[controller] = folder
        return made

    @property
    def held(self) -> list[str]:
        """The controllers that hold a limit."""
        return sorted(self.folders)

    def join(self, pid: int) -> None:
        """Put a process, and so its children to come, under the limits."""
        for controller, folder in list(self.folders.items()):
            try:
                (folder / "cgroup.procs").write_text(str(pid))
            except OSError:
                del self.folders[controller]

    @property
    def oom(self) -> bool:
        """Whether the kernel killed a process of the group for its memory."""
        return self._count("memory", ("memory.oom_control", "memory.events"), "oom_kill") > 0

    @property
    def pids_hit(self) -> bool:
        """Whether a fork was refused."""
        return self._count("pids", ("pids.events",), "max") > 0

    def remove(self) -> None:
        """Remove the folders; the kernel may need a moment after the last process."""
        for folder in set(self.folders.values()):
            for _ in range(50):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.01)
                else:
                    break
        self.folders = {}

    def _folder(self, controller: str, name: str) -> Path | None:
        parent = _parent(controller)
        if parent:
            _remove_once(parent)
        folder = parent / name if parent else None
        try:
            if folder is not None:
                folder.mkdir(exist_ok=True)
        except OSError:
            return None
        return folder

    def _count(self, controller: str, files: tuple[str, ...], key: str) -> int:
        for file in files:
            with contextlib.suppress(OSError, KeyError, ValueError):
                lines = (self.folders[controller] / file).read_text().splitlines()
                return next(int(line.split()[1]) for line in lines if line.split()[0] == key)
        return 0


def group_name(value: str) -> str:
    """Return the name of a group for the attempt `value`; it says whose it is."""
    return f"benchledger-{process_namespace()}-{os.getpid()}-{process_start(os.getpid())}-{value}"


def remove_abandoned(parent: Path) -> int:
    """Remove the empty groups in `parent` whose launcher was killed; return how many. The kernel keeps any other."""
    removed = 0
    for folder in parent.glob("benchledger-*"):
        found = _NAME.fullmatch(folder.name)
        if found and found[1] == process_namespace() and process_start(int(found[2])) != found[3]:
            with contextlib.suppress(OSError):
                if folder.stat().st_uid == os.geteuid():
                    folder.rmdir()
                    removed += 1
    return removed


@cache
def _remove_once(parent: Path) -> None:
    with contextlib.suppress(OSError):
        remove_abandoned(parent)


def _wanted(limits: Limits) -> dict[str, list[tuple[str, int | str, bool]]]:
    """Return per controller the files to write: name, value, whether the limit needs it."""
    unified = (_ROOT / "cgroup.controllers").exists()
    wanted: dict[str, list[tuple[str, int | str, bool]]] = {}
    if limits.memory_mb:
        size = limits.memory_mb << 20
        wanted["memory"] = (
            [("memory.max", size, True), ("memory.swap.max", 0, False)]
            if unified
            else [("memory.limit_in_bytes", size, True), ("memory.memsw.limit_in_bytes", size, False)]
        )
    if limits.pids:
        wanted["pids"] = [("pids.max", limits.pids + _OWN_PIDS, True)]
    if limits.cpus:
        quota = int(limits.cpus * _PERIOD_US)
        wanted["cpu"] = (
            [("cpu.max", f"{quota} {_PERIOD_US}", True)]
            if unified
            else [("cpu.cfs_period_us", _PERIOD_US, True), ("cpu.cfs_quota_us", quota, True)]
        )
    return wanted


def _parent(controller: str) -> Path | None:
    """Return the folder in which a group can be made: our own in version 1, its parent in version 2.

    In version 2 a group that holds processes, as ours does, cannot have limited children.
    """
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                return _ROOT / controllers / path.lstrip("/")
            if controllers == "" and (_ROOT / "cgroup.controllers").exists():
                above = (_ROOT / path.lstrip("/")).parent if path != "/" else _ROOT
                if controller in (above / "cgroup.subtree_control").read_text().split():
                    return above
    return None
