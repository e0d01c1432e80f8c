"""Folders that are made once and used by many: one maker at a time, sealed, looked over, removed."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchledger.schema.frame import blob_digest

__all__ = ["data_root", "locked", "remove_sealed", "seal", "state_of"]


def data_root() -> Path:
    """Return $XDG_DATA_HOME/benchledger."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "benchledger"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made where it is missing, against every other process that does the same."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def seal(folder: Path) -> None:
    """Take from everybody the right to write there; root and the owner can give it back."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)


def state_of(folder: Path) -> str:
    """Return a digest of names, modes, sizes and times, which are quick to read.

    Not of the times of folders: agents touch those to mark a cache as in use, and a name that
    comes or goes shows by itself.
    """
    lines = []
    for path in sorted([folder, *folder.rglob("*")]):
        seen = path.lstat()
        content = (0, 0) if stat.S_ISDIR(seen.st_mode) else (seen.st_size, seen.st_mtime_ns)
        lines.append(f"{path.relative_to(folder)}\0{seen.st_mode}\0{content[0]}\0{content[1]}")
    return blob_digest("\n".join(lines).encode("utf-8", "surrogateescape"))


def remove_sealed(folder: Path) -> None:
    """Remove a folder, a sealed one too."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)  # a read-only folder could not be emptied
    shutil.rmtree(folder, ignore_errors=True)
