"""adjudicate: say what will change, ask where it is many, append one judgement."""

from __future__ import annotations

import sys
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
    selection_of,
    writing,
)
from benchledger.ledger.cli.render import clean, count, echo_json, number, table

if TYPE_CHECKING:
    from benchledger.ledger.adjudicate import AdjudicationReport, Judgement
    from benchledger.ledger.store import Ledger

_ACTIONS = ("zero", "invalidate", "withdraw", "reinstate", "dispute", "answer")
_NAMES = FILTERS[:-1]
_LISTED = 20


@command(
    "benchledger adjudicate zero SWEEP/AGENT/MODEL/CATEGORY/TASK#run1 --reason 'edited the checks' --author ana",
    "benchledger adjudicate withdraw CELL@1 --reason 'wrong image' --author ana",
    "benchledger adjudicate invalidate --task integrity/broken --reason 'checks contradict' --author ana --yes",
    "benchledger adjudicate reinstate CELL --reason 'the appeal holds' --author ben --link https://example.org/7",
)
@click.argument("action", type=click.Choice(_ACTIONS))
@click.argument("cell", required=False)
@click.option("--reason", required=True, help="Why; kept in the ledger for good.")
@click.option("--author", required=True, help="Who judges.")
@click.option("--link", help="Where it was discussed.")
@click.option("--yes", is_flag=True, help="Do not ask before judging all cells of a filter.")
@filter_options(*_NAMES)
@ledger_option
@json_option
def adjudicate(*, as_json: bool, yes: bool, **asked: Any) -> None:
    """Judge results: what counts changes, history stays.

    One CELL (or CELL@ATTEMPT), or all cells of a filter. zero: a proved hack counts as 0.
    invalidate: the result means nothing. withdraw: taken back; the next graded attempt stands
    in. reinstate: undoes these three. dispute and answer: a mark, and its end.
    """
    from benchledger.ledger.adjudicate import adjudicate as append

    with writing() as ledger:
        judgement = _judgement(ledger, asked)
        before = _announce(ledger, judgement, quiet=as_json)
        if judgement.selection is not None and not yes and not _agreed(len(before), as_json=as_json):
            click.echo("nothing was changed")
            click.get_current_context().exit(1)
        report = append(ledger, judgement)
        after = _composites(ledger, judgement, report.cells)
        head = ledger.head()
    if as_json:
        event = {"seq": report.receipt.seq, "hash": report.receipt.hash}
        changes = [
            {"cell": cell, "before": before.get(cell), "after": after.get(cell)} for cell in report.cells
        ]
        said = {"action": judgement.action, "event": event, "cells": changes}
        echo_json(said | {"ledger": str(ledger_path()), "head": head and head.to_json()})
        return
    _tell(report, before, after)
    click.echo(f"ledger {ledger_path()}, head {head_text(head)}")


def _judgement(ledger: Ledger, asked: dict[str, Any]) -> Judgement:
    from benchledger.ledger.adjudicate import Judgement
    from benchledger.ledger.cells import resolve_cell

    chosen = {name: asked[name] for name in _NAMES}
    cell = asked["cell"]
    if cell is not None:
        name, attempt = resolve_cell(ledger.connection, cell)
        cell = name if attempt is None else f"{name}@{attempt}"
    return Judgement(
        action=asked["action"],
        reason=asked["reason"],
        author=asked["author"],
        link=asked["link"],
        cell=cell,
        selection=selection_of(ledger.connection, chosen) if any(chosen.values()) else None,
    )


def _announce(ledger: Ledger, judgement: Judgement, *, quiet: bool) -> dict[str, float | None]:
    """Print what the judgement will reach; returns the composites before it."""
    from benchledger.ledger.adjudicate import ACTIONS, targets

    cells = targets(ledger.connection, judgement)
    before = _composites(ledger, judgement, cells)
    if not quiet:
        click.echo(f"{judgement.action} ({ACTIONS[judgement.action]}): {count(len(cells), 'cell')}")
        for cell in cells[:_LISTED]:
            click.echo(f"  {clean(cell)}  now {number(before.get(cell))}")
        if len(cells) > _LISTED:
            click.echo(f"  and {len(cells) - _LISTED} more")
    return before


def _agreed(cells: int, *, as_json: bool) -> bool:
    from benchledger.schema.errors import UsageError

    if as_json or not sys.stdin.isatty():
        raise UsageError(f"the filter reaches {count(cells, 'cell')}", "say so with --yes")
    return click.confirm(f"judge all {count(cells, 'cell')}?")


def _composites(ledger: Ledger, judgement: Judgement, cells: list[str]) -> dict[str, float | None]:
    """Return the composite under gated-1 of the attempt that counts for each cell."""
    from benchledger.ledger.cells import counted_attempt
    from benchledger.ledger.queries import scored
    from benchledger.scorers.composite import GATED_1

    if judgement.selection is None:
        return {cell: counted_attempt(ledger.connection, cell, GATED_1).composite.value for cell in cells}
    every = scored(ledger.connection, GATED_1, judgement.selection)
    return {item.ref.rpartition("@")[0]: item.composite.value for item in every}


def _tell(
    report: AdjudicationReport, before: dict[str, float | None], after: dict[str, float | None]
) -> None:
    rows = [(cell, number(before.get(cell)), number(after.get(cell))) for cell in report.cells[:_LISTED]]
    table(("cell", ">before", ">after"), rows)
    if len(report.cells) > _LISTED:
        click.echo(f"and {len(report.cells) - _LISTED} more")
    click.echo(f"recorded as event {report.receipt.seq}")
