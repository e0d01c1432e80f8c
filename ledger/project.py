"""Projections: events folded into tables that people and queries read.

    add(event) -> fold.HANDLERS[type] -> rows in memory (write-back) -> flush() -> upserts + cursor

Rows hold nothing but what events say: no clock, no rowid, no setting. So a rebuild from the
events gives the same bytes. Rows of one attempt change with every event of it; they are kept
in memory until the transaction ends, and read back from the table when they are not there.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from benchledger.ledger import fold, rows
from benchledger.ledger.ddl import PROJECTION_VERSION, PROJECTIONS
from benchledger.ledger.metadata import parse
from benchledger.schema.catalogue import EVENT_TYPES
from benchledger.schema.frame import TILE, frame, genesis, leaf_hash, tile_root
from benchledger.schema.upcast import is_known, upcast

__all__ = ["TOGETHER", "Linked", "Projector", "foreign", "rebuild"]

_BATCH = 20_000
# So many are parsed and folded at once: few enough for the processor's cache, and what they ask for is read together.
TOGETHER = 100
# A row that is kept in memory is written once however many events touch it; this bounds the memory.
_KEEP = 2_000
_STATE = "projections"
# json.loads without its checks of the argument: payloads are text, and canonical.
_scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # typeshed leaves it out

# seq, stream, type, schema, payload (None where it was redacted, or changes no row), frame, version
Linked = tuple[int, str, str, int, dict[str, Any] | None, bytes, int]


class Projector:
    """Folds events into the projection tables of one connection; it never commits."""

    def __init__(
        self, connection: sqlite3.Connection, inspect: Callable[[sqlite3.Connection, int], None] | None = None
    ) -> None:
        """Start with nothing in memory; `inspect` sees the tables just before each history.rescored."""
        self.connection = connection
        self._inspect = inspect
        self.rows = {name: rows.Cache(connection, table) for name, table in PROJECTIONS.items()}
        self._leaves: list[bytes] | None = None
        self._waiting = 0
        self._size = 0

    def cursor(self) -> int:
        """Return the last seq that the tables hold, -1 for none or where another version made them."""
        row = self.connection.execute(
            "SELECT seq, version FROM projection_state WHERE name = ?", (_STATE,)
        ).fetchone()
        if row is None:
            return -1
        return int(row[0]) if row[1] == PROJECTION_VERSION else -2

    def catch_up(self, head: int) -> None:
        """Fold what the tables miss up to seq `head`; drop and refold all where their version is another."""
        at = self.cursor()
        if at == head:
            return
        if at < -1 or at > head:
            rebuild(self.connection)
            return
        self.fold_range(at + 1, head)

    def fold_range(self, start: int, stop: int, report: Callable[[int], None] | None = None) -> None:
        """Fold stored events `start` <= seq <= `stop` and flush; `report` gets each batch's last seq."""
        for batch in _stored(self.connection, start, stop):
            for first in range(0, len(batch), TOGETHER):
                self.add(_linked(batch[first : first + TOGETHER]))
            self.flush(batch[-1][0])
            if report is not None:
                report(batch[-1][0])

    def add(self, events: Sequence[Linked]) -> None:
        """Fold events that follow each other."""
        self._leaf(events)
        refs = [rows.ref_of(event[1]) if "cell/" in event[1] else "" for event in events]
        if len(events) > 1:
            self._prefetch(events, refs)
        now = rows.Event(self.rows)
        for (seq, stream, event_type, schema, payload, _, _), ref in zip(events, refs, strict=True):
            model = EVENT_TYPES.get(event_type)
            if model is None or (model.schema_number != schema and not is_known(event_type, schema)):
                fold.count_unknown(self.rows, event_type, schema)
                continue
            handler = fold.HANDLERS.get(event_type)
            if payload is None and event_type in fold.TOLD_BY_TYPE:
                payload = {}  # noqa: PLW2901
            if handler is None or payload is None:
                continue
            if self._inspect is not None and event_type == "history.rescored":
                self.flush(seq - 1)
                now.forget()
                self._inspect(self.connection, seq)
            value = payload if schema == model.schema_number else upcast(event_type, schema, payload)
            now.set(seq, stream, value, ref)
            handler(now, self.rows)
        self._waiting += len(events)
        if self._waiting >= _BATCH:
            # A long transaction (a large file) must not keep all its rows in memory.
            self.flush_rows()

    def _prefetch(self, events: Sequence[Linked], refs: Sequence[str]) -> None:
        # What begins here has no rows yet: they come from the events of its stream alone.
        begun = {ref: None for event, ref in zip(events, refs, strict=True) if event[6] == 1}
        attempts = dict.fromkeys(refs)
        attempts.pop("", None)
        self.rows["cells"].prefetch(dict.fromkeys([ref.rpartition("@")[0] for ref in attempts]))
        for name in ("attempts", "scores"):
            self.rows[name].expect_none(begun)
            self.rows[name].prefetch(attempts)

    def flush(self, head: int) -> None:
        """Write every changed row and the cursor; the caller commits."""
        state = self.rows["projection_state"]
        state.put((_STATE, head, PROJECTION_VERSION))
        self.flush_rows()

    def flush_rows(self) -> None:
        """Write changed rows only, so that queries inside a transaction see them."""
        self._waiting = 0
        for cache in self.rows.values():
            cache.flush(keep=_KEEP)

    def _leaf(self, events: Sequence[Linked]) -> None:
        """Keep the leaf hashes of the open tile; a full one becomes a row of `tiles`."""
        seq = events[0][0]
        if self._leaves is None or self._size != seq:
            start = seq - seq % TILE
            self._leaves = [leaf_hash(framed) for framed in _frames(self.connection, start, seq - 1)]
        leaves = self._leaves
        leaves += [sha256(b"\x00" + event[5]).digest() for event in events]
        self._size = seq + len(events)
        tile = (self._size - len(leaves)) // TILE
        full = len(leaves) - len(leaves) % TILE
        for start in range(0, full, TILE):
            self.rows["tiles"].put((tile + start // TILE, tile_root(leaves[start : start + TILE])))
        del leaves[:full]


def _linked(batch: Sequence[tuple[Any, ...]]) -> list[Linked]:
    """Return stored rows as what is folded."""
    events: list[Linked] = []
    for seq, meta, digest, length, payload, prev in batch:
        stream, event_type, schema, version = parse(meta) or foreign(meta)
        value = None if payload is None else _scan(payload, 0)[0]
        framed = frame(seq, prev, digest, length, meta.encode())
        events.append((seq, stream, event_type, schema, value, framed, version))
    return events


def foreign(meta: str) -> tuple[str, str, int, int]:
    """Read metadata that is not spelled as ours: verify names it, folding only has to survive it."""
    value = json.loads(meta)
    return str(value["stream"]), str(value["type"]), int(value["schema"]), int(value["version"])


def _stored(connection: sqlite3.Connection, start: int, stop: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield batches of (seq, meta, payload_digest, payload_len, payload, prev)."""
    before = connection.execute("SELECT hash FROM events WHERE seq = ?", (start - 1,)).fetchone()
    prev = before[0] if before else _genesis(connection)
    while True:
        batch = []
        # Not by ranges of seq: one row at a far place would make a reader walk the whole way there.
        for seq, meta, digest, length, payload, hashed in connection.execute(
            "SELECT seq, meta, payload_digest, payload_len, payload, hash FROM events"
            " WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?",
            (start, stop, _BATCH),
        ):
            batch.append((seq, meta, digest, length, payload, prev))
            prev = hashed
        if not batch:
            return
        start = batch[-1][0] + 1
        yield batch


def _genesis(connection: sqlite3.Connection) -> bytes:
    row = connection.execute(
        "SELECT json_extract(payload, '$.ledger_id') FROM events WHERE seq = 0"
    ).fetchone()
    return genesis(row[0]) if row and row[0] else b"\x00" * 32


def _frames(connection: sqlite3.Connection, start: int, stop: int) -> Iterator[bytes]:
    for batch in _stored(connection, start, stop):
        for seq, meta, digest, length, _payload, prev in batch:
            yield frame(seq, prev, digest, length, meta.encode())


def rebuild(connection: sqlite3.Connection, report: Callable[[int], None] | None = None) -> None:
    """Drop every projection and fold all events again; inside the caller's transaction."""
    for table in PROJECTIONS.values():
        connection.execute(f"DROP TABLE IF EXISTS {table.name}")
        connection.execute(table.ddl)
    row = connection.execute("SELECT max(seq) FROM events").fetchone()
    projector = Projector(connection)
    projector.fold_range(0, -1 if row[0] is None else row[0], report)
