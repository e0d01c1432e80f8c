"""Reading a folder that somebody hostile may have filled: links are never followed, reads are bounded.

Every step goes through the descriptor of its parent folder with O_NOFOLLOW, so that a path
cannot be led elsewhere, not even by a process that is still running. Pipes, sockets and
devices are seen and never opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

__all__ = ["Bounds", "Found", "children", "shown", "walk"]

_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a pipe that took the place of a file must not hold us up
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read at most; sizes in bytes."""

    files: int = 50_000
    depth: int = 100
    hashed_per_file: int = 64 << 20
    hashed: int = 1 << 30
    kept_per_file: int = 1 << 20
    kept: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """One path that a walk met; `read` and `target` work until the walk goes on."""

    path: str
    kind: str
    size: int
    mode: int
    folder: int
    name: str

    def read(self, limit: int) -> Iterator[bytes]:
        """Yield the first `limit` bytes of a regular file in chunks; raises OSError."""
        descriptor = _opened(self.folder, self.name, _FILE)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.path} is no longer a regular file")
            while limit > 0 and (chunk := os.read(descriptor, min(limit, _CHUNK))):
                limit -= len(chunk)
                yield chunk
        finally:
            os.close(descriptor)

    def target(self) -> bytes:
        """Return where a link points; raises OSError."""
        return os.fsencode(os.readlink(self.name, dir_fd=self.folder))


def shown(path: str) -> str:
    """Return a path as text that JSON can say: bytes that are no UTF-8 become backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def walk(
    root: Path,
    bounds: Bounds,
    notes: list[str],
    skip: Callable[[str], bool] = lambda _path: False,
    names: Callable[[str], Iterable[str]] | None = None,
) -> Iterator[Found]:
    """Yield all that is no folder below `root`, in the order of names; `notes` gets what was left out.

    `skip` is asked for each relative path, folders included. `names` (prefix with its slash) says
    which names to look for in a folder, instead of a listing. Folders that forbid reading are
    opened up where we own them. A root that is missing or no folder yields nothing and a note.
    """
    try:
        descriptor = _opened(None, os.fspath(root), _FOLDER)
    except OSError as error:
        notes.append(f"the folder cannot be read: {error.strerror}")
        return
    try:
        yield from _Walk(bounds, notes, skip, names).visit(descriptor, "")
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Walk:
    bounds: Bounds
    notes: list[str]
    skip: Callable[[str], bool]
    names: Callable[[str], Iterable[str]] | None

    def visit(self, folder: int, prefix: str) -> Iterator[Found]:
        for name in self._listed(folder, prefix):
            path = prefix + name
            if self.skip(path):
                continue
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    self.notes.append(f"{shown(path)}: cannot be seen: {error.strerror}")
                continue
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "other")
            if kind == "folder":
                yield from self._descend(folder, name, path)
            else:
                yield Found(path, kind, status.st_size, stat.S_IMODE(status.st_mode), folder, name)

    def _listed(self, folder: int, prefix: str) -> list[str]:
        if self.names is not None:
            return sorted(self.names(prefix))
        limit = self.bounds.files
        with os.scandir(folder) as listing:
            found = [entry.name for entry in islice(listing, limit + 1)]
        if len(found) > limit:
            self.notes.append(
                f"{shown(prefix) or 'the folder'}: more than {limit} names, the rest is left out"
            )
        return sorted(found)

    def _descend(self, folder: int, name: str, path: str) -> Iterator[Found]:
        if path.count("/") + 1 >= self.bounds.depth:
            self.notes.append(f"{shown(path[:80])}…: deeper than {self.bounds.depth} folders, left out")
            return
        try:
            child = _opened(folder, name, _FOLDER)
        except OSError as error:
            self.notes.append(f"{shown(path)}: folder cannot be read: {error.strerror}")
            return
        try:
            yield from self.visit(child, f"{path}/")
        finally:
            os.close(child)


def children(paths: Iterable[str]) -> dict[str, set[str]]:
    """Return prefix with its slash ("" at the top) -> names below it, for `walk` to look for."""
    tree: dict[str, set[str]] = {}
    for path in paths:
        parts = path.split("/")
        for depth, name in enumerate(parts):
            tree.setdefault("".join(f"{part}/" for part in parts[:depth]), set()).add(name)
    return tree


def _opened(folder: int | None, name: str, flags: int) -> int:
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
        if flags & os.O_DIRECTORY and (mode := os.fstat(descriptor).st_mode) & stat.S_IRWXU != stat.S_IRWXU:
            # Names may be listed in it, and nothing below be reached.
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, stat.S_IMODE(mode) | stat.S_IRWXU)
        return descriptor
    except PermissionError:
        # Through a handle of the thing itself: chmod by name would follow a link put there meanwhile.
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            status = os.fstat(handle)
            if stat.S_ISLNK(status.st_mode):
                raise
            os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(status.st_mode) | stat.S_IRWXU)  # noqa: PTH101
        finally:
            os.close(handle)
        return os.open(name, flags, dir_fd=folder)
