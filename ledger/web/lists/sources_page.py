"""Where results came from: files that were imported, and ledgers that were merged in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.web.lists.ledger_page import origins
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.paths import cell_path, segment
from benchledger.ledger.web.view import View

__all__ = ["sources_page", "sources_places"]

_LISTED = 500
# An import appends its records and then the event that tells of it. So a record belongs to the first source after it.
_BROUGHT = (
    "SELECT (SELECT min(seq) FROM sources WHERE seq > a.first_seq), count(*), count(DISTINCT a.cell), min(a.cell),"
    " json_group_array(DISTINCT c.sweep) FROM attempts a JOIN events e ON e.seq = a.first_seq"
    " JOIN cells c ON c.cell = a.cell WHERE e.type = 'record.received' AND c.origin = '' GROUP BY 1"
)


def sources_page(view: View, _arguments: Arguments) -> Context:
    """Return every import, the last first, and every ledger that was merged in."""
    rows = view.connection.execute(
        "SELECT s.seq, s.format, s.digest, s.size, s.records, s.name, e.at, json_extract(e.meta, '$.actor'),"
        " lower(hex(e.hash)), e.stream FROM sources s JOIN events e ON e.seq = s.seq ORDER BY s.seq DESC LIMIT ?",
        (_LISTED,),
    )
    names = ("seq", "format", "digest", "size", "records", "name", "at", "actor", "hash", "stream")
    brought = _brought(view)
    nothing = {"attempts": 0, "cells": 0, "sweeps": [], "href": None}
    total = view.connection.execute("SELECT count(*) FROM sources").fetchone()[0]
    sources = [dict(zip(names, row, strict=True)) for row in rows]
    return {
        "title": "Sources",
        "sources": [each | {"brought": brought.get(each["seq"], nothing)} for each in sources],
        "more": max(0, total - _LISTED),
        "origins": [each | _merged(view, each["origin"]) for each in origins(view)],
        "own": _own(view),
    }


def sources_places(view: View) -> Iterator[Made]:
    """Yield the page of sources."""
    yield Made("sources.html", key_of(sources_page(view, {})))


def _brought(view: View) -> dict[int | None, dict[str, Any]]:
    found = {}
    for seq, attempts, cells, first, sweeps in view.connection.execute(_BROUGHT):
        named = sorted(json.loads(sweeps))[:20]
        found[seq] = {
            "attempts": attempts,
            "cells": cells,
            "sweeps": [{"sweep": sweep, "href": f"sweeps/{segment(sweep)}.html"} for sweep in named],
            "href": cell_path(first),
        }
    return found


def _merged(view: View, origin: str) -> dict[str, Any]:
    """Return what came from another ledger, by sweep."""
    rows = view.connection.execute(
        "SELECT sweep, count(*), min(cell) FROM cells WHERE cell >= ? AND cell < ? GROUP BY sweep ORDER BY sweep",
        (f"{origin}:", f"{origin};"),
    ).fetchall()
    return {
        "sweeps": [
            {
                "sweep": sweep,
                "cells": cells,
                "href": f"sweeps/{segment(sweep)}.html",
                "first": cell_path(first),
            }
            for sweep, cells, first in rows[:_LISTED]
        ]
    }


def _own(view: View) -> bool:
    """Return whether this ledger's own runners made any attempt."""
    query = (
        "SELECT 1 FROM attempts a JOIN cells c ON c.cell = a.cell JOIN events e ON e.seq = a.first_seq"
        " WHERE e.type <> 'record.received' AND c.origin = '' LIMIT 1"
    )
    return view.connection.execute(query).fetchone() is not None
