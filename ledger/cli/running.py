"""What `run`, `check` and `run-cell` share: their options, the source of answers, progress, how a result is shown."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchledger.ledger.cli.render import NONE, clean, interval, number, progress_lines, table
from benchledger.ledger.cli.sources import source_of
from benchledger.ledger.cli.upstreams import endpoint_options

if TYPE_CHECKING:
    from benchledger.ledger.runs import Judged
    from benchledger.runners.cell_plan import CellPlan, Ended, Report
    from benchledger.runners.prepare import Request
    from benchledger.schema.history import SweepPlanned
    from benchledger.schema.policy import Policy

__all__ = [
    "cell_options",
    "install_first",
    "intent_of",
    "judged_json",
    "limit_of",
    "request_of",
    "sandbox_options",
    "show_judged",
    "source_of",
    "terminated_is_interrupted",
    "watching",
]

F = TypeVar("F", bound=Callable[..., Any])


def sandbox_options(function: F) -> F:
    """Add what names the place where the agent runs."""
    said = "An image for --sandbox docker in place of the agent's own."
    function = click.option("--image", metavar="REF", help=said)(function)
    names = click.Choice(["local", "docker"])
    return click.option(
        "--sandbox", type=names, default="local", show_default=True, help="Where the agent runs."
    )(function)


def cell_options(function: F) -> F:
    """Add what names one cell and its endpoint; the command takes **given."""
    many: dict[str, Any] = {"multiple": True}
    path = click.Path(path_type=Path)
    options = (
        click.option("--agent", metavar="NAME", help="The agent; `benchledger agents` lists them."),
        click.option("--model", metavar="ID", help="The model id."),
        click.option("--task", metavar="CATEGORY/NAME", help="The task; `benchledger tasks` lists them."),
        click.option("--protocol", metavar="NAME", help="The protocol, where agent and endpoint share several."),
        click.option("--no-preflight", is_flag=True, help="Do not ask first what the endpoint serves."),
        click.option("--scripted", is_flag=True, help="Play the task's script as the model; no network, no key."),
        click.option("--variant", metavar="NAME", help="With --scripted: a variant of the script, such as fail."),
        click.option("--fault", metavar="NAME[:AFTER[:TIMES]]",
                     help="With --scripted: a fault of the endpoint, such as 429:2:3."),
        click.option("--limit", metavar="NAME=NUMBER", help="A limit in place of the task's: seconds=300.", **many),
        click.option("--price", metavar="PROMPT,COMPLETION[,CACHED]", help="Prices in USD a million tokens."),
        click.option("--overlay", type=path, help="A TOML file that changes the agent, and is part of its identity.",
                     **many),
        click.option("--agent-file", type=path, help="A TOML file, or a folder of them, with agents of your own.",
                     **many),
        click.option("--tasks", "root", type=path, metavar="DIR",
                     help="A folder of your own tasks, beside those that benchledger.toml names.", **many),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return endpoint_options(function)


def request_of(given: Mapping[str, Any], recorded: Mapping[str, str] | None = None) -> Request:
    """Return what was asked for; `recorded` fills in what a replayed cell says. Raises UsageError."""
    from benchledger.runners.prepare import Request
    from benchledger.runners.roots import own_roots
    from benchledger.schema.errors import UsageError

    sources = [name for name in ("endpoint", "scripted", "replay") if given.get(name)]
    if len(sources) > 1:
        raise UsageError(
            f"--{sources[0]} and --{sources[1]} exclude each other", "give one source of answers"
        )
    if (given["variant"] or given["fault"]) and not given["scripted"]:
        raise UsageError("--variant and --fault play on a script", "give --scripted with them")
    known = recorded or {}
    named: dict[str, str] = {name: given[name] or known.get(name, "") for name in ("agent", "model", "task")}
    for name, command in (("agent", "agents"), ("task", "tasks")):
        if not named[name]:
            raise UsageError(f"no {name} is named", f"give --{name}; `benchledger {command}` lists them")
    return Request(
        agent=named["agent"],
        task=named["task"],
        model=named["model"] or ("scripted" if given["scripted"] else None),
        sandbox=given.get("sandbox", "local"),
        image=given.get("image"),
        protocol=given["protocol"],
        agent_files=given["agent_file"],
        overlays=given["overlay"],
        roots=own_roots(given["root"]),
        limits=dict(limit_of(text) for text in given["limit"]),
        image_digest=given.get("image_digest"),
        hidden=given.get("hidden", ()),
    )


def install_first(given: Mapping[str, Any], request: Request) -> None:
    """Install the agent where it is not, and say so on standard error.

    What is named wrongly is found before, as in `prepare`. EnvironmentLacks with --no-install.
    """
    from benchledger.runners.agents.install import default_root, install
    from benchledger.runners.prepare import uninstalled
    from benchledger.schema.errors import EnvironmentLacks

    spec = uninstalled(request, answers=bool(given["endpoint"] or given["scripted"]))
    if spec is None:
        return
    if given["no_install"]:
        raise EnvironmentLacks(
            f"{spec.name} {spec.version} is not installed",
            "leave out --no-install, and it is installed first",
        )
    where = clean(str(default_root()))
    click.echo(f"{spec.name} {spec.version} is not installed: installing it into {where}", err=True)
    with progress_lines() as told:
        install(spec, progress=told)


def limit_of(text: str) -> tuple[str, float | int]:
    from benchledger.schema.errors import UsageError

    name, _, value = text.partition("=")
    try:
        return name, float(value) if name in {"seconds", "money", "cpus"} else int(value)
    except ValueError:
        raise UsageError(f"limit {text!r} is no number", "write NAME=NUMBER, such as seconds=300") from None


@contextmanager
def watching() -> Iterator[Report]:
    """Show the steps of a cell as they happen: on a terminal, on standard error; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda _stage, _text: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("start") as status:

        def report(stage: str, text: str) -> None:
            line = f"{stage}: {clean(text)}"
            # no markup: the text is an agent's or an endpoint's
            console.print(line, markup=False, highlight=False, style="dim") if stage == "call" else None
            status.update(line.replace("[", "\\["))

        yield report


