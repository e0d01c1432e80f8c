"""The ledger: appends events to the chain, reads them back.

Draft -> payload bytes, salt, digest            (before the transaction)
      -> lock, BEGIN IMMEDIATE, read head
      -> frames, hashes, INSERT, blobs          (seq is the compare-and-swap)
      -> projections                            (rows and cursor in the same transaction)
      -> COMMIT -> Receipt
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from benchledger.ledger import blobs, chain, database
from benchledger.ledger.ddl import all_statements
from benchledger.ledger.fold import HANDLERS
from benchledger.ledger.lock import WriterLock
from benchledger.ledger.project import Linked, Projector
from benchledger.ledger.reading import HEAD_QUERY, Meta, Reader, StoredEvent
from benchledger.schema.errors import Conflict, EnvironmentLacks, UsageError
from benchledger.schema.frame import APPLICATION_ID, FORMAT, genesis
from benchledger.schema.history import LedgerCreated
from benchledger.schema.ids import new_ledger_id
from benchledger.schema.ports import Draft, Receipt, blob_references

__all__ = ["ALGORITHMS", "Ledger", "Meta", "StoredEvent"]

ALGORITHMS = {
    "blobs": "BLAKE3",
    "chain": "BLAKE3 derive_key over frames of format 1",
    "tree": "RFC 6962 with SHA-256 over the same frames",
}
# So many are chained, folded and written at once: few enough for the processor's cache, and for one statement.
_TOGETHER = 100


def _system_clock() -> int:
    return time.time_ns() // 1000


class Ledger(Reader):
    """One ledger file, open for reading or for appending. Threads may share it; it is a Sink."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        """Keep what `create` or `open` made; use those."""
        super().__init__(path, connection)
        self.clock: Callable[[], int] = _system_clock
        self._lock = lock
        self._wal = f"{path}-wal"
        self._projector: Projector | None = None
        self._versions: dict[str, int] = {}
        self._seq, self._prev = -1, b""
        self._closed = False
        self._doomed = False

    @classmethod
    def create(cls, path: Path | str, ledger_id: str | None = None, *, seed: bool = True) -> Ledger:
        """Make a new ledger with its first event (`seed` False leaves it empty, for a restore).

        Raises EnvironmentLacks where the path exists already or cannot be written.
        """
        path = Path(path)
        with database.translated(path):
            # O_EXCL: of two processes that create the same ledger only one may believe that it did.
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644))
            except FileExistsError:
                raise EnvironmentLacks(f"{path} exists already", "name another file with --ledger") from None
            try:
                return cls._create(path, ledger_id or new_ledger_id(), seed=seed)
            except BaseException:
                database.remove(path)
                raise

    @classmethod
    def _create(cls, path: Path, ledger_id: str, *, seed: bool) -> Ledger:
        lock = WriterLock(path)
        with lock.held():
            connection = database.connect_new(path)
            ledger = cls(path, connection, lock)
            ledger._ledger_id = ledger_id
            # Tables and first event in one transaction: no process can die between the two.
            connection.execute("BEGIN IMMEDIATE")
            for statement in all_statements():
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={FORMAT}")
            ledger._begin()
            if seed:
                created = LedgerCreated(ledger_id=ledger_id, algorithms=ALGORITHMS)
                ledger._append(chain.prepare([Draft("ledger", created)]))
            ledger.projector.flush(ledger._seq)
            connection.execute("COMMIT")
        return ledger

    @classmethod
    def open(cls, path: Path | str, *, write: bool = False) -> Ledger:
        """Open an existing ledger; raises NoLedger, NotALedger, FormatUnsupported or NoAccess."""
        path = Path(path)
        with database.translated(path):
            if not write:
                return cls(path, database.connect_read_only(path), None)
            connection = database.connect(path)
            return cls(path, connection, WriterLock(path))

    def claim(self, ledger_id: str) -> Self:
        """Give an empty ledger its id before the first event says it; raises UsageError where there is one."""
        if self.head() is not None:
            raise UsageError(f"{self.path} has events already", "an id is given once, by the first event")
        self._ledger_id = ledger_id
        return self

    def close(self) -> None:
        """Close the file. The last close checkpoints the WAL, so it happens under the lock."""
        if self._closed:
            return
        self._closed = True
        with database.translated(self.path):
            if self._lock is None:
                self.connection.close()
                return
            with self._lock.held():
                self.connection.close()
            self._lock.close()

    def __enter__(self) -> Self:
        """Return the ledger itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def emit(self, draft: Draft) -> Receipt:
        """Append one event; see `schema.ports.Sink`."""
        return self.append_prepared(chain.prepare([draft]))[0]

    def emit_all(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Append several events in one transaction; see `schema.ports.Sink`."""
        return self.append_prepared(chain.prepare(drafts))

    def append_prepared(self, items: Sequence[chain.Prepared]) -> list[Receipt]:
        """Append prepared events in one transaction; idempotent by id, raises Conflict."""
        with self.writing():
            return self._append(items)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock and one transaction, all or nothing; nested calls join the outer one."""
        if self._lock is None:
            raise UsageError(f"{self.path} is open for reading only", "open it with write=True")
        with database.translated(self.path), self._lock.held():
            if self.connection.in_transaction:
                yield from self._joined()
                return
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                self._begin()
                yield
                if self._doomed:
                    raise Conflict("an append inside this transaction failed, so none of it is kept")
                self.projector.flush(self._seq)
                self.connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._checkpoint()

    def _roll_back(self) -> None:
        self._forget()
        # SQLite ends the transaction by itself where the disk is full.
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _joined(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._doomed = True
            raise

    def _begin(self) -> None:
        self._doomed = False
        row = self.connection.execute(HEAD_QUERY).fetchone()
        seq, prev = (-1, genesis(self._ledger_id or "0" * 32)) if row is None else row
        if seq != self._seq:
            self._forget()
        self._seq, self._prev = seq, prev
        self.projector.catch_up(seq)

    def _forget(self) -> None:
        # Another process wrote, or this transaction failed: what is remembered may be wrong.
        self._versions.clear()
        self._seq = -1
        self._projector = None

    @property
    def projector(self) -> Projector:
        """Return what folds events into projections on this connection."""
        if self._projector is None:
            self._projector = Projector(self.connection)
        return self._projector

    def _checkpoint(self) -> None:
        try:
            size = os.stat(self._wal).st_size  # noqa: PTH116 - after every commit: a Path takes longer than the call
        except FileNotFoundError:
            return
        if size > database.WAL_LIMIT:
            self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _append(self, items: Sequence[chain.Prepared]) -> list[Receipt]:
        at = self.clock()
        receipts: list[Receipt] = []
        referring: list[chain.Prepared] = []
        for start in range(0, len(items), _TOGETHER):
            receipts += self._append_some(items[start : start + _TOGETHER], at, referring)
        # Last, because one event of a batch may refer to a blob that comes with another.
        needed: dict[str, int] = {}
        given: dict[str, bytes] = {}
        for item in referring:
            needed.update(blob_references(item.value()))
            given.update(item.blobs)
        blobs.insert_blobs(self.connection, needed, given)
        return receipts

    def _append_some(
        self, items: Sequence[chain.Prepared], at: int, referring: list[chain.Prepared]
    ) -> list[Receipt]:
        ids = [item.id for item in items]
        known = self._known_ids(ids)
        if known and len(items) == 1:
            return [self._existing(items[0])]
        if known or len(set(ids)) != len(ids):
            return [self._append_some([item], at, referring)[0] for item in items]
        versions = [self._next_version(item) for item in items]
        receipts, rows, frames = chain.link(items, versions, self._seq + 1, self._prev, at)
        self._seq, self._prev = rows[-1][0], rows[-1][6]
        linked: list[Linked] = []
        for item, row, framed, version in zip(items, rows, frames, versions, strict=True):
            kind, payload, record = item.event_type, item.payload, item.record
            value = None
            if kind in HANDLERS:
                value = item.value() if record is None else record.payload_value()
            linked.append((row[0], item.stream, kind, item.schema, value, framed, version))
            if payload is not None and b'"blob":' in payload:
                referring.append(item)
        self.projector.add(linked)
        chain.insert(self.connection, rows)
        return receipts

    def _known_ids(self, ids: list[str]) -> set[str]:
        query = f"SELECT id FROM events WHERE id IN ({','.join('?' * len(ids))})"
        return {row[0] for row in self.connection.execute(query, ids)}

    def _existing(self, item: chain.Prepared) -> Receipt:
        row = self.connection.execute(
            "SELECT seq, meta, payload, hash FROM events WHERE id = ?", (item.id,)
        ).fetchone()
        return chain.existing_receipt(item, *row)

    def _next_version(self, item: chain.Prepared) -> int:
        version = self._versions.get(item.stream)
        if version is None and item.expected == 1:
            version = 0  # a claim: where the stream exists, the insert guard refuses it
        if version is None:
            query = "SELECT coalesce(max(version), 0) FROM events WHERE stream = ?"
            version = int(self.connection.execute(query, (item.stream,)).fetchone()[0])
        self._versions[item.stream] = version + 1
        return version + 1
