"""What an environment in docker stands on: a named image, one built by a Dockerfile, or our own base."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors

from benchledger.runners.environments.network import way_out
from benchledger.runners.environments.recipe import SETUP_SECONDS
from benchledger.runners.files import folder_digest
from benchledger.runners.images.base import BASE_TAG, build_base, ensure_base
from benchledger.runners.kept import data_root, locked
from benchledger.runners.sandboxes import engine
from benchledger.runners.task import Task
from benchledger.schema.errors import EnvironmentLacks, SetupFailed
from benchledger.schema.frame import blob_digest

__all__ = ["SETUP_BASE_TAG", "Base", "base_of"]

# Our base with what `python3 -m venv` needs, which the cells themselves do not.
SETUP_BASE_TAG = f"benchledger-setup-{BASE_TAG.removeprefix('benchledger-')}"
_EXTRA = ("python3-venv",)
_BUILT = "benchledger-dockerfile"
_LABEL = "benchledger.dockerfile"
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Base:
    """An image by a name to print, by id, and by repository digests where it has any."""

    image: str
    image_id: str
    repo_digests: tuple[str, ...] = ()


def base_of(client: docker.DockerClient, task: Task, progress: Progress = lambda _: None) -> Base:
    """Return the image that a task names, or that its Dockerfile makes; else a base of our own.

    Raises EnvironmentLacks where it cannot be had.
    """
    wanted = task.environment
    if wanted.image is not None:
        return _identified(client, _named(client, wanted.image, progress))
    if wanted.dockerfile is not None:
        return _identified(client, _built(client, task, progress))
    return _identified(client, _own(client, progress, setup=bool(wanted.setup)))


def _identified(client: docker.DockerClient, reference: str) -> Base:
    found = engine.identity(client, reference)
    return Base(reference, str(found["image_id"]), found["repo_digests"])


def _own(client: docker.DockerClient, progress: Progress, *, setup: bool) -> str:
    if not setup:
        ensure_base(client)
        return BASE_TAG
    if not _has(client, SETUP_BASE_TAG):
        progress("the base image for setups")
        build_base(client, SETUP_BASE_TAG, _EXTRA)
    return SETUP_BASE_TAG


def _has(client: docker.DockerClient, reference: str) -> bool:
    with engine.lacking():
        try:
            client.images.get(reference)
        except docker.errors.ImageNotFound:
            return False
    return True


def _named(client: docker.DockerClient, reference: str, progress: Progress) -> str:
    """Return the image that the engine has by this name, pulled where it has none."""
    if _has(client, reference):
        return reference
    progress(f"docker pull {reference}")
    with engine.lacking():
        try:
            client.images.pull(reference)
        except docker.errors.APIError as error:
            said = str(error.explanation or error).replace("\n", " ")[:300]
            hint = f"build it, or load it with `docker load`, under the name {reference}"
            raise EnvironmentLacks(
                f"image {reference} is not here and cannot be pulled: {said}", hint
            ) from error
    return reference


def _built(client: docker.DockerClient, task: Task, progress: Progress) -> str:
    """Return the image of the task's Dockerfile, made where none is there that was made from the same files."""
    assert task.environment.dockerfile is not None  # noqa: S101  the caller asked
    dockerfile = task.folder / task.environment.dockerfile
    context = dockerfile.parent
    digest = blob_digest(f"{dockerfile.name}\0{folder_digest(context)}".encode())
    tag = f"{_BUILT}:{digest[:32]}"
    with locked(data_root() / "environments" / f"dockerfile-{digest}"):
        if not _has(client, tag):
            progress(f"{task.id}: docker build {task.environment.dockerfile}")
            said: list[str] = []
            try:
                for line in _lines(client, str(context), dockerfile.name, tag, digest):
                    said.append(line)
                    if line.startswith("Step "):
                        progress(f"{task.id}: {line}")
            except _Failed as error:
                raise _not_built(task, [*said, str(error)]) from error
    return tag


class _Failed(Exception):
    """What the engine says in the stream of a build."""


def _lines(client: docker.DockerClient, context: str, name: str, tag: str, digest: str) -> Iterator[str]:
    deadline = time.monotonic() + SETUP_SECONDS
    with engine.lacking():
        try:
            stream: Iterator[dict[str, Any]] = client.api.build(
                path=context, dockerfile=name, tag=tag, rm=True, forcerm=True, decode=True, labels={_LABEL: digest},
                network_mode=way_out(client), buildargs=_proxies(),
            )  # fmt: skip
        except docker.errors.APIError as error:
            raise _Failed(str(error.explanation or error)) from error
        for part in stream:
            if "error" in part:
                raise _Failed(str(part["error"]))
            if time.monotonic() > deadline:
                raise _Failed(f"it takes more than {SETUP_SECONDS / 60:.0f} minutes")
            yield from str(part.get("stream", "")).strip().splitlines()


def _proxies() -> dict[str, str]:
    """Return the build arguments that the engine keeps out of an image and its history."""
    names = [name for each in _PROXIES for name in (each, each.upper())]
    return {name: os.environ[name] for name in names if name in os.environ}


def _not_built(task: Task, said: list[str]) -> SetupFailed:
    last = " | ".join(line.strip() for line in said if line.strip())
    return SetupFailed(
        f"{task.environment.dockerfile} of task {task.id} cannot be built: {last[-700:]}",
        "correct it, and try it with `docker build`",
    )
