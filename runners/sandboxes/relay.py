"""The proxy shown to a container without root: a second container in the same network namespace.

It listens where the program looks for the proxy, and passes everything on to a socket file, the one
thing of the host that it sees; behind that the runner forwards to the proxy. The program can reach
neither its processes nor the file. It costs another container, some 200 ms.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
from docker.types import LogConfig, Mount

from benchledger.runners.host import undisturbed
from benchledger.runners.sandboxes import engine, relay_program
from benchledger.runners.sandboxes.forward import Forwarder
from benchledger.runners.sandboxes.port import Address
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["relayed"]

_INSIDE = "/relay"
_SECONDS = 30.0


@contextlib.contextmanager
def relayed(client: docker.DockerClient, container: str, image: str, proxy: Address) -> Iterator[None]:
    """Show `proxy` to the programs of `container`, which runs. `image` must have python3.

    EnvironmentLacks where it has not, or where the engine is on another machine.
    """
    with contextlib.ExitStack() as after:
        with undisturbed():
            raw = _started(client, container, image, proxy, after)
        with engine.translated("start the relay"):
            first = _first_line(raw)
        if first != b"ready\n":
            raise EnvironmentLacks(
                f"the proxy cannot be shown to a container: {first.decode(errors='replace').strip()[:200]}",
                "the image needs python3, or run as root on the machine of the engine",
            )
        yield


def _started(
    client: docker.DockerClient, container: str, image: str, proxy: Address, after: contextlib.ExitStack
) -> socket.socket:
    """Return the relay's streams; `after` removes all that was made, an engine's answer that never came included."""
    # for whatever uid the relay has; others on this machine can reach the proxy anyway
    folder = Path(after.enter_context(tempfile.TemporaryDirectory(prefix="relay-")))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "s"))
    (folder / "s").chmod(0o666)
    folder.chmod(0o711)
    listener.listen(128)
    after.callback(Forwarder(listener, proxy).close)
    name = f"benchledger-relay-{secrets.token_hex(8)}"
    after.callback(_remove, client, name)
    with engine.translated("start the relay"):
        client.api.create_container_from_config(  # type: ignore[no-untyped-call]
            _config(client, container, image, proxy[1], folder), name
        )
        wanted = {"stdout": 1, "stderr": 1, "stream": 1}
        outer = client.api.attach_socket(name, params=wanted)
        after.callback(outer.close)
        raw: socket.socket = outer._sock  # noqa: SLF001  the outer one leaves it open
        after.callback(raw.close)
        client.api.start(name)
    return raw


def _first_line(raw: socket.socket) -> bytes:
    """Return what the relay says first, without the eight bytes of the frame (see `attach`)."""
    raw.settimeout(_SECONDS)
    data = b""
    while b"\n" not in data[8:] and (chunk := raw.recv(4096)):
        data += chunk
    return data[8:]


def _config(
    client: docker.DockerClient, container: str, image: str, port: int, folder: Path
) -> dict[str, Any]:
    source = Path(relay_program.__file__).read_text(encoding="utf-8")
    host = client.api.create_host_config(
        network_mode=f"container:{container}",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        init=True,
        pids_limit=512,
        mem_limit=256 << 20,
        mounts=[Mount(_INSIDE, str(folder), type="bind")],
        log_config=LogConfig(type="none"),
    )
    command = ["python3", "-I", "-S", "-c", source, str(port), f"{_INSIDE}/s"]
    labels = {engine.OWNER_LABEL: engine.owner()}
    settings: dict[str, Any] = client.api.create_container_config(
        image, command, user="65534:65534", entrypoint=[], labels=labels, host_config=host
    )
    return settings


def _remove(client: docker.DockerClient, container: str) -> None:
    with contextlib.suppress(*engine.FOREIGN):
        client.api.remove_container(container, v=True, force=True)
