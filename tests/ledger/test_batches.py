"""Many events in one statement: the guards see each, and projections come out as one by one."""

import sqlite3

import pytest

from benchledger.ledger import fold
from benchledger.ledger.append import declare
from benchledger.ledger.chain import insert
from benchledger.ledger.ddl import PROJECTIONS
from benchledger.ledger.digests import table_digests
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import Conflict
from benchledger.schema.events import CellExited, CellSetup
from benchledger.schema.history import PolicyDeclared
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1
from tests.bench.synthetic import drafts
from tests.ledgers import checked


def exits(number, stream="sweep/s"):
    return [Draft(stream, CellExited(exit_code=code)) for code in range(number)]


@pytest.mark.parametrize("number", [1, 50, 99, 100, 101, 257])
def test_a_batch_of_any_size_is_written_in_order(ledger, number):
    receipts = ledger.emit_all(exits(number))
    assert [receipt.version for receipt in receipts] == list(range(1, number + 1))
    stored = list(ledger.stream("sweep/s"))
    assert [event.payload["exit_code"] for event in stored] == list(range(number))
    assert [event.hash.hex() for event in stored] == [receipt.hash for receipt in receipts]


@pytest.mark.parametrize("place", [0, 49, 99, 100, 120])
def test_a_claim_that_is_taken_refuses_the_whole_batch_wherever_it_stands(ledger, place):
    with Ledger.open(ledger.path, write=True) as other:
        other.emit(Draft("sweep/taken", CellExited()))
    head = ledger.head()
    batch = exits(150)
    batch[place] = Draft("sweep/taken", CellExited(), version=1)
    with pytest.raises(Conflict, match="stream version exists"):
        ledger.emit_all(batch)
    assert ledger.head() == head
    assert len(ledger.emit_all(exits(3))) == 3


def test_the_guard_refuses_a_row_in_the_middle_of_a_statement(ledger):
    ledger.emit_all(exits(3))
    query = "SELECT seq, meta, payload_digest, payload_len, salt, payload, hash FROM events"
    rows = ledger.connection.execute(f"{query} ORDER BY seq").fetchall()
    again = [(len(rows) + place, *row[1:]) for place, row in enumerate(rows)]
    with pytest.raises(sqlite3.IntegrityError, match="this id exists"):
        insert(ledger.connection, again)
    skipped = [(row[0] + 1, row[1].replace("sweep/s", "sweep/t"), *row[2:]) for row in again]
    with pytest.raises(sqlite3.IntegrityError, match="not the next seq"):
        insert(ledger.connection, skipped)


def test_events_that_are_there_and_new_ones_may_come_in_one_batch(ledger):
    first = exits(120)
    receipts = ledger.emit_all(first)
    again = ledger.emit_all([*first[:50], *exits(60), *first[50:], first[0]])
    assert [r.seq for r in (*again[:50], *again[110:180])] == [r.seq for r in receipts]
    assert [r.already for r in again] == [True] * 50 + [False] * 60 + [True] * 71
    assert ledger.head().seq == receipts[-1].seq + 60


def test_settings_of_one_fingerprint_stay_apart(tmp_path, monkeypatch):
    # Two that have one by nature would take 2**24 settings to find.
    found = []
    columns = ", ".join(PROJECTIONS["settings"].columns[1:])
    for fingerprint in (fold._fingerprint, lambda setting: len(setting[0])):
        monkeypatch.setattr(fold, "_fingerprint", fingerprint)
        path = tmp_path / f"{len(found)}.db"
        with Ledger.create(path) as ledger:
            declare(ledger, GATED_1)
            for event in drafts(30, seed=3):
                ledger.emit(event)
            found.append(ledger.connection.execute(f"SELECT {columns} FROM settings ORDER BY id").fetchall())
        checked(path)
    assert len(found[0]) == 30
    assert found[0] == found[1]


def test_one_at_a_time_or_in_batches_the_projections_are_the_same(tmp_path):
    events = list(drafts(30, seed=3))
    digests = []
    for name, size in (("one.db", 1), ("some.db", 7), ("all.db", len(events))):
        with Ledger.create(tmp_path / name, "ab" * 16) as ledger:
            declare(ledger, GATED_1)
            for start in range(0, len(events), size):
                ledger.emit_all(events[start : start + size])
            tables = table_digests(ledger.connection)
        checked(tmp_path / name)
        digests.append({table: digest for table, digest in tables.items() if table != "tiles"})
    assert digests[0] == digests[1] == digests[2]


def test_an_attempt_is_remembered_over_batches_and_over_another_writer(ledger):
    cell = "s/agent/model/category/task#run1"
    setup = CellSetup(cell_id=cell, agent={"name": "agent"}, model="model", mode="live")
    ledger.emit_all([Draft(f"cell/{cell}@1", setup), Draft("sweep/s", CellExited())])
    ledger.emit_all([Draft(f"cell/{cell}@1", CellExited(exit_code=3)), Draft("sweep/s", CellExited())])
    with Ledger.open(ledger.path, write=True) as other:
        other.emit_all(
            [Draft(f"cell/{cell}@1", CellExited(exit_code=4)), Draft(f"cell/{cell}@2", setup)],
        )
    ledger.emit_all([Draft(f"cell/{cell}@2", CellExited(exit_code=5)), Draft("sweep/s", CellExited())])
    rows = ledger.connection.execute("SELECT attempt, exit_code FROM attempts ORDER BY ref").fetchall()
    assert rows == [(1, 4), (2, 5)]


def test_a_policy_that_is_declared_twice_keeps_its_first_place_however_it_is_folded(ledger):
    payload = PolicyDeclared(policy_id=GATED_1.policy_id, policy=GATED_1)
    first = ledger.emit(Draft("ledger", payload))
    ledger.emit(Draft("ledger", payload))
    assert ledger.connection.execute("SELECT seq FROM policies").fetchall() == [(first.seq,)]
