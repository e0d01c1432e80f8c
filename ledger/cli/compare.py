"""compare: two sides, task by task."""

from __future__ import annotations

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

_LISTED = 8


@command(
    "benchledger compare aider opencode",
    "benchledger compare aider/openai/gpt-oss-120b pi/openai/gpt-oss-120b",
    "benchledger compare sweep-1 sweep-2 --policy cab-0.1 --json",
)
@click.argument("a")
@click.argument("b")
@click.option("--policy", "name", default="gated-1", show_default=True, metavar="NAME|FILE", help="A policy.")
@filter_options("sweep", "model", "task", "mode")
@ledger_option
@json_option
def compare(a: str, b: str, name: str, *, as_json: bool, **chosen: Any) -> None:
    """Compare two agents or sweeps, task by task.

    A and B are an agent, agent/model, or a sweep. Only what both have is paired: tasks, and of
    agents also the model. Says what flipped, how sure the difference is, and what is left out.
    """
    from benchledger.ledger.comparison import compare as paired

    with reading() as ledger:
        connection = ledger.connection
        policy = policy_of(connection, name)
        report = paired(connection, policy, (a, b), selection_of(connection, chosen))
    if as_json:
        echo_json(report.to_json())
    else:
        _tell(report)


def _tell(report: ComparisonReport) -> None:
    result, a, b = report.result, clean(report.a.name), clean(report.b.name)
    click.echo(f"policy {report.policy.name}; a = {a}, b = {b}")
    rows = [(t.task, number(t.a), number(t.b), f"{t.difference:+.3f}") for t in result.tasks]
    table(("task", ">a", ">b", ">a - b"), rows)
    click.echo(f"mean difference over {count(len(rows), 'task')}: {_difference(report)}")
    for name, solved in ((a, result.solved_by_a), (b, result.solved_by_b)):
        click.echo(f"solved by {name} alone: {_some(solved)}")
    if result.repeats_needed is not None:
        click.echo(f"runs a task and side that would decide it: {result.repeats_needed:,}")
    else:
        click.echo("runs that would decide it: not known; it takes 2 runs or more of some task on both sides")
    for name, left in ((a, report.unpaired_a), (b, report.unpaired_b)):
        if left:
            click.echo(f"* left out, {name} alone has a value on: {_some(left)}")
    if report.conditions_a != report.conditions_b or len(report.conditions_a) > 1:
        click.echo(f"* conditions of a: {_some(report.conditions_a)}; of b: {_some(report.conditions_b)}")


def _difference(report: ComparisonReport) -> str:
    result = report.result
    said = "-" if result.difference is None else f"{result.difference:+.3f}"
    if result.low is None or result.high is None:
        return f"{said}; no interval below 5 common tasks"
    sure = "could be chance" if result.low <= 0 <= result.high else "not by chance alone"
    return f"{said}, 95% interval {result.low:+.3f}..{result.high:+.3f} over tasks: {sure}"


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return clean(", ".join(names[:_LISTED]) + more) if names else "none"
