"""The one folder that a program in a container can write: workdir, HOME and TMPDIR on a volume.

Only root may change the folder itself, so that no program can put a link in the place of its
workdir. Files are copied in before the start and out after the end, when nobody works there. Where
the volume can be reached as a folder, as root on the engine's machine, they are copied at once;
else they travel as archives, which takes about 150 ms more.
"""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from docker.api.client import APIClient

from benchledger.runners.sandboxes import archive, homes
from benchledger.runners.sandboxes.port import Places
from benchledger.runners.sandboxes.trees import Copied, copy_tree, replacing
from benchledger.runners.sandboxes.watch import apparent_bytes

__all__ = ["CELL", "OWNER", "PLACES", "Volume"]

CELL = "/cell"
OWNER = 1000
PLACES = Places("/cell/home", "/cell/tmp", "/cell/work")
_FOLDERS = {"home": 0o700, "tmp": 0o700, "work": 0o755}


class Volume:
    """The volume at /cell of a container that was created and is not yet running."""

    def __init__(self, api: APIClient, container: str, *, direct: bool = True) -> None:
        """Find it. `direct=False` makes files travel as archives even where they need not."""
        self._api, self._container = api, container
        mounts = api.inspect_container(container)["Mounts"]
        found = next(each for each in mounts if each["Destination"] == CELL)
        self._name = str(found["Name"])
        folder = Path(found["Source"])
        reached = direct and os.geteuid() == 0 and folder.is_dir()
        self._folder = folder if reached else None

    def fill(self, workdir: Path, files: dict[str, bytes]) -> None:
        """Put the workdir and the files of HOME there."""
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch)
            homes.write_files(home, files)
            sources = {"home": home, "work": workdir}
            if self._folder is not None:
                self._fill_folder(self._folder, sources)
            else:
                self._fill_archive(sources)

    def bring(self, workdir: Path, cap: int) -> Copied:
        """Put what the program left in the place of the workdir; files beyond the cap stay out."""
        with replacing(workdir) as fresh:
            if self._folder is not None:
                return copy_tree(self._folder / "work", fresh, (-1, -1), cap)
            chunks, _ = self._api.get_archive(self._container, PLACES.work, chunk_size=1 << 20)
            with io.BufferedReader(_Chunks(chunks), 1 << 20) as stream:
                return archive.unpack(stream, fresh, cap)

    @property
    def clock(self) -> Callable[[], float]:
        """The clock by which `used` is billed: the processor's where we count, else that of the wall."""
        return time.monotonic if self._folder is None else time.thread_time

    def used(self, stop_at: int) -> int:
        """Return the bytes of files there; may stop counting beyond `stop_at`."""
        if self._folder is not None:
            return apparent_bytes([self._folder], stop_at)
        volumes = self._api.df()["Volumes"] or []  # the engine is elsewhere: it counts by itself
        return next((int(each["UsageData"]["Size"]) for each in volumes if each["Name"] == self._name), 0)

    def _fill_folder(self, folder: Path, sources: dict[str, Path]) -> None:
        for name, mode in _FOLDERS.items():
            place = folder / name
            place.mkdir(exist_ok=True)  # the engine may have made the workdir
            place.chmod(mode)
            os.chown(place, OWNER, OWNER)
            if name in sources:
                copy_tree(sources[name], place, (OWNER, OWNER))

    def _fill_archive(self, sources: dict[str, Path]) -> None:
        with tempfile.SpooledTemporaryFile(1 << 20) as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                for name, mode in _FOLDERS.items():
                    archive.add_folder(tar, name, OWNER, mode)
                    if name in sources:
                        archive.add_tree(tar, sources[name], name, OWNER)
            file.seek(0)
            self._api.put_archive(self._container, CELL, file)


class _Chunks(io.RawIOBase):
    """An iterator of bytes, read as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
