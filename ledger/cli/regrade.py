"""regrade: the scorers of this version over stored evidence, and what moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import (
    FILTERS,
    command,
    filter_options,
    head_text,
    json_option,
    ledger_option,
    ledger_path,
    policy_json,
    policy_of,
    reading,
    selection_of,
    writing,
)
from benchledger.ledger.cli.render import NONE, clean, count, echo_json, interval, number, progress, table

if TYPE_CHECKING:
    from benchledger.ledger.regrade import AxisMove
    from benchledger.ledger.regrade_all import RegradeResult
    from benchledger.ledger.rescore import RescoreRow
    from benchledger.ledger.store import Ledger

_LISTED = 20
_FOLD = ("version", "mode", "condition", "interval")


@command(
    "benchledger regrade --dry-run",
    "benchledger regrade",
    "benchledger regrade --sweep nightly-20260131 --agent aider",
    "benchledger regrade --json | jq '.axes'",
)
@click.option(
    "--policy", "name", default="gated-1", show_default=True, metavar="NAME|FILE",
    help="The policy of the table of what moved.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Append nothing; show what would move.")
@filter_options(*FILTERS)
@ledger_option
@json_option
def regrade(*, as_json: bool, dry_run: bool, name: str, **chosen: Any) -> None:
    """Run the scorers of this version over stored evidence.

    Needs no sandbox, engine or task, and shows what moves. Where a score was made by an older
    scorer, or an axis has none, a new one is appended that supersedes it, and a composite where
    that moved; old ones stay. Published cells have no evidence to score and are left as they are.
    """
    with reading() if dry_run else writing() as ledger, progress("regrade") as advance:
        result = _regraded(ledger, name, chosen, dry_run=dry_run, advance=advance)
        head = ledger.head()
    if as_json:
        where = {"ledger": str(ledger_path()), "head": head and head.to_json()}
        said = {"policy": policy_json(result.policy), "dry_run": dry_run, "events": result.events}
        echo_json(result.to_json() | said | where)
        return
    _tell(result)
    if dry_run:
        click.echo("dry run: nothing was appended")
    else:
        click.echo(
            f"{count(result.events, 'event')} appended: ledger {ledger_path()}, head {head_text(head)}"
        )


def _regraded(
    ledger: Ledger, name: str, chosen: dict[str, Any], *, dry_run: bool, advance: Any
) -> RegradeResult:
    from benchledger.ledger.regrade_all import regrade as evaluate

    connection = ledger.connection
    selection, policy = selection_of(connection, chosen), policy_of(connection, name)
    return evaluate(ledger, selection, policy, dry_run=dry_run, progress=advance)


def _tell(result: RegradeResult) -> None:
    scored = sum(result.scored.values())
    click.echo(
        f"{count(result.attempts, 'attempt')} regraded: {count(scored, 'score')}, "
        f"{count(result.composites, 'composite')}; {count(result.moved, 'attempt')} moved"
    )
    if result.published:
        click.echo(
            f"left as published: {count(result.published, 'attempt')}, read off a page, not scored here"
        )
    for name, times in sorted(result.later.items()):
        click.echo(
            clean(f"left as it is: {count(times, 'score')} by {name}, later than what this version has")
        )
    for item in result.skipped[:_LISTED]:
        axis = f" {item.axis}" if item.axis else ""
        click.echo(clean(f"not regraded: {item.ref}{axis}: {item.reason}"))
    if len(result.skipped) > _LISTED:
        click.echo(f"and {len(result.skipped) - _LISTED} more that were not regraded; --json lists them")
    if not result.scored:
        click.echo("every score that can be made is by the current scorers")
        return
    lines = [
        (axis, before or NONE, after, str(times), str(result.moved_axes[axis, before, after]))
        for (axis, before, after), times in sorted(result.scored.items())
    ]
    table(("axis", "before", "after", ">scores", ">moved"), lines)
    _cells(result.cells)
    _rows(result.rows)


def _cells(moves: list[AxisMove]) -> None:
    if not moves:
        return
    lines = [(move.ref, move.after.axis, _value(move.before), _value(move.after)) for move in moves[:_LISTED]]
    table(("attempt that moved", "axis", ">before", ">after"), lines)
    if len(moves) > _LISTED:
        click.echo("more moved; --json lists them")


def _value(score: Any) -> str:
    if score is None:
        return NONE
    return str(score.state) if score.value is None else f"{score.value:g}"


def _rows(rows: list[RescoreRow]) -> None:
    moved = [row for row in rows if _has_moved(row)]
    if len(moved) < len(rows):
        click.echo(f"as before: {count(len(rows) - len(moved), 'row')} of agent x model")
    if not moved:
        return
    columns = (
        *("agent", "version", "model", "mode", "condition", ">before", ">after", "interval", ">rank"),
        *(">place", "moved by"),
    )
    table(columns, [_row(row) for row in moved], _FOLD)


def _has_moved(row: RescoreRow) -> bool:
    old, new = row.before, row.after
    here = (old.composite, old.rank, old.tied, row.place_before)
    return here != (new.composite, new.rank, new.tied, row.place_after)


def _row(row: RescoreRow) -> tuple[str, ...]:
    agent, version, model, mode, behavior = row.after.key
    old, new = row.before, row.after
    return (
        *(agent, version or NONE, model, mode, behavior),
        number(old.composite),
        number(new.composite),
        interval(new.low, new.high),
        f"{old.rank}{'=' if old.tied else ''} -> {new.rank}{'=' if new.tied else ''}",
        f"{row.place_before} -> {row.place_after}",
        NONE if row.moved is None else f"{row.moved.term} {row.moved.delta:+.3f}",
    )
