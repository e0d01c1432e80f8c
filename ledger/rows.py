"""The rows of projection tables while events are folded into them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from benchledger.ledger.ddl import Table
from benchledger.schema.canonical import canonical_bytes

__all__ = ["Cache", "Event", "Rows", "json_text", "ref_of", "split_stream"]


# SQLite takes at least 999 values in one statement.
_TOGETHER = 500
# Binding a NULL takes sqlite3 longer than a text: rows of wide tables name only the columns that they have.
_WIDE = 20
# So many rows go into one statement, where there are as many.
_GROUP = 25


class Event:
    """What a handler may look at, for this call alone: the next event comes in the same object.

    `ref` is `[origin:]cell_id@attempt` where the stream is that of an attempt, else empty.
    """

    __slots__ = ("_attempt", "_attempts", "_score", "_scores", "payload", "ref", "seq", "stream")
    seq: int
    stream: str
    payload: dict[str, Any]
    ref: str

    def __init__(self, rows: Mapping[str, Cache]) -> None:
        """Look at nothing yet."""
        self._attempts, self._scores = rows["attempts"], rows["scores"]
        self.ref = ""
        self.forget()

    def forget(self) -> None:
        """Look rows up again: those in memory were written, or others took their places."""
        self._attempt: dict[str, Any] | None = None
        self._score: dict[str, Any] | None = None

    def set(self, seq: int, stream: str, payload: dict[str, Any], ref: str) -> None:
        """Hold the next event; rows of the same attempt stay looked up."""
        if ref != self.ref:
            self.ref = ref
            self._attempt = self._score = None
        self.seq, self.stream, self.payload = seq, stream, payload

    def attempt(self) -> dict[str, Any] | None:
        """Return the row of the attempt with this event as its last, None where it has none."""
        row = self._attempt
        if row is None:
            row = self._attempt = self._attempts.get(self.ref)
            if row is None:
                return None
        row["last_seq"] = self.seq
        return row

    def score(self) -> dict[str, Any] | None:
        """Return the attempt's row of scores, for changing it; None where there is none."""
        if self._score is None:
            self._score = self._scores.get(self.ref)
        return self._score


class Cache:
    """The rows of one table by primary key, read when first asked for, written on flush.

    A key is the value of the one key column, or a tuple where the table has several.
    """

    __slots__ = ("_absent", "_connection", "_dirty", "_group", "_key", "_one", "_rows", "_select", "_table")

    def __init__(self, connection: sqlite3.Connection, table: Table) -> None:
        """Start empty."""
        self._connection, self._table, self._key = connection, table, table.key
        self._rows: dict[Any, dict[str, Any]] = {}
        self._dirty: dict[Any, tuple[Any, ...] | None] = {}
        self._absent: set[Any] = set()
        self._one, self._group = table.upsert, table.upsert_of(table.columns, _GROUP)
        where = " AND ".join(f"{column} = ?" for column in table.columns[: table.key])
        self._select = f"SELECT {', '.join(table.columns[table.key :])} FROM {table.name} WHERE {where}"

    def put(self, row: tuple[Any, ...]) -> None:
        """Write a whole row that no other event changes in part."""
        self._dirty[row[0] if self._key == 1 else row[: self._key]] = row

    def peek(self, key: Any) -> Mapping[str, Any] | None:
        """Return the row with that key for reading alone, None where there is none; it is not written again."""
        return self._rows.get(key) or self._read(key)

    def get(self, key: Any) -> dict[str, Any] | None:
        """Return the row with that key for reading and changing in place, None where there is none."""
        row = self._rows.get(key) or self._read(key)
        if row is not None:
            self._dirty[key] = None
        return row

    def _read(self, key: Any) -> dict[str, Any] | None:
        if key in self._absent:
            return None
        values = (key,) if self._key == 1 else key
        stored = self._connection.execute(self._select, values).fetchone()
        return None if stored is None else self._remember(key, (*values, *stored))

    def _remember(self, key: Any, stored: tuple[Any, ...]) -> dict[str, Any]:
        row = self._rows[key] = dict(zip(self._table.columns, stored, strict=True))
        return row

    def prefetch(self, keys: Iterable[str]) -> None:
        """Read the rows of a table with one key column that will be asked for, in few statements."""
        wanted = [key for key in keys if key not in self._rows and key not in self._absent]
        name = self._table.columns[0]
        for start in range(0, len(wanted), _TOGETHER):
            part = wanted[start : start + _TOGETHER]
            marks = ",".join("?" * len(part))
            self._absent.update(part)
            query = f"SELECT * FROM {self._table.name} WHERE {name} IN ({marks})"
            for stored in self._connection.execute(query, part):
                self._absent.discard(stored[0])
                self._remember(stored[0], stored)

    def expect_none(self, keys: Iterable[str]) -> None:
        """Take it as known that the table has no rows with these keys, but for those in memory."""
        self._absent.update(keys)

    def make(self, row: dict[str, Any], key: Any) -> dict[str, Any]:
        """Put a new row that later events will change; columns that are not given are NULL."""
        self._rows[key] = row
        self._dirty[key] = None
        self._absent.discard(key)
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
        if self._dirty:
            self._write()
        if len(self._rows) > keep:
            self._rows.clear()
        if len(self._absent) > keep:
            self._absent.clear()

    def _write(self) -> None:
        whole: list[tuple[Any, ...]] = []
        sparse: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        columns, rows = self._table.columns, self._rows
        for key, row in self._dirty.items():
            if row is not None:
                whole.append(row)
            elif len(columns) < _WIDE:
                whole.append(tuple(map(rows[key].get, columns)))
            else:
                names, values = zip(*[item for item in rows[key].items() if item[1] is not None], strict=True)
                sparse[names].append(values)
        self._write_whole(whole)
        for names, some in sparse.items():
            self._connection.executemany(self._table.upsert_of(names), some)
        self._dirty.clear()

    def _write_whole(self, rows: list[tuple[Any, ...]]) -> None:
        full = len(rows) - len(rows) % _GROUP
        for start in range(0, full, _GROUP):
            # Always the same text: the connection has the statement ready.
            values = list(chain.from_iterable(rows[start : start + _GROUP]))
            self._connection.execute(self._group, values)
        if full < len(rows):
            self._connection.executemany(self._one, rows[full:])


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
