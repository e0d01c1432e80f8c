"""Appending: against a bare INSERT, and against python-eventsourcing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from benchledger.ledger.append import declare
from benchledger.ledger.store import Ledger
from benchledger.schema.catalogue import load_payload
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1
from tests.bench.measure import Bench, Result, turns
from tests.bench.synthetic import drafts

__all__ = ["rows"]

SINGLE, BATCH, SAVED = 200, 1_000, 100
PRAGMAS = ("page_size=16384", "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0")


class Given(NamedTuple):
    """An event as another program hands it over: nothing about it has been checked."""

    stream: str
    id: str
    version: int | None
    type: str
    text: str

    def draft(self) -> Draft:
        return Draft(self.stream, load_payload(self.type, self.text), self.id, "bench", self.version)


class Recorded(Aggregate):
    """An aggregate of python-eventsourcing that takes the same payloads."""

    @event("Taken")
    def take(self, payload: str) -> None:
        self.last = payload


def rows(bench: Bench) -> Iterator[Result]:
    source = _given(bench.cells)
    yield _single(bench, source)
    yield _batches(bench, source)


def _given(cells: int) -> Iterator[Given]:
    for draft in drafts(max(cells, 5_000), seed=7):
        text = draft.payload.payload_bytes().decode()
        yield Given(draft.stream, draft.id, draft.version, draft.payload.event_type, text)


def _single(bench: Bench, source: Iterator[Given]) -> Result:
    """One event a commit: validated, chained and projected, against INSERT with the same pragmas."""
    batch: list[Given] = []
    plain = sqlite3.connect(bench.folder / "plain.db", isolation_level=None)
    with Ledger.create(bench.folder / "single.db") as ledger, closing(plain):
        for pragma in PRAGMAS:
            plain.execute(f"PRAGMA {pragma}")
        plain.execute("CREATE TABLE plain(seq INTEGER PRIMARY KEY, payload TEXT)")
        declare(ledger, GATED_1)

        def ready() -> None:
            batch[:] = islice(source, SINGLE)

        def ours() -> None:
            for given in batch:
                ledger.emit(given.draft())

        def theirs() -> None:
            for given in batch:
                plain.execute("INSERT INTO plain(payload) VALUES(?)", (given.text,))

        times = turns(ours, theirs, repetitions=bench.repetitions + 4, before=ready)
    return _speed("durable append, one event a commit / sqlite3 INSERT", 0.5, times, SINGLE)


def _batches(bench: Bench, source: Iterator[Given]) -> Result:
    """1,000 events a commit, against Application.save of aggregates with 100 new events each."""
    batch: list[Given] = []
    waiting: list[Recorded] = []
    name = str(bench.folder / "eventsourcing.db")
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": name}
    with Ledger.create(bench.folder / "batches.db") as ledger:
        application: Application[Any] = Application(env=environment)
        declare(ledger, GATED_1)

        def ready() -> None:
            batch[:] = islice(source, BATCH)
            waiting[:] = [_aggregate(batch[start : start + SAVED]) for start in range(0, BATCH, SAVED)]

        def ours() -> None:
            ledger.emit_all([given.draft() for given in batch])

        def theirs() -> None:
            for aggregate in waiting:
                application.save(aggregate)

        times = turns(ours, theirs, repetitions=bench.repetitions + 4, before=ready)
        application.close()
    return _speed("append in batches of 1,000 / eventsourcing save of 100", 0.6, times, BATCH)


def _aggregate(given: list[Given]) -> Recorded:
    """Return an aggregate with one new event for each payload; its creation is the first of them."""
    aggregate = Recorded()
    for item in given[1:]:
        aggregate.take(item.text)
    return aggregate


def _speed(name: str, floor: float, times: list[list[float]], events: int) -> Result:
    ours, theirs = times
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    detail = f"{events / min(ours):,.0f} against {events / min(theirs):,.0f} events/s at best"
    return Result(name, floor, ratios, detail, floor=True)
