"""Projections against the events: rebuilt into a temporary file and compared there, row by row.

The temporary file is the main database of its own connection and the ledger is attached to
it for reading, so the same folding code writes here and reads there. Memory stays flat.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchledger.ledger.ddl import PROJECTIONS, Table
from benchledger.ledger.metadata import parse
from benchledger.ledger.project import TOGETHER, Linked, Projector, foreign
from benchledger.ledger.verify_chain import LISTED, UNREADABLE, Defect, listed
from benchledger.ledger.verify_spelling import Speller
from benchledger.schema.errors import BenchledgerError

__all__ = ["Refold", "projection_defects", "refolded", "refolding"]

_BATCH = 4_096
_FLUSH = 20_000


class Refold(Projector):
    """Folds as a writer does, and looks at the spelling of every payload while it is parsed anyway.

    `failed` is what ended the folding; payloads are read to the end all the same. No tile is
    made: the walk over the chain makes them, and `verify_derived.tile_defects` compares them.
    """

    def __init__(
        self, connection: sqlite3.Connection, inspect: Callable[[sqlite3.Connection, int], None] | None = None
    ) -> None:
        """Start with nothing in memory; see Projector."""
        super().__init__(connection, inspect)
        self.misspelled: list[Defect] = []
        self.failed: Exception | None = None
        self._misspelled = 0
        self._speller = Speller()

    def run(self, last: int, report: Callable[[int], None] | None = None) -> None:
        """Fold events up to seq `last`; `report` gets the last seq of each batch."""
        cursor = self.connection.execute(
            "SELECT seq, meta, payload FROM events WHERE seq >= 0 AND seq <= ? ORDER BY seq", (last,)
        )
        flushed = 0
        while batch := cursor.fetchmany(_BATCH):
            for first in range(0, len(batch), TOGETHER):
                self._some(batch[first : first + TOGETHER])
            flushed += len(batch)
            if self.failed is None and flushed >= _FLUSH:
                flushed = 0
                self.flush(batch[-1][0])
            if report is not None:
                report(batch[-1][0])
        if self.failed is None:
            self.flush(last)
        if self._misspelled > LISTED:
            more = f"{self._misspelled - LISTED} more payloads are not canonical JSON"
            self.misspelled.append(Defect(None, "schema", more))

    def _some(self, events: Sequence[tuple[int, str, str | None]]) -> None:
        values = [self._read(seq, text) for seq, _, text in events]
        if self.failed is not None:
            return
        try:
            linked: list[Linked] = []
            for (seq, meta, _), value in zip(events, values, strict=True):
                stream, event_type, schema, version = parse(meta) or foreign(meta)
                linked.append((seq, stream, event_type, schema, value, b"", version))
            self.add(linked)
        except (BenchledgerError, sqlite3.Error, *UNREADABLE) as error:
            self.failed = error

    def _read(self, seq: int, text: str | None) -> dict[str, Any] | None:
        """Return a payload, and look at its spelling by the way."""
        if text is None:
            return None
        try:
            value: dict[str, Any]
            value, canonical = self._speller.read(text)
        except UNREADABLE as error:
            self._name(seq)
            self.failed = self.failed or error
            return None
        if not canonical:
            self._name(seq)
        return value

    def _name(self, seq: int) -> None:
        self._misspelled += 1
        if self._misspelled <= LISTED:
            self.misspelled.append(Defect(seq, "schema", "the payload is not canonical JSON"))

    def _leaf(self, events: Sequence[Linked]) -> None:
        """Make no tile."""


@contextmanager
def refolded(ledger: Path, stop: int) -> Iterator[sqlite3.Connection]:
    """Fold events up to seq `stop` into a temporary file; yields a connection to it.

    Unqualified names mean the temporary tables; the ledger's own are `ledger.<table>`.
    """
    with _beside(ledger) as connection:
        Projector(connection).fold_range(0, stop)
        yield connection


@contextmanager
def refolding(
    ledger: Path, inspect: Callable[[sqlite3.Connection, int], None] | None = None
) -> Iterator[Refold]:
    """Yield a Refold into a temporary file, as `refolded` has it.

    `inspect` gets the connection just before each history.rescored is folded, and its seq.
    """
    with _beside(ledger) as connection:
        yield Refold(connection, inspect)


@contextmanager
def _beside(ledger: Path) -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory(prefix="benchledger-") as folder:
        target = Path(folder) / "refold.db"
        connection = sqlite3.connect(f"file:{quote(str(target))}", uri=True, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA cache_size=-16384")
            connection.execute(f"ATTACH DATABASE 'file:{quote(str(ledger))}?mode=ro' AS ledger")
            connection.execute("BEGIN")
            for table in PROJECTIONS.values():
                connection.execute(table.ddl)
            yield connection
        finally:
            connection.close()


def projection_defects(connection: sqlite3.Connection) -> Iterator[Defect]:
    """Compare every projection of the ledger with the one folded again, tiles apart."""
    for table in PROJECTIONS.values():
        if table.name == "tiles":
            continue  # compared with the walk over the chain
        try:
            yield from listed(_different(connection, table), f"rows of {table.name} differ")
            yield from listed(_surplus(connection, table), f"rows of {table.name} come from no event")
        except sqlite3.DatabaseError as error:
            yield Defect(None, "projection", f"{table.name} cannot be compared: {error}")


def _different(connection: sqlite3.Connection, table: Table) -> Iterator[Defect]:
    keys = " AND ".join(f"b.{name} = a.{name}" for name in table.columns[: table.key])
    names = table.columns[table.key :]
    same = " AND ".join(f"a.{name} IS b.{name}" for name in names) or "b.rowid IS NOT NULL"
    columns = ", ".join([*(f"a.{name}" for name in table.columns), *(f"b.{name}" for name in table.columns)])
    query = (
        f"SELECT {columns} FROM main.{table.name} a LEFT JOIN ledger.{table.name} b ON {keys}"
        f" WHERE NOT ({same}) OR b.{table.columns[0]} IS NULL"
    )
    width = len(table.columns)
    for row in connection.execute(query):
        derived, stored = row[:width], row[width:]
        key = " ".join(str(part) for part in derived[: table.key])
        if all(value is None for value in stored):
            yield Defect(_seq(table, derived), "projection", f"{table.name}: the row of {key} is missing")
            continue
        wrong = [n for n, x, y in zip(table.columns, derived, stored, strict=True) if x != y]
        detail = f"{table.name}: {', '.join(wrong)} of {key} is not what the events say"
        yield Defect(_seq(table, derived), "projection", detail)


def _surplus(connection: sqlite3.Connection, table: Table) -> Iterator[Defect]:
    keys = " AND ".join(f"a.{name} = b.{name}" for name in table.columns[: table.key])
    names = ", ".join(f"b.{name}" for name in table.columns[: table.key])
    query = (
        f"SELECT {names} FROM ledger.{table.name} b WHERE NOT EXISTS"
        f" (SELECT 1 FROM main.{table.name} a WHERE {keys})"
    )
    for row in connection.execute(query):
        key = " ".join(str(part) for part in row)
        yield Defect(None, "projection", f"{table.name}: no event gives the row of {key}")


def _seq(table: Table, row: tuple[object, ...]) -> int | None:
    for name in ("seq", "last_seq"):
        if name in table.columns:
            value = row[table.columns.index(name)]
            return value if isinstance(value, int) else None
    return None
