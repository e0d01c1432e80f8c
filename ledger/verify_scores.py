"""Every payload against its model, and what it says about an attempt against the evidence (verify_attempts)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Container
from functools import partial
from pathlib import Path

from benchledger.ledger.database import connect_read_only
from benchledger.ledger.metadata import parse
from benchledger.ledger.projected import other_version
from benchledger.ledger.verify_attempts import CELL_TYPES, Attempts
from benchledger.ledger.verify_chain import UNREADABLE, Defect
from benchledger.ledger.verify_file import guarded
from benchledger.ledger.verify_gone import gone
from benchledger.ledger.verify_spelling import SHORT
from benchledger.schema.base import Payload
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.catalogue import EVENT_TYPES, load_payload
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.frame import MAX_META
from benchledger.schema.history import PolicyDeclared
from benchledger.schema.upcast import is_known, upcast

__all__ = ["ScoreCheck", "guarded_scores", "score_piece"]

_KEPT = 512


class _Reader:
    """How payloads of one type and schema number are read; frozen ones that come again are kept."""

    __slots__ = ("load", "of_attempt", "seen")

    def __init__(self, name: str, schema: int) -> None:
        self.load: Callable[[str], Payload] | None = None
        self.of_attempt = name in CELL_TYPES or name == "cell.rechecked"
        self.seen: dict[str, Payload] = {}
        if is_known(name, schema):
            model = EVENT_TYPES[name]
            newest = schema == model.schema_number
            self.load = model.model_validate_json if newest else partial(_load, name, schema)

    def keep(self, text: str, payload: Payload) -> None:
        if len(text) <= SHORT:
            if len(self.seen) >= _KEPT:
                self.seen.clear()
            self.seen[text] = payload


class ScoreCheck:
    """Walks events in order and reads every payload by the model of its type."""

    def __init__(self, connection: sqlite3.Connection, redacted_blobs: Container[str] = ()) -> None:
        """`connection` is open for reading; `redacted_blobs` are digests that events say were removed."""
        self.connection = connection
        self.attempts = Attempts(connection, _readable, redacted_blobs)
        self.defects = self.attempts.defects
        self.unchecked = self.attempts.unchecked
        self.unknown: dict[str, int] = {}
        self._readers: dict[tuple[str, int], _Reader] = {}

    def run(self, start: int, stop: int, report: Callable[[int], None] | None = None) -> None:
        """Check events `start` <= seq < `stop`."""
        if start:
            self._load_policies(start)
        cursor = self.connection.execute(
            "SELECT seq, meta, payload FROM events WHERE seq >= ? AND seq < ? ORDER BY seq", (start, stop)
        )
        while rows := cursor.fetchmany(2_048):
            for seq, meta, payload in rows:
                self._event(seq, meta, payload)
            if report is not None:
                report(len(rows))
        self.attempts.close()

    def _event(self, seq: int, meta: object, text: str | None) -> None:
        parts = parse(meta) if isinstance(meta, str) and _fits(meta) else None
        if parts is None:
            self.defects.append(Defect(seq, "schema", "the metadata is not the canonical JSON of an event"))
            return
        stream, name, schema, version = parts
        if (name == "ledger.created" and stream == "ledger") != (seq == 0):
            self.defects.append(Defect(seq, "schema", "ledger.created is the first event, and no other one"))
        reader = self._readers.get((name, schema)) or self._reader(name, schema)
        if text is None or reader.load is None:
            self._unread(stream, name, schema, version, text)
            return
        payload = reader.seen.get(text)
        if payload is None:
            try:
                payload = reader.load(text)
            except (BenchledgerError, *UNREADABLE):
                self._payload(seq, name, schema, text)
                return
            reader.keep(text, payload)
        if reader.of_attempt:
            self.attempts.take(seq, stream, version, payload)
        elif isinstance(payload, PolicyDeclared):
            self._policy(seq, payload)

    def _reader(self, name: str, schema: int) -> _Reader:
        reader = _Reader(name, schema)
        if reader.load is not None:  # of those that are unknown a foreign file may have any number
            self._readers[name, schema] = reader
        return reader

    def _unread(self, stream: str, name: str, schema: int, version: int, text: str | None) -> None:
        if not is_known(name, schema):
            key = f"{name} (schema {schema})"
            self.unknown[key] = self.unknown.get(key, 0) + 1
        lost = gone(name, schema, text)
        if name in CELL_TYPES and lost is not None:
            self.attempts.lose(stream, version, lost)

    def _payload(self, seq: int, name: str, schema: int, text: str) -> Payload | None:
        """Read a payload, or name what is wrong with it."""
        try:
            return _load(name, schema, text)
        except (BenchledgerError, *UNREADABLE) as error:
            reason = error.message if isinstance(error, BenchledgerError) else f"{name}: {error}"
            self.defects.append(Defect(seq, "schema", reason))
            return None

    def _policy(self, seq: int, payload: PolicyDeclared) -> None:
        if payload.policy.policy_id != payload.policy_id:
            self.defects.append(Defect(seq, "score", "policy_id is not the content id of the policy"))
        self.attempts.policies[payload.policy_id] = payload.policy

    def _load_policies(self, stop: int) -> None:
        # The projection only says where to look, so that this does not grow with the ledger.
        places = "policies AS p CROSS JOIN events AS e ON e.seq = p.seq"
        if other_version(self.connection) is not None:
            places = "events AS e"
        for seq, schema, text in self.connection.execute(
            f"SELECT e.seq, json_extract(e.meta, '$.schema'), e.payload FROM {places}"
            " WHERE e.type = 'policy.declared' AND e.seq < ?",
            (stop,),
        ):
            payload = self._payload(seq, "policy.declared", schema, text)
            if isinstance(payload, PolicyDeclared):
                self.attempts.policies[payload.policy_id] = payload.policy


def _fits(meta: str) -> bool:
    # A character has at most four bytes: most metadata need not be encoded to be measured.
    return 4 * len(meta) <= MAX_META or len(meta.encode()) <= MAX_META


def _load(name: str, schema: int, text: str) -> Payload:
    if schema != EVENT_TYPES[name].schema_number:
        text = canonical_bytes(upcast(name, schema, json.loads(text))).decode()
    return load_payload(name, text)


def _readable(name: str, schema: int, text: str) -> Payload | None:
    """Read a payload that lies before the place of the walk: the walk named it where it is unreadable."""
    try:
        return _load(name, schema, text)
    except (BenchledgerError, *UNREADABLE):
        return None


def guarded_scores(scores: ScoreCheck, start: int, stop: int) -> list[Defect]:
    """Run a check over a file that may be damaged; return what stopped it."""

    def run(_connection: sqlite3.Connection) -> list[Defect]:
        scores.run(start, stop)
        return []

    return guarded("scores", run, scores.connection)


def score_piece(
    path: Path, stop: int, blobs: dict[str, int]
) -> tuple[list[Defect], list[Defect], dict[str, int]]:
    """Check every score before `stop`; return (defects, unchecked, unknown types)."""
    connection = connect_read_only(path)
    try:
        scores = ScoreCheck(connection, blobs)
        found = guarded_scores(scores, 0, stop)
    finally:
        connection.close()
    return scores.defects + found, scores.unchecked, scores.unknown
