"""The morning report of a sweep, in at most fifteen lines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from benchledger.ledger.cli.render import clean, count, number, table
from benchledger.ledger.cli.sweep_view import span_text

if TYPE_CHECKING:
    from benchledger.ledger.sweep_status import SweepStatus

__all__ = ["tell"]

_ARMS, _NAMES = 6, 3


def tell(it: SweepStatus) -> None:
    """Print it."""
    matrix = f"{count(it.agents, 'agent')} x {count(it.models, 'model')} x {count(it.tasks, 'task')}"
    click.echo(
        f"{clean(it.sweep)}: {matrix} x {count(it.repeats, 'run')} = {count(it.cells, 'cell')},"
        f" planned {_time(it.planned_at)}, {clean(it.policy)}"
    )
    share = f" ({it.done / it.cells:.0%})" if it.cells else ""
    click.echo(
        f"{it.done} of {it.cells} have a result{share}, {it.solved} solved; {len(it.at_work)} at work,"
        f" {it.todo} to do, {it.lost} lost for good"
    )
    click.echo(_pace(it))
    click.echo(_cost(it))
    faults = ", ".join(f"{kind} {times}" for kind, times in it.faults.items())
    click.echo(f"attempts lost on the way: {sum(it.faults.values())}{f' ({faults})' if faults else ''}")
    rows = [
        (f"{arm.agent} x {arm.model}", f"{arm.solved}/{arm.done}", f"{arm.done}/{arm.planned}",
         str(arm.lost_attempts), number(arm.composite), "-" if arm.seconds is None else f"{arm.seconds:.1f}")
        for arm in sorted(it.arms, key=lambda arm: -(arm.composite or 0.0))[:_ARMS]
    ]  # fmt: skip
    table(("agent x model", ">solved", ">done", ">lost", ">gated-1", ">median s"), rows)
    if len(it.arms) > _ARMS:
        click.echo(
            f"and {len(it.arms) - _ARMS} more agents x models: `benchledger leaderboard --sweep {clean(it.sweep)}`"
        )
    if it.unsolved:
        more = f" and {len(it.unsolved) - _NAMES} more" if len(it.unsolved) > _NAMES else ""
        click.echo(f"solved by nobody: {clean(', '.join(it.unsolved[:_NAMES]))}{more}")
    click.echo(_next(it))


def _pace(it: SweepStatus) -> str:
    if it.first is None:
        return "not begun"
    if it.last is None or not it.rate:
        return f"begun {_time(it.first)}, no result yet"
    left = (it.todo + len(it.at_work)) / it.rate * 3600
    ahead = (
        f"about {span_text(left)} left at {it.rate:.0f} cells an hour"
        if it.at_work
        else f"{it.rate:.0f} cells an hour"
    )
    return f"begun {_time(it.first)}, last result {_time(it.last)}; {ahead}"


def _cost(it: SweepStatus) -> str:
    cost = it.cost.cost
    if cost.value is None:
        return (
            "cost: not known, for no price was declared" if not it.cost.without_usage else "cost: not known"
        )
    solved = f", {cost.value / it.solved:.4f} a solved cell" if it.solved else ""
    blind = (
        f"; at least: {count(it.cost.without_usage, 'call')} without usage" if it.cost.without_usage else ""
    )
    return f"cost of all attempts {cost.value:.4f} {cost.currency}{solved}{blind}"


def _next(it: SweepStatus) -> str:
    if it.at_work:
        return f"at work: {clean(it.at_work[0])}{f' and {len(it.at_work) - 1} more' if len(it.at_work) > 1 else ''}"
    if it.todo or it.abandoned:
        lost = (
            f"{count(len(it.abandoned), 'attempt')} abandoned by a launcher that is gone; "
            if it.abandoned
            else ""
        )
        return f"nobody is at work: {lost}`benchledger sweep PLAN` goes on with what is missing"
    return f"complete: `benchledger verify`, then `benchledger leaderboard --sweep {clean(it.sweep)}`"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
