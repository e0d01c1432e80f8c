"""Folders copied as they are: links stay links, and what is no file, folder or link is left out.

Meant for folders in which nobody works any more, or not yet.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchledger.runners.host import undisturbed
from benchledger.schema.errors import SandboxFailed

__all__ = [
    "Copied",
    "copy_tree",
    "hand_over",
    "let_in",
    "remove_surely",
    "remove_tree",
    "replacing",
    "walk",
]


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours, whatever modes a program gave to what is in it; what is gone is no error."""
    for name, folders, _ in os.walk(folder):
        for each in folders:
            path = Path(name, each)
            with contextlib.suppress(FileNotFoundError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def remove_surely(folder: Path) -> KeyboardInterrupt | None:
    """Remove a folder of ours all the same where Ctrl-C comes between; return that."""
    try:
        remove_tree(folder)
    except KeyboardInterrupt as error:
        return remove_surely(folder) or error
    return None


def hand_over(root: Path, owner: tuple[int, int]) -> None:
    """Give a folder and all below it to another user. No link is followed.

    A file that has another name is left out: that name may be of a file which is none of ours.
    """
    os.chown(root, *owner, follow_symlinks=False)
    for path, status in walk(root):
        if stat.S_ISDIR(status.st_mode) or status.st_nlink == 1:
            os.chown(path, *owner, follow_symlinks=False)


def let_in(folder: Path) -> None:
    """See that another user can reach `folder`: a private folder above it is made passable, not readable.

    Only one that was made for this purpose, directly below the folder of temporary files; raises
    SandboxFailed for any other.
    """
    root = Path(tempfile.gettempdir()).resolve()
    for above in folder.resolve().parents:
        status = above.stat()
        if status.st_mode & 0o001:
            continue
        if above.parent != root or status.st_uid != os.geteuid():
            raise SandboxFailed(f"{above} lets no other user pass, and so no program of one in {folder}")
        above.chmod(stat.S_IMODE(status.st_mode) | 0o011)


class Copied:
    """What a copy left out: devices and the like, and files beyond the cap."""

    def __init__(self) -> None:
        """Start with nothing left out."""
        self.skipped: list[str] = []
        self.beyond_cap = False


def walk(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield all below `root` with its status, folders before what is in them, no link followed."""
    for name, folders, files in os.walk(root):
        folders.sort()
        for each in sorted([*folders, *files]):
            path = Path(name, each)
            yield path, path.lstat()


def copy_tree(source: Path, target: Path, owner: tuple[int, int], cap: float = float("inf")) -> Copied:
    """Copy all below `source` into the folder `target`, for `owner` (uid, gid; -1 for our own).

    Set-id bits are dropped, and the owner may read and write everything. Hard links become copies.
    """
    result, left = Copied(), cap
    for path, status in walk(source):
        new, mode = target / path.relative_to(source), status.st_mode
        if stat.S_ISDIR(mode):
            new.mkdir()
            new.chmod(mode & 0o777 | 0o700)
        elif stat.S_ISLNK(mode):
            new.symlink_to(path.readlink())
        elif stat.S_ISREG(mode) and status.st_size <= left:
            left -= status.st_size
            _copy_file(path, new, status)
        else:
            result.beyond_cap |= stat.S_ISREG(mode)
            result.skipped.append(str(path.relative_to(source)))
            continue
        if owner != (-1, -1):
            os.chown(new, *owner, follow_symlinks=False)
    return result


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield a fresh folder that takes the place of `folder` at the end; after an error all stays as it was."""
    folder = folder.resolve()
    # on the same disk, so that both moves are renames
    fresh = Path(tempfile.mkdtemp(prefix=".fresh-", dir=folder.parent))
    old = fresh.with_name(f"{fresh.name}.old")
    try:
        yield fresh
        fresh.chmod(stat.S_IMODE(folder.stat().st_mode))
        with undisturbed():
            folder.rename(old)
            fresh.rename(folder)
    finally:
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(fresh, ignore_errors=True)


def _copy_file(path: Path, new: Path, status: os.stat_result) -> None:
    reading = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    writing = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
        os.fchmod(sink.fileno(), status.st_mode & 0o777 | 0o600)
    os.utime(new, ns=(status.st_mtime_ns, status.st_mtime_ns))
