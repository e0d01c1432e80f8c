"""compare: two sides, task by task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import (
    command,
    filter_options,
    json_option,
    ledger_option,
    policy_of,
    reading,
    selection_of,
)
from benchledger.ledger.cli.render import clean, count, echo_json, number, table

if TYPE_CHECKING:
    from benchledger.ledger.comparison import ComparisonReport
    from benchledger.ledger.store import Ledger

_LISTED = 8
_REASONS = {
    "missing": "the other side has no cell of it",
    "no_value": "no value",
    "no_value_there": "no value on the other side",
    "other_digest": "other task digest",
    "other_condition": "other agent or model",
    "no_start": "no start is recorded, so no range of days takes it",
}


@command(
    "benchledger compare aider opencode",
    "benchledger compare aider/openai/gpt-oss-120b pi/openai/gpt-oss-120b",
    "benchledger compare aider@0.85.0,2026-11-01.. aider@0.86.2",
    "benchledger compare @1200 @2400 --policy cab-0.1 --json",
    "benchledger compare --baseline nightly-1 --fail-on regression",
)
@click.argument("sides", nargs=-1, metavar="A B")
@click.option("--baseline", metavar="SIDE", help="Compare CURRENT with this; in place of A and B.")
@click.option(
    "--fail-on",
    type=click.Choice(["regression", "flip"]),
    multiple=True,
    help="With --baseline: leave with 1 on a regression, or where a task that was solved is no more; repeatable.",
)
@click.option("--policy", "name", default="gated-1", show_default=True, metavar="NAME|FILE", help="A policy.")
@filter_options("sweep", "agent", "model", "task", "mode")
@ledger_option
@json_option
@click.pass_context
def compare(
    ctx: click.Context, /, *, sides: tuple[str, ...], fail_on: tuple[str, ...], as_json: bool, **given: Any
) -> None:
    """Compare two sides, task by task.

    Write A B, or --baseline SIDE [CURRENT]. A side is an agent, agent@version, agent/model, a
    model, a sweep, a range of UTC days by the start of the attempts (2026-11-01..2026-11-15, either
    end open), or the ledger as it was (@SEQ or SEQ:HASH); or several of these joined by commas,
    each of which narrows it. Where a name is ambiguous, agent:NAME, version:[AGENT@]VERSION,
    model:ID, sweep:NAME, date:RANGE or head:SEQ always works.

    Only equal task digests are paired, and of agents also the model. Says what flipped, how sure
    the difference is, how many runs would decide it, and what is left out and why.

    With --baseline, a is CURRENT, by default the sweep that began last after the baseline. A
    regression is an interval that lies below 0 as a whole; below 5 common tasks, where there is
    no interval, a task that the baseline solved in all of its runs and CURRENT solves in none.
    """
    from benchledger.ledger.comparison import compare as paired

    baseline, name = given.pop("baseline"), given.pop("name")
    with reading() as ledger:
        names = _names(ledger, sides, baseline, fail_on)
        policy = policy_of(ledger.connection, name)
        report = paired(ledger, policy, names, selection_of(ledger.connection, given))
    findings = list(_findings(report, fail_on))
    if as_json:
        echo_json(report.to_json() | {"baseline": baseline, "findings": [kind for kind, _ in findings]})
    for _, text in findings:
        click.echo(clean(text), err=as_json)
    if not as_json:
        _tell(report, as_baseline=baseline is not None)
    if findings:
        ctx.exit(1)


def _names(
    ledger: Ledger, sides: tuple[str, ...], baseline: str | None, fail_on: tuple[str, ...]
) -> tuple[str, str]:
    """Return the names of a and b."""
    from benchledger.ledger.sides import later_sweep, side_of
    from benchledger.schema.errors import UsageError

    if baseline is None:
        if fail_on:
            raise UsageError(
                "--fail-on says nothing without a baseline", "name it: --baseline SWEEP [CURRENT]"
            )
        if len(sides) != 2:
            said = f"{count(len(sides), 'side')} given, two are compared"
            raise UsageError(said, "write `benchledger compare A B`, or --baseline SWEEP [CURRENT]")
        return sides[0], sides[1]
    if len(sides) > 1:
        raise UsageError("--baseline is compared with one side", f"leave one of {' and '.join(sides)} out")
    if sides:
        return sides[0], baseline
    return f"sweep:{later_sweep(ledger.connection, side_of(ledger.connection, baseline))}", baseline


def _findings(report: ComparisonReport, fail_on: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (kind, sentence) for what --fail-on asked for and what is so."""
    result, worse = report.result, report.regression
    now, before = report.a.name, report.b.name
    if "regression" in fail_on and worse.found:
        why = (
            f"{_difference(report)}; worse on {_some(worse.tasks)}"
            if worse.rule == "interval"
            else f"{before} solved in all runs, and {now} in none: {_some(worse.tasks)}"
        )
        yield "regression", f"regression of {now} against {before}: {why}"
    if "flip" in fail_on and result.solved_by_b:
        yield "flip", f"flip: solved by {before}, no more by {now}: {_some(result.solved_by_b)}"


