"""The input keys of cell pages: which of them the site has to make anew."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.web import paths
from benchledger.ledger.web.pages import Made, key_of
from benchledger.ledger.web.view import View

__all__ = ["attempt_places", "cell_keys", "cell_places"]

_ROWS = (
    "SELECT c.cell, c.counted, c.history, c.adjudicated, c.disputed, c.origin, c.agent, c.model, c.task, c.run,"
    " s.outcome, s.value, s.pass_rate FROM cells c"
    " LEFT JOIN scores s ON s.ref = c.cell || '@' || c.counted ORDER BY c.cell"
)


def cell_keys(view: View) -> dict[str, str]:
    """Return cell -> key: its own rows, those of its neighbours, and what was ruled, planned and priced."""
    return view.kept("cell keys", lambda: _keys(view))


def _keys(view: View) -> dict[str, str]:
    shared = (
        _all(view, "SELECT origin, sweep, agents, models, tasks, seq FROM sweeps"),
        _all(view, "SELECT seq, origin, sweep, model, currency, prompt, completion, cached FROM prices"),
        _all(view, "SELECT seq, selection FROM adjudications WHERE cell IS NULL"),
        # what was redacted must not stay on a page that was written before
        _all(view, "SELECT seq, target, blob FROM redactions"),
    )
    ruled = _by_first(view, "SELECT cell, seq FROM adjudications WHERE cell IS NOT NULL")
    attempts = _by_first(view, "SELECT cell, attempt, calls, last_seq FROM attempts ORDER BY cell, attempt")
    rows = view.connection.execute(_ROWS).fetchall()
    near = _neighbours(rows)
    found = {}
    for row in rows:
        cell, own = row[0], attempts[row[0]]
        groups = [near[group] for group in _groups(row)]
        verified = [last <= view.verified for _, _, last in own]
        found[cell] = key_of(row, shared, groups, ruled[cell], own, verified)
    return found


def _groups(row: tuple[Any, ...]) -> tuple[tuple[str, ...], ...]:
    origin, agent, model, task = row[5:9]
    return (origin or "", task), (origin or "", agent, model, task.partition("/")[0])


def _neighbours(rows: list[tuple[Any, ...]]) -> defaultdict[tuple[str, ...], str]:
    groups = defaultdict[tuple[str, ...], list[Any]](list)
    for row in rows:
        if row[9] == 1:  # lists of neighbours show run 1
            for group in _groups(row):
                groups[group].append((row[0], *row[3:5], *row[10:]))
    return defaultdict(str, {group: key_of(items) for group, items in groups.items()})


def _all(view: View, query: str) -> str:
    return key_of(view.connection.execute(query).fetchall())


def _by_first(view: View, query: str) -> defaultdict[str, list[Any]]:
    found = defaultdict[str, list[Any]](list)
    for first, *rest in view.connection.execute(query):
        found[first].append(rest)
    return found


def cell_places(view: View) -> Iterator[Made]:
    """Yield the page of every cell."""
    for cell, key in cell_keys(view).items():
        yield Made(paths.cell_path(cell), key)


def attempt_places(view: View) -> Iterator[Made]:
    """Yield the permanent page of every attempt."""
    known = cell_keys(view)
    for cell, history in view.connection.execute("SELECT cell, history FROM cells ORDER BY cell").fetchall():
        for number, _, _ in json.loads(history):
            yield Made(paths.cell_path(cell, number), known[cell])
