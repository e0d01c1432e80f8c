"""Facts about this machine that belong to the condition of a run, and which launcher is at work."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

from blake3 import blake3

__all__ = ["host_facts", "launcher", "launcher_is_gone", "process_start"]


def host_facts() -> dict[str, Any]:
    """Return system, processor, memory (MiB) and the launcher; nothing that names user or machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpus": os.cpu_count() or 1,
        "memory_mb": pages >> 20,
        "launcher": launcher(),
    }


def launcher() -> str:
    """Return a name for this process that no other has had since the machine started."""
    return f"{_boot()}/{os.getpid()}/{process_start(os.getpid())}"


def launcher_is_gone(name: object) -> bool:
    """Return whether a launcher ran on this machine, since its start, and is there no more."""
    parts = str(name).split("/")
    if len(parts) != 3 or parts[0] != _boot() or not parts[1].isdigit():
        return False
    return process_start(int(parts[1])) != parts[2]


@cache
def _boot() -> str:
    """Return a digest of the machine's current start; only a digest, for the id itself is private."""
    path = Path("/proc/sys/kernel/random/boot_id")
    text = path.read_text() if path.exists() else platform.node()
    return blake3(text.strip().encode()).hexdigest()[:16]


def process_start(pid: int) -> str:
    """Return when a process started, in ticks since the machine did; "-" where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "-"
