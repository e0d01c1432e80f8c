"""A container as `docker run -i` starts it, by the engine's API: files put in, bytes in and out."""

from __future__ import annotations

import contextlib
import io
import socket
import tarfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker

from benchledger.runners.sandboxes import engine


@dataclass(frozen=True)
class Done:
    """How it ended."""

    code: int
    out: bytes
    err: str


def archive(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """Return a tar of files, path -> (bytes, mode), that belong to root; folders above are root's alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (data, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def run_in(
    client: docker.DockerClient,
    image: str,
    words: Sequence[object],
    files: Mapping[str, tuple[bytes, int]] = {},
    during: Callable[[Any], None] = lambda _: None,
    **settings: Any,
) -> Done:
    """Run a container without a network to its end. `stdin` among the settings is fed to it, and closed."""
    stdin = settings.pop("stdin", None)
    made = client.containers.create(
        image,
        [str(word) for word in words],
        network_mode="none",
        stdin_open=stdin is not None,
        labels={engine.OWNER_LABEL: engine.owner()},
        **settings,
    )
    whole = None
    try:
        made.put_archive("/", archive(files))
        both = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        whole = client.api.attach_socket(made.id, params=both)
        raw = whole._sock
        raw.settimeout(120)
        made.start()
        if stdin is not None:
            raw.sendall(stdin)
            raw.shutdown(socket.SHUT_WR)
        beside = threading.Thread(target=during, args=(made,))
        beside.start()
        out, err = read_frames(raw)
        beside.join()
        code = made.wait()["StatusCode"]
    finally:
        if whole is not None:
            whole._sock.close()
            whole.close()
        with contextlib.suppress(docker.errors.APIError):
            made.remove(force=True, v=True)
    return Done(code, out, err.decode(errors="replace"))


def read_frames(raw: socket.socket) -> tuple[bytes, bytes]:
    """Return both streams to their end; each frame is stream, three zeros, length, bytes."""
    both: dict[int, list[bytes]] = {1: [], 2: []}
    with raw.makefile("rb") as file:
        while len(head := file.read(8)) == 8:
            both[head[0]].append(file.read(int.from_bytes(head[4:], "big")))
    return b"".join(both[1]), b"".join(both[2])
