"""Folders as tar archives, in and out of a container. Nothing that comes out is trusted."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

from benchledger.runners.sandboxes.trees import Copied, walk
from benchledger.schema.errors import SandboxFailed

__all__ = ["add_folder", "add_tree", "unpack"]


def add_folder(archive: tarfile.TarFile, name: str, owner: int, mode: int) -> None:
    """Add an empty folder that belongs to `owner`."""
    archive.addfile(_owned(tarfile.TarInfo(name), tarfile.DIRTYPE, mode, owner))


def add_tree(archive: tarfile.TarFile, root: Path, name: str, owner: int) -> None:
    """Add all below `root` as `name`/…; links are added as links, and what is no file is left out."""
    for path, status in walk(root):
        info = tarfile.TarInfo(f"{name}/{path.relative_to(root).as_posix()}")
        info.mtime = int(status.st_mtime)
        mode = status.st_mode & 0o777
        if stat.S_ISLNK(status.st_mode):
            info.linkname = str(path.readlink())
            archive.addfile(_owned(info, tarfile.SYMTYPE, 0o777, owner))
        elif stat.S_ISDIR(status.st_mode):
            archive.addfile(_owned(info, tarfile.DIRTYPE, mode | 0o700, owner))
        elif stat.S_ISREG(status.st_mode):
            # opened first: the size and the bytes are those of one file
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                info.size = os.fstat(file.fileno()).st_size
                archive.addfile(_owned(info, tarfile.REGTYPE, mode | 0o600, owner), file)


def unpack(stream: IO[bytes], target: Path, cap: int) -> Copied:
    """Unpack an archive whose first name is the folder itself, into `target`, a fresh folder.

    Links are made last, so that no name in the archive is ever resolved through one. The rest as
    in `trees.copy_tree`. SandboxFailed where the bytes are no archive.
    """
    result, links, left = Copied(), list[tuple[Path, str]](), cap
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
    except (tarfile.TarError, FileExistsError, NotADirectoryError) as error:
        raise SandboxFailed(f"the workdir did not come out whole: {error}") from error
    for path, goal in links:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(goal)
    return result


def _owned(info: tarfile.TarInfo, kind: bytes, mode: int, owner: int) -> tarfile.TarInfo:
    info.type, info.mode, info.uid, info.gid = kind, mode, owner, owner
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
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    path.chmod(member.mode & 0o777 | 0o600)
    os.utime(path, (member.mtime, member.mtime))


def _copy(source: Path | None, path: Path, left: int, result: Copied) -> int:
    """Copy what a hard link names; return its size. What was left out stays out."""
    size = source.stat().st_size if source and source.is_file() else 0
    if source is None or not source.is_file() or size > left:
        result.skipped.append(path.name)
        result.beyond_cap |= size > left
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, path)
    return size
