"""The spans and model calls of one page of a trace, read without looking at all that there are.

An attempt of at most 25,000 events: pages in order of start (measured: 4 ms to find the first of 20,000 spans).
A larger one: each page is of so many events of its stream, in order of start within the page, for no index
has the starts, and to sort 340,000 wide rows for one page reads all of them.
Spans of which others on the page are children come along, wherever they were recorded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchledger.ledger.web.cell.attempt import Attempt

__all__ = [
    "SORTED_EVENTS",
    "SPANS_A_PAGE",
    "SPANS_FIRST",
    "Call",
    "Rows",
    "Span",
    "count_spans",
    "pages_of",
    "rows_of",
]

SPANS_FIRST = 100  # on the page of the cell, which has much else
SPANS_A_PAGE = 1_000
SORTED_EVENTS = 25_000  # of an attempt, up to which its spans are sorted as a whole
_LEVELS, _ABOVE = 32, 200  # of spans that come along
_TOGETHER = 500  # SQLite takes at least 999 values in one statement
_ATTRIBUTES = 16_384  # bytes of JSON beyond which they are not read
_EVER = 1 << 62


class Span(NamedTuple):
    """One row of `spans`; times in µs; `attributes` is JSON text, None where it is longer than is read."""

    span: str
    parent: str | None
    kind: str
    name: str
    started_at: int
    ended_at: int | None
    error: str | None
    seq: int
    attributes: str | None
    attributes_size: int


class Call(NamedTuple):
    """One row of `model_calls` as the clock needs it: µs and milliseconds."""

    number: int
    started_at: int
    latency_ms: float | None
    first_token_ms: float | None
    status: int | None
    finish_reason: str | None
    error: str | None
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    seq: int


class Rows(NamedTuple):
    """One page: spans by start, those above them from elsewhere, calls by start.

    `calls_left`: calls of the page's time that are not among `calls`, and calls without any time.
    """

    spans: list[Span]
    above: list[Span]
    calls: list[Call]
    calls_left: int


_SPAN = (
    "span, parent, kind, name, started_at, ended_at, substr(error, 1, 2000), seq,"
    f" CASE WHEN length(attributes) <= {_ATTRIBUTES} THEN attributes END, length(attributes)"
)
_CALL = (
    "number, started_at, latency_ms, first_token_ms, status, finish_reason, error,"
    " coalesce(model_answered, model_asked), prompt_tokens, completion_tokens, seq"
)
_IN_WINDOW = (
    "SELECT json_extract(payload, ?) FROM events"
    " WHERE stream = ? AND version BETWEEN ? AND ? AND type = ? AND payload IS NOT NULL"
)


def _count(connection: sqlite3.Connection, query: str, *values: object) -> int:
    return int(connection.execute(query, values).fetchone()[0])


def count_spans(attempt: Attempt) -> int | None:
    """Return how many spans an attempt has, None where it has too many events for counting them."""
    if attempt.length > SORTED_EVENTS:
        return None
    query = "SELECT count(*) FROM spans WHERE first_seq = ?"
    return _count(attempt.view.connection, query, attempt.first_seq)


def pages_of(attempt: Attempt, total: int | None) -> int:
    """Return how many pages of `SPANS_A_PAGE` spans an attempt has, 0 where the page of the cell has them all."""
    number = attempt.length if total is None else total
    return 0 if number <= SPANS_FIRST else -(-number // SPANS_A_PAGE)


def rows_of(attempt: Attempt, page: int, size: int) -> Rows:
    """Return page `page`, from 1, of an attempt's spans in pages of `size`."""
    if attempt.length > SORTED_EVENTS:
        return _window(attempt, page, size)
    connection, first = attempt.view.connection, attempt.first_seq
    # Only what comes before the attributes is read of rows that are not shown.
    query = (
        "SELECT span, started_at FROM spans WHERE first_seq = ? ORDER BY started_at, span LIMIT ? OFFSET ?"
    )
    found = connection.execute(query, (first, size + 1, (page - 1) * size)).fetchall()
    since = -_EVER if page == 1 or not found else found[0][1]
    until = found[size][1] if len(found) > size else _EVER
    spans = _by_key(connection, first, [row[0] for row in found[:size]])
    where = "first_seq = ? AND started_at >= ? AND started_at < ?"
    query = f"SELECT {_CALL} FROM model_calls WHERE {where} ORDER BY started_at, number LIMIT ?"
    calls = [Call(*row) for row in connection.execute(query, (first, since, until, size))]
    query = f"SELECT count(*) FROM model_calls WHERE ({where}) OR (first_seq = ? AND started_at IS NULL)"
    every = _count(connection, query, first, since, until, first)
    return Rows(spans, _above(connection, first, spans), calls, every - len(calls))


def _window(attempt: Attempt, page: int, size: int) -> Rows:
    connection, first = attempt.view.connection, attempt.first_seq
    between = (attempt.stream, (page - 1) * size + 1, page * size)
    ids = connection.execute(_IN_WINDOW, ("$.span", *between, "span.recorded")).fetchall()
    spans = _by_key(connection, first, [row[0] for row in ids])
    numbers = connection.execute(_IN_WINDOW, ("$.number", *between, "model.called")).fetchall()
    calls = []
    for some in _parts([row[0] for row in numbers]):
        marks = ",".join("?" * len(some))
        query = f"SELECT {_CALL} FROM model_calls WHERE first_seq = ? AND number IN ({marks})"
        calls += connection.execute(query, (first, *some)).fetchall()
    timed = sorted(
        (Call(*row) for row in calls if row[1] is not None), key=lambda c: (c.started_at, c.number)
    )
    return Rows(spans, _above(connection, first, spans), timed, len(calls) - len(timed))


def _by_key(connection: sqlite3.Connection, first: int, ids: Iterable[str]) -> list[Span]:
    """Return spans by start."""
    found = []
    for some in _parts(list(dict.fromkeys(ids))):
        marks = ",".join("?" * len(some))
        query = f"SELECT {_SPAN} FROM spans WHERE first_seq = ? AND span IN ({marks})"
        found += [Span(*row) for row in connection.execute(query, (first, *some))]
    return sorted(found, key=lambda span: (span.started_at, span.span))


def _above(connection: sqlite3.Connection, first: int, spans: Sequence[Span]) -> list[Span]:
    """Return parents, their parents and so on that are not among the spans; a bounded number of them."""
    known = {span.span for span in spans}
    found: list[Span] = []
    level: Sequence[Span] = spans
    for _ in range(_LEVELS):
        wanted = {span.parent for span in level if span.parent is not None} - known
        # Every parent of a span that is shown is looked up, so that one that is missing can be told.
        if not wanted or (level is not spans and len(found) + len(wanted) > _ABOVE):
            break
        level = _by_key(connection, first, sorted(wanted))
        known |= wanted
        found += level
    return found


def _parts(items: list[Any]) -> Iterable[list[Any]]:
    return (items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER))
