"""Running one command of ours as a plain process: own session, clean environment, bounded output."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from benchledger.schema.errors import EnvironmentLacks

__all__ = ["OUTPUT", "Ran", "bounded", "clean_environment", "run_plain", "toolchain_environment"]

OUTPUT = 256 << 10  # bytes kept of each stream: the head and the tail
_FILE_BLOCKS = 1 << 20  # of 512 bytes: no file of a command grows beyond 512 MiB, its output included
_LIMITS = f'ulimit -c 0; ulimit -f {_FILE_BLOCKS}; exec "$@"'

Ran = tuple[int | None, bool, bytes, bytes]


def clean_environment(home: Path) -> dict[str, str]:
    """Return what a command needs to find its toolchain, and nothing else of the caller's."""
    made = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    return made | toolchain_environment()


def toolchain_environment() -> dict[str, str]:
    """Return what a toolchain of this machine wants to know besides PATH.

    rustup's rustc looks for its toolchains below the real HOME unless told.
    """
    made = {}
    for name, usual in (("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")):
        place = Path(os.environ.get(name) or Path.home() / usual)
        if place.is_dir():
            made[name] = str(place)
    return made


def run_plain(argv: Sequence[str], cwd: Path, seconds: float, more: Mapping[str, str] = {}) -> Ran:
    """Run `argv` in `cwd`, with `more` variables; return (exit code, timed out, stdout, stderr).

    A death by signal n has the exit code 128 + n, as in a shell; a command that runs into the
    limit has none. Its session is killed at the end either way. This is no security boundary.
    Raises EnvironmentLacks where the machine has no such command.
    """
    scratch = tempfile.TemporaryDirectory(prefix="benchledger-run-", ignore_cleanup_errors=True)
    with scratch as home, contextlib.ExitStack() as files:
        out, err = (files.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        environment = clean_environment(Path(home)) | dict(more)
        process = subprocess.Popen(
            ["/bin/sh", "-c", _LIMITS, "sh", *argv],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if code in {126, 127} and not _exists(argv[0], cwd, environment["PATH"]):
            raise EnvironmentLacks(f"{argv[0]} is not installed", "install it, or put it into PATH")
        if code is not None and code < 0:
            code = 128 - code
        return code, code is None, _bounded(out), _bounded(err)


def _exists(command: str, cwd: Path, path: str) -> bool:
    if "/" in command:
        return (cwd / command).exists()
    return any((Path(folder) / command).exists() for folder in path.split(os.pathsep))


def _bounded(stream: IO[bytes]) -> bytes:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size <= OUTPUT:
        return stream.read()
    head = stream.read(OUTPUT // 2)
    stream.seek(size - OUTPUT // 2)
    return _joined(head, size, stream.read())


def bounded(data: bytes) -> bytes:
    """Return head and tail of an output, with what was left out named between them."""
    if len(data) <= OUTPUT:
        return data
    return _joined(data[: OUTPUT // 2], len(data), data[-(OUTPUT // 2) :])


def _joined(head: bytes, size: int, tail: bytes) -> bytes:
    return head + f"\n… {size - OUTPUT} bytes left out …\n".encode() + tail
