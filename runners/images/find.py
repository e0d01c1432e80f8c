"""Which image a cell in docker runs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchledger.runners.agents.install import Installed
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.images.agent import AgentImage, agent_images, image_for
from benchledger.runners.images.base import ensure_base
from benchledger.runners.sandboxes import engine
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["CellImage", "find_image"]


@dataclass(frozen=True)
class CellImage:
    """An image by name, id (`sha256:…`) and repository digest, with the agent that it is known to hold."""

    image: str
    image_id: str
    digest: str | None
    installed: Installed | None


def find_image(spec: AgentSpec, reference: str | None) -> CellImage:
    """Return the image named by `reference`, else the one that was built for the agent.

    An agent that is no process needs none of its own: the base image stands in, made where the
    engine has none. Raises EnvironmentLacks where no engine answers or there is no such image.
    """
    client = engine.connect()
    try:
        if reference is None and spec.behaviour == "process":
            return _built(spec, image_for(spec, client))
        found = engine.identity(client, reference or ensure_base(client))
        image_id = str(found["image_id"])
        # an image of ours says by its labels where the agent lies in it; in any other it is on the PATH
        known = (each.installed for each in agent_images(client) if each.image_id == image_id)
        ready = next((each for each in known if each.agent == spec.name), None)
    finally:
        client.close()
    return CellImage(str(found["image"]), image_id, _digest(found["repo_digests"]), ready)


def _built(spec: AgentSpec, found: AgentImage | None) -> CellImage:
    if found is None:
        hint = f"run `benchledger images build {spec.name}`, or name one with --image"
        raise EnvironmentLacks(f"there is no image of {spec.name} {spec.version}", hint)
    return CellImage(found.image, found.image_id, _digest(found.repo_digests), found.installed)


def _digest(names: Sequence[str]) -> str | None:
    """Return the digest of the first of an image's names `repository@sha256:…`."""
    return names[0].partition("@")[2] if names else None