@contextmanager
def terminated_is_interrupted() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end a run as Ctrl-C does: the attempt is closed first."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def intent_of(plan: CellPlan, policy: Policy, repeats: int = 1) -> SweepPlanned:
    """Return the plan to announce before a cell is launched."""
    from benchledger.schema.history import SweepPlanned

    return SweepPlanned(
        sweep=plan.cell.sweep,
        agents=(plan.cell.agent,),
        models=(plan.cell.model,),
        tasks=(plan.cell.task_id,),
        repeats=repeats,
        policy_id=policy.policy_id,
        limits=plan.limits,
    )


def judged_json(judged: Judged, ended: Ended) -> dict[str, Any]:
    """Return one attempt in the documented shape."""
    from benchledger.ledger.verdict import verdict

    setup, composite = judged.evidence.setup, judged.composite
    return {
        "cell_id": setup.cell_id,
        "attempt": setup.attempt,
        "agent": setup.agent.name,
        "version": setup.agent.version,
        "model": setup.model,
        "mode": setup.mode,
        "sandbox": setup.sandbox,
        "outcome": judged.end.outcome,
        "outcome_kind": judged.end.outcome_kind,
        "verdict": verdict(judged.evidence, judged.end),
        "composite": composite.value,
        "reason": composite.reason,
        "floor": composite.floor,
        "ceiling": composite.ceiling,
        "coverage": composite.coverage,
        "axes": {
            name: {"value": score.value, "state": score.state, "reason": score.reason}
            for name, score in judged.axes.items()
        },
        "model_calls": len(judged.evidence.calls),
        "notes": list(judged.notes),
        "drifts": ended.drifts,
    }


def show_judged(told: Mapping[str, Any], policy: str) -> None:
    """Print the sentence, the axes and the composite."""
    click.echo(clean(told["verdict"]))
    for note in told["notes"]:
        click.echo(f"note: {clean(note)}")
    rows = [
        (name, NONE if axis["value"] is None else f"{axis['value']:g}", axis["state"], axis["reason"] or NONE)
        for name, axis in told["axes"].items()
    ]
    table(("axis", ">value", "state", "reason"), rows)
    reason = f" ({told['reason']})" if told["reason"] else ""
    span = interval(told["floor"], told["ceiling"])
    click.echo(f"composite {number(told['composite'])}{reason} under {policy}, floor..ceiling {span}")
