"""Rescore: all counted attempts under another policy, without running anything again.

scores table -> evaluate(before), evaluate(after) -> rows, ranks, what moved, stability
             -> lines `ref TAB value` -> BLAKE3 = table digest -> history.rescored
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blake3 import blake3

from benchledger.ledger.append import declare
from benchledger.ledger.leaderboard import default_modes, view_tasks
from benchledger.ledger.queries import INPUTS, Columns, Setting, in_columns
from benchledger.ledger.rows import json_text
from benchledger.ledger.store import Ledger
from benchledger.schema.history import Head, HistoryRescored, Selection
from benchledger.schema.policy import Policy
from benchledger.schema.ports import Draft
from benchledger.scorers.compiled import Judged, compiled, overruled
from benchledger.scorers.leaderboard import RowData, RowKey, RowStatistics, row_statistics
from benchledger.scorers.stability import Move, RowTerms, Stability, explain_move, rank_stability

__all__ = [
    "PolicyRows",
    "RescoreResult",
    "RescoreRow",
    "compare_rows",
    "evidence_head",
    "record",
    "rescore",
    "table_digest",
]

_COLUMNS = f"ref, adjudicated, {INPUTS}"


@dataclass(frozen=True, slots=True)
class RescoreRow:
    """One row before and after; a place is the position in the order, which ties do not share."""

    before: RowStatistics
    after: RowStatistics
    moved: Move | None
    stability: Stability | None
    place_before: int
    place_after: int

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of one row of `rescore --json`."""
        old, new = self.before, self.after
        agent, version, model, mode, behavior = new.key
        return {
            "agent": agent,
            "version": version or None,
            "model": model,
            "before": old.composite,
            "after": new.composite,
            "rank_before": old.rank,
            "rank_after": new.rank,
            "place_before": self.place_before,
            "place_after": self.place_after,
            "low": new.low,
            "high": new.high,
            "floor": new.floor,
            "tasks": new.tasks,
            "planned": new.planned,
            "moved_by": None if self.moved is None else self.moved.term,
            "moved": None if self.moved is None else self.moved.delta,
            "first_share": None if self.stability is None else self.stability.first,
            "best_rank": None if self.stability is None else self.stability.best,
            "worst_rank": None if self.stability is None else self.stability.worst,
            "mode": mode,
            "behavior": behavior,
        }


@dataclass(frozen=True, slots=True)
class RescoreResult:
    """What a rescore found: `cells` counted attempts lie under `table_digest` (BLAKE3, 64 hex digits)."""

    policy: Policy
    base: Policy
    selection: Selection
    cells: int
    table_digest: str
    rows: list[RescoreRow]


class _Side:
    """One row under one policy while the cells go by."""

    __slots__ = ("data", "terms")

    def __init__(self, key: RowKey, policy: Policy) -> None:
        self.data, self.terms = RowData(key, keep_runs=False), RowTerms(policy.formula)

    def take(self, task: str, found: Sequence[Judged]) -> None:
        """Take what the policy makes of some cells of one task; those of one pattern are summed up as columns."""
        data = self.data.task(task)
        while found:
            pattern = found[0][4]
            alike = [item for item in found if item[4] is pattern]
            found = [item for item in found if item[4] is not pattern] if len(alike) < len(found) else ()
            values, floors, ceilings, _, _, *products = zip(*alike, strict=True)
            if pattern is None:
                graded = len(floors) - floors.count(None)
                data.unvalued += graded
                self.terms.add_unvalued(task, graded)
                continue
            self.terms.add_alike(task, pattern, products)
            if values[0] is None:
                data.unvalued += len(values)
            else:
                data.extend_valued(values, floors, ceilings)


class PolicyRows:
    """All rows under one policy."""

    def __init__(self, policy: Policy) -> None:
        """Start without a cell."""
        self.policy, self.judge = policy, compiled(policy)
        self.sides: dict[RowKey, _Side] = {}

    def judged(self, rulings: Sequence[str | None], inputs: Columns) -> list[Judged]:
        """Return what the policy makes of cells: `inputs` are the columns of Inputs."""
        found = list(map(self.judge, zip(*inputs, strict=True)))
        for place, ruling in enumerate(rulings if any(rulings) else ()):
            if ruling is not None:
                found[place] = overruled(self.policy, ruling)
        return found

    def take(self, setting: Setting, found: Sequence[Judged]) -> None:
        """Take what `judged` returned for cells of one setting."""
        side = self.sides.get(setting.key)
        if side is None:
            side = self.sides[setting.key] = _Side(setting.key, self.policy)
        side.take(setting.task, found)

    def data(self) -> dict[RowKey, RowData]:
        """Return what each row has for its statistics."""
        return {key: side.data for key, side in self.sides.items()}


