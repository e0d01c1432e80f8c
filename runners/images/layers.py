"""Images as bytes that do not depend on when or where they were made.

`docker build` and `docker import` stamp the time, so that each build has another id. Here a layer is
a tar with sorted names, no times and fixed owners, and the image a docker-archive around it
(https://github.com/moby/docker-image-spec): the same files give the same image id everywhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

__all__ = ["Layer", "Parent", "environment", "write_archive", "write_layer"]

_EPOCH = "1970-01-01T00:00:00Z"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Layer:
    """A layer's digest, `sha256:…` of the uncompressed tar, and its size in bytes."""

    diff_id: str
    size: int


@dataclass(frozen=True)
class Parent:
    """What lies below a new layer: digests from the bottom up, and the image's `Config`."""

    layers: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


class _Hashed(io.RawIOBase):
    def __init__(self, sink: IO[bytes]) -> None:
        self.sink, self.digest, self.size = sink, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self.sink.write(data)


def write_layer(trees: Mapping[str, Path], sink: IO[bytes]) -> Layer:
    """Write the folders, files and links `trees`, path in the image -> path here, as one layer.

    Everything belongs to root and can be read by all: the program is another user, and may not
    write what the next cell will run. The folders above are passable.
    """
    hashed = _Hashed(sink)
    with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        above: set[str] = set()
        for place, root in sorted(trees.items()):
            inner = PurePosixPath(place.strip("/"))
            inside = [inner] if _is_folder(root) else []
            for folder in [*reversed(inner.parents[:-1]), *inside] if inner.parts else []:
                if str(folder) not in above:
                    above.add(str(folder))
                    tar.addfile(_info(str(folder), tarfile.DIRTYPE, 0o755))
            _add_tree(tar, root, inner)
    return Layer("sha256:" + hashed.digest.hexdigest(), hashed.size)


def write_archive(
    layer: Layer, data: IO[bytes], sink: IO[bytes], *, parent: Parent, config: Mapping[str, Any], tag: str
) -> str:
    """Write an image of `parent` and one more layer; return its id, `sha256:…` of its configuration.

    Layers of the parent are named and not sent: the engine that takes the archive has them.
    """
    digests = [*parent.layers, layer.diff_id]
    document = {
        "architecture": _MACHINES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": _EPOCH,
        "config": {**parent.config, **config},
        "rootfs": {"type": "layers", "diff_ids": digests},
        "history": [{"created": _EPOCH, "created_by": "benchledger"} for _ in digests],
    }
    configuration = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    name = hashlib.sha256(configuration).hexdigest()
    manifest = [{"Config": f"{name}.json", "RepoTags": [tag], "Layers": [_path(each) for each in digests]}]
    with tarfile.open(fileobj=sink, mode="w") as tar:
        _add(tar, f"{name}.json", configuration)
        info = tarfile.TarInfo(_path(layer.diff_id))
        info.size = layer.size
        tar.addfile(info, data)
        _add(tar, "manifest.json", json.dumps(manifest).encode())
    return f"sha256:{name}"


def environment(pairs: Sequence[str], more: Mapping[str, str]) -> list[str]:
    """Return `NAME=value` lines with those of `more` in the place of equal names."""
    kept = [each for each in pairs if each.partition("=")[0] not in more]
    return [*kept, *(f"{name}={value}" for name, value in sorted(more.items()))]


def _add_tree(tar: tarfile.TarFile, root: Path, inner: PurePosixPath) -> None:
    seen: dict[tuple[int, int], str] = {}
    for path in _sorted(root) if _is_folder(root) else [root]:
        status = path.lstat()
        name = str(inner / path.relative_to(root).as_posix())
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            tar.addfile(_info(name, tarfile.SYMTYPE, 0o777, str(path.readlink())))
        elif stat.S_ISDIR(status.st_mode):
            tar.addfile(_info(name, tarfile.DIRTYPE, mode & 0o1777 | 0o555))
        elif stat.S_ISREG(status.st_mode):
            key, kept = (status.st_dev, status.st_ino), 0o755 if mode & 0o100 else 0o644
            if key in seen:
                # the engine gives the mode of the last name to all of them
                tar.addfile(_info(name, tarfile.LNKTYPE, kept, seen[key]))
                continue
            seen[key] = name
            info = _info(name, tarfile.REGTYPE, kept)
            info.size = status.st_size
            with path.open("rb") as file:
                tar.addfile(info, _timeless(file) if path.suffix == ".pyc" else file)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _timeless(file: IO[bytes]) -> IO[bytes]:
    """Return compiled Python that agrees with a source without a time; else no program would ever use it."""
    data = bytearray(file.read())
    if data[4:8] == b"\0\0\0\0":  # checked by the time of its source, and not by its hash
        data[8:12] = b"\0\0\0\0"
    return io.BytesIO(bytes(data))


def _sorted(root: Path) -> Iterator[Path]:
    found = [Path(name, each) for name, folders, files in os.walk(root) for each in [*folders, *files]]
    return iter(sorted(found))


def _info(name: str, kind: bytes, mode: int, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, link
    return info


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _path(digest: str) -> str:
    return f"{digest.removeprefix('sha256:')}/layer.tar"
