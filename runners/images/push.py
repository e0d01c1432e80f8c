"""Pushing an image of an agent to a registry: from then on everybody can name it by its digest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import docker
import docker.errors

from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.images.agent import AgentImage, agent_tag
from benchledger.runners.sandboxes import engine
from benchledger.schema.errors import EnvironmentLacks, UsageError

__all__ = ["push_image"]


def push_image(
    client: docker.DockerClient,
    spec: AgentSpec,
    image: AgentImage,
    registry: str,
    progress: Callable[[str], None] = lambda _: None,
) -> str:
    """Tag and push `image` below `registry` (`host:port` or `host/path`); return `repository@sha256:…`.

    The engine keeps the digest with the image, so that `image_for` knows it from now on. Raises
    EnvironmentLacks, with what the registry said, where it does not take the image; then the
    image has no name of that registry, as before.
    """
    place = registry.strip().rstrip("/")
    if not place or "://" in place or "@" in place:
        raise UsageError(f"{registry!r} is no registry", "write HOST:PORT or HOST/PATH, without https://")
    name, version = agent_tag(spec).split(":")
    repository = f"{place}/{name}"
    with engine.lacking():
        try:
            client.api.tag(image.image_id, repository, version)
            digest = _pushed(client, repository, version, progress)
        except (docker.errors.APIError, _Refused) as error:
            with contextlib.suppress(docker.errors.APIError):
                client.api.remove_image(f"{repository}:{version}", noprune=True)
            said = str(getattr(error, "explanation", None) or error).replace("\n", " ")[:300]
            raise EnvironmentLacks(
                f"{repository} was not pushed: {said}",
                f"check the name, and log in with `docker login {place.split('/')[0]}` where it wants that",
            ) from error
    return f"{repository}@{digest}"


class _Refused(Exception):
    """What the engine says in the stream of a push: it answers 200 before it knows."""


def _pushed(
    client: docker.DockerClient, repository: str, version: str, progress: Callable[[str], None]
) -> str:
    digest, shown = "", set()
    for line in client.api.push(repository, version, stream=True, decode=True):
        if "error" in line:
            raise _Refused(line["error"])
        digest = (line.get("aux") or {}).get("Digest") or digest
        step = (line.get("id"), line.get("status"))
        if line.get("status") and step not in shown:
            shown.add(step)
            progress(" ".join(part for part in step if part))
    if not digest:
        raise _Refused("the engine names no digest")
    return digest
