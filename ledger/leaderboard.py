"""Leaderboard rows: agent x model under one policy, with what stands beside the composite."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import fsum
from statistics import median
from typing import Any

from benchledger.ledger.costs import UNKNOWN, Cost, row_costs
from benchledger.ledger.queries import (
    COUNTED,
    DEFAULT_MODES,
    Columns,
    Scored,
    Setting,
    in_columns,
    scored,
    selection_sql,
)
from benchledger.ledger.standing import citable_rows
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.leaderboard import RowData, RowKey, RowStatistics, row_statistics
from benchledger.scorers.statistics import RunningSum, mean

__all__ = ["LeaderRow", "RowTotals", "collect", "default_modes", "leaderboard", "view_tasks"]

_SCORED = ("finished", "agent_error", "timeout", "budget")
# Nearly all attempts: they count, were graded and are not adjudicated.
_PLAIN = f"{COUNTED} AND gated = 1 AND adjudicated IS NULL AND outcome IN {_SCORED}"
_GRADED = "value, floor, ceiling, coverage, pass_rate, wall_ms, prompt_tokens + completion_tokens"


@dataclass(slots=True)
class RowTotals:
    """What one row sums up beside its composite."""

    data: RowData
    cells: int = 0
    passed: int = 0
    tokens: float = 0.0
    tokens_known: bool = True
    infra_faults: int = 0
    retried: int = 0
    withdrawn: int = 0
    walls: array[float] = field(default_factory=lambda: array("d"))
    coverage: RunningSum = field(default_factory=RunningSum)
    passes: defaultdict[str, RunningSum] = field(default_factory=lambda: defaultdict(RunningSum))
    conditions: set[str] = field(default_factory=set)
    digests: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, item: Scored) -> None:
        """Take one attempt; those that do not count are only counted as faults and retries."""
        inputs = item.inputs
        if inputs.outcome == "infra_error":
            self.infra_faults += 1
        if not item.counted:
            self.retried += 1
            return
        self._note(item.task, item.task_digest, item.condition, 1)
        composite = item.composite
        self.data.add(item.task, composite.value, composite.floor, composite.ceiling)
        if item.adjudicated in ("withdraw", "invalidate"):
            self.withdrawn += 1
        elif inputs.outcome in _SCORED:
            verdict = 0.0 if item.adjudicated == "zero" and inputs.pass_rate is not None else inputs.pass_rate
            prompt, completion = inputs.prompt_tokens, inputs.completion_tokens
            used = None if prompt is None or completion is None else prompt + completion
            self._sum_up(item.task, ((composite.coverage,), (verdict,), (inputs.wall_ms,), (used,)))

    def add_graded(self, setting: Setting, columns: Columns) -> None:
        """Take attempts of one setting that count and were graded and not adjudicated: columns of _GRADED."""
        values, floors, ceilings, *rest = columns
        self._note(setting.task, setting.task_digest, setting.condition, len(values))
        task = self.data.task(setting.task)
        if None in values:
            task.extend(zip(values, floors, ceilings, strict=True))
        else:
            task.extend_valued(values, floors, ceilings)
        self._sum_up(setting.task, rest)

    def _note(self, task: str, digest: str, condition: str, cells: int) -> None:
        self.cells += cells
        self.conditions.add(condition)
        self.digests[task].add(digest)

    def _sum_up(self, task: str, columns: Sequence[tuple[Any, ...]]) -> None:
        """Take coverage, verdicts, wall times and tokens; None is not recorded."""
        coverage, verdicts, walls, tokens = columns
        self.coverage.extend(_known(coverage))
        self.passes[task].extend(_known(verdicts))
        self.passed += verdicts.count(1)
        self.walls.extend(_known(walls))
        self.tokens_known = self.tokens_known and None not in tokens
        if self.tokens_known:
            self.tokens += fsum(tokens)

    def differs(self) -> list[str]:
        """Return the names of conditions in which the cells of this row are not alike."""
        parts = [json.loads(text) for text in self.conditions if text]
        names = sorted({name for part in parts for name in part})
        found = [
            name for name in names if len({json.dumps(part.get(name), sort_keys=True) for part in parts}) > 1
        ]
        return found + (["task_digest"] if any(len(seen) > 1 for seen in self.digests.values()) else [])


def _known(column: tuple[float | None, ...]) -> Sequence[float]:
    return [value for value in column if value is not None] if None in column else column  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class LeaderRow:
    """One ranked row with everything that `leaderboard --json` shows."""

    statistics: RowStatistics
    totals: RowTotals
    citable: int = 0
    cost: Cost = UNKNOWN

    @property
    def standing(self) -> str:
        """Return `citable` where every counted cell of the row is, else `provisional`."""
        return "citable" if 0 < self.totals.cells == self.citable else "provisional"

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape; scores 0..1, times in ms, costs in `currency` or null."""
        s, t = self.statistics, self.totals
        agent, version, model, mode, behavior = s.key
        passes = [verdicts.mean() for verdicts in t.passes.values() if verdicts.count]
        return {
            "rank": s.rank,
            "tied": s.tied,
            "agent": agent,
            "version": version or None,
            "model": model,
            "composite": s.composite,
            "floor": s.floor,
            "ceiling": s.ceiling,
            "low": s.low,
            "high": s.high,
            "run_low": s.run_low,
            "run_high": s.run_high,
            "pass_rate": mean(passes) if passes else None,
            "passed": t.passed,
            "tasks": s.tasks,
            "planned": s.planned,
            "cells": t.cells,
            "cost_per_solved": None
            if self.cost.value is None or not t.passed
            else self.cost.value / t.passed,
            "currency": self.cost.currency,
            "tokens_per_solved": t.tokens / t.passed if t.tokens_known and t.passed else None,
            "wall_median_ms": median(t.walls) if t.walls else None,
            "infra_faults": t.infra_faults,
            "retried": t.retried,
            "withdrawn": t.withdrawn,
            "coverage": t.coverage.mean() if t.coverage.count else None,
            "standing": self.standing,
            "mode": mode,
            "behavior": behavior,
            "differs": t.differs(),
        }