def _tell(report: ComparisonReport, *, as_baseline: bool) -> None:
    result, a, b = report.result, clean(report.a.name), clean(report.b.name)
    roles = (" (current)", " (baseline)") if as_baseline else ("", "")
    click.echo(f"policy {report.policy.name}; a = {a}{roles[0]}, b = {b}{roles[1]}")
    _draw(report)
    cells = f"{report.cells_a:,} against {count(report.cells_b, 'cell')}"
    click.echo(f"mean difference over {count(len(result.tasks), 'task')} ({cells}): {_difference(report)}")
    for name, solved in ((a, result.solved_by_a), (b, result.solved_by_b)):
        click.echo(f"solved by {name} alone: {_some(solved)}")
    if result.repeats_needed is not None:
        click.echo(f"runs a task and side that would decide it: {result.repeats_needed:,}")
    else:
        click.echo("runs that would decide it: not known; it takes 2 runs or more of some task on both sides")
    for line in _notes(report):
        click.echo(clean(f"* {line}"))


def _draw(report: ComparisonReport) -> None:
    """Print the tasks, on a terminal with a bar each and the interval below."""
    from benchledger.ledger.cli.bars import Scale

    result = report.result
    rows = [(t.task, number(t.a), number(t.b), f"{t.difference:+.3f}") for t in result.tasks]
    columns = ("task", ">a", ">b", ">a - b")
    scale = Scale.for_terminal(max(abs(task.difference) for task in result.tasks))
    if scale is None:
        table(columns, rows)
        return
    drawn = [(*row, scale.bar(task.difference)) for row, task in zip(rows, result.tasks, strict=True)]
    middle, low, high = result.difference, result.low, result.high
    if middle is not None and low is not None and high is not None:
        drawn.append(("mean, 95% interval", "", "", f"{middle:+.3f}", scale.span(low, middle, high)))
    table((*columns, "b ahead | a ahead"), drawn)


def _difference(report: ComparisonReport) -> str:
    result = report.result
    said = "-" if result.difference is None else f"{result.difference:+.3f}"
    if result.low is None or result.high is None:
        return f"{said}; no interval below 5 common tasks"
    sure = "could be chance" if result.low <= 0 <= result.high else "not by chance alone"
    return f"{said}, 95% interval {result.low:+.3f}..{result.high:+.3f} over tasks: {sure}"


def _notes(report: ComparisonReport) -> Iterator[str]:
    """Yield what was left out and why, and in what the paired cells are not alike."""
    grouped: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for item in report.left_out:
        detail = f" ({item.detail})" if item.reason.startswith("no_value") else ""
        digests = f" ({item.detail})" if item.reason == "other_digest" else ""
        grouped[item.side, item.reason, detail].append(item.label + digests)
    for (side, reason, detail), labels in grouped.items():
        yield f"left out of {side}, {_REASONS[reason]}{detail}: {_some(labels)}"
    if report.by_id:
        yield f"no task digest is recorded, so these pair by their id alone: {_some(report.by_id)}"
    if report.shared:
        yield f"{count(report.shared, 'cell')} stand on both sides"
    for name, (a, b) in report.differs.items():
        yield f"{name.replace('_', ' ')} of a: {_some(a)}; of b: {_some(b)}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return clean(", ".join(names[:_LISTED]) + more) if names else "none"
