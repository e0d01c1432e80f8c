"""One attempt as its page needs it: its rows, and the events that there are few of.

A stream may hold hundreds of thousands of spans and model calls. They are read page by page out of
their projections; here only the two ends of the stream are read, where all else lies.
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

_ENDS = 512  # events read at each end of a stream
_SINGLE = ("cell.setup", "cell.launched", "cell.exited", "workdir.captured", "grader.ran", "record.received")

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
        first, last = _ENDS, max(_ENDS, self.length - _ENDS)
        found = list(self._between(1, first)) + list(self._between(last + 1, self.length))
        if last > first and not {event.meta.type for event in found}.issuperset(_SINGLE):
            found += self._between(first + 1, last)
            found.sort(key=lambda event: event.meta.version)
        return found

    def _between(self, first: int, last: int) -> Iterator[StoredEvent]:
        query = (
            "SELECT seq, meta, payload, hash FROM events WHERE stream = ? AND version BETWEEN ? AND ?"
            " AND type NOT IN ('model.called', 'span.recorded') ORDER BY version"
        )
        for seq, meta, payload, digest in self.view.connection.execute(query, (self.stream, first, last)):
            parsed = None if payload is None else json.loads(payload)
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


def placed(event: StoredEvent) -> Place:
    """Return where an event stands, as pages show it."""
    return {
        "seq": event.seq,
        "hash": event.hash.hex(),
        "type": event.meta.type,
        "redacted": event.payload is None,
    }
