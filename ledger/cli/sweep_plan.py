"""From options or a file to a plan, and from a plan to what is to be run: arms, tasks, blocks of cells.

options --written-> plan.toml -> SweepFile -> Matrix (checked against agents and tasks of this machine)
    -> sweep.planned (one, or two where some agents ask no model) and the blocks of this shard
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchledger.ledger.cli.common import policy_of
from benchledger.ledger.cli.upstreams import ENDPOINT_OPTIONS
from benchledger.runners.agents.files import agent_named, load_agents
from benchledger.runners.agents.overlay import overlaid, read_overlay
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.prepare import NO_MODEL, Request, prepare
from benchledger.runners.roots import all_roots, own_roots
from benchledger.runners.sweep.order import Arm, ordered, shard_of, tasks_named
from benchledger.runners.sweep.plan import EndpointPart, PricePart, StopPart, SweepFile, plan_text, read_plan
from benchledger.runners.task import find_tasks
from benchledger.schema.base import Record
from benchledger.schema.errors import BadInput, EnvironmentLacks, UsageError
from benchledger.schema.history import SweepPlanned
from benchledger.schema.ids import CellId
from benchledger.schema.policy import Policy
from benchledger.schema.task import Limits

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T", bound=Record)
__all__ = ["Matrix", "check_parts", "matrix_of", "options_of", "plan_of", "written"]

# Options that a plan says by itself; beside a plan file they would be a second, silent plan.
_PLANNING = (
    "agent", "model", "task", "repeat", "seed", "sweep", "policy", "infra_retries", "protocol", "scripted", "variant",
    "fault", "limit", "price", "overlay", "agent_file", "root", "sandbox", "image", *ENDPOINT_OPTIONS,
)  # fmt: skip


@dataclass(frozen=True)
class Matrix:
    """A plan with its names resolved: `blocks` of cells for this shard, `planned` for the whole sweep."""

    plan: SweepFile
    policy: Policy
    agents: Mapping[str, AgentSpec]
    arms: tuple[Arm, ...]
    tasks: tuple[str, ...]
    blocks: tuple[tuple[CellId, ...], ...]
    planned: tuple[SweepPlanned, ...]

    @property
    def cells(self) -> list[CellId]:
        """Return this shard's cells, in order."""
        return [cell for block in self.blocks for cell in block]


def plan_of(path: Path | None, given: Mapping[str, Any]) -> SweepFile:
    """Return the plan of a file, else of the options; raises UsageError where both speak."""
    if path is not None:
        doubled = [name for name in _PLANNING if given.get(name)]
        if doubled:
            name = {"root": "tasks"}.get(doubled[0], doubled[0].replace("_", "-"))
            raise UsageError(f"--{name} is the plan's to say", f"write it into {path}, or leave the plan out")
        return read_plan(path)
    for name in ("agent", "task"):
        if not given[name]:
            raise UsageError(
                f"no plan and no --{name} is given", "name a plan file, or --agent, --model and --task"
            )
    return _from_options(given)


def written(plan: SweepFile, folder: Path) -> Path:
    """Write a plan beside the user's work; one that is there already must say the same.

    Raises UsageError where it says something else.
    """
    path, text = folder / f"{plan.sweep}.toml", plan_text(plan)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{path.name} is here and says something else", "give --sweep another name, or run that plan"
        )
    path.write_text(text, encoding="utf-8")
    return path


def matrix_of(plan: SweepFile, connection: sqlite3.Connection | None, shard: str | None) -> Matrix:
    """Return what a plan means on this machine; raises UnknownName and UsageError for what is named wrongly."""
    known = load_agents([Path(each) for each in plan.agent_files])
    overlays = tuple(read_overlay(Path(each)) for each in plan.overlays)
    agents = {name: overlaid(agent_named(name, known), overlays) for name in plan.agents}
    asking = [name for name, spec in agents.items() if spec.uses_model]
    if asking and not (plan.scripted or plan.endpoint):
        raise UsageError(f"{asking[0]} asks a model", "give --endpoint URL or --scripted")
    models = plan.models or (("scripted",) if plan.scripted else ())
    if asking and not models:
        raise UsageError(f"{asking[0]} asks a model, and none is named", "name it with --model")
    tasks = tuple(tasks_named(plan.tasks, list(find_tasks(all_roots(plan.task_paths)))))
    policy = policy_of(connection, plan.policy)
    silent = [name for name in agents if name not in asking]
    arms = tuple(
        (name, model) for name in plan.agents for model in (models if name in asking else (NO_MODEL,))
    )
    blocks = shard_of(ordered(plan.sweep, arms, tasks, plan.repeats, plan.seed), shard)
    parts = [(asking, models), (silent, (NO_MODEL,))]
    planned = tuple(_planned(plan, policy, named, asked, tasks) for named, asked in parts if named)
    return Matrix(plan, policy, agents, arms, tasks, tuple(map(tuple, blocks)), planned)


