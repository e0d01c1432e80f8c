"""A folder as it stands: what lies at each path, by digest, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from benchledger.runners.tree import Bounds, Found, children, shown, walk

__all__ = ["Entry", "Scan", "scan"]


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
