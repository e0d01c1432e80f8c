"""rescore: all history under another policy, and what moves."""

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
from benchledger.ledger.cli.render import NONE, clean, count, echo_json, interval, number, table

if TYPE_CHECKING:
    from benchledger.ledger.rescore import RescoreResult, RescoreRow
    from benchledger.ledger.store import Ledger
    from benchledger.schema.history import Head
    from benchledger.scorers.leaderboard import RowStatistics

_MOVED = 3
_FOLD = ("version", "mode", "condition", "interval")


@command(
    "benchledger rescore --policy cab-0.1",
    "benchledger rescore -w pass_rate=0.5 -w cost=0.5",
    "benchledger rescore --policy my.toml --before cab-0.1 --dry-run",
    "benchledger rescore -w pass_rate=1 --model openai/gpt-oss-120b --json",
)
@click.option("--policy", "name", default="gated-1", show_default=True, metavar="NAME|FILE", help="A policy.")
@click.option("-w", "weights", multiple=True, metavar="AXIS=VALUE", help="A weight; axes not named weigh 0.")
@click.option(
    "--before", metavar="NAME|FILE", help="Compare with this policy.  [default: without -w gated-1]"
)
@click.option("--dry-run", is_flag=True, help="Record nothing in the ledger.")
@filter_options(*FILTERS)
@ledger_option
@json_option
def rescore(*, as_json: bool, dry_run: bool, **asked: Any) -> None:
    """Score all history under other weights and show what moves.

    Runs no agent: every counted attempt is evaluated again from its recorded axes. Shows each
    agent x model before and after, which axis moved it, and how stable the order is under
    nearby weights. Appends the policy and the digest of the new table, once.
    """
    with reading() if dry_run else writing() as ledger:
        result = _evaluate(ledger, asked)
        recorded = False
        if not dry_run:
            from benchledger.ledger.rescore import record

            recorded = record(ledger, result)
        head = ledger.head()
    if as_json:
        echo_json(_json(result, head, recorded=recorded))
        return
    tell(result)
    if dry_run:
        click.echo("dry run: nothing was recorded")
    else:
        said = "recorded" if recorded else "recorded before with the same result; nothing appended"
        click.echo(f"{said}: ledger {ledger_path()}, head {head_text(head)}")


def _evaluate(ledger: Ledger, asked: dict[str, Any]) -> RescoreResult:
    from benchledger.ledger.policy_files import weighted
    from benchledger.ledger.rescore import rescore as evaluate

    connection = ledger.connection
    base = policy_of(connection, asked["name"])
    policy = weighted(base, asked["weights"]) if asked["weights"] else base
    before = base if asked["weights"] else policy_of(connection, "gated-1")
    if asked["before"]:
        before = policy_of(connection, asked["before"])
    selection = selection_of(connection, {name: asked[name] for name in FILTERS})
    return evaluate(connection, policy, before, selection)


def _json(result: RescoreResult, head: Head | None, *, recorded: bool) -> dict[str, Any]:
    return {
        "policy": policy_json(result.policy),
        "before": policy_json(result.base),
        "selection": result.selection.to_json(),
        "cells": result.cells,
        "table_digest": result.table_digest,
        "recorded": recorded,
        "ledger": str(ledger_path()),
        "head": head and head.to_json(),
        "rows": [row.to_json() for row in result.rows],
    }


def tell(result: RescoreResult) -> None:
    """Print what a rescore found: the table, what moved most, how stable the first place is."""
    click.echo(f"{count(result.cells, 'cell')}: {result.base.name} -> {result.policy.name}")
    if not result.rows:
        click.echo("no row: no cell that counts matches; see `benchledger cells`")
        return
    columns = (
        *(
            "agent",
            "version",
            "model",
            "mode",
            "condition",
            ">before",
            ">after",
            "interval",
            ">rank",
            ">place",
        ),
        *("moved by", ">first in"),
    )
    table(columns, [_row(row) for row in result.rows], _FOLD)
    for row in _most_moved(result.rows):
        old, new = row.before.composite or 0.0, row.after.composite or 0.0
        by = f", most by {row.moved.term}" if row.moved else ""
        click.echo(f"moved: {_name(row)} {old:.3f} -> {new:.3f} ({new - old:+.3f}){by}")
    first = result.rows[0]
    if first.stability is not None:
        share = f"{first.stability.first:.0%} of 1,000 nearby weightings (each weight halved to doubled)"
        click.echo(f"stability: {_name(first)} is first in {share}")


def _name(row: RescoreRow) -> str:
    agent, _version, model, *_ = row.after.key
    return clean(f"{agent} with {model}")


def _row(row: RescoreRow) -> tuple[str, ...]:
    agent, version, model, mode, behavior = row.after.key
    moved = NONE if row.moved is None else f"{row.moved.term} {row.moved.delta:+.3f}"
    return (
        *(agent, version or NONE, model, mode, behavior),
        number(row.before.composite),
        number(row.after.composite),
        interval(row.after.low, row.after.high),
        f"{_rank(row.before)} -> {_rank(row.after)}",
        f"{row.place_before} -> {row.place_after}",
        moved,
        NONE if row.stability is None else f"{row.stability.first:.0%}",
    )


def _rank(row: RowStatistics) -> str:
    return f"{row.rank}{'=' if row.tied else ''}"


def _most_moved(rows: list[RescoreRow]) -> list[RescoreRow]:
    both = [row for row in rows if row.before.composite is not None and row.after.composite is not None]
    moved = [row for row in both if abs(_delta(row)) >= 0.0005]  # what three decimals can show
    return sorted(moved, key=lambda row: -abs(_delta(row)))[:_MOVED]


def _delta(row: RescoreRow) -> float:
    return (row.after.composite or 0.0) - (row.before.composite or 0.0)
