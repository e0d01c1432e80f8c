"""Which image a cell in docker runs in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchledger.runners.agents.install import Installed, installed
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.environments.recipe import Ready
from benchledger.runners.images.agent import AgentImage, agent_images, build_agent, image_for
from benchledger.runners.images.base import ensure_base
from benchledger.runners.kept import data_root, locked
from benchledger.runners.sandboxes import engine
from benchledger.schema.errors import EnvironmentLacks
from benchledger.schema.images import repository_of, tag_of

__all__ = ["CellImage", "find_image", "image_on"]


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
    return CellImage(*_known(str(found["image"]), found["repo_digests"], image_id), ready)


def image_on(
    spec: AgentSpec, below: Ready, root: Path | None = None, progress: Callable[[str], None] = lambda _: None
) -> CellImage:
    """Return the image of an agent on the image of a task's environment, built where there is none.

    An agent that nobody installs, or that is no process, runs on the environment's image itself. Raises
    EnvironmentLacks where the agent is not installed here, or does not start on that image.
    """
    if spec.behaviour != "process" or spec.install.kind == "none":
        return CellImage(*_known(below.image, below.repo_digests, below.image_id), None)
    with closing(engine.connect(timeout=600)) as client:
        found = image_for(spec, client, below.digest, below.image_id)
        if found is None:
            ready = installed(spec, root)
            if ready is None:
                hint = f"run `benchledger agents install {spec.name}`"
                raise EnvironmentLacks(f"{spec.name} {spec.version} is not installed", hint)
            with locked(data_root() / "environments" / f"{spec.name}-{below.digest}"):
                found = image_for(spec, client, below.digest, below.image_id) or build_agent(
                    client, spec, ready, below.image_id, progress, below.digest
                )
        return _built(spec, found)


def _built(spec: AgentSpec, found: AgentImage | None) -> CellImage:
    if found is None:
        hint = f"run `benchledger images build {spec.name}`, or name one with --image"
        raise EnvironmentLacks(f"there is no image of {spec.name} {spec.version}", hint)
    return CellImage(*_known(found.image, found.repo_digests, found.image_id), found.installed)


def _known(image: str, names: Sequence[str], image_id: str) -> tuple[str, str, str | None]:
    """Return (name, id, digest) of an image; `names` are those of registries, `repository@sha256:…`.

    A digest says where to pull from only beside the repository that has it: that is the name then.
    """
    if not names:
        return image, image_id, None
    own = [each for each in names if repository_of(each) == repository_of(image)]
    repository, _, digest = (own or list(names))[0].partition("@")
    tag = tag_of(image)
    return image if own else f"{repository}:{tag}" if tag else repository, image_id, digest
