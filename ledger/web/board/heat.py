"""The heat map: what each row made of each task, a link to a cell in every square."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from benchledger.ledger.leaderboard import LeaderRow
from benchledger.ledger.web.paths import cell_path, named
from benchledger.scorers.leaderboard import RowKey

__all__ = ["heat_class", "heat_map"]

_ROWS, _TASKS = 60, 100  # more than a reader compares, and a page of a megabyte

_CELL = (
    "SELECT c.cell FROM cells c JOIN scores s ON s.ref = c.cell || '@' || c.counted"
    " WHERE c.cell >= ? AND c.cell < ? AND s.setting = ? ORDER BY c.run LIMIT 1"
)


def heat_class(value: float) -> int:
    """Return 0 to 10, the class of a square: tenths, a half going up."""
    return max(0, min(10, int(value * 10 + 0.5)))


def heat_map(
    connection: sqlite3.Connection, rows: Sequence[LeaderRow], tasks: Iterable[str]
) -> dict[str, Any]:
    """Return squares of rows x tasks: the mean composite of the counted runs, and the first run to look at.

    At most 60 rows and 100 tasks are shown; `rows_left`, `tasks_left` say how many are not.
    """
    names = sorted(tasks)
    shown, columns = rows[:_ROWS], names[:_TASKS]
    cells = _first_cells(connection, {row.statistics.key for row in shown}, set(columns))
    return {
        "tasks": [
            {"task": task, "category": task.partition("/")[0], "href": f"tasks/{named(task)}.html"}
            for task in columns
        ],
        "rows": [
            [_square(row, task, cells.get((row.statistics.key, task))) for task in columns] for row in shown
        ],
        "rows_left": len(rows) - len(shown),
        "tasks_left": len(names) - len(columns),
    }


def _square(row: LeaderRow, task: str, href: str | None) -> dict[str, Any]:
    data = row.totals.data.tasks.get(task)
    runs = 0 if data is None else data.count + data.unvalued
    value = data.means()[0] if data is not None and data.count else None
    return {"value": value, "heat": None if value is None else heat_class(value), "runs": runs, "href": href}


def _first_cells(
    connection: sqlite3.Connection, keys: set[RowKey], tasks: set[str]
) -> dict[tuple[RowKey, str], str]:
    """Return where the lowest run of each row and task is shown; looked up by the keys of cells."""
    found: dict[tuple[RowKey, str], str] = {}
    query = (
        "SELECT id, agent, version, model, mode, behavior, task, sweep, origin FROM settings"
        " ORDER BY origin, sweep, id"
    )
    for number, *key, task, sweep, origin in connection.execute(query).fetchall():
        place = tuple(key), task
        if place in found or place[0] not in keys or task not in tasks:
            continue
        start = f"{origin}:" * bool(origin) + f"{sweep}/{key[0]}/{key[2]}/{task}#run"
        row = connection.execute(_CELL, (start, start[:-1] + "o", number)).fetchone()
        if row is not None:
            found[place] = cell_path(row[0])
    return found
