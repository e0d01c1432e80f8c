"""Hashes, links, payloads and the Merkle root, from the stored bytes alone.

Reads the columns that are stored, never a generated one, and re-serialises nothing. A range
of events can be checked by itself: its first `prev` is the stored hash before it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from benchledger.ledger.database import connect_read_only
from benchledger.schema.canonical import MAX_INT
from benchledger.schema.frame import (
    FORMAT,
    FRAME_PREFIX,
    SALT_BYTES,
    TILE,
    Frontier,
    event_hash,
    event_hasher,
    frame,
    genesis,
    payload_hasher,
    tile_root,
)
from benchledger.schema.ids import is_ledger_id

__all__ = [
    "LISTED",
    "UNREADABLE",
    "ChainResult",
    "Defect",
    "check_range",
    "genesis_of",
    "listed",
    "merge",
    "tiles_of",
]

# What reading hostile bytes may raise, besides our own errors and SQLite's.
UNREADABLE = (
    struct.error,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    StopIteration,
    re.error,
)

_BATCH = 2_048
LISTED = 1_000
_QUERY = (
    "SELECT seq, meta, payload_digest, payload_len, salt, payload, hash FROM events"
    " WHERE seq >= ? AND seq < ? ORDER BY seq"
)


class Defect(NamedTuple):
    """One thing that is not as it was hashed, derived or shipped; `seq` is None where no event is meant."""

    seq: int | None
    kind: str
    detail: str


def listed(found: Iterable[Defect], what: str) -> Iterator[Defect]:
    """Yield the first 1,000 defects of one kind one by one, and how many more there are."""
    count, last = 0, None
    for last in found:
        count += 1
        if count <= LISTED:
            yield last
    if last is not None and count > LISTED:
        yield Defect(None, last.kind, f"{count - LISTED} more {what}")


@dataclass(slots=True)
class ChainResult:
    """What one range of events gave: defects, seqs without payload, tile roots, leaves of the open tile."""

    start: int
    stop: int
    defects: list[Defect] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    tiles: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    events: int = 0
    last: tuple[int, bytes] | None = None

    def root(self) -> bytes:
        """Return the Merkle tree hash over all events from seq 0 (32 bytes)."""
        frontier = Frontier()
        for tile in self.tiles:
            frontier.add(tile, level=8)
        for leaf in self.leaves:
            frontier.add(leaf)
        return frontier.root()


def genesis_of(connection: sqlite3.Connection) -> bytes:
    """Return the previous hash of event 0, from the ledger id in its payload; 32 zeros where that cannot be read."""
    row = connection.execute("SELECT payload FROM events WHERE seq = 0").fetchone()
    try:
        value = json.loads(row[0])
        return genesis(value["ledger_id"]) if is_ledger_id(value["ledger_id"]) else bytes(32)
    except (TypeError, ValueError, KeyError, RecursionError):
        return bytes(32)


def check_range(
    path: Path, start: int, stop: int, report: Callable[[int], None] | None = None
) -> ChainResult:
    """Check events `start` <= seq < `stop`; `start` is a multiple of 256 where tiles are wanted."""
    connection = connect_read_only(path)
    result = ChainResult(start, stop)
    try:
        first = None
        if start == 0:
            result.defects += _outside(connection)
        else:
            first = connection.execute("SELECT hash FROM events WHERE seq = ?", (start - 1,)).fetchone()
        prev = first[0] if first else genesis_of(connection)
        connection.text_factory = bytes
        return _Walk(result, prev).run(connection, report)
    except sqlite3.DatabaseError as error:
        result.defects.append(Defect(None, "database", f"events cannot be read: {error}"))
        return result
    finally:
        connection.close()


def _outside(connection: sqlite3.Connection) -> Iterator[Defect]:
    for (seq,) in connection.execute("SELECT seq FROM events WHERE seq < 0 OR seq > ?", (MAX_INT,)):
        yield Defect(seq, "gap", f"event {seq} lies outside the places of a chain, 0 to 2**53 - 1")


class _Walk:
    """One pass over rows in order; the quick loop trusts nothing and names nothing, `_name` does."""

    def __init__(self, result: ChainResult, prev: bytes) -> None:
        self.result = result
        self.prev = prev
        self.next = result.start
        self.suspect: bytes | None = None  # recomputed hash of a previous row that failed

    def run(self, connection: sqlite3.Connection, report: Callable[[int], None] | None) -> ChainResult:
        result = self.result
        for rows in self._batches(connection):
            self._check(rows)
            result.events += len(rows)
            while len(result.leaves) >= TILE:
                result.tiles.append(tile_root(result.leaves[:TILE]))
                del result.leaves[:TILE]
            if report is not None:
                report(len(rows))
        if result.events:
            result.last = (self.next - 1, self.prev)
        return result

    def _batches(self, connection: sqlite3.Connection) -> Iterator[list[tuple[Any, ...]]]:
        try:
            cursor = connection.execute(_QUERY, (self.result.start, self.result.stop))
            while rows := cursor.fetchmany(_BATCH):
                yield rows
        except sqlite3.DatabaseError as error:
            detail = f"events from {self.next} on cannot be read: {error}"
            self.result.defects.append(Defect(None, "database", detail))

    def _check(self, rows: list[tuple[Any, ...]]) -> None:
        pack, payload_copy, event_copy = FRAME_PREFIX, payload_hasher.copy, event_hasher.copy
        leaves, expected, prev = self.result.leaves.append, self.next, self.prev
        for row in rows:
            seq, meta, digest, length, salt, payload, stored = row
            try:
                if payload is not None:
                    hasher = payload_copy()
                    hasher.update(salt + payload)
                    whole = hasher.digest() == digest and len(payload) == length and len(salt) == SALT_BYTES
                else:
                    whole = False
                framed = pack(FORMAT, seq, prev, digest, length) + meta
                hasher = event_copy()
                hasher.update(framed)
                linked = hasher.digest() == stored
            except (TypeError, ValueError, struct.error):
                whole = linked = False
                framed = b""
            if not (whole and linked and seq == expected and self.suspect is None):
                framed = self._name(row, prev, expected, whole=whole)
            leaves(sha256(b"\x00" + framed).digest())
            prev, expected = stored, seq + 1
        self.next, self.prev = expected, prev

    def _name(self, row: tuple[Any, ...], prev: bytes, expected: int, *, whole: bool) -> bytes:
        """Say what is wrong with a row that the quick loop stopped at; return its frame, empty for none."""
        seq, meta, digest, length, salt, payload, stored = row
        found = self.result.defects
        if seq != expected:
            missing = f"event {expected} is" if seq == expected + 1 else f"events {expected} to {seq - 1} are"
            found.append(
                Defect(expected, "gap", f"{missing} missing; the link into event {seq} could not be checked")
            )
        if not whole:
            self._payload(seq, digest, length, salt, payload)
        before, self.suspect = self.suspect, None
        computed = _hash(seq, prev, digest, length, meta)
        if seq != expected or (computed is not None and computed[1] == stored):
            return computed[0] if computed else b""
        if before is not None:
            retried = _hash(seq, before, digest, length, meta)
            if retried is not None and retried[1] == stored:
                return retried[0]
        self.suspect = computed[1] if computed else b""
        if before is None:
            found.append(Defect(seq, "event_hash", "the stored hash is not the hash of this event's frame"))
        if seq > 0:
            pair = f"events {seq - 1} and {seq} do not fit together: one of the two is not what was hashed"
            found.append(Defect(seq, "link", pair))
        return computed[0] if computed else b""

    def _payload(self, seq: int, digest: Any, length: Any, salt: Any, payload: Any) -> None:
        fits = isinstance(digest, bytes) and len(digest) == 32
        if payload is None and salt is None and fits:
            self.result.empty.append(seq)
            return
        if not fits:
            detail = "payload_digest is not 32 bytes"
        elif payload is None:
            detail = "the payload is missing while its salt is there"
        elif salt is None:
            detail = "the salt is missing while its payload is there"
        elif not isinstance(salt, bytes) or len(salt) != SALT_BYTES:
            detail = f"the salt is not {SALT_BYTES} bytes"
        elif not isinstance(payload, bytes):
            detail = "the payload is no text"
        elif len(payload) != length:
            detail = f"the payload has {len(payload)} bytes where the frame says {length}"
        else:
            detail = "the payload is not what payload_digest was made of"
        self.result.defects.append(Defect(seq, "payload", detail))


def _hash(seq: int, prev: bytes, digest: bytes, length: int, meta: bytes) -> tuple[bytes, bytes] | None:
    if len(prev) != 32 or len(digest) != 32:
        return None  # struct would cut or fill them
    try:
        framed = frame(seq, prev, digest, length, meta)
    except (TypeError, struct.error):
        return None
    return framed, event_hash(framed)


def merge(parts: list[ChainResult]) -> ChainResult:
    """Join the results of ranges that follow each other; all but the last end on a tile."""
    whole = ChainResult(parts[0].start, parts[-1].stop)
    for part in parts:
        whole.defects += part.defects
        whole.empty += part.empty
        whole.tiles += part.tiles
        whole.events += part.events
        whole.last = part.last or whole.last
        whole.leaves = part.leaves
    return whole


def tiles_of(connection: sqlite3.Connection) -> dict[int, bytes]:
    """Return the tile roots that the projection holds."""
    return dict(connection.execute("SELECT tile, root FROM tiles").fetchall())
