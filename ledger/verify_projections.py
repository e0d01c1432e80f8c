"""Projections against the events: rebuilt into a temporary file and compared there, row by row.

The temporary file is the main database of its own connection and the ledger is attached to
it for reading, so the same folding code writes here and reads there. Memory stays flat.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchledger.ledger.ddl import PROJECTIONS, Table
from benchledger.ledger.project import Projector
from benchledger.ledger.verify_chain import Defect, listed

__all__ = ["projection_defects", "refolded"]


@contextmanager
def refolded(
    ledger: Path,
    stop: int,
    report: Callable[[int], None] | None = None,
    inspect: Callable[[sqlite3.Connection, int], None] | None = None,
) -> Iterator[sqlite3.Connection]:
    """Fold events up to seq `stop` into a temporary file; yields a connection to it.

    Unqualified names mean the temporary tables; the ledger's own are `ledger.<table>`.
    `inspect` gets the connection just before each history.rescored is folded, and its seq.
    """
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
            Projector(connection, inspect).fold_range(0, stop, report)
            yield connection
        finally:
            connection.close()


def projection_defects(connection: sqlite3.Connection) -> Iterator[Defect]:
    """Compare every projection of the ledger with the one folded again."""
    for table in PROJECTIONS.values():
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
