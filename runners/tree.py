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
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from blake3 import blake3

__all__ = ["Bounds", "Entry", "Found", "Scan", "children", "scan", "shown", "walk"]

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
class Entry:
    """What stands at one path. `digest` is BLAKE3 of the content, or of a link's target.

    `size` in bytes, `mode` the permission bits. `cut` says that the file is larger than what was
    hashed; where nothing could be read the digest is empty.
    """

    kind: str
    digest: str
    size: int
    mode: int
    cut: bool = False


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
        with os.scandir(folder) as listing:
            # One more than allowed, so that a full house and a flood can be told apart.
            return sorted(entry.name for entry in islice(listing, self.bounds.files + 1))

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


@dataclass(slots=True)
class Scan:
    """A folder as it stands: entries by shown path, contents of small files that were asked for."""

    entries: dict[str, Entry] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def scan(
    root: Path,
    bounds: Bounds,
    skip: Callable[[str], bool] = lambda _path: False,
    keep: Callable[[str, str], bool] = lambda _path, _digest: False,
    first: Collection[str] = (),
) -> Scan:
    """Record what `root` holds; `keep` (path, digest) says whose content is wanted, within bounds.

    `first` are paths to read before all others, so that a flood of new files, whatever their
    names, cannot push them over a bound.
    """
    made = Scan()
    room = _Room(bounds)
    known: set[str] = set()
    if first:
        tree = children(first)
        for found in walk(root, bounds, [], skip, lambda prefix: tree.get(prefix, ())):
            room.take(found, made, keep)
            known.add(found.path)
    for found in walk(root, bounds, made.notes, lambda path: path in known or skip(path)):
        if len(made.entries) >= bounds.files + len(known):
            made.notes.append(f"more than {bounds.files} new files, the rest is left out")
            break
        room.take(found, made, keep)
    return made


def children(paths: Iterable[str]) -> dict[str, set[str]]:
    """Return prefix with its slash ("" at the top) -> names below it, for `walk` to look for."""
    tree: dict[str, set[str]] = {}
    for path in paths:
        parts = path.split("/")
        for depth, name in enumerate(parts):
            tree.setdefault("".join(f"{part}/" for part in parts[:depth]), set()).add(name)
    return tree


@dataclass(slots=True)
class _Room:
    """How much of the bounds is used up."""

    bounds: Bounds
    hashed: int = 0
    kept: int = 0

    def take(self, found: Found, made: Scan, keep: Callable[[str, str], bool]) -> None:
        limit = min(self.bounds.hashed_per_file, self.bounds.hashed - self.hashed)
        entry, content = _entry(found, limit, self.bounds.kept_per_file, made.notes)
        path = shown(found.path)
        while path in made.entries:  # two names that are shown alike stay two
            path += "?"
        made.entries[path] = entry
        self.hashed += min(entry.size, limit) if entry.kind == "file" else 0
        room = content is not None and self.kept + len(content) <= self.bounds.kept
        if content is not None and room and keep(path, entry.digest):
            made.contents[path] = content
            self.kept += len(content)


def _entry(found: Found, limit: int, keep: int, notes: list[str]) -> tuple[Entry, bytes | None]:
    """Return the entry, and its content where it has at most `keep` bytes and none is missing."""
    content: bytes | None = None
    digest, size = "", found.size
    try:
        if found.kind == "link":
            content = found.target()
            digest = blake3(content).hexdigest()
        elif found.kind == "file":
            hasher, read, pieces = blake3(), 0, []
            for chunk in found.read(limit):
                hasher.update(chunk)
                read += len(chunk)
                if read <= keep:
                    pieces.append(chunk)
            digest, size = hasher.hexdigest(), max(size, read)
            if read == size and read <= keep:
                content = b"".join(pieces)
    except OSError as error:
        notes.append(f"{shown(found.path)}: cannot be read: {error.strerror or error}")
        digest = ""
    cut = found.kind == "file" and size > limit
    if cut:
        notes.append(f"{shown(found.path)}: {size} bytes, only the first {limit} were read")
    return Entry(found.kind, digest, size, found.mode, cut), content
