"""Images of agents: built from an installation, found again by their labels, pushed to a registry.

The labels are the identity: which agent, which version, by which recipe, and with which packages.
They travel with the image, so that one that was pulled is known as well as one that was built.
"""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker
import docker.errors

from benchledger.runners.agents.install import Installed, recipe_digest
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.agents.template import fill
from benchledger.runners.images.base import ensure_base
from benchledger.runners.images.build import build_layer_image, visible
from benchledger.runners.images.carried import carried
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.docker import Docker
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed, UsageError
from benchledger.schema.images import built_image
from benchledger.schema.task import Limits

__all__ = ["AgentImage", "agent_images", "agent_tag", "build_agent", "image_for", "looking_into"]

_LABEL = "benchledger.agent"
_PARTS = ("version", "recipe", "lock", "runtime", "prefix", "bin", "cache", "base")
_CHECK = Limits(seconds=120, memory_mb=2048, pids=512)


@dataclass(frozen=True)
class AgentImage:
    """An image of an agent as the engine has it.

    `image` is a reference to print, `image_id` names exactly this image. `repo_digests` are the
    registries' names for it, empty for an image that was never pushed or pulled. `base` is the id
    of the image that it stands on. `installed` is the agent inside, for `plan_launch`. `environment` is
    the digest of the task's environment below it, empty for an image that is no task's.
    """

    image: str
    image_id: str
    size: int
    repo_digests: tuple[str, ...]
    base: str
    installed: Installed
    environment: str = ""


def agent_tag(spec: AgentSpec, environment: str = "") -> str:
    """Return the reference under which an agent's image is built, one on a task's environment as well."""
    of_task = f"-environment-{environment[:32]}" if environment else ""
    return f"{built_image(spec.name, spec.version)}{of_task}"


def build_agent(
    client: docker.DockerClient,
    spec: AgentSpec,
    ready: Installed,
    base: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
    environment: str = "",
) -> AgentImage:
    """Build the image of an installed agent on `base`, by default our own, and see that it starts.

    `environment` is the digest of a task's environment, where `base` is its image: then the agent's image is
    that task's, and no other task's.

    Raises UsageError for an agent that has nothing to put into an image, EnvironmentLacks where
    the agent does not start on this base.
    """
    if not ready.prefix or spec.behaviour != "process":
        raise UsageError(f"{spec.name} is not installed by us", "name an image that has it")
    folder = visible(Path(ready.prefix))
    if base is None:
        progress("the base image")
        base = ensure_base(client)
    below = engine.identity(client, base)
    labels = {_LABEL: spec.name} | {f"{_LABEL}.{name}": getattr(ready, name, None) or "" for name in _PARTS}
    labels |= {f"{_LABEL}.base": below["image_id"], f"{_LABEL}.environment": environment}
    repository, version = agent_tag(spec, environment).split(":")
    # under a name of its own until it has been seen to start: the one that stands stays until then
    trial = f"{repository}:trial-{uuid.uuid4().hex[:12]}"
    with looking_into(client, below["image_id"]) as has:
        trees = {str(folder): folder, **carried(ready, has)}
    progress(f"{spec.name} {spec.version}: the image")
    made = build_layer_image(client, trees, trial, base=below["image_id"], labels=labels)
    try:
        progress(f"{spec.name} {spec.version}: a start in a container")
        _check_start(client, spec, ready, made["image_id"])
        with engine.translated("name the image"):
            client.api.tag(made["image_id"], repository, version)
    finally:
        with contextlib.suppress(docker.errors.APIError):
            client.api.remove_image(trial)
    found = image_for(spec, client, environment, below["image_id"] if environment else None)
    assert found is not None  # noqa: S101  it has just been named
    return found


