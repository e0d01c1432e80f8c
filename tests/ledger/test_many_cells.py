"""20,000 synthetic cells: what must hold at any size. `just bench` measures how fast."""

from __future__ import annotations

import fcntl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from benchledger.ledger.leaderboard import leaderboard
from benchledger.ledger.queries import scored
from benchledger.ledger.rescore import rescore
from benchledger.ledger.store import Ledger
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.history import Selection
from benchledger.scorers.compiled import compiled
from benchledger.scorers.composite import CAB_01, GATED_1, Inputs, evaluate
from tests.bench.measure import peak_mib
from tests.bench.synthetic import EVENTS_A_CELL, append_cells
from tests.ledgers import checked

MANY, FEW = 20_000, 5_000
ALLOWED_GROWTH = 1.15
STORED = ("value", "reason", "g", "components", "floor", "ceiling", "coverage")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


def _made(folder: Path, cells: int) -> Path:
    """Make the ledger, or wait until the process that came first has made it."""
    path = folder / f"cells-{cells}.db"
    with (folder / "cells.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_suffix(".part")
            with Ledger.create(unfinished) as ledger:
                append_cells(ledger, cells, grouped=True)
            unfinished.rename(path)
    return path


@pytest.fixture(scope="session")
def many(shared: Path) -> Path:
    return _made(shared, MANY)


@pytest.fixture(scope="session")
def few(shared: Path) -> Path:
    return _made(shared, FEW)


@pytest.fixture
def reading(many: Path) -> Iterator[Ledger]:
    with Ledger.open(many) as ledger:
        yield ledger


def _bits(number: float | None) -> bytes | None:
    return None if number is None else struct.pack("<d", number)


def test_every_stored_composite_has_the_bits_of_the_plain_function(reading: Ledger) -> None:
    columns = ", ".join(f"s.{name}" for name in Inputs._fields)
    stored_columns = ", ".join(f"c.{name}" for name in STORED)
    joined = "scores AS s JOIN attempts USING (ref) JOIN composites AS c USING (first_seq)"
    query = f"SELECT {columns}, {stored_columns} FROM {joined}"
    width, cells = len(Inputs._fields), 0
    for row in reading.connection.execute(query):
        expected = evaluate(GATED_1, Inputs(*row[:width]))
        stored = dict(zip(STORED, row[width:], strict=True))
        assert stored["reason"] == expected.reason
        assert stored["components"] == canonical_bytes(expected.components).decode()
        for name in ("value", "g", "floor", "ceiling", "coverage"):
            assert _bits(stored[name]) == _bits(getattr(expected, name))
        cells += 1
    assert cells == MANY


def test_both_policies_compiled_have_the_bits_of_the_plain_function(reading: Ledger) -> None:
    for policy in (GATED_1, CAB_01):
        judge = compiled(policy)
        for item in scored(reading.connection, policy, Selection()):
            value, floor, ceiling, reason, *_ = judge(item.inputs)
            assert reason == item.composite.reason
            assert _bits(value) == _bits(item.composite.value)
            assert (_bits(floor), _bits(ceiling)) == (
                _bits(item.composite.floor),
                _bits(item.composite.ceiling),
            )


def test_many_cells_verify_with_one_process_as_with_two(many: Path) -> None:
    two = checked(many, use_last_seen=False)
    one = checked(many, use_last_seen=False, processes=1)
    assert two.events == MANY * EVENTS_A_CELL + 3  # ledger.created, policy.declared, sweep.planned
    assert (one.root, one.head, one.events) == (two.root, two.head, two.events)


def test_payloads_are_as_small_as_the_benchmark_says(reading: Ledger) -> None:
    query = "SELECT max(payload_len), count(*) FROM events WHERE stream LIKE 'cell/%'"
    largest, events = reading.connection.execute(query).fetchone()
    assert largest <= 400
    assert events == MANY * EVENTS_A_CELL


def test_a_rescore_that_is_not_recorded_writes_nothing(many: Path) -> None:
    before = many.stat()
    with Ledger.open(many, write=True) as ledger:
        head = ledger.head()
        result = rescore(ledger.connection, CAB_01, GATED_1, Selection())
        assert ledger.head() == head
    assert result.cells == MANY
    after = many.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_a_rescore_is_bound_by_the_lines_of_all_its_cells(reading: Ledger) -> None:
    lines = []
    for item in scored(reading.connection, CAB_01, Selection()):
        value = item.composite.value
        lines.append(f"{item.ref}\t" + (f"null:{item.composite.reason}" if value is None else f"{value:.6f}"))
    assert lines == sorted(lines, key=str.encode)
    result = rescore(reading.connection, CAB_01, GATED_1, Selection())
    assert result.table_digest == blake3("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_a_leaderboard_of_stored_composites_equals_one_that_is_evaluated(reading: Ledger) -> None:
    renamed = GATED_1.model_copy(update={"name": "gated-1-by-another-name"})
    stored, evaluated = (
        [row.to_json() for row in leaderboard(reading.connection, policy, Selection())]
        for policy in (GATED_1, renamed)
    )
    assert stored == evaluated
    assert len(stored) == 200


def test_a_rescore_shows_the_rows_of_the_leaderboard(reading: Ledger) -> None:
    rows = rescore(reading.connection, CAB_01, GATED_1, Selection()).rows
    board = leaderboard(reading.connection, CAB_01, Selection())
    shown = ("key", "rank", "tied", "composite", "floor", "ceiling", "low", "high", "tasks", "planned")
    assert [[getattr(row.after, name) for name in shown] for row in rows] == [
        [getattr(row.statistics, name) for name in shown] for row in board
    ]


@pytest.mark.parametrize("work", ["verify", "rescore"])
def test_peak_memory_does_not_grow_with_the_cells(work: str, many: Path, few: Path) -> None:
    assert peak_mib(work, many) <= ALLOWED_GROWTH * peak_mib(work, few)
