"""The cells of a sweep: those that were planned, those that were found, and how far each is."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.counting import history_of
from benchledger.ledger.sweeps import CellState

__all__ = ["FoundAttempts", "PlannedCell", "cells_of", "found_of", "plans_of", "state_in"]

# (agent, model, task, run) and its attempts as ((number, outcome, withdrawn), origin)
PlannedCell = tuple[str, str, str, int]
FoundAttempts = list[tuple[tuple[int, str, int], str]]


_PLAN = (
    "agents", "models", "tasks", "repeats", "seed", "ordering", "policy_id", "engine", "infra_retries", "origin",
    "seq",
)  # fmt: skip


def plans_of(connection: sqlite3.Connection, sweep: str) -> list[dict[str, Any]]:
    """Return what was planned of a sweep, part by part: the columns of `sweeps`, with `at`, `actor` and `hash`.

    Names are lists; `at` is when the plan was appended, in µs.
    """
    rows = connection.execute(
        f"SELECT {', '.join(f's.{name}' for name in _PLAN)}, e.at, json_extract(e.meta, '$.actor'),"
        " lower(hex(e.hash)) FROM sweeps s JOIN events e ON e.seq = s.seq WHERE s.sweep = ? ORDER BY s.seq",
        (sweep,),
    )
    plans = [dict(zip((*_PLAN, "at", "actor", "hash"), row, strict=True)) for row in rows]
    for plan in plans:
        plan |= {name: json.loads(plan[name]) for name in ("agents", "models", "tasks")}
    return plans


def cells_of(plan: dict[str, Any]) -> Iterator[PlannedCell]:
    """Yield the cells that one plan names."""
    for agent in plan["agents"]:
        for model in plan["models"]:
            for task in plan["tasks"]:
                for run in range(1, plan["repeats"] + 1):
                    yield agent, model, task, run


def found_of(connection: sqlite3.Connection, sweep: str) -> dict[PlannedCell, FoundAttempts]:
    """Return the attempts of every cell; where ledgers were merged, those of all of them."""
    found: defaultdict[PlannedCell, FoundAttempts] = defaultdict(list)
    query = "SELECT agent, model, task, run, history, origin FROM cells WHERE sweep = ?"
    for agent, model, task, run, history, origin in connection.execute(query, (sweep,)):
        found[agent, model, task, run] += [(item, origin) for item in history_of(history)]
    return dict(found)


def state_in(attempts: FoundAttempts, retries: int) -> str:
    """Return how far a cell is: done, open, lost (its attempts are used up) or todo."""
    state = CellState(tuple(item[:2] for item, _ in attempts))
    if state.graded:
        return "done"
    if state.open is not None:
        return "open"
    return "lost" if state.infra > retries else "todo"