def image_for(
    spec: AgentSpec, client: docker.DockerClient, environment: str = "", base: str | None = None
) -> AgentImage | None:
    """Return the image that holds what `spec` asks for, None where the engine has none.

    On the task's environment of that digest, by default on none; on the image `base`, by default on any.

    Name, version and recipe have to be the same. Of several the one that was built here last, then any
    other that has a name.
    """
    wanted = {_LABEL: spec.name, f"{_LABEL}.version": spec.version, f"{_LABEL}.recipe": recipe_digest(spec)}
    found = _labelled(client, [f"{name}={value}" for name, value in wanted.items()])
    fit = [each for each in found if each.environment == environment and base in (None, each.base)]
    tag = agent_tag(spec, environment)
    return min(fit, key=lambda each: (each.image != tag, each.image), default=None)


def agent_images(client: docker.DockerClient) -> list[AgentImage]:
    """Return every image of an agent that the engine has and that has a name."""
    found = _labelled(client, [_LABEL])
    return sorted(found, key=lambda each: (each.installed.agent, each.image))


def _labelled(client: docker.DockerClient, labels: list[str]) -> list[AgentImage]:
    with engine.lacking():
        found = client.api.images(filters={"label": labels})
    images = (_image(each) for each in found)
    return [each for each in images if each is not None]


def _image(listed: dict[str, Any]) -> AgentImage | None:
    """Return an entry of the engine's list; None for one that a later build took the name of."""
    named = sorted(name for name in listed["RepoTags"] or () if name != "<none>:<none>")
    named = [name for name in named if ":trial-" not in name]
    digests = tuple(name for name in listed["RepoDigests"] or () if not name.startswith("<none>"))
    if not named and not digests:
        return None
    labels = listed["Labels"]
    part = {name: labels.get(f"{_LABEL}.{name}", "") for name in _PARTS}
    inside = Installed(
        labels[_LABEL], part["version"], part["recipe"], part["prefix"], part["bin"],
        cache=part["cache"] or None, runtime=part["runtime"], lock=part["lock"] or None,
    )  # fmt: skip
    ours = [name for name in named if name.startswith("benchledger-")]
    image = (ours or named or list(digests))[0]
    of_task = labels.get(f"{_LABEL}.environment", "")
    return AgentImage(image, listed["Id"], listed["Size"], digests, part["base"], inside, of_task)


@contextlib.contextmanager
def looking_into(client: docker.DockerClient, image_id: str) -> Any:
    """Yield a function that says whether the image has a path."""
    with engine.translated("look into the base image"):
        made = client.api.create_container(image_id, ["true"], labels={engine.OWNER_LABEL: engine.owner()})

    def has(path: str) -> bool:
        # asked for its head alone: an archive that is left unread keeps its connection open
        place = f"{client.api.base_url}/v{client.api.api_version}/containers/{made['Id']}/archive"
        with engine.translated("look into the base image"):
            return bool(client.api.head(place, params={"path": path}).status_code == HTTPStatus.OK)

    try:
        yield has
    finally:
        with contextlib.suppress(*engine.FOREIGN):
            client.api.remove_container(made["Id"], v=True, force=True)


def _check_start(client: docker.DockerClient, spec: AgentSpec, ready: Installed, image_id: str) -> None:
    """Start the agent as a cell would; raises EnvironmentLacks where it does not say its version."""
    recipe = spec.install
    if not recipe.check:
        return
    hint = "name a base with what it needs by `--base IMAGE`; for a Python agent, one with the same Python"
    try:
        with tempfile.TemporaryDirectory() as empty, Docker(image_id, client=client) as sandbox:
            home = sandbox.places(Path(empty)).home
            argv = tuple(fill(text, {"bin": ready.bin, "home": home}) for text in recipe.check)
            env = {recipe.cache_env: ready.cache} if recipe.cache_env and ready.cache else {}
            report = sandbox.run(Launch(argv, env, {}), Path(empty), _CHECK, None)
    except SandboxFailed as error:
        raise EnvironmentLacks(f"{spec.name} does not start in its image: {error.message}", hint) from error
    said = (report.stdout + report.stderr).decode(errors="replace").strip()
    if report.exit_code != 0 or spec.version not in said:
        last = " | ".join(said.splitlines()[-3:])[-300:]
        text = f"{spec.name} does not start in its image (exit code {report.exit_code}): {last}"
        raise EnvironmentLacks(text, hint)
