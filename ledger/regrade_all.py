"""Regrade over a ledger: which attempts are due, in bounded transactions, and what moved.

attempts whose axes are not all by current scorers -> regrade_attempt -> one transaction for 500 of them
                                                   -> scores.regraded, in the same transaction
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.leaderboard import default_modes, view_tasks
from benchledger.ledger.queries import INPUTS, in_columns, policy_by_id, selection_sql
from benchledger.ledger.regrade import AxisMove, Regraded, Skipped, regrade_attempt
from benchledger.ledger.rescore import PolicyRows, RescoreRow, compare_rows
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import UsageError
from benchledger.schema.history import ScoresRegraded, Selection
from benchledger.schema.policy import Policy
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import SHIPPED_POLICIES, Inputs
from benchledger.scorers.registry import current_scorers, misnamed_scorers

__all__ = ["KEPT", "RegradeResult", "regrade"]

_BATCH = 500
KEPT = 1_000  # moved axes, and what was skipped, that are kept one by one
_SHIPPED = {policy.policy_id: policy for policy in SHIPPED_POLICIES.values()}
_DUE = (
    " FROM attempts a JOIN scores s ON s.ref = a.ref"
    " WHERE a.outcome IS NOT NULL AND a.mode <> 'published'"
    " AND s.setting IN (SELECT id FROM settings WHERE 1{chosen})"
    " AND (SELECT count(*) FROM axes x WHERE x.first_seq = a.first_seq"
    " AND x.scorer IN (SELECT value FROM json_each(?))) < ?"
)


@dataclass(slots=True)
class RegradeResult:
    """What a regrade did, or would do. `scored` and `moved_axes` count axes by (axis, before, after)."""

    scorers: dict[str, str]
    selection: Selection
    policy: Policy
    attempts: int = 0
    moved: int = 0
    composites: int = 0
    published: int = 0
    events: int = 0
    scored: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    moved_axes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    later: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    cells: list[AxisMove] = field(default_factory=list)
    rows: list[RescoreRow] = field(default_factory=list)

    def take(self, made: Regraded) -> None:
        """Count one attempt."""
        self.skipped += made.skipped
        self.later.update(made.later)
        if not made.moves:
            return
        moved = [move for move in made.moves if move.moved]
        self.attempts += 1
        self.moved += bool(moved)
        self.composites += made.composite
        self.scored.update(map(_line, made.moves))
        self.moved_axes.update(map(_line, moved))
        self.cells += moved[: KEPT - len(self.cells)]

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `regrade --json`, without what only the command knows."""
        return {
            "scorers": self.scorers,
            "selection": self.selection.to_json(),
            "attempts": self.attempts,
            "moved": self.moved,
            "composites": self.composites,
            "published": self.published,
            "later": dict(self.later),
            "axes": [
                {"axis": axis, "before": before or None, "after": after, "scored": scored,
                 "moved": self.moved_axes[axis, before, after]}
                for (axis, before, after), scored in sorted(self.scored.items())
            ],
            "skipped": [
                {"ref": item.ref, "axis": item.axis, "reason": item.reason} for item in self.skipped[:KEPT]
            ],
            "cells": [move.to_json() for move in self.cells],
            "rows": [row.to_json() for row in self.rows],
        }  # fmt: skip


def _line(move: AxisMove) -> tuple[str, str, str]:
    return move.after.axis, "" if move.before is None else move.before.scorer, move.after.scorer


