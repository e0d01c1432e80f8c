"""The Docker engine: reached, asked, and its errors translated in one place."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import docker
import docker.errors

from benchledger.runners.host import process_start
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed

__all__ = ["FOREIGN", "OWNER_LABEL", "connect", "identity", "lacking", "owner", "remove_stale", "translated"]

OWNER_LABEL = "benchledger.owner"

# A dead engine is no error of docker's own but one of requests, and those are OSErrors.
FOREIGN = (docker.errors.DockerException, OSError)
_START = "start it (`runners/images/engine.sh up` installs one where there is none), or use `--sandbox local`"


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn every error of the engine into SandboxFailed."""
    try:
        yield
    except FOREIGN as error:
        # what the engine refuses is a failed sandbox; where it no longer answers, it failed itself
        part: Literal["sandbox", "engine"] = (
            "sandbox" if isinstance(error, docker.errors.APIError) else "engine"
        )
        raise SandboxFailed(f"the Docker engine failed to {doing}: {_text(error)}", part=part) from error


@contextlib.contextmanager
def lacking() -> Iterator[None]:
    """Turn every error of the engine into EnvironmentLacks: nothing has been started yet."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        hint = "build it with `benchledger images build`, or pull it"
        raise EnvironmentLacks(f"no such image: {_text(error)}", hint) from error
    except FOREIGN as error:
        raise EnvironmentLacks(f"no Docker engine answers: {_text(error)}", _START) from error


def connect(timeout: float = 60) -> docker.DockerClient:
    """Return a client of the engine that DOCKER_HOST names. EnvironmentLacks where none answers."""
    with lacking():
        _knock(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
        client = docker.from_env(timeout=int(timeout), max_pool_size=64)
        try:
            client.ping()
        except BaseException:
            client.close()
            raise
    return client


def identity(client: docker.DockerClient, reference: str) -> dict[str, Any]:
    """Return what an image is: its id, layers, and repository digests where it has any."""
    with lacking():
        image = client.images.get(reference).attrs
    return {
        "image": reference,
        "image_id": image["Id"],
        "layers": tuple(image["RootFS"]["Layers"]),
        "repo_digests": tuple(image.get("RepoDigests") or ()),
        "size": image["Size"],
        "environment": tuple(image["Config"].get("Env") or ()),
    }


@cache
def owner() -> str:
    """Return a name for this process that no other one has: machine, pid and start."""
    return f"{socket.gethostname()}/{os.getpid()}/{process_start(os.getpid())}"


def remove_stale(client: docker.DockerClient) -> int:
    """Remove containers whose runner on this machine is gone, killed in mid-cell; return how many."""
    removed = 0
    for each in client.api.containers(all=True, filters={"label": OWNER_LABEL}):
        host, pid, started = each["Labels"][OWNER_LABEL].split("/")
        if host == socket.gethostname() and process_start(int(pid)) != started:
            with contextlib.suppress(docker.errors.APIError):
                client.api.remove_container(each["Id"], v=True, force=True)
                removed += 1
    return removed


def _knock(address: str) -> None:
    # the library takes several tries, and leaves sockets open, where nobody listens
    scheme, _, path = address.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(10)
            probe.connect(path)


def _text(error: BaseException) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error).replace("\n", " ")[:300]
