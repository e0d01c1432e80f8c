"""Appending: against a bare INSERT, and against python-eventsourcing.

All commit durably (WAL, synchronous=FULL) on one disk, and theirs waits for the disk ten times
as often. The processor time beside each ratio leaves the disk out, so it is the steadier one.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from statistics import median
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
ROUNDS = 4  # times the repetitions: one waits for the disk by chance, and the next does not
FULL = 2
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


class Worked:
    """A piece of work that notes the processor time of each call."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.taken = work, list[float]()

    def __call__(self) -> None:
        start = time.process_time()
        self.work()
        self.taken.append(time.process_time() - start)


class Recorded(Aggregate):
    """An aggregate of python-eventsourcing that takes the same payloads."""

    @event("Taken")
    def take(self, payload: str) -> None:
        self.last = payload


def rows(bench: Bench) -> Iterator[Result]:
    # Each from the first cell on: a stream that begins in one ledger cannot go on in another.
    yield _single(bench, _given(bench.cells))
    yield _batches(bench, _given(bench.cells))


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

        return _measured(
            bench, (ours, theirs, ready), SINGLE, "durable append, one event a commit / sqlite3 INSERT", 0.5
        )


def _batches(bench: Bench, source: Iterator[Given]) -> Result:
    """1,000 events a commit, against Application.save of aggregates with 100 new events each."""
    batch: list[Given] = []
    waiting: list[Recorded] = []
    name = str(bench.folder / "eventsourcing.db")
    environment = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": name}
    with Ledger.create(bench.folder / "batches.db") as ledger:
        application: Application[Any] = Application(env=environment)
        with application.recorder.datastore.transaction(commit=False) as cursor:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == FULL
        declare(ledger, GATED_1)

        def ready() -> None:
            batch[:] = islice(source, BATCH)
            waiting[:] = [_aggregate(batch[start : start + SAVED]) for start in range(0, BATCH, SAVED)]

        def ours() -> None:
            ledger.emit_all([given.draft() for given in batch])

        def theirs() -> None:
            for aggregate in waiting:
                application.save(aggregate)

        name = "append in batches of 1,000 / eventsourcing save of 100"
        result = _measured(bench, (ours, theirs, ready), BATCH, name, 0.6)
        application.close()
    return result


def _aggregate(given: list[Given]) -> Recorded:
    """Return an aggregate with one new event for each payload; its creation is the first of them."""
    aggregate = Recorded()
    for item in given[1:]:
        aggregate.take(item.text)
    return aggregate


def _measured(
    bench: Bench, ways: tuple[Callable[[], object], ...], events: int, name: str, floor: float
) -> Result:
    """Let (ours, theirs) take turns, each time after the third of `ways` made ready."""
    ours, theirs = Worked(ways[0]), Worked(ways[1])
    ran, other = turns(ours, theirs, repetitions=bench.repetitions * ROUNDS, before=ways[2])
    ratios = [b / a for a, b in zip(ran, other, strict=True)]
    work = median(b / a for a, b in zip(ours.taken, theirs.taken, strict=True))
    best = f"{events / min(ran):,.0f} against {events / min(other):,.0f} events/s at best"
    return Result(name, floor, ratios, f"{best}; {work:.2f} in processor time", floor=True)
