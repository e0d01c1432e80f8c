"""Judgements over results: what is disputed, withdrawn, zeroed or invalid now, and each judgement with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.adjudicate import ACTIONS
from benchledger.ledger.counting import history_of
from benchledger.ledger.queries import selection_sql
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.paths import cell_path
from benchledger.ledger.web.shell import benchledger
from benchledger.ledger.web.view import View
from benchledger.schema.history import Selection

__all__ = ["rulings_page", "rulings_places"]

_LISTED = 500
_TOUCHED = 50


def rulings_page(view: View, _arguments: Arguments) -> Context:
    """Return what holds now, and each judgement, the last first."""
    total = view.connection.execute("SELECT count(*) FROM adjudications").fetchone()[0]
    states = {
        "disputed": "disputed = 1",
        "zero": "adjudicated = 'zero'",
        "invalidate": "adjudicated = 'invalidate'",
        # the third of each attempt says whether it was withdrawn
        "withdraw": "history LIKE '%,1]%'",
    }
    return {
        "title": "Adjudications",
        "now": {name: _cells(view, where) for name, where in states.items()},
        "judgements": _judgements(view),
        "total": total,
        "more": max(0, total - _LISTED),
        "actions": dict(ACTIONS),
        "command": benchledger(view.settings.name, "adjudicate", "--help"),
    }


def rulings_places(view: View) -> Iterator[Made]:
    """Yield the page of judgements."""
    yield Made("adjudications.html", key_of(rulings_page(view, {})))


def _cells(view: View, where: str) -> dict[str, Any]:
    query = f"SELECT cell, counted, history FROM cells WHERE {where} ORDER BY cell LIMIT {_LISTED + 1}"
    rows = view.connection.execute(query).fetchall()
    count = len(rows)
    if count > _LISTED:
        count = view.connection.execute(f"SELECT count(*) FROM cells WHERE {where}").fetchone()[0]
    cells = [
        {
            "cell": cell,
            "href": cell_path(cell),
            "counted": counted,
            "withdrawn": [number for number, _, out in history_of(history) if out],
        }
        for cell, counted, history in rows[:_LISTED]
    ]
    return {"count": count, "cells": cells}


def _judgements(view: View) -> list[dict[str, Any]]:
    rows = view.connection.execute(
        "SELECT j.seq, j.action, j.cell, j.attempt, j.selection, j.count, j.reason, j.author, j.link, e.at,"
        " lower(hex(e.hash)), json_extract(e.payload, '$.list_digest') FROM adjudications j"
        " JOIN events e ON e.seq = j.seq ORDER BY j.seq DESC LIMIT ?",
        (_LISTED,),
    ).fetchall()
    names = (
        "seq", "action", "cell", "attempt", "selection", "count", "reason", "author", "link", "at", "hash",
        "list_digest",
    )  # fmt: skip
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [each | _touched(view, each) for each in found]


def _touched(view: View, judgement: dict[str, Any]) -> dict[str, Any]:
    """Return which cells a judgement reached: the one that it names, or those of its selection that were there."""
    if judgement["cell"] is not None:
        cell = judgement["cell"]
        known = view.connection.execute("SELECT 1 FROM cells WHERE cell = ?", (cell,)).fetchone()
        touched = [{"cell": cell, "href": cell_path(cell, judgement["attempt"]) if known else None}]
        return {"selection": None, "touched": touched, "more_touched": 0}
    chosen = json.loads(judgement["selection"] or "{}")
    selection = Selection(**{name: tuple(values) for name, values in chosen.items()})
    where, values = selection_sql(selection.model_copy(update={"mode": ()}))
    rows = view.connection.execute(
        "SELECT c.cell FROM cells c WHERE EXISTS (SELECT 1 FROM attempts a WHERE a.ref >= c.cell || '@'"
        f" AND a.ref < c.cell || 'A' AND a.first_seq < ?){where} ORDER BY c.cell LIMIT {_TOUCHED}",
        (judgement["seq"], *values),
    ).fetchall()
    return {
        "selection": {name: values for name, values in chosen.items() if values},
        "touched": [{"cell": row[0], "href": cell_path(row[0])} for row in rows],
        "more_touched": max(0, (judgement["count"] or 0) - len(rows)),
    }
