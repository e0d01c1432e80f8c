"""What `run` and `check` share: their options, the source of answers, progress, how a result is shown."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchledger.ledger.cli.render import NONE, clean, interval, number, progress_lines, table
from benchledger.ledger.cli.upstreams import endpoint_options, upstream_of

if TYPE_CHECKING:
    from benchledger.ledger.runs import Judged
    from benchledger.runners.cell_plan import Ended, Report
    from benchledger.runners.prepare import Prepared, Request
    from benchledger.runners.proxy.config import Prices
    from benchledger.runners.source import ModelSource, Recorded

__all__ = [
    "cell_options",
    "install_first",
    "judged_json",
    "request_of",
    "show_judged",
    "source_of",
    "terminated_is_interrupted",
    "watching",
]

F = TypeVar("F", bound=Callable[..., Any])


def cell_options(function: F) -> F:
    """Add what names one cell and its endpoint; the command takes **given."""
    many: dict[str, Any] = {"multiple": True}
    path = click.Path(path_type=Path)
    options = (
        click.option("--agent", metavar="NAME", help="The agent; `benchledger agents` lists them."),
        click.option("--model", metavar="ID", help="The model id."),
        click.option("--task", metavar="CATEGORY/NAME", help="The task; `benchledger tasks` lists them."),
        click.option("--sandbox", type=click.Choice(["local", "docker"]), default="local", show_default=True,
                     help="Where the agent runs."),
        click.option("--image", metavar="REF", help="An image for --sandbox docker in place of the agent's own."),
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
        click.option("--root", type=path, help="A folder with tasks of your own.", **many),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return endpoint_options(function)


def request_of(given: Mapping[str, Any], recorded: Mapping[str, str] | None = None) -> Request:
    """Return what was asked for; `recorded` fills in what a replayed cell says. Raises UsageError."""
    from benchledger.runners.prepare import Request
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
        sandbox=given["sandbox"],
        image=given["image"],
        protocol=given["protocol"],
        agent_files=given["agent_file"],
        overlays=given["overlay"],
        roots=given["root"],
        limits=dict(_limit(text) for text in given["limit"]),
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


def source_of(
    given: Mapping[str, Any], parts: Prepared, recorded: Recorded | None = None
) -> ModelSource | None:
    """Return where the answers come from, None for an agent that asks no model; raises UsageError."""
    from benchledger.runners.source import replayed

    if not parts.agent.uses_model:
        return None
    if recorded is not None:
        return replayed(recorded)
    if given["scripted"]:
        return _scripted(given, parts)
    return _live(given, parts) if given["endpoint"] else None


def _scripted(given: Mapping[str, Any], parts: Prepared) -> ModelSource:
    from benchledger.runners.script import PASS
    from benchledger.runners.source import scripted

    return scripted(parts.task, given["variant"] or PASS, _fault(given["fault"]))


def _live(given: Mapping[str, Any], parts: Prepared) -> ModelSource:
    """Return the endpoint as the source, asked first what it serves unless that is not wanted."""
    from benchledger.runners.endpoint import probe
    from benchledger.runners.source import live
    from benchledger.schema.errors import UsageError

    upstream, prices = upstream_of(dict(given)), _prices(given["price"])
    source = live(upstream, prices=prices)
    if given["no_preflight"]:
        return source
    wanted = [given["protocol"]] if given["protocol"] else parts.agent.protocols
    report = probe(upstream, parts.model, protocols=wanted, details=False)
    lacking = report.lack()
    if lacking is not None and all(each.state == "absent" for each in report.protocols):
        said = f"{parts.agent.name} is unsupported(protocol): it speaks {', '.join(wanted)}"
        hint = "`benchledger doctor --endpoint URL` says which agents it allows"
        raise UsageError(f"{said}, and {report.url} serves none of them", hint)
    if lacking is not None:
        raise lacking
    return live(upstream, report.served, prices)


def _limit(text: str) -> tuple[str, float | int]:
    from benchledger.schema.errors import UsageError

    name, _, value = text.partition("=")
    try:
        return name, float(value) if name in {"seconds", "money", "cpus"} else int(value)
    except ValueError:
        raise UsageError(f"limit {text!r} is no number", "write NAME=NUMBER, such as seconds=300") from None


def _fault(text: str | None) -> dict[str, Any] | None:
    from benchledger.schema.errors import UsageError

    if text is None:
        return None
    name, *counts = text.split(":")
    if len(counts) > 2 or not all(each.isdigit() for each in counts):
        raise UsageError(
            f"{text!r} is no fault", "write NAME, NAME:AFTER or NAME:AFTER:TIMES, such as 429:2:3"
        )
    return {"fault": name} | {key: int(each) for key, each in zip(("after", "times"), counts, strict=False)}


def _prices(text: str | None) -> Prices | None:
    from benchledger.runners.proxy.config import Prices
    from benchledger.schema.errors import UsageError

    if text is None:
        return None
    try:
        prompt, completion, *cached = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"{text!r} is no price", "write PROMPT,COMPLETION[,CACHED] in USD a million tokens"
        ) from None
    return Prices(prompt=prompt, completion=completion, cached=cached[0] if cached else None)


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
        "notes": list(judged.end.notes),
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
