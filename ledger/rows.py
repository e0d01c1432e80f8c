"""The rows of projection tables while events are folded into them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchledger.ledger.ddl import Table
from benchledger.schema.canonical import canonical_bytes

__all__ = ["Cache", "Event", "Rows", "json_text", "ref_of", "split_stream"]


class Event(NamedTuple):
    """What a handler may look at."""

    seq: int
    stream: str
    payload: dict[str, Any]


class Cache:
    """The rows of one table by primary key, read when first asked for, written on flush."""

    __slots__ = ("_connection", "_dirty", "_key", "_rows", "_select", "_table")

    def __init__(self, connection: sqlite3.Connection, table: Table) -> None:
        """Start empty."""
        self._connection, self._table, self._key = connection, table, table.key
        self._rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._dirty: dict[tuple[Any, ...], tuple[Any, ...] | None] = {}
        where = " AND ".join(f"{column} = ?" for column in table.columns[: table.key])
        self._select = f"SELECT * FROM {table.name} WHERE {where}"

    def put(self, row: tuple[Any, ...]) -> None:
        """Write a whole row that no other event changes in part."""
        self._dirty[row[: self._key]] = row

    def peek(self, *key: Any) -> Mapping[str, Any] | None:
        """Return the row with that key for reading alone, None where there is none; it is not written again."""
        return self._rows.get(key) or self._read(key)

    def get(self, *key: Any) -> dict[str, Any] | None:
        """Return the row with that key for reading and changing in place, None where there is none."""
        row = self._rows.get(key) or self._read(key)
        if row is not None:
            self._dirty[key] = None
        return row

    def _read(self, key: tuple[Any, ...]) -> dict[str, Any] | None:
        stored = self._connection.execute(self._select, key).fetchone()
        if stored is None:
            return None
        row = self._rows[key] = dict(zip(self._table.columns, stored, strict=True))
        return row

    def make(self, row: dict[str, Any], *key: Any) -> dict[str, Any]:
        """Put a new row that later events will change; columns that are not given are NULL."""
        self._rows[key] = row
        self._dirty[key] = None
        return row

    def select(self, column: str, selection: Mapping[str, Any], filters: tuple[str, ...]) -> list[str]:
        """Return one column of the rows that match, in bytewise order; writes what is in memory first."""
        self.flush(keep=1 << 30)
        chosen = [name for name in filters if selection.get(name)]
        where = "".join(f" AND {name} IN ({','.join('?' * len(selection[name]))})" for name in chosen)
        values = [value for name in chosen for value in selection[name]]
        query = f"SELECT {column} FROM {self._table.name} WHERE 1{where} ORDER BY {column}"
        return [row[0] for row in self._connection.execute(query, values)]

    def flush(self, keep: int) -> None:
        """Write changed rows; forget the rows in memory where there are more than `keep`."""
        if not self._dirty:
            return
        columns, rows = self._table.columns, self._rows
        out = [
            row if row is not None else tuple(map(rows[key].get, columns)) for key, row in self._dirty.items()
        ]
        self._connection.executemany(self._table.upsert, out)
        self._dirty.clear()
        if len(rows) > keep:
            rows.clear()


Rows = Mapping[str, Cache]


def split_stream(stream: str) -> tuple[str, str, int] | None:
    """Split `[origin:]cell/<cell_id>@<attempt>` into (origin, cell_id, attempt); None for other streams."""
    origin, mark, rest = stream.partition(":cell/")
    if not mark or len(origin) != 32:
        origin, rest = "", stream.removeprefix("cell/")
        if len(rest) == len(stream):
            return None
    cell_id, _, attempt = rest.rpartition("@")
    return origin, cell_id, int(attempt)


def ref_of(stream: str) -> str:
    """Return `[origin:]cell_id@attempt` of an attempt's stream."""
    return stream.replace("cell/", "", 1)


def json_text(value: Any) -> str | None:
    """Return the canonical JSON text of a value; None stays None."""
    return None if value is None else canonical_bytes(value).decode()
