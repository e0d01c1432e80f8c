"""One attempt as its page needs it: its rows, and the events that there are few of.

A stream may hold hundreds of thousands of spans and model calls. They are read page by page out of
their projections. Here only the two ends of the stream are read, and between them the events that a
score names as its evidence; how long the stream is does not matter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.cells import resolve_cell
from benchledger.ledger.queries import one_scored, rows_as_dicts
from benchledger.ledger.reading import Meta, StoredEvent
from benchledger.ledger.web.view import NotFound, View
from benchledger.schema.errors import BadInput
from benchledger.scorers.composite import GATED_1

__all__ = ["Attempt", "Place", "placed"]

# Events read at the ends of a stream; regrades and rechecks come last, and may be many.
_START, _END = 64, 256
_NAMED = 32  # events that one score names first, and as many that it names last; between them are model calls
_LONG = 65536  # characters of a payload

Place = dict[str, Any]


class Attempt:
    """One attempt: `row` of attempts, `cell` row of cells, `scored` with its composite, events by type."""

    def __init__(self, view: View, cell: str, number: int | None = None) -> None:
        """Read what an attempt's page is made of; raises NotFound where there is no such cell or attempt."""
        self.view = view
        try:
            self.cell_key, _ = resolve_cell(view.connection, cell)
        except BadInput as error:
            raise NotFound(str(error)) from None
        self.cell = self._row("cells", "cell", self.cell_key)
        self.number = number or int(self.cell["counted"])
        self.ref = f"{self.cell_key}@{self.number}"
        self.row = self._row("attempts", "ref", self.ref)
        self.first_seq, self.last_seq = int(self.row["first_seq"]), int(self.row["last_seq"])
        self.stream = stream_of(self.ref)
        scored = one_scored(view.connection, GATED_1, self.ref)
        if scored is None:
            raise NotFound(f"{self.ref} holds no cell.setup; run `benchledger verify`")
        self.scored = scored
        self.length = int(self._one("SELECT max(version) FROM events WHERE stream = ?", self.stream) or 0)
        self.events = self._few()

    def _one(self, query: str, *values: object) -> Any:
        row = self.view.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def _row(self, table: str, key: str, value: str) -> dict[str, Any]:
        rows = rows_as_dicts(self.view.connection, f"SELECT * FROM {table} WHERE {key} = ?", (value,))
        if not rows:
            raise NotFound(f"there is no attempt {value}")
        return rows[0]

    def _few(self) -> list[StoredEvent]:
        """Return the events of the stream that are no span and no model call, in order."""
        first, last = _START, max(_START, self.length - _END)
        found = [*self._read("version <= ?", first), *self._read("version > ?", last)]
        scores = [event.payload for event in found if event.meta.type == "axis.scored" and event.payload]
        named = (at for it in scores for at in (*it["evidence"][:_NAMED], *it["evidence"][-_NAMED:]))
        between = {at for at in named if first < at <= last}
        if between:
            found += self._read(f"version IN ({','.join('?' * len(between))})", *between)
        elif last > first and self.row["outcome"] and not scores:
            found += self._read("version > ? AND version <= ?", first, last)  # nothing says where to look
        return sorted(found, key=lambda event: event.meta.version)

    def _read(self, where: str, *values: int) -> Iterator[StoredEvent]:
        query = (
            f"SELECT seq, meta, payload, hash FROM events WHERE stream = ? AND {where}"
            " AND type NOT IN ('model.called', 'span.recorded') ORDER BY version"
        )
        for seq, meta, payload, digest in self.view.connection.execute(query, (self.stream, *values)):
            parsed = None if payload is None else json.loads(_without_many(payload))
            yield StoredEvent(seq, Meta(**json.loads(meta)), parsed, digest)

    def all(self, event_type: str) -> list[StoredEvent]:
        """Return the events of a type, in order."""
        return [event for event in self.events if event.meta.type == event_type]

    def one(self, event_type: str) -> StoredEvent | None:
        """Return the last event of a type, None where there is none."""
        return next((event for event in reversed(self.events) if event.meta.type == event_type), None)

    def payload(self, event_type: str) -> dict[str, Any]:
        """Return the payload of the last event of a type; empty where there is none, or where it was redacted."""
        event = self.one(event_type)
        return {} if event is None or event.payload is None else event.payload

    def place(self, event_type: str) -> Place | None:
        """Return where the last event of a type stands, as pages show it: {seq, hash, type}."""
        event = self.one(event_type)
        return None if event is None else placed(event)

    @property
    def last_hash(self) -> str:
        """Return the hash of the last event, in hex."""
        return str(self._one("SELECT lower(hex(hash)) FROM events WHERE seq = ?", self.last_seq))

    @property
    def observed(self) -> frozenset[str]:
        """Return what the harness watched: no event of a watched kind means that nothing happened."""
        return frozenset(self.payload("cell.setup").get("observed") or ())


def _without_many(payload: str) -> str:
    """Return the payload of a score without most of the events that it was derived from, where they are many.

    A score of tokens names every model call. Canonical JSON has the axis, a name, before them, and nothing else.
    """
    if len(payload) < _LONG or not payload.startswith('{"axis":"'):
        return payload
    start = payload.index('"evidence":[')
    end = payload.index("]", start)
    listed = payload[start:end]
    if listed.count(",") < 2 * _NAMED:
        return payload  # something else is long
    kept = [*listed.split(",", _NAMED)[:_NAMED], *listed.rsplit(",", _NAMED)[-_NAMED:]]
    return f"{payload[:start]}{','.join(kept)}{payload[end:]}"


def placed(event: StoredEvent) -> Place:
    """Return where an event stands, as pages show it."""
    return {
        "seq": event.seq,
        "hash": event.hash.hex(),
        "type": event.meta.type,
        "redacted": event.payload is None,
    }
