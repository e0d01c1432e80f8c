"""From names to parts: an agent, a task, a sandbox and limits, all there before anything is claimed.

    Request (what a person names) -> prepare -> Prepared -> plan (cell id, attempt, source) -> CellPlan

What is missing is found here, before the first event: an unknown name, an agent that is not
installed, a toolchain, an image, a protocol that nobody shares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchledger.runners.agents.files import agent_named, load_agents
from benchledger.runners.agents.install import Installed, installed
from benchledger.runners.agents.overlay import Overlay, overlaid, read_overlay
from benchledger.runners.agents.plan import choose_protocol
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.cell_plan import CellPlan
from benchledger.runners.environments.find import local_place, refuse_unmade, task_image
from benchledger.runners.environments.recipe import Ready
from benchledger.runners.grading import lacking_tools
from benchledger.runners.inside import image_named, installed_inside, look_around, sandboxes_inside
from benchledger.runners.sandboxes.port import Sandbox
from benchledger.runners.sandboxes.registry import sandbox_type
from benchledger.runners.source import ModelSource
from benchledger.runners.task import Environment, Task, find_task, load_task, missing_toolchain, suite_root
from benchledger.schema.errors import EnvironmentLacks, UsageError
from benchledger.schema.events import AgentIdentity
from benchledger.schema.ids import CellId
from benchledger.schema.task import Limits

__all__ = ["NO_MODEL", "Prepared", "Request", "plan_cell", "prepare", "uninstalled"]

NO_MODEL = "none"  # the model id of an agent that asks none


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for, by name. `limits` take the place of the task's own, field by field.

    `agents_root` is where agents are installed, None for the managed place.
    For the sandbox `run-cell`: the digest of the image that it is in, and files that the agent must not read.
    """

    agent: str
    task: str
    model: str | None = None
    sandbox: str = "local"
    image: str | None = None
    protocol: str | None = None
    agent_files: Sequence[Path] = ()
    overlays: Sequence[Path] = ()
    roots: Sequence[Path] = ()
    agents_root: Path | None = None
    limits: Mapping[str, float | int] = field(default_factory=dict)
    image_digest: str | None = None
    hidden: Sequence[Path] = ()


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request whose parts are all there. `sandbox` makes a new one at each call."""

    task: Task
    agent: AgentSpec
    overlays: tuple[Overlay, ...]
    installed: Installed | None
    identity: AgentIdentity
    model: str
    sandbox: Callable[..., Sandbox]
    sandbox_name: str
    limits: Limits
    protocol: str | None
    checks_sandbox: Callable[[], Sandbox] | None = None
    not_isolated: tuple[str, ...] = ()
    environment: Ready | None = None


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a cell is to run, and as which agent. `path` is that of its programs, where this machine has it."""

    installed: Installed | None
    identity: AgentIdentity
    sandbox: Callable[..., Sandbox]
    checks: Callable[[], Sandbox] | None = None
    not_isolated: tuple[str, ...] = ()
    environment: Ready | None = None
    path: str | None = None


def prepare(request: Request, progress: Callable[[str], None] = lambda _: None) -> Prepared:
    """Return the parts of one cell; `progress` is told the steps of making a task's environment.

    Raises UnknownName and UsageError for what is named wrongly, BadInput for a file that is wrong,
    EnvironmentLacks, with the next step, for what this machine lacks.
    """
    spec, overlays, task = _named(request)
    _model(request, spec)  # nobody waits for an environment in vain
    place = _place(request, spec, task, progress)
    _check_tools(request, task, place.checks or place.sandbox, place.path)
    return Prepared(
        task=task,
        agent=spec,
        overlays=overlays,
        installed=place.installed,
        identity=place.identity,
        model=_model(request, spec),
        sandbox=place.sandbox,
        sandbox_name=request.sandbox,
        limits=_limits(task.limits, request.limits),
        protocol=request.protocol,
        checks_sandbox=place.checks,
        not_isolated=place.not_isolated,
        environment=place.environment,
    )


def uninstalled(request: Request, *, answers: bool) -> AgentSpec | None:
    """Return the agent that has to be installed before `prepare`, None where nothing has to be.

    What else would be missing is found first, so that nobody waits for an installation in vain;
    `answers` says whether there is to be a source of them.
    """
    spec, _, task = _named(request)
    if request.sandbox != "local" or spec.install.kind == "none" or installed(spec) is not None:
        return None
    if not task.environment.setup:
        _check_tools(request, task, sandbox_type(request.sandbox), None)
    _model(request, spec)
    if spec.uses_model and not answers:
        raise _unanswered(spec)
    return spec


