"""Projections made anew, and one digest a table by which two ledgers can be compared."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from benchledger.ledger import database, project
from benchledger.ledger.ddl import PROJECTIONS, Table
from benchledger.ledger.lock import WriterLock
from benchledger.schema.canonical import canonical_bytes

__all__ = ["rebuild_projections", "table_digest_of", "table_digests"]


def rebuild_projections(path: Path, report: Callable[[int], None] | None = None) -> dict[str, str]:
    """Drop every projection, fold all events again, and return table -> digest.

    One transaction, under the writer's lock; `report` gets the last seq of each batch. The
    ledger is not opened as one, because its projections may be too damaged for that.
    """
    with database.translated(path):
        connection = database.connect(path)
        lock = WriterLock(path)
        with contextlib.closing(lock), lock.held(), contextlib.closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            project.rebuild(connection, report)
            digests = table_digests(connection)
            connection.execute("COMMIT")
    return digests


def table_digests(connection: sqlite3.Connection) -> dict[str, str]:
    """Return table -> BLAKE3 (64 hex digits) of every projection."""
    return {name: table_digest_of(connection, table) for name, table in PROJECTIONS.items()}


def table_digest_of(connection: sqlite3.Connection, table: Table) -> str:
    """Return the digest of one table: its rows by primary key, each a canonical JSON object and LF.

    A row names its columns; bytes are lower-case hex digits.
    """
    keys, names = ", ".join(table.columns[: table.key]), ", ".join(table.columns)
    hasher = blake3()
    for row in connection.execute(f"SELECT {names} FROM {table.name} ORDER BY {keys}"):
        values = (value.hex() if isinstance(value, bytes) else value for value in row)
        hasher.update(canonical_bytes(dict(zip(table.columns, values, strict=True))) + b"\n")
    return hasher.hexdigest()
