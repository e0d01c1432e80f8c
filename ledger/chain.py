"""One event becomes one row: payload bytes and digest before the transaction, the frame inside it."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from benchledger.ledger.metadata import parse, spell
from benchledger.schema.base import Payload
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import BadInput, Conflict
from benchledger.schema.frame import MAX_META, SALT_BYTES, event_hash, frame, payload_digest
from benchledger.schema.ports import Draft, Receipt

__all__ = ["Prepared", "Row", "existing_receipt", "insert", "link", "prepare", "prepare_restored"]

# SQLite copies each page that a guarded INSERT changes, once a statement: rows in groups share these copies.
_GROUP = 100

_is_uuid = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch

# seq, meta, payload_digest, payload_len, salt, payload, hash
Row = tuple[int, str, bytes, int, bytes | None, str | None, bytes]


class Prepared(NamedTuple):
    """An event with everything that needs no transaction.

    `meta` is given whole where a restore repeats what another file says; `payload` is None
    where that file had it redacted, and then `digest` and `payload_len` are the file's.
    """

    stream: str
    id: str
    actor: str
    expected: int | None
    blobs: Mapping[str, bytes]
    event_type: str
    schema: int
    record: Payload | None
    payload: bytes | None
    payload_len: int
    salt: bytes | None
    digest: bytes
    meta: dict[str, Any] | None = None

    def value(self) -> dict[str, Any] | None:
        """Return the payload as JSON values for reading alone, None where it was redacted."""
        if self.record is not None:
            return self.record.payload_value()
        return None if self.payload is None else dict(json.loads(self.payload))


def prepare(drafts: Sequence[Draft]) -> list[Prepared]:
    """Make payload bytes and digests of drafts, each with a salt of its own."""
    salts = os.urandom(SALT_BYTES * len(drafts))
    prepared = []
    for number, (stream, payload, event_id, actor, version, brought) in enumerate(drafts):
        if not _is_uuid(event_id):
            raise BadInput(f"event id {event_id!r} is no UUID in lower case", "leave it out, and one is made")
        data = payload.payload_bytes()
        salt = salts[number * SALT_BYTES : (number + 1) * SALT_BYTES]
        digest = payload_digest(salt, data)
        kind, schema = payload.event_type, payload.schema_number
        prepared.append(
            Prepared(
                stream,
                event_id,
                actor,
                version,
                brought,
                kind,
                schema,
                payload,
                data,
                len(data),
                salt,
                digest,
            )
        )
    return prepared


def prepare_restored(meta: dict[str, Any], row: Row, blobs: Mapping[str, bytes]) -> Prepared:
    """Take an event over exactly as another file holds it: its metadata, its row, the blobs it brings."""
    if parse(canonical_bytes(meta).decode()) is None:
        raise BadInput(f"the metadata of event {meta.get('id')!r} is not that of an event")
    payload = None if row[5] is None else row[5].encode()
    return Prepared(
        stream=meta["stream"],
        id=meta["id"],
        actor=meta["actor"],
        expected=meta["version"],
        blobs=blobs,
        event_type=meta["type"],
        schema=meta["schema"],
        record=None,
        payload=payload,
        payload_len=row[3],
        salt=row[4],
        digest=row[2],
        meta=meta,
    )


def link(
    items: Sequence[Prepared], versions: Sequence[int], seq: int, prev: bytes, at: int
) -> tuple[list[Receipt], list[Row], list[bytes]]:
    """Return (receipts, rows, frames) of events from `seq` on, after the hash `prev` (32 bytes)."""
    receipts, rows, frames = [], list[Row](), []
    for item, version in zip(items, versions, strict=True):
        stream, event_id, actor, expected, _, kind, schema, _, payload, length, salt, digest, given = item
        if expected is not None and expected != version:
            raise Conflict(
                f"stream {stream} is at version {version - 1}, so {expected} cannot be written",
                "another writer was first: read the stream again",
            )
        if given is not None:
            meta = canonical_bytes(given).decode()
        else:
            meta = spell(actor, at, event_id, schema, stream, kind, version)
        try:
            data = meta.encode()
        except UnicodeEncodeError as error:
            raise BadInput(f"event {event_id}: stream or actor holds a lone surrogate") from error
        if len(data) > MAX_META:
            raise BadInput(f"event {event_id}: metadata of {len(data)} bytes; at most {MAX_META} are allowed")
        framed = frame(seq, prev, digest, length, data)
        prev = event_hash(framed)
        frames.append(framed)
        text = None if payload is None else payload.decode()
        rows.append((seq, meta, digest, length, salt, text, prev))
        receipts.append(Receipt(seq, prev.hex(), event_id, stream, version))
        seq += 1
    return receipts, rows, frames


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write rows in order; a row that a guard refuses raises sqlite3.IntegrityError."""
    for start in range(0, len(rows), _GROUP):
        group = rows[start : start + _GROUP]
        values: list[Any] = []
        for seq, meta, digest, length, salt, payload, hashed in group:
            # sqlite3 looks for an adapter for bytes each time, but takes a bytearray as it is.
            values += (
                seq,
                meta,
                bytearray(digest),
                length,
                None if salt is None else bytearray(salt),
                payload,
                bytearray(hashed),
            )
        connection.execute(_statement(len(group)), values)


@lru_cache(maxsize=_GROUP)
def _statement(rows: int) -> str:
    columns = "seq, meta, payload_digest, payload_len, salt, payload, hash"
    return f"INSERT INTO events({columns}) VALUES {','.join(['(?,?,?,?,?,?,?)'] * rows)}"


def existing_receipt(item: Prepared, seq: int, meta_text: str, payload: str | None, digest: bytes) -> Receipt:
    """Return the receipt of the event that has this id already; raises Conflict where it says something else."""
    meta = json.loads(meta_text)
    same = (
        meta["type"] == item.event_type
        and meta["schema"] == item.schema
        and meta["stream"] == item.stream
        and meta["actor"] == item.actor
        and (payload is None or item.payload is None or payload.encode() == item.payload)
    )
    if not same:
        raise Conflict(
            f"event id {item.id} stands at seq {seq} with other content",
            "an id is given once: give the new event a new id",
        )
    return Receipt(seq, digest.hex(), item.id, meta["stream"], meta["version"], already=True)