def plan_cell(
    parts: Prepared,
    source: ModelSource | None,
    sweep: str,
    run: int,
    attempt: int,
    secrets: Mapping[str, str] = {},
) -> CellPlan:
    """Return the plan of one attempt; raises UsageError where agent and source share no protocol."""
    cell = CellId(sweep, parts.agent.name, parts.model, parts.task.category, parts.task.name, run)
    cell.check()
    protocol = None
    if parts.agent.uses_model:
        if source is None:
            raise _unanswered(parts.agent)
        if source.prices is None and parts.limits.money is not None:
            raise UsageError("a limit of money needs prices", "give --price, or leave the limit out")
        protocol = parts.protocol or choose_protocol(parts.agent, source.served)
    recorded = None if source is None else source.recorded
    return CellPlan(
        cell=cell,
        places=recorded.places if recorded and parts.sandbox_name == "local" else None,
        attempt=attempt,
        task=parts.task,
        agent=parts.agent,
        identity=parts.identity,
        model=parts.model,
        sandbox=parts.sandbox,
        sandbox_name=parts.sandbox_name,
        limits=parts.limits,
        source=source if parts.agent.uses_model else None,
        protocol=protocol,
        overlays=parts.overlays,
        installed=parts.installed,
        harness=f"benchledger {version('benchledger')}",
        checks_sandbox=parts.checks_sandbox,
        not_isolated=parts.not_isolated,
        environment=parts.environment,
        secrets=secrets,
    )


def _named(request: Request) -> tuple[AgentSpec, tuple[Overlay, ...], Task]:
    spec = agent_named(request.agent, load_agents(request.agent_files))
    overlays = tuple(read_overlay(path) for path in request.overlays)
    spec = overlaid(spec, overlays)
    task = load_task(find_task(request.task, [suite_root(), *request.roots]))
    refuse_unmade(task, request.sandbox)
    return spec, overlays, task


def _model(request: Request, spec: AgentSpec) -> str:
    if not spec.uses_model:
        return NO_MODEL
    if not request.model:
        raise UsageError(f"{spec.name} asks a model, and none is named", "name it with --model")
    return request.model


def _unanswered(spec: AgentSpec) -> UsageError:
    return UsageError(f"{spec.name} asks a model", "give --endpoint URL, --scripted or --replay")


def _place(request: Request, spec: AgentSpec, task: Task, progress: Callable[[str], None]) -> _Place:
    told: dict[str, Any] = {"name": spec.name, "version": spec.version, "uses_model": spec.uses_model}
    if request.sandbox == "docker":
        return _in_docker(request, spec, task, told, progress)
    if request.image is not None:
        raise UsageError(f"sandbox {request.sandbox} runs no image", "use --sandbox docker with --image")
    made, inside = sandbox_type(request.sandbox), request.sandbox == "run-cell"
    ready = installed_inside(spec) if inside else installed(spec, request.agents_root)
    if ready is None:
        raise EnvironmentLacks(
            f"{spec.name} {spec.version} is not installed", f"run `benchledger agents install {spec.name}`"
        )
    if request.sandbox == "local":
        here = local_place(task, progress)
        return _Place(
            installed=ready, identity=AgentIdentity(**told), sandbox=here.agent, checks=here.checks,
            environment=here.ready, path=here.path,
        )  # fmt: skip
    if not inside:
        return _Place(installed=ready, identity=AgentIdentity(**told), sandbox=made)
    identity = AgentIdentity(**told, **image_named(request.image_digest, os.environ))
    agent, checks = sandboxes_inside()
    exposed = look_around(agent, task, request.hidden)
    return _Place(installed=ready, identity=identity, sandbox=agent, checks=checks, not_isolated=exposed)


def _in_docker(
    request: Request, spec: AgentSpec, task: Task, told: dict[str, Any], progress: Callable[[str], None]
) -> _Place:
    from benchledger.runners.images.find import find_image, image_on  # noqa: PLC0415 - the SDK takes 150 ms to import

    if request.image is not None and task.environment != Environment():
        raise UsageError(f"task {task.id} has an [environment] of its own", "leave out --image")
    made, below = sandbox_type(request.sandbox), task_image(task, progress)
    if below is None:
        found = find_image(spec, request.image)
    else:
        found = image_on(spec, below, request.agents_root, progress)
    identity = AgentIdentity(**told, image=found.image, image_digest=found.digest, image_id=found.image_id)
    return _Place(
        installed=found.installed,
        identity=identity,
        sandbox=partial(made, found.image_id),
        checks=None if below is None else partial(made, below.image_id),
        environment=below,
    )


def _check_tools(request: Request, task: Task, sandbox: Callable[[], Sandbox], path: str | None) -> None:
    if request.sandbox == "local":
        missing, hint = missing_toolchain(task, path), "install them, or put them into PATH"
    else:
        missing = lacking_tools(sandbox, task.toolchain)
        hint = "build the image on a base that has them: `benchledger images build AGENT --base IMAGE`"
    if missing and task.environment != Environment():
        hint = "let its [environment] bring them"
    if missing:
        raise EnvironmentLacks(f"task {task.id} needs {', '.join(missing)}", hint)


def _limits(own: Limits, given: Mapping[str, float | int]) -> Limits:
    try:
        return Limits.model_validate(own.model_dump(exclude_none=True) | dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        known = ", ".join(Limits.model_fields)
        raise UsageError(f"limit {name}: {first['msg']}", f"limits are {known}, each NAME=NUMBER") from error