def check_parts(matrix: Matrix, progress: Callable[[str], None] = lambda _: None) -> None:
    """See that this machine has every agent, image, toolchain and protocol that the plan wants.

    Each agent is tried with one task, each task with one agent. Raises EnvironmentLacks that names
    all that is missing: nothing is launched while something is.
    """
    plan, lacks = matrix.plan, dict[str, str]()
    first = next(iter(matrix.agents))
    pairs = [(name, matrix.tasks[0]) for name in matrix.agents] + [(first, task) for task in matrix.tasks[1:]]
    for agent, task in pairs:
        request = request_of_plan(plan, agent, task)
        try:
            # what a task's [environment] wants is made now, once, and not while a cell's clock runs
            prepare(request, progress)
        except EnvironmentLacks as error:
            lacks.setdefault(error.message, error.hint)
    if lacks:
        said = "; ".join(lacks)
        hint = "; ".join(dict.fromkeys(lacks.values()))
        raise EnvironmentLacks(said, f"{hint}; or leave these out of the plan")


def request_of_plan(plan: SweepFile, agent: str, task: str) -> Request:
    """Return one cell of a plan as `prepare` takes it."""
    return Request(
        agent=agent,
        task=task,
        model=(*plan.models, "scripted")[0],
        sandbox=plan.sandbox,
        image=plan.image,
        protocol=plan.protocol,
        agent_files=[Path(each) for each in plan.agent_files],
        overlays=[Path(each) for each in plan.overlays],
        roots=own_roots(plan.task_paths),
        limits=plan.limits,
    )


def options_of(plan: SweepFile) -> dict[str, Any]:
    """Return what `run` would be given for any cell of this plan, as plain values."""
    endpoint = plan.endpoint
    told: dict[str, Any] = dict.fromkeys(ENDPOINT_OPTIONS) | {"header": (), "query": ()}
    if endpoint is not None:
        told |= endpoint.model_dump(include={"key_env", "key_header", "query", "path_version"})
        told |= {"endpoint": endpoint.url, "header": endpoint.headers}
    return told | {
        **plan.model_dump(include={"scripted", "variant", "fault", "sandbox", "image", "protocol"}),
        "replay": None, "no_preflight": False,
        "agent_file": plan.agent_files, "overlay": plan.overlays, "root": plan.task_paths,
        "limit": [f"{name}={value}" for name, value in plan.limits.items()],
    }  # fmt: skip


def _from_options(given: Mapping[str, Any]) -> SweepFile:
    from benchledger.ledger.cli.running import limit_of

    now = datetime.now(UTC)
    endpoint = None
    if given["endpoint"]:
        same = {name: given[name] for name in ("key_env", "key_header", "query", "path_version")}
        endpoint = _built(EndpointPart, url=given["endpoint"], headers=given["header"], **same)
    said = {
        "sweep": given["sweep"] or f"sweep-{now:%Y%m%d-%H%M%S}",
        "agents": _listed(given["agent"]),
        "models": _listed(given["model"]),
        "tasks": _listed(given["task"]),
        "repeats": given["repeat"],
        # any number will do, for it is written down
        "seed": random.SystemRandom().randrange(1 << 31) if given["seed"] is None else given["seed"],
        "policy": given["policy"],
        "infra_retries": given["infra_retries"],
        "limits": dict(limit_of(text) for text in given["limit"]),
        "endpoint": endpoint,
        "prices": dict(_price(text, _listed(given["model"])) for text in given["price"]),
        "stop": StopPart(),
        **{name: given[name] for name in ("protocol", "scripted", "variant", "fault", "sandbox", "image")},
        **{plural: tuple(str(each) for each in given[name])
           for name, plural in (("agent_file", "agent_files"), ("overlay", "overlays"), ("root", "task_paths"))},
    }  # fmt: skip
    defaults = {name for name, value in said.items() if value is None}
    return _built(SweepFile, **{name: value for name, value in said.items() if name not in defaults})


def _built(model: type[T], **said: Any) -> T:
    from pydantic import ValidationError

    try:
        return model(**said)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or model.__name__
        raise UsageError(
            f"{where}: {first['msg'].removeprefix('Value error, ')}", "see `benchledger sweep --help`"
        ) from None


def _listed(given: Sequence[str]) -> tuple[str, ...]:
    """Return names given one by one or with commas between them, each once."""
    return tuple(dict.fromkeys(name.strip() for text in given for name in text.split(",") if name.strip()))


def _price(text: str, models: Sequence[str]) -> tuple[str, PricePart]:
    name, equals, numbers = text.rpartition("=")
    if not equals and len(models) != 1:
        raise UsageError(
            f"{text!r} names no model", "write --price MODEL=PROMPT,COMPLETION[,CACHED] for each"
        )
    try:
        prompt, completion, *cached = (float(part) for part in numbers.split(","))
        made = PricePart(prompt=prompt, completion=completion, cached=cached[0] if cached else None)
    except (ValueError, TypeError):
        raise UsageError(
            f"{text!r} is no price", "write MODEL=PROMPT,COMPLETION[,CACHED] in USD a million tokens"
        ) from None
    return name or models[0], made


def _planned(
    plan: SweepFile, policy: Policy, agents: Sequence[str], models: Sequence[str], tasks: Sequence[str]
) -> SweepPlanned:
    try:
        limits = Limits(**plan.limits) if plan.limits else None  # type: ignore[arg-type]  # pydantic says what is wrong
    except ValueError as error:
        raise BadInput(f"limits: {error}", "limits are " + ", ".join(Limits.model_fields)) from None
    return SweepPlanned(
        sweep=plan.sweep,
        agents=tuple(agents),
        models=tuple(models),
        tasks=tuple(tasks),
        repeats=plan.repeats,
        seed=plan.seed,
        policy_id=policy.policy_id,
        infra_retries=plan.infra_retries,
        limits=limits,
    )
