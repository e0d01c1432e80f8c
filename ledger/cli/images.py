"""images: container images of agents, built here without a registry, and pushed to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.agents import agent_file_option, chosen_agents, size_text
from benchledger.ledger.cli.common import Command, json_option
from benchledger.ledger.cli.render import NONE, echo_json, progress_lines, table

if TYPE_CHECKING:
    import docker

    from benchledger.runners.agents.spec import AgentSpec
    from benchledger.runners.images.agent import AgentImage

__all__ = ["images"]


class _Images(Command, click.Group):
    """A group with examples."""


@click.group(
    cls=_Images,
    examples=(
        "benchledger images build aider opencode",
        "benchledger images list",
        "benchledger images push aider registry.example.org/benchmarks",
    ),
)
def images() -> None:
    """List, build and push the container images that agents run in.

    An image holds an agent as `agents install` installs it, on a small Debian of our own or on
    any base, and says by its labels what it holds. It needs a Docker engine, and no registry.
    """


@contextmanager
def _engine() -> Iterator[docker.DockerClient]:
    from benchledger.runners.sandboxes import engine

    client = engine.connect(timeout=600)
    try:
        yield client
    finally:
        client.close()


@images.command("list", cls=Command, examples=("benchledger images list", "benchledger images list --json"))
@json_option
def list_(*, as_json: bool) -> None:
    """List the images of agents that the engine has."""
    from benchledger.runners.images.agent import agent_images

    with _engine() as client:
        found = agent_images(client)
    if as_json:
        echo_json([_shape(image) for image in found])
        return
    if not found:
        click.echo("no image of an agent; `benchledger images build NAME` makes one")
        return
    rows = [
        (
            image.installed.agent,
            image.installed.version,
            image.image,
            image.image_id,
            size_text(image.size),
            " ".join(image.repo_digests) or NONE,
        )
        for image in found
    ]
    table(("agent", "version", "image", "id", ">size", "pushed as"), rows)


@images.command(
    cls=Command,
    examples=(
        "benchledger images build aider copilot opencode",
        "benchledger images build --all",
        "benchledger images build my-agent --agent-file my-agent.toml --base debian:12 --json",
        "benchledger images build aider --run-cell",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Every agent that is a program.")
@click.option("--base", metavar="IMAGE", help="Stand on this image; by default on one that is made here.")
@click.option("--run-cell", is_flag=True, help="Make one that runs a cell by itself: see `run-cell`.")
@agent_file_option
@json_option
def build(
    names: tuple[str, ...],
    *,
    every: bool,
    base: str | None,
    run_cell: bool,
    agent_files: tuple[str, ...],
    as_json: bool,
) -> None:
    """Build the image of an agent, and install the agent first where it is not.

    The image is started once, without a network and without rights, before it gets its name.
    With --run-cell benchledger itself is laid over it, in a folder that only root can read.
    """
    made = []
    wanted = chosen_agents(names, agent_files, every=every)
    with _engine() as client, progress_lines() as told:
        for spec in wanted:
            image = _built(client, spec, base, told, agent_files if run_cell else None)
            made.append(image)
            if not as_json:
                said = f"{image.image} {image.image_id} {size_text(image.size)}"
                click.echo(f"{spec.name} {spec.version}: {said}")
    if as_json:
        echo_json([_shape(image) for image in made])


def _built(
    client: docker.DockerClient,
    spec: AgentSpec,
    base: str | None,
    told: Callable[[str], None],
    files: tuple[str, ...] | None,
) -> AgentImage:
    """Build one image; where there are `files`, even none, that of run-cell above it."""
    from benchledger.runners.agents.install import install
    from benchledger.runners.images.agent import build_agent
    from benchledger.runners.images.base import ensure_base
    from benchledger.runners.images.run_cell import build_run_cell

    ready = install(spec, progress=told)
    if files is None:
        return build_agent(client, spec, ready, base, told)
    # what has no installation of its own, such as `nop`, needs no image of its own either
    has_own = bool(ready.prefix) and spec.behaviour == "process"
    below = build_agent(client, spec, ready, base, told).image_id if has_own else base or ensure_base(client)
    return build_run_cell(client, spec, ready, below, [Path(file) for file in files], told)


@images.command(
    cls=Command, examples=("benchledger images push aider registry.example.org/benchmarks --json",)
)
@click.argument("agent")
@click.argument("registry")
@agent_file_option
@json_option
def push(agent: str, registry: str, *, agent_files: tuple[str, ...], as_json: bool) -> None:
    """Push the image of an agent to a registry, and print its digest there.

    REGISTRY is HOST:PORT or HOST/PATH. Credentials are those of `docker login`. Mind the licence
    of the agent: not every one may be passed on.
    """
    from benchledger.runners.images.agent import image_for
    from benchledger.runners.images.push import push_image
    from benchledger.schema.errors import EnvironmentLacks

    (spec,) = chosen_agents((agent,), agent_files)
    with _engine() as client, progress_lines() as told:
        image = image_for(spec, client)
        if image is None:
            raise EnvironmentLacks(
                f"there is no image of {spec.name} {spec.version}",
                f"run `benchledger images build {spec.name}`",
            )
        digest = push_image(client, spec, image, registry, told)
    if as_json:
        echo_json({"agent": spec.name, "version": spec.version, "image_id": image.image_id, "pushed": digest})
    else:
        click.echo(f"{spec.name} {spec.version}: {digest}")


def _shape(image: AgentImage) -> dict[str, Any]:
    inside = image.installed
    return {
        "agent": inside.agent,
        "version": inside.version,
        "image": image.image,
        "image_id": image.image_id,
        "size": image.size,
        "repo_digests": list(image.repo_digests),
        "base": image.base,
        "recipe": inside.recipe,
        "lock": inside.lock,
        "runtime": inside.runtime,
    }