def default_modes(selection: Selection) -> Selection:
    """Return the selection with live and published runs where it names no mode."""
    return selection if selection.mode else selection.model_copy(update={"mode": DEFAULT_MODES})


def collect(connection: sqlite3.Connection, policy: Policy, selection: Selection) -> dict[RowKey, RowTotals]:
    """Gather the attempts of a selection into rows.

    The default policy's composites are events, projected and verified: they are read, not evaluated again.
    """
    rows: dict[RowKey, RowTotals] = {}
    if policy.policy_id != GATED_1.policy_id:
        _add_each(rows, scored(connection, policy, selection, where="1"))
        return rows
    for setting, columns in in_columns(connection, _GRADED, selection, where=_PLAIN):
        _row(rows, setting.key).add_graded(setting, columns)
    _add_each(rows, scored(connection, policy, selection, where=f"({_PLAIN}) IS NOT TRUE"))
    return rows


def _add_each(rows: dict[RowKey, RowTotals], items: Iterable[Scored]) -> None:
    for item in items:
        _row(rows, item.key).add(item)


def _row(rows: dict[RowKey, RowTotals], key: RowKey) -> RowTotals:
    row = rows.get(key)
    if row is None:
        row = rows[key] = RowTotals(RowData(key))
    return row


def view_tasks(connection: sqlite3.Connection, selection: Selection, rows: dict[RowKey, RowData]) -> set[str]:
    """Return the tasks of the view: those that any row ran, and those that a sweep of it planned."""
    tasks = {task for row in rows.values() for task in row.tasks}
    return tasks.union(*(names for *_, names in _plans(connection, selection)))


def _add_unrun(connection: sqlite3.Connection, selection: Selection, rows: dict[RowKey, RowTotals]) -> None:
    """Add an empty row for every agent x model that was planned and of which nothing ran, in no mode."""
    ran = {(key[0], key[2]) for key in rows}
    begun = set(connection.execute("SELECT DISTINCT sweep, agent, model FROM settings"))
    for sweep, agents, models, _ in _plans(connection, selection):
        for agent in agents:
            for model in models:
                idle = (agent, model) not in ran and (sweep, agent, model) not in begun
                if idle and not _outside(selection, agent, model):
                    key = (agent, "", model, "live", "factory")
                    rows[key] = RowTotals(RowData(key))


def _plans(
    connection: sqlite3.Connection, selection: Selection
) -> Iterator[tuple[str, list[str], list[str], set[str]]]:
    for sweep, agents, models, tasks in connection.execute("SELECT sweep, agents, models, tasks FROM sweeps"):
        if not selection.sweep or sweep in selection.sweep:
            wanted = {name for name in json.loads(tasks) if not selection.task or name in selection.task}
            yield sweep, json.loads(agents), json.loads(models), wanted


def _outside(selection: Selection, agent: str, model: str) -> bool:
    return bool(
        (selection.agent and agent not in selection.agent)
        or (selection.model and model not in selection.model)
    )


def leaderboard(
    connection: sqlite3.Connection,
    policy: Policy,
    selection: Selection,
    *,
    common: bool = False,
    verified: int = -1,
) -> list[LeaderRow]:
    """Return the ranked rows of a selection under a policy, best first.

    `verified` is the last seq that a clean full verify on this machine covered: without it no row is citable.
    """
    chosen = default_modes(selection)
    rows = collect(connection, policy, chosen)
    _add_unrun(connection, chosen, rows)
    tasks = view_tasks(connection, chosen, {key: row.data for key, row in rows.items()})
    ranked = row_statistics([row.data for row in rows.values()], tasks, common=common)
    citable = citable_rows(connection, verified, *selection_sql(chosen))
    costs = row_costs(connection, chosen)
    return [LeaderRow(s, rows[s.key], citable.get(s.key, 0), costs.get(s.key, UNKNOWN)) for s in ranked]
