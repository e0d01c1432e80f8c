"""Folders as tar archives, in and out of a container. Nothing that comes out is trusted."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from benchledger.schema.errors import SandboxFailed

__all__ = ["Unpacked", "add_bytes", "add_folder", "add_tree", "replace_folder", "unpack"]

OWNER = 1000


def add_folder(archive: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    """Add an empty folder that belongs to the program."""
    archive.addfile(_owned(tarfile.TarInfo(name), tarfile.DIRTYPE, mode))


def add_bytes(archive: tarfile.TarFile, name: str, data: IO[bytes], size: int) -> None:
    """Add one file of the program's own."""
    info = _owned(tarfile.TarInfo(name), tarfile.REGTYPE, 0o600)
    info.size = size
    archive.addfile(info, data)


def add_tree(archive: tarfile.TarFile, root: Path, name: str) -> None:
    """Add all below `root` as `name`/…; links are added as links, and what is no file is left out."""
    for path, status in _walk(root):
        inner = f"{name}/{path.relative_to(root).as_posix()}"
        mode = stat.S_IMODE(status.st_mode) & 0o777
        info = tarfile.TarInfo(inner)
        info.mtime = int(status.st_mtime)
        if stat.S_ISLNK(status.st_mode):
            info.linkname = os.readlink(path)
            archive.addfile(_owned(info, tarfile.SYMTYPE, 0o777))
        elif stat.S_ISDIR(status.st_mode):
            archive.addfile(_owned(info, tarfile.DIRTYPE, mode))
        elif stat.S_ISREG(status.st_mode):
            # opened first: the size and the bytes are those of one file
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                archive.addfile(_owned(info, tarfile.REGTYPE, mode), file)


class Unpacked:
    """What `unpack` left out: devices and the like, and files beyond the cap."""

    def __init__(self) -> None:
        """Start with nothing left out."""
        self.skipped: list[str] = []
        self.beyond_cap = False


def unpack(stream: IO[bytes], target: Path, cap: int) -> Unpacked:
    """Unpack an archive whose first name is the folder itself, into `target`, a fresh folder.

    Links are made last, so that no name in the archive is ever resolved through one. Hard links
    become copies. Set-id bits are dropped, and the owner may read and write everything.
    SandboxFailed where the bytes are no archive.
    """
    result, links, left = Unpacked(), list[tuple[Path, str]](), cap
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = _inside(member.name, target)
                if path is None:
                    result.skipped.append(member.name)
                elif member.isdir():
                    path.mkdir(parents=True, exist_ok=True)
                    path.chmod(member.mode & 0o777 | 0o700)
                elif member.issym():
                    links.append((path, member.linkname))
                elif member.isreg() and member.size <= left:
                    left -= member.size
                    _write(archive, member, path)
                elif member.islnk():
                    left -= _copy(_inside(member.linkname, target), path, left, result)
                else:
                    result.beyond_cap |= member.isreg()
                    result.skipped.append(member.name)
    except tarfile.TarError as error:
        raise SandboxFailed(f"the workdir did not come out whole: {error}") from error
    for path, goal in links:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(goal)
    return result


def replace_folder(folder: Path, fresh: Path) -> None:
    """Put `fresh` in the place of `folder`, both on one disk."""
    old = folder.with_name(f"{fresh.name}.old")
    fresh.chmod(stat.S_IMODE(folder.stat().st_mode))
    folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old)


def _walk(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for name, folders, files in os.walk(root):
        folders.sort()
        for each in sorted([*folders, *files]):
            path = Path(name, each)
            yield path, path.lstat()


def _owned(info: tarfile.TarInfo, kind: bytes, mode: int) -> tarfile.TarInfo:
    info.type, info.mode, info.uid, info.gid = kind, mode, OWNER, OWNER
    return info


def _inside(name: str, target: Path) -> Path | None:
    """Return the path for a name of the archive, without its first part; None where it is no plain name."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts:
        return None
    return target.joinpath(*parts[1:])


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    source = archive.extractfile(member)
    if source is None:  # pragma: no cover  a regular file always has one
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    path.chmod(member.mode & 0o777 | 0o600)
    os.utime(path, (member.mtime, member.mtime))


def _copy(source: Path | None, path: Path, left: int, result: Unpacked) -> int:
    """Copy what a hard link names; return its size. What was left out stays out."""
    size = source.stat().st_size if source and source.is_file() else 0
    if source is None or not source.is_file() or size > left:
        result.skipped.append(path.name)
        result.beyond_cap |= size > left
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, path)
    return size
