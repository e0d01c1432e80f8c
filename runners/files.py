"""The files of a task's folder, and the digest of a folder.

A digest is BLAKE3, 64 hex digits, over, for each file in the order of its path's bytes: path NUL,
`x` if its owner may execute it else `-`, NUL, length in decimal NUL, bytes. Paths are relative, with
`/`. Empty folders do not count, nor does compiled Python (`__pycache__`, `*.pyc`), which an
installer leaves beside the sources.
"""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from benchledger.runners.tree import Bounds, children, walk
from benchledger.schema.errors import BadInput

__all__ = ["digest_of", "files_of", "folder_digest", "present_digest"]


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (relative path, file) of all that belongs to a folder of a task, in the order of path bytes.

    Raises BadInput for what no task may hold: links, pipes, names that are no UTF-8.
    """
    listed = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    for name in sorted(listed, key=_order):
        path = listed[name]
        mode = path.lstat().st_mode
        if "__pycache__" in name.split("/") or name.endswith(".pyc") or stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode) or not name.isprintable():
            raise BadInput(
                f"{path} is no regular file with a plain name", "tasks hold nothing else; remove it"
            )
        yield name, path


def _order(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def digest_of(files: Iterable[tuple[str, bool, bytes]]) -> str:
    """Return the digest over (path, executable, bytes), which come in the order of path bytes."""
    hasher = blake3()
    for name, executable, data in files:
        hasher.update(f"{name}\0{'x' if executable else '-'}\0{len(data)}\0".encode())
        hasher.update(data)
    return hasher.hexdigest()


def folder_digest(folder: Path) -> str:
    """Return the digest of a folder of a task."""
    return digest_of(
        (name, _executable(path.stat().st_mode), path.read_bytes()) for name, path in files_of(folder)
    )


def present_digest(folder: Path, names: Collection[str]) -> str:
    """Return the digest of those of `names` that are regular files in a folder that is not trusted."""
    tree = children(names)
    bounds, found = Bounds(), {}
    for entry in walk(folder, bounds, [], names=lambda prefix: tree.get(prefix, ())):
        if entry.kind == "file":
            with contextlib.suppress(OSError):  # what cannot be read is as good as gone
                data = b"".join(entry.read(bounds.hashed_per_file))
                found[entry.path] = (entry.path, _executable(entry.mode), data)
    return digest_of(found[name] for name in sorted(found, key=_order))


def _executable(mode: int) -> bool:
    return mode & stat.S_IXUSR != 0