def rescore(
    connection: sqlite3.Connection, policy: Policy, base: Policy, selection: Selection
) -> RescoreResult:
    """Evaluate every counted attempt of a selection under `policy` and compare with `base`.

    The digest covers them all; the rows leave out replayed and scripted runs unless the
    selection names these modes. Nothing is written, and memory does not grow with the cells.
    """
    shown = frozenset(default_modes(selection).mode)
    lines, after, before = _Lines(), PolicyRows(policy), PolicyRows(base)
    for setting, (refs, rulings, *inputs) in in_columns(connection, _COLUMNS, selection):
        found = after.judged(rulings, inputs)
        lines.add(refs, found)
        if setting.key[3] in shown:
            after.take(setting, found)
            before.take(setting, before.judged(rulings, inputs))
    tasks = view_tasks(connection, selection, after.data())
    rows = compare_rows(after, before, tasks)
    return RescoreResult(policy, base, selection, lines.cells, lines.hexdigest(), rows)


def compare_rows(after: PolicyRows, before: PolicyRows, tasks: set[str]) -> list[RescoreRow]:
    """Return every row with what it was before, best first; both have the same rows."""
    old = {s.key: (place, s) for place, s in enumerate(row_statistics(before.data().values(), tasks), 1)}
    terms = {key: side.terms for key, side in after.sides.items()}
    stable = rank_stability(terms, after.policy.weights, len(tasks))
    return [
        RescoreRow(
            old[new.key][1],
            new,
            explain_move(
                before.sides[new.key].terms.contributions(before.policy.weights),
                terms[new.key].contributions(after.policy.weights),
            ),
            stable.get(new.key),
            old[new.key][0],
            place,
        )
        for place, new in enumerate(row_statistics(after.data().values(), tasks), 1)
    ]


class _Lines:
    """The digest of a table of composites: its lines, in bytewise order, under BLAKE3."""

    def __init__(self) -> None:
        self.cells = 0
        self._hasher = blake3()

    def add(self, refs: Sequence[str], found: Sequence[Judged]) -> None:
        """Take attempts in bytewise order with what the policy makes of them."""
        self.cells += len(refs)
        lines = [
            f"{ref}\tnull:{item[3]}\n" if item[0] is None else f"{ref}\t{item[0]:.6f}\n"
            for ref, item in zip(refs, found, strict=True)
        ]
        self._hasher.update("".join(lines).encode())

    def hexdigest(self) -> str:
        return self._hasher.hexdigest()


def table_digest(connection: sqlite3.Connection, policy: Policy, selection: Selection) -> tuple[int, str]:
    """Return (cells, digest) of the table of counted attempts: lines `ref TAB value LF`, value with 6 decimals."""
    lines, rows = _Lines(), PolicyRows(policy)
    for _, (refs, rulings, *inputs) in in_columns(connection, _COLUMNS, selection):
        lines.add(refs, rows.judged(rulings, inputs))
    return lines.cells, lines.hexdigest()


def evidence_head(connection: sqlite3.Connection, before: int = 1 << 62) -> Head | None:
    """Return the last event before seq `before` that is no rescore and no policy."""
    row = connection.execute(
        "SELECT seq, hash FROM events WHERE seq < ? AND type NOT IN ('history.rescored', 'policy.declared')"
        " ORDER BY seq DESC LIMIT 1",
        (before,),
    ).fetchone()
    return None if row is None else Head(seq=row[0], hash=row[1].hex())


def record(ledger: Ledger, result: RescoreResult, actor: str = "cli") -> bool:
    """Append policy.declared (if new) and history.rescored; returns whether anything was appended.

    The same policy, selection and table digest as that policy's last rescore append nothing.
    """
    policy_id = result.policy.policy_id
    with ledger.writing():
        last = ledger.connection.execute(
            "SELECT selection, table_digest FROM rescores WHERE policy_id = ? AND foreign_origin IS NULL"
            " ORDER BY seq DESC LIMIT 1",
            (policy_id,),
        ).fetchone()
        if last == (json_text(result.selection.to_json()), result.table_digest):
            return False
        head = evidence_head(ledger.connection)
        if head is None:
            return False
        declare(ledger, result.policy, actor)
        payload = HistoryRescored(
            policy_id=policy_id,
            selection=result.selection,
            head=head,
            cells=result.cells,
            table_digest=result.table_digest,
        )
        ledger.emit(Draft("ledger", payload, actor=actor))
        return True
