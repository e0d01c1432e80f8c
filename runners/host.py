"""Facts about this machine that belong to the condition of a run, and which launcher is at work."""

from __future__ import annotations

import errno
import os
import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from blake3 import blake3

__all__ = [
    "NO_ROOM",
    "host_facts",
    "launcher",
    "launcher_is_gone",
    "process_namespace",
    "process_start",
    "undisturbed",
]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    """Return when a process started, in ticks since the machine did; "-" where it is gone, a zombie included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "-"
    return "-" if fields[0] in ("Z", "X") else fields[19]


@cache
def process_namespace() -> str:
    """Return the namespace in which the pids of this process count; "-" where there is no such thing."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]") or "-"
    except OSError:
        return "-"


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off Ctrl-C, and what is handled alike, to the end of the body: it is done whole, then interrupted.

    Signals are handled in the main thread; in any other one nothing interrupts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handled = {number: handler for number in _INTERRUPTS if callable(handler := signal.getsignal(number))}
    for number in handled:
        signal.signal(number, lambda late, _frame: came.append(late))
    try:
        with ExitStack() as restored:
            # each of them, also where one comes as soon as it may
            for number, handler in handled.items():
                restored.callback(signal.signal, number, handler)
            yield
    finally:
        if came:
            signal.raise_signal(came[0])
