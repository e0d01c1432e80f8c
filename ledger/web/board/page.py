"""The leaderboard under one policy: who leads and is it real, every row, charts, and the data to re-weigh it.

leaderboard rows -> verdict, facts -> table, heat map, scatter -> (small enough) the attempts for the browser
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote
from typing import Any

from benchledger.ledger.leaderboard import LeaderRow, view_tasks
from benchledger.ledger.queries import DEFAULT_MODES, policies
from benchledger.ledger.web.board import words as board_words
from benchledger.ledger.web.board.heat import heat_map
from benchledger.ledger.web.board.ranked import rows_under
from benchledger.ledger.web.board.reweigh import LIMIT, attempts_of, axis_means, reweigh_data
from benchledger.ledger.web.board.scatter import Point, scatter
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.paths import named, segment, unsegment
from benchledger.ledger.web.render import money, seconds
from benchledger.ledger.web.view import NotFound, View
from benchledger.schema.history import Selection
from benchledger.schema.policy import FORMULA_TERMS, Policy
from benchledger.scorers.composite import GATED_1

__all__ = ["board_page", "board_places"]

_MODES = ("live", "published", "replay", "scripted")
_NO_AXES: dict[str, float | None] = {"integrity": None, "blast_radius": None, "constraints": None}
_FILTERS = ("agent", "model", "sweep", "category", "task", "language", "mode")


def board_page(view: View, arguments: Arguments) -> Context:
    """Return the leaderboard of one policy, by default gated-1; raises NotFound for a policy that is not known."""
    known = policies(view.connection)
    coded = arguments.get("policy")
    name = GATED_1.name if coded is None else unsegment(coded, known)
    if name not in known:
        raise NotFound(f"there is no policy {name or coded}")
    policy = known[name]
    made: Context = view.kept(f"board {policy.policy_id}", lambda: _board(view, policy, list(known)))
    return made


def board_places(view: View) -> Iterator[Made]:
    """Yield the leaderboard of every policy: all that is in a ledger may show in it."""
    head = None if view.head is None else view.head.hash
    key = key_of(head, view.verified)
    yield Made("index.html", key)
    for name in policies(view.connection):
        yield Made(_path(name), key)


def _path(policy: str) -> str:
    return f"leaderboard/{segment(policy)}.html"


def _board(view: View, policy: Policy, known: Sequence[str]) -> Context:
    connection = view.connection
    modes = _modes(view)
    asked, left = modes != DEFAULT_MODES, _left_out(connection, modes)
    selection = Selection(mode=modes)
    rows = list(rows_under(view, policy, modes).values())
    shipped = _shipped(view, policy)
    seen = board_words.conditions(connection, modes)
    command = _command(view, policy, modes if asked else ())
    axes = {} if shipped is None else axis_means(shipped)
    tasks = view_tasks(connection, selection, {row.statistics.key: row.totals.data for row in rows})
    heat = heat_map(connection, rows, tasks)
    shown = [_row(row, axes) for row in rows]
    return {
        "title": f"Leaderboard, policy {policy.name}",
        "policy": {
            "name": policy.name,
            "id": policy.policy_id,
            "formula": policy.formula,
            "href": f"policies/{segment(policy.name)}.html",
            "weights": {term: policy.weight(term) for term in FORMULA_TERMS[policy.formula]},
        },
        "policies": [{"name": name, "href": _path(name), "current": name == policy.name} for name in known],
        "asked_modes": list(modes) if asked else [],
        "left_out": left,
        "left_out_command": _command(view, policy, (*modes, *(item["mode"] for item in left))),
        "verdict": board_words.verdict(rows),
        "facts": board_words.facts(view, rows, seen, command),
        "rulings": board_words.rulings(connection),
        "rows": shown,
        "heat": heat,
        "scatters": _scatters(shown),
        "reweigh": shipped and shipped | {
            "filters": _filters(shipped),
            "modes": list(modes),
            "shown": [list(row.statistics.key) for row in rows],
            "heat_tasks": [task["task"] for task in heat["tasks"]],
            "command": {"policy": policy.name, "ledger": view.settings.name},
        },
        "limit": LIMIT,
        "command": command,
    }  # fmt: skip


def _modes(view: View) -> tuple[str, ...]:
    """Return live and published; where the ledger has neither, what it has instead, which the page then says."""
    found = {mode for (mode,) in view.connection.execute("SELECT DISTINCT mode FROM settings")}
    if not found or found.intersection(DEFAULT_MODES):
        return DEFAULT_MODES
    return tuple(mode for mode in _MODES if mode in found)


def _left_out(connection: sqlite3.Connection, modes: Sequence[str]) -> list[dict[str, Any]]:
    """Return how many cells that count ran in each mode that the page leaves out."""
    query = (
        "SELECT t.mode, count(*) FROM scores s JOIN settings t ON t.id = s.setting WHERE s.counted = 1"
        f" AND t.mode NOT IN ({','.join('?' * len(modes))}) GROUP BY 1 ORDER BY 1"
    )
    return [{"mode": mode, "cells": cells} for mode, cells in connection.execute(query, tuple(modes))]


def _shipped(view: View, policy: Policy) -> dict[str, Any] | None:
    """Return the data to re-weigh: of all modes, so that a reader can ask for those that do not count."""
    everything = Selection(mode=_MODES)
    if attempts_of(view.connection, everything) > LIMIT:
        return None
    return reweigh_data(view.connection, policy, everything, verified=view.verified)


def _command(view: View, policy: Policy, modes: Sequence[str]) -> str:
    words = ["benchledger", "leaderboard", "--policy", policy.name]
    words += [word for mode in modes for word in ("--mode", mode)]
    return " ".join(map(quote, [*words, "--ledger", view.settings.name]))


def _row(row: LeaderRow, axes: Mapping[Any, dict[str, float | None]]) -> dict[str, Any]:
    agent, _, model, _, _ = row.statistics.key
    return row.to_json() | {
        "axes": axes.get(row.statistics.key, _NO_AXES),
        "agent_href": f"agents/{named(agent)}.html",
        "model_href": f"models/{named(model)}.html",
    }


def _scatters(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the charts: score against cost per solved task, and against median wall time."""
    currencies = [row["currency"] for row in rows if row["cost_per_solved"] is not None]
    currency = max(set(currencies), key=currencies.count) if currencies else None
    names = [_name(row) for row in rows]
    scores = [row["composite"] for row in rows]
    costs = [row["cost_per_solved"] if row["currency"] == currency else None for row in rows]
    walls = [row["wall_median_ms"] for row in rows]
    found = []
    for field, title, values, said, why in (
        ("cost_per_solved", "Composite against cost per solved task", costs,
         lambda value: money(value, currency), "no price, no usage, or nothing solved"),
        ("wall_median_ms", "Composite against median wall time", walls, seconds, "no wall time was recorded"),
    ):  # fmt: skip
        points = [Point(at, *rest) for at, rest in enumerate(zip(names, scores, values, strict=True))]
        found.append(
            {"field": field, "title": title, "currency": currency, "why": why, "chart": scatter(points, said)}
        )
    return found


def _name(row: Mapping[str, Any]) -> str:
    return " · ".join(filter(None, (row["agent"], row["version"], row["model"])))


def _filters(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a reader can choose from; a filter with one choice is none."""
    tasks, rows = data["tasks"], data["rows"]
    choices = {
        "agent": {row[0] for row in rows},
        "model": {row[2] for row in rows},
        "sweep": set(data["sweeps"]),
        "category": {task.partition("/")[0] for task in tasks},
        "task": set(tasks),
        "language": {language for languages in data["languages"] for language in languages},
        "mode": {row[3] for row in rows},
    }
    return [{"name": name, "options": sorted(choices[name])} for name in _FILTERS if len(choices[name]) > 1]
