"""The guards of the file refuse every statement that an honest program could run by mistake."""

import json
import shutil
import sqlite3

import pytest

from benchledger.ledger.merge import append_ledger
from benchledger.ledger.project import rebuild
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import verify
from benchledger.schema.catalogue import EVENT_TYPES
from benchledger.schema.history import PayloadRedacted, PriceDeclared
from benchledger.schema.ports import Draft
from tests.attacks.sample import emit, rows
from tests.attacks.tools import spelled
from tests.schema import standalone_verify

KEPT = {name for name, model in EVENT_TYPES.items() if not model.redactable}


@pytest.fixture
def sample(small_sample, tmp_path):
    return shutil.copy(small_sample, tmp_path / "sample.db")


@pytest.fixture
def file(sample):
    """The sample with its guards in place; whatever was refused left it clean."""
    connection = sqlite3.connect(sample, isolation_level=None)
    yield connection
    connection.close()
    report = verify(sample)
    assert report.ok, report.defects


def seq_of(connection, event_type):
    return connection.execute("SELECT min(seq) FROM events WHERE type = ?", (event_type,)).fetchone()[0]


def refused(connection, statement, *values):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement, values)


@pytest.mark.parametrize(
    "column", ["seq", "meta", "payload_digest", "payload_len", "salt", "payload", "hash"]
)
@pytest.mark.parametrize("verb", ["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"])
def test_no_column_of_an_event_can_be_updated(file, verb, column):
    refused(file, f"{verb} events SET {column} = {column} WHERE seq = 40")


@pytest.mark.parametrize("column", ["digest", "size", "encoding", "stored_digest", "data"])
def test_no_column_of_a_blob_can_be_updated(file, column):
    refused(file, f"UPDATE blobs SET {column} = {column}")


