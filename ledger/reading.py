"""Reading a ledger: its id, head, events and blobs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchledger.ledger import blobs, database
from benchledger.schema.base import Payload
from benchledger.schema.errors import BadInput
from benchledger.schema.history import Head
from benchledger.schema.upcast import payload_of

__all__ = ["HEAD_QUERY", "Meta", "Reader", "StoredEvent"]

HEAD_QUERY = "SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1"


class Meta(NamedTuple):
    """The metadata of one stored event; `at` is Unix time in microseconds, when it was appended."""

    actor: str
    at: int
    id: str
    schema: int
    stream: str
    type: str
    version: int


class StoredEvent(NamedTuple):
    """One event as it is stored; payload is None where it was redacted."""

    seq: int
    meta: Meta
    payload: dict[str, Any] | None
    hash: bytes

    def decoded(self) -> Payload | None:
        """Return the payload as its newest model, None where it was redacted or is of an unknown type."""
        return None if self.payload is None else payload_of(self.meta.type, self.meta.schema, self.payload)


class Reader:
    """What may be asked of an open ledger file without writing."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Read through `connection`, which is open on `path`."""
        self.path = path
        self.connection = connection
        self._ledger_id: str | None = None

    @property
    def ledger_id(self) -> str:
        """Return the 32 hex digits that event 0 gives; raises BadInput where there is no event 0."""
        if self._ledger_id is None:
            with database.translated(self.path):
                row = self.connection.execute("SELECT payload FROM events WHERE seq = 0").fetchone()
            if row is None or row[0] is None:
                raise BadInput(f"{self.path} has no first event", "run `benchledger verify`")
            self._ledger_id = str(json.loads(row[0])["ledger_id"])
        return self._ledger_id

    def head(self) -> Head | None:
        """Return the last event's place and hash, None for an empty ledger."""
        with database.translated(self.path):
            row = self.connection.execute(HEAD_QUERY).fetchone()
        return None if row is None else Head(seq=row[0], hash=row[1].hex())

    def events(self, start: int = 0, stop: int = 1 << 62) -> Iterator[StoredEvent]:
        """Yield events `start` <= seq < `stop` in order."""
        return self._select("seq >= ? AND seq < ? ORDER BY seq", start, stop)

    def stream(self, stream: str) -> Iterator[StoredEvent]:
        """Yield the events of one stream by version."""
        return self._select("stream = ? ORDER BY version", stream)

    def by_id(self, event_id: str) -> StoredEvent | None:
        """Return the event with that id, None where there is none."""
        return next(self._select("id = ?", event_id), None)

    def _select(self, where: str, *values: object) -> Iterator[StoredEvent]:
        with database.translated(self.path):
            cursor = self.connection.execute(
                f"SELECT seq, meta, payload, hash FROM events WHERE {where}", values
            )
            for seq, meta, payload, digest in cursor:
                parsed = None if payload is None else json.loads(payload)
                yield StoredEvent(seq, Meta(**json.loads(meta)), parsed, digest)

    def blob(self, digest: str) -> bytes | None:
        """Return a blob's plain bytes (checked), None where it is not stored."""
        with database.translated(self.path):
            return blobs.read_blob(self.connection, digest)
