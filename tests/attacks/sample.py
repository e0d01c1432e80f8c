"""One ledger with something in every table: 43 published cells, run records, judgements, a merge, a redaction."""

import json
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple

from benchledger.ledger import chain
from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.append import append_source
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.merge import append_ledger
from benchledger.ledger.rescore import record, rescore
from benchledger.ledger.store import ALGORITHMS, Ledger
from benchledger.schema import ids
from benchledger.schema.base import Payload
from benchledger.schema.events import CellRechecked, SpanRecorded
from benchledger.schema.history import (
    LedgerCreated,
    PayloadRedacted,
    PriceDeclared,
    ScoresRegraded,
    Selection,
    SweepPlanned,
)
from benchledger.schema.ids import import_id
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.ledgers import attempt

DATA = Path(__file__).parents[1] / "data"
CELLS = DATA / "cab-cells.jsonl"
RUNS = DATA / "run-records"
LEDGER_ID = "0123456789abcdef0123456789abcdef"
OTHER_ID = "fedcba9876543210fedcba9876543210"
START_US = 1_767_225_600_000_000


class FutureThing(Payload):
    """A type that this version does not know, as a later one might write it."""

    event_type: ClassVar[str] = "future.thing"
    what: str


class Steps:
    """A clock that moves by a millisecond each time, and salts that count: two builds give the same bytes."""

    def __init__(self):
        self.now, self.salts = START_US, 0

    def now_us(self):
        self.now += 1_000
        return self.now

    def time_ns(self):
        return self.now_us() * 1_000

    def urandom(self, size):
        self.salts += 1
        return self.salts.to_bytes(size, "big")

    @contextmanager
    def everywhere(self):
        """Stand in for the system's time and randomness where events are made."""
        true = chain.os, ids.os, ids.time
        chain.os = ids.os = ids.time = self
        try:
            yield
        finally:
            chain.os, ids.os, ids.time = true


def event_id(name):
    return import_id("sample", name.encode(), 0)


def emit(ledger, stream, payload, name):
    return ledger.emit(Draft(stream, payload, id=event_id(name)))


def build(path, *sources):
    """Make the ledger; the chain is the same every time."""
    steps = Steps()
    with steps.everywhere(), Ledger.create(path, LEDGER_ID, seed=False) as ledger:
        ledger.clock = steps.now_us
        _fill(ledger, sources, steps)
    return path


def _fill(ledger, sources, steps):
    emit(ledger, "ledger", LedgerCreated(ledger_id=LEDGER_ID, algorithms=ALGORITHMS), "created")
    plan = SweepPlanned(
        sweep="planned-1", agents=("aider",), models=("example/model-1",), tasks=("examples/pass",), repeats=3
    )
    emit(ledger, "sweep/planned-1", plan, "plan")
    for source in sources:
        with open_source(str(source)) as opened:
            append_source(ledger, opened)
    cells = [row[0] for row in ledger.connection.execute("SELECT cell FROM cells ORDER BY cell")]
    span = SpanRecorded(
        span="ab" * 16, kind="tool_call", name="edit", started_at=START_US, attributes={"n": 1, "share": 0.5}
    )
    emit(ledger, f"cell/{cells[0]}@1", span, "span")
    emit(ledger, "ledger", FutureThing(what="naïve ☃"), "future")
    _judge_again(ledger, next(f"cell/{cell}@1" for cell in cells if "/examples/pass#" in cell))
    price = PriceDeclared(model="example/model-1", prompt=1.5, completion=6.0, source="a letter")
    receipt = emit(ledger, "ledger", price, "price")
    kept = PriceDeclared(model="example/model-1", prompt=1.25, completion=10.0, cached=0.125)
    emit(ledger, "sweep/planned-1", kept, "price of a sweep")
    adjudicate(ledger, Judgement("zero", "the checks were edited", "the example referee", cell=cells[1]))
    some = Selection(agent=(cells[0].split("/")[1],))
    adjudicate(ledger, Judgement("dispute", "unclear task", "the example author", selection=some))
    _merge_another(ledger, steps)
    record(ledger, rescore(ledger.connection, CAB_01, GATED_1, Selection()))
    emit(ledger, "ledger", PayloadRedacted(seq=receipt.seq, reason="named a person"), "redaction")
    ledger.connection.execute("UPDATE events SET payload = NULL, salt = NULL WHERE seq = ?", (receipt.seq,))
    emit(ledger, "ledger", PriceDeclared(model="example/model-2", prompt=0.5, completion=2.0), "last")


def _judge_again(ledger, stream):
    """Let a score and a composite supersede the ones before them, as after a regrade, and run the checks again."""
    scores = [
        event for event in ledger.stream(stream) if event.meta.type in ("axis.scored", "composite.scored")
    ]
    for event in (scores[0], scores[-1]):
        payload = event.decoded().model_copy(update={"supersedes": event.meta.version})
        emit(ledger, stream, payload, f"again {event.meta.type}")
    emit(ledger, "ledger", ScoresRegraded(scorers={}, selection=Selection(), attempts=1, moved=0), "regraded")
    emit(ledger, stream, CellRechecked(times=2, passed=2, agrees=True), "rechecked")


def _merge_another(ledger, steps):
    """Take over a ledger with two attempts of its own, and one that both made from the same file."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Ledger.create(Path(folder) / "other.db", OTHER_ID, seed=False) as other,
        open_source(str(RUNS / "pass.json")) as same,
    ):
        other.clock = steps.now_us
        emit(other, "ledger", LedgerCreated(ledger_id=OTHER_ID, algorithms=ALGORITHMS), "created elsewhere")
        append_source(other, same)
        price = PriceDeclared(model="example/model-3", prompt=3.0, completion=9.0)
        other.emit(Draft("ledger", price))
        for number, outcome in enumerate(("finished", "timeout"), 1):
            cell = f"merged-1/agent-3/example/model-3/examples/task-{number}#run1"
            other.emit_all(attempt(cell, outcome=outcome))
        append_ledger(ledger, other)


def build_full(path):
    return build(path, CELLS, *sorted(RUNS.glob("*.json")))


def build_small(path):
    """The same with a few run records: a row in every table, quick to verify."""
    names = ("pass", "rate-limited-to-the-end", "refusal-produced", "tokens-known")
    return build(path, *(RUNS / f"{name}.json" for name in names))


class Row(NamedTuple):
    """One stored event."""

    seq: int
    meta: str
    payload_digest: bytes
    payload_len: int
    salt: bytes | None
    payload: str | None
    hash: bytes

    @property
    def type(self):
        return json.loads(self.meta)["type"]

    @property
    def id(self):
        return json.loads(self.meta)["id"]


def rows(path):
    connection = sqlite3.connect(path)
    found = [
        Row(*row) for row in connection.execute(f"SELECT {', '.join(Row._fields)} FROM events ORDER BY seq")
    ]
    connection.close()
    return found