def regrade(
    ledger: Ledger,
    selection: Selection,
    policy: Policy,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> RegradeResult:
    """Bring every finished attempt of a selection to the current scorers; with `dry_run` nothing is written.

    `policy` is that of the table of what moved, which is empty where nothing is due; each attempt keeps
    its own. Raises UsageError where a package
    gives a scorer a name that is ours alone.
    """
    if wrong := misnamed_scorers():
        raise UsageError(
            f"scorer {wrong[0]!r} of a package has no label of its own, so it is not used",
            "name it AXIS@NUMBER+LABEL, or remove its package",
        )
    connection, scorers = ledger.connection, current_scorers()
    result = RegradeResult(scorers, selection, policy, published=_published(connection, selection))
    total, done = _count(connection, selection, scorers), 0
    if not total:
        return result  # the rows of a large ledger take longer than to see that nothing is due
    before = _table(connection, policy, selection, {})
    moved: dict[str, Inputs] = {}
    for refs in _due(connection, selection, scorers):
        with nullcontext() if dry_run else ledger.writing():
            found = [_regraded(ledger, ref, scorers) for ref in refs]
            if not dry_run:
                result.events += _append(ledger, found, result)
        for ref, made in zip(refs, found, strict=True):
            result.take(made)
            if dry_run and made.inputs is not None:
                moved[ref] = made.inputs
        done += len(refs)
        if progress is not None:
            progress(done, total)
    after = _table(connection, policy, selection, moved)
    result.rows = compare_rows(after, before, view_tasks(connection, selection, after.data()))
    return result


def _regraded(ledger: Ledger, ref: str, scorers: Mapping[str, str]) -> Regraded:
    def policies(policy_id: str) -> Policy | None:
        return _SHIPPED.get(policy_id) or policy_by_id(ledger.connection, policy_id)

    return regrade_attempt(ref, list(ledger.stream(stream_of(ref))), scorers, ledger.blob, policies)


def _append(ledger: Ledger, found: list[Regraded], result: RegradeResult) -> int:
    """Append the scores of some attempts and the event that sums them up; returns how many events."""
    drafts = [draft for made in found for draft in made.drafts]
    moves = [made.moves for made in found if made.moves]
    if not drafts:
        return 0
    used = {move.after.axis for some in moves for move in some}
    summary = ScoresRegraded(
        scorers={axis: scorer for axis, scorer in result.scorers.items() if axis in used},
        selection=result.selection,
        attempts=len(moves),
        moved=sum(any(move.moved for move in some) for some in moves),
    )
    return len(ledger.emit_all([*drafts, Draft("ledger", summary, actor="regrade")]))


def _due_sql(selection: Selection, scorers: Mapping[str, str]) -> tuple[str, list[Any]]:
    chosen, values = selection_sql(selection)
    return _DUE.format(chosen=chosen), [*values, json.dumps([*scorers.values()]), len(scorers)]


def _count(connection: sqlite3.Connection, selection: Selection, scorers: Mapping[str, str]) -> int:
    sql, values = _due_sql(selection, scorers)
    return int(connection.execute(f"SELECT count(*){sql}", values).fetchone()[0])


def _due(
    connection: sqlite3.Connection, selection: Selection, scorers: Mapping[str, str]
) -> Iterator[list[str]]:
    """Yield attempts that have a score to be made, some at a time; those that were skipped do not come again."""
    sql, values = _due_sql(selection, scorers)
    last = ""
    while True:
        query = f"SELECT a.ref{sql} AND a.ref > ? ORDER BY a.ref LIMIT ?"
        refs = [row[0] for row in connection.execute(query, (*values, last, _BATCH)).fetchall()]
        if not refs:
            return
        yield refs
        last = refs[-1]


def _published(connection: sqlite3.Connection, selection: Selection) -> int:
    chosen, values = selection_sql(selection)
    query = f"SELECT count(*) FROM scores WHERE setting IN (SELECT id FROM settings WHERE mode = 'published'{chosen})"
    return int(connection.execute(query, values).fetchone()[0])


def _table(
    connection: sqlite3.Connection, policy: Policy, selection: Selection, moved: Mapping[str, Inputs]
) -> PolicyRows:
    """Return the rows of the counted attempts; `moved` has inputs in place of those that are kept."""
    rows, shown = PolicyRows(policy), default_modes(selection)
    for setting, columns in in_columns(connection, f"ref, adjudicated, {INPUTS}", shown):
        refs, rulings, *inputs = columns
        if any(ref in moved for ref in refs):
            kept = zip(*inputs, strict=True)
            inputs = [
                *zip(*(moved.get(ref, some) for ref, some in zip(refs, kept, strict=True)), strict=True)
            ]
        rows.take(setting, rows.judged(rulings, inputs))
    return rows
