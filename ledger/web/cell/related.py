"""Neighbours of a cell: other agents on its task, other models with its agent, other tasks of its category."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.paths import cell_path
from benchledger.ledger.web.says import result_of
from benchledger.ledger.web.view import View

__all__ = ["GROUPS", "related", "shown_cells"]

_SHOWN = 20
_LOOKED = 200
# Group -> (title, SQL condition on settings t for the cell x).
GROUPS = {
    "agents": ("Other agents on this task", "t.task = :task AND t.agent <> :agent"),
    "models": (
        "Other models with this agent",
        "t.task = :task AND t.agent = :agent AND t.model <> :model",
    ),
    "tasks": (
        "Other tasks in this category",
        "t.task LIKE :category ESCAPE '\\' AND t.task <> :task AND t.agent = :agent AND t.model = :model",
    ),
}


def related(view: View, attempt: Attempt) -> list[dict[str, Any]]:
    """Return the groups, each {name, title, cells, more}; cells of the same sweep come first, 20 at most."""
    cell = attempt.cell
    category = cell["task"].partition("/")[0].replace("\\", "\\\\").replace("_", "\\_")
    asked = {
        **{name: cell[name] for name in ("task", "agent", "model", "sweep")},
        "origin": cell["origin"] or "",
        "category": f"{category}/%",
    }
    found = []
    for name, (title, where) in GROUPS.items():
        keys = list(_keys(view, where, asked))
        cells = list(shown_cells(view, keys))
        found.append(
            {"name": name, "title": title, "cells": cells[:_SHOWN], "more": max(0, len(cells) - _SHOWN)}
        )
    return found


def _keys(view: View, where: str, asked: dict[str, str]) -> Iterator[str]:
    """Yield the cells, run 1 of each, that may stand in a group."""
    query = (
        f"SELECT DISTINCT t.sweep, t.agent, t.model, t.task FROM settings t"
        f" WHERE coalesce(t.origin, '') = :origin AND {where}"
        f" ORDER BY t.sweep <> :sweep, t.sweep, t.agent, t.model, t.task LIMIT {_LOOKED}"
    )
    prefix = f"{asked['origin']}:" if asked["origin"] else ""
    for row in view.connection.execute(query, asked):
        yield f"{prefix}{'/'.join(row)}#run1"


def shown_cells(view: View, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield cells as pages list them, in the order of their keys; those that do not exist are left out."""
    query = (
        "SELECT c.cell, c.sweep, c.agent, c.model, c.task, c.run, c.adjudicated, c.disputed, a.outcome,"
        " a.outcome_kind, s.pass_rate, s.value, a.version, a.wall_ms FROM cells c"
        " JOIN attempts a ON a.ref = c.cell || '@' || c.counted LEFT JOIN scores s ON s.ref = a.ref"
        " WHERE c.cell = ?"
    )
    for key in keys:
        row = view.connection.execute(query, (key,)).fetchone()
        if row is not None:
            cell, sweep, agent, model, task, run, ruling, disputed, outcome, kind, passed, value, *rest = row
            said = result_of(outcome, kind, passed, value)
            yield {
                "cell": cell,
                "path": cell_path(cell),
                "sweep": sweep,
                "agent": agent,
                "version": rest[0],
                "model": model,
                "task": task,
                "run": run,
                "result": "none" if ruling else said.result,
                "said": f"{said.said} ({ruling})" if ruling else said.said,
                "disputed": bool(disputed),
                "wall_ms": rest[1],
            }
