"""What stands here under the ids of a merged ledger, held against the frames that were kept of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from benchledger.ledger.frames import Line
from benchledger.ledger.merge_streams import SCORES, owned
from benchledger.ledger.metadata import parse
from benchledger.ledger.rows import split_stream
from benchledger.ledger.verify_chain import Defect

__all__ = ["Here", "Places", "found_here"]


class Here(NamedTuple):
    """One event of this file."""

    seq: int
    digest: bytes
    length: int
    stream: str
    type: str
    schema: int
    version: int


def found_here(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Here]:
    """Return the events that have one of these ids."""
    query = (
        "SELECT id, seq, payload_digest, payload_len, meta FROM events"
        f" WHERE id IN ({','.join('?' * len(ids))})"
    )
    found = {}
    for event_id, seq, digest, length, meta in connection.execute(query, ids):
        parsed = parse(meta)
        if parsed is not None:  # else the schema check names it
            stream, event_type, schema, version = parsed
            found[event_id] = Here(seq, digest, length, stream, event_type, schema, version)
    return found


class Places:
    """Whether an event may stand here as it does. Lines come in the order of their chain, for each ledger apart."""

    def __init__(self, ledger_id: str, kept: sqlite3.Connection) -> None:
        """`ledger_id` is this ledger's; `kept` is a database of its own for what must be remembered."""
        self._ledger_id, self._kept = ledger_id, kept
        self.lost: set[str] = set()  # ledgers some of whose lines are gone, with what they would have begun
        kept.execute(
            "CREATE TABLE begun(origin TEXT, theirs TEXT, ours TEXT, PRIMARY KEY(origin, theirs)) WITHOUT ROWID"
        )

    def wrong(self, origin: str, line: Line, here: Here | None) -> tuple[str, str] | None:
        """Return (kind, what is wrong) with the event here that has the id of a line, None for nothing."""
        if here is None:
            if line.digest is not None and line.type in SCORES:
                return None  # left there, as a score may be
            return "gap", f"is not here, though it was taken over ({line.type}, id {line.id})"
        if (here.type, here.schema) != (line.type, line.schema):
            return "schema", f"is a {line.type} there and a {here.type} here"
        if line.digest is None:
            return self._stream(origin, line, here)
        self._begin(origin, line, here)
        if (here.digest, here.length) != (line.digest, line.length) and not _imported(line.id):
            return "payload", "has another payload here than its own ledger gave it"
        return None

    def _stream(self, origin: str, line: Line, here: Here) -> tuple[str, str] | None:
        if here.stream == f"{origin}:{line.stream}":  # nearly always
            return None
        if owned(self._ledger_id, here.stream) == owned(origin, line.stream):
            return None
        self._begin(origin, line, here)
        query = "SELECT ours FROM begun WHERE origin = ? AND theirs = ?"
        row = self._kept.execute(query, (origin, line.stream)).fetchone()
        if here.stream == row[0] if row is not None else origin in self.lost:
            return None
        return "stream", f"stands in stream {here.stream}, which does not hold their {line.stream}"

    def _begin(self, origin: str, line: Line, here: Here) -> None:
        """Remember which stream here begins with the event that begins theirs, where both made it from one record."""
        if line.version == here.version == 1 and _imported(line.id) and split_stream(line.stream) is not None:
            self._kept.execute(
                "INSERT OR IGNORE INTO begun VALUES(?,?,?)", (origin, line.stream, here.stream)
            )

    def defect(self, origin: str, place: int, line: Line, here: Here | None, note: int) -> Defect | None:
        """Return the defect of one line, at the event here or at the note where there is none."""
        wrong = self.wrong(origin, line, here)
        if wrong is None:
            return None
        kind, what = wrong
        return Defect(note if here is None else here.seq, kind, f"event {place} of ledger {origin} {what}")


def _imported(event_id: str) -> bool:
    """Whether an id is made from a source record, so that two ledgers may have made the event, each for itself."""
    return event_id[14] == "8"
