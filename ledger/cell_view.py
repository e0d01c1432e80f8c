"""One cell with everything that its numbers stand on: evidence, scores, judgements, events, blobs.

stream cell/<cell_id>@<attempt> -> payloads with (seq, hash) -> sections of one JSON document
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.cells import CellReader, counted_attempt, resolve_cell
from benchledger.ledger.counting import history_of
from benchledger.ledger.queries import judged
from benchledger.ledger.rows import split_stream
from benchledger.ledger.store import Ledger, StoredEvent
from benchledger.scorers.composite import GATED_1, SHIPPED_POLICIES
from benchledger.scorers.registry import AXES, in_published_order

__all__ = ["cell_view", "stream_of"]

_SECTIONS = {
    "cell.setup": "setup",
    "cell.launched": "launched",
    "cell.exited": "exited",
    "workdir.captured": "workdir",
    "grader.ran": "grader",
    "record.received": "record",
    "cell.finished": "finished",
}


def cell_view(ledger: Ledger, text: str) -> dict[str, Any]:
    """Return all that the ledger holds of the cell or attempt that `text` names, as plain JSON values.

    Without @attempt it is the attempt that counts. Raises BadInput where there is none.
    """
    connection = ledger.connection
    cell, attempt = resolve_cell(connection, text)
    row = connection.execute("SELECT counted, history FROM cells WHERE cell = ?", (cell,)).fetchone()
    item = counted_attempt(connection, cell, GATED_1, attempt)
    stream = stream_of(item.ref)
    events = list(ledger.stream(stream))
    view = CellReader(ledger, connection, GATED_1).row(item)
    view |= {"cell": cell, "ref": item.ref, "counted": bool(item.counted)}
    view |= _sections(events)
    view["axes"] = _axes(events)
    view["composites"] = {
        name: judged(policy, item.adjudicated, item.inputs)._asdict()
        for name, policy in SHIPPED_POLICIES.items()
    }
    view["attempts"] = [
        {"attempt": number, "outcome": outcome or None, "withdrawn": bool(out), "counted": number == row[0]}
        for number, outcome, out in history_of(row[1])
    ]
    view["rechecks"] = [
        event.payload | _place(event)
        for event in events
        if event.meta.type == "cell.rechecked" and event.payload is not None
    ]
    view["adjudications"] = list(adjudications_of(ledger, cell, events[0].seq))
    view["events"] = [_place(event) | {"type": event.meta.type} for event in events]
    view["blobs"] = [blob for event in events for blob in _blobs(event)]
    return view


def stream_of(ref: str) -> str:
    """Return the stream of an attempt, `[origin:]cell_id@attempt`."""
    origin, mark, rest = ref.partition(":")
    foreign = bool(mark) and split_stream(f"{origin}:cell/{rest}") is not None and len(origin) == 32
    return f"{origin}:cell/{rest}" if foreign else f"cell/{ref}"


def _place(event: StoredEvent) -> dict[str, Any]:
    return {"seq": event.seq, "hash": event.hash.hex()}


def _sections(events: list[StoredEvent]) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_SECTIONS.values())
    calls, spans = [], []
    for event in events:
        value = _place(event) | (event.payload or {"redacted": True})
        if event.meta.type == "model.called":
            calls.append(value)
        elif event.meta.type == "span.recorded":
            spans.append(value)
        elif event.meta.type in _SECTIONS:
            found[_SECTIONS[event.meta.type]] = value
    return found | {"model_calls": calls, "spans": spans}


def _axes(events: list[StoredEvent]) -> dict[str, dict[str, Any]]:
    """Return every axis as last scored, with its event, the events that it was derived from, and older scores."""
    by_version = {event.meta.version: event.seq for event in events}
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.meta.type == "axis.scored" and event.payload is not None:
            p = event.payload
            earlier = found.get(p["axis"])
            found[p["axis"]] = _scored(p) | {
                "payload": in_published_order(p["axis"], p["payload"]),
                "derived_from": [by_version[version] for version in p["evidence"] if version in by_version],
                "superseded": [] if earlier is None else [*earlier["superseded"], _brief(earlier)],
            } | _place(event)  # fmt: skip
    order = {axis: index for index, axis in enumerate(AXES)}
    return dict(sorted(found.items(), key=lambda item: (order.get(item[0], len(order)), item[0])))


def _scored(payload: dict[str, Any]) -> dict[str, Any]:
    state, scorer = payload["state"], payload["scorer"]
    return {"value": payload.get("value"), "state": state, "reason": payload.get("reason"), "scorer": scorer}


def _brief(score: dict[str, Any]) -> dict[str, Any]:
    return {name: score[name] for name in ("value", "state", "reason", "scorer", "seq", "hash")}


def adjudications_of(ledger: Ledger, cell: str, first_seq: int) -> Iterator[dict[str, Any]]:
    connection = ledger.connection
    names = ("sweep", "agent", "model", "task")
    values = connection.execute(
        "SELECT sweep, agent, model, task FROM cells WHERE cell = ?", (cell,)
    ).fetchone()
    has = dict(zip(names, values, strict=True))
    query = (
        "SELECT seq, action, cell, attempt, selection, reason, author, link FROM adjudications ORDER BY seq"
    )
    for seq, action, named, attempt, selection, reason, author, link in connection.execute(query).fetchall():
        chosen = json.loads(selection) if selection else {}
        by_filter = named is None and seq > first_seq
        if named == cell or (by_filter and all(has[n] in chosen[n] for n in names if chosen.get(n))):
            digest = connection.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()[0]
            yield {
                "action": action,
                "attempt": attempt,
                "reason": reason,
                "author": author,
                "link": link,
                "by_filter": named is None,
                "seq": seq,
                "hash": digest.hex(),
            }


def _blobs(event: StoredEvent) -> Iterator[dict[str, Any]]:
    for path, ref in _references(event.payload or {}, ()):
        yield {"name": ".".join(path), "type": event.meta.type, "seq": event.seq} | ref


def _references(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if isinstance(value, dict):
        if value.keys() == {"blob", "size"}:
            yield path, value
            return
        for key, item in value.items():
            yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, str(index)))
