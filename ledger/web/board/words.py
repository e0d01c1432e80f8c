"""The head of a leaderboard in words: one sentence of verdict, and the facts under it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from benchledger.ledger.leaderboard import LeaderRow
from benchledger.ledger.web.paths import cell_path, event_path
from benchledger.ledger.web.render import when
from benchledger.ledger.web.view import View
from benchledger.schema.ids import split_ref
from benchledger.scorers.statistics import MIN_TASKS

__all__ = ["conditions", "facts", "rulings", "verdict"]

_LISTED = 20
_FEW, _SHORT = 5, 60
_DAY = len("2026-01-01")


def verdict(rows: Sequence[LeaderRow]) -> dict[str, str]:
    """Return {result, text}: who leads, by how much, and whether the lead is more than chance."""
    valued = [row for row in rows if row.statistics.composite is not None]
    if not rows:
        return {"result": "none", "text": "Nothing to rank: no cell that counts."}
    if not valued:
        return {
            "result": "none",
            "text": f"Nothing to rank yet: {_count(len(rows), 'row')}, and no task with a value.",
        }
    lead = valued[0]
    first = [row for row in valued if row.statistics.rank == 1]
    said = _alone(valued) if len(first) == 1 else _shared(first)
    return {"result": "pass" if len(first) == 1 and lead.standing == "citable" else "none", "text": said}


def _alone(valued: Sequence[LeaderRow]) -> str:
    lead, planned = valued[0], valued[0].statistics.planned
    if len(valued) == 1:
        why = "no other row has a value to compare it with"
    elif planned < MIN_TASKS:
        why = f"whether that is chance cannot be said over {_count(planned, 'task')}"
    else:
        why = "ahead of the next row by more than chance"
    return f"{_name(lead)} leads with {_score(lead)}, {why}; {_tail(lead)}."


def _shared(first: Sequence[LeaderRow]) -> str:
    lead, planned = first[0], first[0].statistics.planned
    if planned < MIN_TASKS:
        why = f"their floors are equal over {_count(planned, 'task')}"
    else:
        why = "the differences between them could be chance"
    stands = f"{_name(lead)} stands first with {_score(lead)}, {_tail(lead)}"
    return f"No clear leader: {len(first)} rows share rank 1, {why}; {stands}."


def _name(row: LeaderRow) -> str:
    agent, version, model, _, _ = row.statistics.key
    return f"{agent} {version} with {model}" if version else f"{agent} with {model}"


def _score(row: LeaderRow) -> str:
    s = row.statistics
    interval = "" if s.low is None or s.high is None else f" (95% interval {s.low:.3f} to {s.high:.3f})"
    return f"{s.composite:.3f}{interval}"


def _tail(row: LeaderRow) -> str:
    s, t = row.statistics, row.totals
    standing = "citable" if row.standing == "citable" else "provisional, so not for citation"
    solved = f"{t.passed} of {_count(t.cells, 'cell')} solved"
    return f"{solved}, {s.tasks} of {_count(s.planned, 'task')} with a value, {standing}"


def _count(amount: int, word: str) -> str:
    return f"{amount:,} {word if amount == 1 else word + 's'}"


def facts(view: View, rows: Sequence[LeaderRow], seen: dict[str, Any], command: str) -> list[dict[str, Any]]:
    """Return the facts that stand under the verdict, in the shape of `parts.facts`."""
    shown = [row.to_json() for row in rows]
    total = {
        name: sum(row[name] for row in shown)
        for name in ("passed", "cells", "infra_faults", "retried", "withdrawn")
    }
    cells = _count(total["cells"], "cell")
    return [
        _fact("Solved", f"{total['passed']:,} of {cells} that count"),
        _fact(
            "Planned",
            _count(seen["planned"], "cell") if seen["plans"] else None,
            why="no sweep was planned in this ledger",
            note=f"in {_count(seen['plans'], 'sweep')}" if seen["plans"] else None,
            href="sweeps.html",
        ),
        _verified(view),
        _fact("Modes", ", ".join(seen["modes"]) or None, why="nothing ran"),
        _fact("Sandboxes", _few(seen["sandboxes"]), why="not recorded by the source"),
        _fact("Days (UTC)", seen["days"], why="not recorded by the source"),
        _fact("Lost", _count(total["infra_faults"], "attempt"), note="to the infrastructure, not scored"),
        _fact("Retried", _count(total["retried"], "attempt"), note="kept, and not counted"),
        _fact("Withdrawn", _count(total["withdrawn"], "cell"), href="adjudications.html"),
        _as_of(view),
        _fact("Again", command, code=True),
    ]


def _few(names: Sequence[str]) -> str | None:
    short = [name if len(name) <= _SHORT else f"{name[:_SHORT]}…" for name in names[:_FEW]]
    return ", ".join(short + ["…"] * (len(names) > _FEW)) or None


def _fact(name: str, value: str | None, **rest: Any) -> dict[str, Any]:
    empty = {"why": None, "note": None, "href": None, "code": False}
    return {"name": name, "value": value} | empty | rest


def _verified(view: View) -> dict[str, Any]:
    head = -1 if view.head is None else view.head.seq
    if view.verified < 0:
        return _fact("Verified", None, why="not on this machine; `benchledger verify` does it")
    if view.verified >= head:
        return _fact("Verified", "every event", note="by a full verify on this machine")
    note = "by a full verify on this machine; what came later was not"
    return _fact("Verified", f"up to event {view.verified:,} of {head:,}", note=note)


def _as_of(view: View) -> dict[str, Any]:
    if view.head is None:
        return _fact("As of", None, why="the ledger is empty")
    return _fact(
        "As of",
        f"event {view.head.seq:,}",
        note=f"hash {view.head.hash[:16]}…",
        href=event_path(view.head.seq),
    )


def conditions(connection: sqlite3.Connection, modes: Sequence[str]) -> dict[str, Any]:
    """Return under what the attempts of these modes ran: modes, sandboxes, days; and how many cells were planned."""
    marks = ",".join("?" * len(modes))
    ran = {mode for (mode,) in connection.execute("SELECT DISTINCT mode FROM settings")}
    sandboxes = connection.execute(
        f"SELECT DISTINCT json_extract(condition, '$.sandbox') FROM settings WHERE mode IN ({marks}) ORDER BY 1",
        modes,
    )
    first, last = connection.execute(
        f"SELECT min(started_at), max(coalesce(ended_at, started_at)) FROM attempts WHERE mode IN ({marks})",
        modes,
    ).fetchone()
    days = [] if first is None else sorted({when(first)[:_DAY], when(last)[:_DAY]})
    plans = connection.execute("SELECT agents, models, tasks, repeats FROM sweeps").fetchall()
    return {
        "modes": [mode for mode in modes if mode in ran],
        "sandboxes": [name for (name,) in sandboxes if name],
        "days": " to ".join(days) or None,
        "plans": len(plans),
        "planned": sum(repeats * _product(*names) for *names, repeats in plans),
    }


def _product(*texts: str) -> int:
    amount = 1
    for text in texts:
        amount *= len(json.loads(text))
    return amount


def rulings(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the cells that are disputed and the attempts that were judged, 20 of each, and how many there are."""
    disputed = "cells WHERE disputed = 1"
    judged = "scores WHERE adjudicated IS NOT NULL"
    found = {}
    for name, columns, source in (
        ("disputed", "cell, 'dispute'", disputed),
        ("judged", "ref, adjudicated", judged),
    ):
        rows = connection.execute(f"SELECT {columns} FROM {source} ORDER BY 1 LIMIT {_LISTED}").fetchall()
        amount = connection.execute(f"SELECT count(*) FROM {source}").fetchone()[0]
        found[name] = {"count": amount, "cells": [_ruling(connection, *row) for row in rows]}
    return found


def _ruling(connection: sqlite3.Connection, text: str, action: str) -> dict[str, Any]:
    cell, attempt = split_ref(text)
    row = connection.execute(
        "SELECT seq, reason, author FROM adjudications WHERE cell = ? AND action = ? ORDER BY seq DESC LIMIT 1",
        (cell, action),
    ).fetchone()
    seq, reason, author = row or (None, "with others, by a filter", None)
    return {
        "cell": cell,
        "attempt": attempt,
        "href": cell_path(cell, attempt),
        "action": action,
        "reason": reason,
        "author": author,
        "event": None if seq is None else event_path(seq),
    }
