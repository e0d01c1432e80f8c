"""Folders of cells below that of temporary files; of a launcher that was killed the next one removes them.

Each holds a note of its launcher. A folder is removed only where it is ours, its name is one of our
making, and its note names a launcher of this start of the machine and of this namespace of processes
that is there no more; what has no such note is left alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchledger.runners.host import launcher, launcher_is_gone, process_namespace
from benchledger.runners.sandboxes.trees import remove_tree

__all__ = ["NOTE", "fresh_folder", "remove_abandoned"]

NOTE = ".launcher"
_CELL = re.compile(r"cell-[A-Za-z0-9_]{8}")
_NOTE_BYTES = 200


def fresh_folder(wanted: Path | None = None) -> Path:
    """Make a folder of a cell's own: `wanted` where it is one that this makes and is free, else a new one.

    Only a name of our own making is taken: where the path comes from, in a recorded cell, may be a
    stranger's ledger.
    """
    root = Path(tempfile.gettempdir()).resolve()
    _remove_once(root)
    said, folder = f"{process_namespace()} {launcher()}\n".encode(), None
    if wanted is not None and wanted.parent == root and _CELL.fullmatch(wanted.name):
        with contextlib.suppress(OSError):
            wanted.mkdir(mode=0o700)
            folder = wanted
    # short and below /tmp: sockets that programs make in TMPDIR have at most 107 bytes of path
    folder = folder or Path(tempfile.mkdtemp(prefix="cell-", dir=root))
    # without it, on a full disk or just now, it stays where we are killed
    with contextlib.suppress(OSError), open(folder / NOTE, "xb", 0, opener=_private) as file:
        file.write(said)
    return folder


def remove_abandoned(root: Path) -> int:
    """Remove the folders below `root` whose launcher is gone; return how many."""
    found = list(_abandoned(root))
    for folder in found:
        remove_tree(folder)
    return len(found)


@cache
def _remove_once(root: Path) -> None:
    with contextlib.suppress(OSError):
        remove_abandoned(root)


def _abandoned(root: Path) -> Iterator[Path]:
    for folder in root.glob("cell-*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            if ours and _CELL.fullmatch(folder.name) and _is_gone(folder / NOTE):
                yield folder


def _is_gone(note: Path) -> bool:
    with open(note, "rb", opener=_unfollowed) as file:
        said = file.read(_NOTE_BYTES).decode(errors="replace")
    namespace, _, name = said.removesuffix("\n").partition(" ")
    return said.endswith("\n") and namespace == process_namespace() and launcher_is_gone(name)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _unfollowed(path: str, flags: int) -> int:
    # a pipe in its place would wait for ever
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