@pytest.mark.parametrize("table", ["events", "blobs"])
def test_no_evidence_can_be_deleted(file, table):
    refused(file, f"DELETE FROM {table}")
    refused(file, f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"])
@pytest.mark.parametrize("recursive", [0, 1])
def test_no_event_can_be_replaced_or_put_anywhere_but_at_the_end(file, verb, recursive):
    file.execute(f"PRAGMA recursive_triggers = {recursive}")
    last = file.execute("SELECT max(seq) FROM events").fetchone()[0]
    taken = file.execute("SELECT meta FROM events WHERE seq = 40").fetchone()[0]
    fresh = json.loads(taken) | {
        "id": "f" * 8 + "-ffff-8fff-bfff-" + "f" * 12,
        "stream": "sweep/new",
        "version": 1,
    }
    same_version = json.loads(taken) | {"id": fresh["id"]}
    copied = "payload_digest, payload_len, salt, payload, hash FROM events WHERE seq = 40"
    insert = f"{verb} INTO events SELECT ?, ?, {copied}"
    for seq, meta in (
        (40, taken),
        (0, spelled(fresh)),
        (last, spelled(fresh)),
        (last + 2, spelled(fresh)),
        (-1, spelled(fresh)),
        (last + 1, taken),
        (last + 1, spelled(same_version)),
    ):
        refused(file, insert, seq, meta)


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"])
def test_no_blob_can_be_replaced(file, verb):
    refused(file, f"{verb} INTO blobs SELECT digest, 0, 'raw', stored_digest, x'' FROM blobs LIMIT 1")


@pytest.mark.parametrize("event_type", sorted(KEPT))
def test_what_carries_a_score_cannot_be_redacted_even_if_an_event_names_it(file, sample, event_type):
    seq = seq_of(file, event_type)
    with Ledger.open(sample, write=True) as ledger:
        ledger.emit(Draft("ledger", PayloadRedacted(seq=seq, reason="no")))
    refused(file, "UPDATE events SET payload = NULL, salt = NULL WHERE seq = ?", seq)


def test_the_guard_names_the_types_that_the_models_keep():
    assert standalone_verify.KEPT == KEPT
    assert len(KEPT) == 8


def test_a_payload_that_an_event_names_can_be_removed_and_is_listed(sample):
    before = rows(sample)
    target = next(row.seq for row in before if row.type == "sweep.planned")
    with Ledger.open(sample, write=True) as ledger:
        removal = "UPDATE events SET payload = NULL, salt = NULL WHERE seq = ?"
        refused(ledger.connection, removal, target)
        emit(ledger, "ledger", PayloadRedacted(seq=target, reason="asked for"), "remove")
        for half in ("payload = NULL", "salt = NULL", "payload = NULL, salt = NULL, hash = zeroblob(32)"):
            refused(ledger.connection, f"UPDATE events SET {half} WHERE seq = ?", target)
        with ledger.writing():
            ledger.connection.execute(removal, (target,))
            rebuild(ledger.connection)
        refused(
            ledger.connection, "UPDATE events SET payload = 'x', salt = zeroblob(16) WHERE seq = ?", target
        )
    report = verify(sample)
    assert (report.ok, report.unchecked) == (True, [])
    assert target in report.redacted
    after = rows(sample)[: len(before)]
    assert [row.hash for row in after] == [row.hash for row in before]
    assert (after[target].payload, after[target].salt) == (None, None)


def test_a_redaction_in_another_stream_removes_nothing(sample):
    target = next(row.seq for row in rows(sample) if row.type == "sweep.planned")
    with Ledger.open(sample, write=True) as ledger:
        emit(ledger, "sweep/planned-1", PayloadRedacted(seq=target, reason="asked for"), "remove")
        refused(ledger.connection, "UPDATE events SET payload = NULL, salt = NULL WHERE seq = ?", target)
    assert verify(sample).ok


def test_evidence_that_was_redacted_leaves_scores_that_could_not_be_checked(sample):
    target = [row.seq for row in rows(sample) if row.type == "grader.ran"][-1]
    with Ledger.open(sample, write=True) as ledger:
        emit(ledger, "ledger", PayloadRedacted(seq=target, reason="asked for"), "remove")
        with ledger.writing():
            ledger.connection.execute(
                "UPDATE events SET payload = NULL, salt = NULL WHERE seq = ?", (target,)
            )
            rebuild(ledger.connection)
    report = verify(sample)
    assert (report.ok, [defect.kind for defect in report.defects]) == (True, [])
    assert target in report.redacted
    assert {item.kind for item in report.unchecked} == {"redacted"}


def test_a_blob_that_an_event_names_can_be_removed_and_is_listed(sample):
    with Ledger.open(sample, write=True) as ledger:
        payload = next(
            event.payload
            for event in ledger.events()
            if event.meta.type == "cell.exited" and "stdout" in event.payload
        )
        digest = payload["stdout"]["blob"]
        remove = "DELETE FROM blobs WHERE digest = ?"
        refused(ledger.connection, remove, bytes.fromhex(digest))
        emit(ledger, "ledger", PayloadRedacted(blob=digest, reason="asked for"), "remove")
        ledger.connection.execute(remove, (bytes.fromhex(digest),))
    report = verify(sample)
    assert (report.ok, report.redacted_blobs) == (True, [digest])


def test_a_redaction_stays_explained_where_a_ledger_is_taken_over_by_another(sample, tmp_path):
    with Ledger.create(tmp_path / "other.db") as other, Ledger.open(sample) as source:
        first, again = append_ledger(other, source), append_ledger(other, source)
    assert (first.events > 0, again.events) == (True, 0)
    report = verify(tmp_path / "other.db")
    assert (report.ok, len(report.redacted), report.unchecked) == (True, 1, [])


def test_two_ledgers_that_explain_one_redaction_each_for_itself_join_a_third(sample, tmp_path):
    with (
        Ledger.open(sample) as source,
        Ledger.create(tmp_path / "b.db") as second,
        Ledger.create(tmp_path / "c.db") as third,
    ):
        third.emit(Draft("ledger", PriceDeclared(model="m", prompt=1.0, completion=1.0)))  # other places here
        for ledger in (second, third):
            append_ledger(ledger, source)
        append_ledger(third, second)
        assert append_ledger(third, second).events == 0
    report = verify(tmp_path / "c.db")
    assert (report.ok, len(report.redacted), len(report.merged)) == (True, 1, 2)
