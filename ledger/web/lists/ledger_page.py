"""The page of the ledger itself: head, how far it was verified, events over time, what was kept and removed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchledger.ledger import heads
from benchledger.ledger.frames import notes_in
from benchledger.ledger.web.chart import stacked
from benchledger.ledger.web.lists.tally import tally
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.paths import EVENTS_A_PAGE, segment
from benchledger.ledger.web.shell import benchledger
from benchledger.ledger.web.view import View

__all__ = ["ledger_page", "ledger_places", "origins"]

_LISTED = 200
_HOURS = 96  # a ledger of at most so many hours is shown hour by hour, else by day or by a number of days
_BARS = 120


def ledger_page(view: View, _arguments: Arguments) -> Context:
    """Return what there is to say of the ledger as a whole."""
    counts = tally(view).counts
    by_type = tally(view).by_type()
    return {
        "title": "Ledger",
        "ledger_id": view.ledger.ledger_id,
        "head": None if view.head is None else view.head.to_json(),
        "created": _created(view),
        "verified": _verified(view),
        "events": sum(by_type.values()),
        "pages": -(-sum(by_type.values()) // EVENTS_A_PAGE),
        "by_type": [{"type": kind, "events": events} for kind, events in by_type.most_common()],
        "over_time": _over_time(counts, [kind for kind, _ in by_type.most_common()]),
        "size": _size(view),
        "origins": origins(view),
        "rescores": _rescores(view),
        "redactions": _rows(view, "redactions", "seq DESC"),
        "unknown_types": _rows(view, "unknown_types", "events DESC"),
        "policies": _policies(view),
        "checkpoints": list(_checkpoints(view)),
        "commands": {"verify": benchledger(view.settings.name, "verify"), "since": _since(view)},
    }


def ledger_places(view: View) -> Iterator[Made]:
    """Yield the page of the ledger."""
    yield Made("ledger.html", key_of(ledger_page(view, {})))


def _created(view: View) -> dict[str, Any]:
    row = view.connection.execute(
        "SELECT at, payload, json_extract(meta, '$.actor') FROM events WHERE seq = 0"
    ).fetchone()
    if row is None:
        return {"at": None, "format": None, "algorithms": {}, "actor": None}
    payload = json.loads(row[1] or "{}")
    return {
        "at": row[0],
        "actor": row[2],
        "format": payload.get("format"),
        "algorithms": payload.get("algorithms", {}),
    }


def _since(view: View) -> str | None:
    head = view.head
    return (
        None
        if head is None
        else benchledger(view.settings.name, "verify", "--head", f"{head.seq}:{head.hash}")
    )


def _verified(view: View) -> dict[str, Any]:
    """Return how far this machine verified the ledger: `up_to` -1 for not at all; `behind` events came later."""
    seen = heads.last_seen(view.ledger.ledger_id)
    last = -1 if view.head is None else view.head.seq
    return {
        "up_to": view.verified,
        "behind": last - view.verified,
        "last_seen": None if seen is None else seen.head.to_json(),
        "rolled_back": seen is not None and seen.head.seq > last,
    }


def _over_time(counts: Counter[tuple[str, int]], order: list[str]) -> dict[str, Any]:
    """Return events by type in steps of an hour, a day or several: as a table, and as the places of bars."""
    if not counts:
        return {"step_hours": 1, "rows": [], "types": [], "chart": None}
    hours = [hour for _, hour in counts]
    span = max(hours) - min(hours) + 1
    step = 1 if span <= _HOURS else 24 * max(1, -(-span // (24 * _BARS)))
    start = min(hours) // step * step
    rows: dict[int, Counter[str]] = {}
    for (kind, hour), events in counts.items():
        rows.setdefault((hour - start) // step, Counter())[kind] += events
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    said = []
    for place, row in sorted(rows.items()):
        begins = epoch + timedelta(hours=start + place * step)
        label = begins.strftime("%Y-%m-%d %H:00" if step == 1 else "%Y-%m-%d")
        said.append(
            {"from": label, "place": place, "events": sum(row.values()), "types": dict(row.most_common())}
        )
    return {
        "step_hours": step,
        "types": order,
        "rows": said,
        "chart": stacked(said, order, (max(hours) - start) // step + 1),
    }


def _size(view: View) -> dict[str, Any]:
    pages, page = (
        view.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    return {
        "bytes": pages * page,
        "blobs": view.connection.execute("SELECT count(*) FROM blobs").fetchone()[0],
    }


def origins(view: View) -> list[dict[str, Any]]:
    """Return the ledgers that were merged into this one: what was kept of their chains, and their cells."""
    found: dict[str, dict[str, Any]] = {}
    query = "SELECT origin, count(*) FROM cells WHERE origin <> '' GROUP BY origin"
    for origin, cells in view.connection.execute(query):
        found[origin] = {"origin": origin, "cells": cells, "kept": []}
    for note in notes_in(view.connection, "ledger"):
        kept = note.kept
        place = {
            "seq": note.seq,
            "first": kept.first,
            "head": kept.head.to_json(),
            "frames": kept.frames.blob,
        }
        found.setdefault(kept.origin, {"origin": kept.origin, "cells": 0, "kept": []})["kept"].append(place)
    return [each | {"kept": each["kept"][-_LISTED:]} for _, each in sorted(found.items())]


def _rescores(view: View) -> list[dict[str, Any]]:
    rows = view.connection.execute(
        "SELECT r.seq, p.name, r.policy_id, r.cells, r.table_digest, r.head_seq, r.foreign_origin FROM rescores r"
        " LEFT JOIN policies p ON p.policy_id = r.policy_id ORDER BY r.seq DESC LIMIT ?",
        (_LISTED,),
    )
    names = ("seq", "policy", "policy_id", "cells", "table_digest", "head_seq", "origin")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [
        each | {"href": f"policies/{segment(each['policy'])}.html" if each["policy"] else None}
        for each in found
    ]


def _policies(view: View) -> list[dict[str, Any]]:
    rows = view.connection.execute(
        "SELECT name, policy_id, seq FROM policies ORDER BY seq DESC LIMIT ?", (_LISTED,)
    )
    return [
        {"name": name, "policy_id": policy_id, "seq": seq, "href": f"policies/{segment(name)}.html"}
        for name, policy_id, seq in rows
    ]


def _checkpoints(view: View) -> Iterator[dict[str, Any]]:
    """Yield the signed heads that left this machine, the last first."""
    rows = view.connection.execute(
        "SELECT seq, at, payload FROM events WHERE stream = 'ledger' AND type = 'checkpoint.published'"
        " ORDER BY version DESC LIMIT ?",
        (_LISTED,),
    )
    for seq, at, payload in rows:
        said = json.loads(payload or "{}")
        yield {"seq": seq, "at": at} | {name: said.get(name) for name in ("origin", "size", "root")}


def _rows(view: View, table: str, order: str) -> list[dict[str, Any]]:
    cursor = view.connection.execute(f"SELECT * FROM {table} ORDER BY {order} LIMIT {_LISTED}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
