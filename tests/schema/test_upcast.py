"""What was once readable stays readable: an older schema number folds, verifies and restores through upcasters."""

from typing import ClassVar

import pytest

from benchledger.ledger.append import declare
from benchledger.ledger.exporters import export
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.merge import restore_or_append
from benchledger.ledger.score import finish
from benchledger.ledger.verify import verify
from benchledger.schema.base import Int, Payload
from benchledger.schema.events import AgentIdentity, CellSetup, GraderRan
from benchledger.schema.ports import Draft
from benchledger.schema.upcast import UPCASTERS, is_known, upcast
from benchledger.scorers.composite import GATED_1

CELL = "sweep-1/example-agent/example/model-1/examples/old#run1"
STREAM = f"cell/{CELL}@1"


class OldGraderRan(Payload):
    """As the type might have looked under number 1, before its exit code was renamed."""

    event_type: ClassVar[str] = "grader.ran"
    exit: Int


def renamed(payload):
    return {"exit_code": payload.pop("exit"), **payload}


@pytest.fixture
def released(monkeypatch):
    """Make the number of today's type 2, with an upcaster from 1."""
    monkeypatch.setattr(GraderRan, "schema_number", 2)
    monkeypatch.setitem(UPCASTERS, ("grader.ran", 1), renamed)


def write_old_attempt(ledger):
    """Append an attempt whose grader speaks schema number 1, scored as it was then."""
    setup = CellSetup(
        cell_id=CELL, agent=AgentIdentity(name="example-agent"), model="example/model-1", mode="live",
        policy_id=GATED_1.policy_id,
    )  # fmt: skip
    declare(ledger, GATED_1)
    closing, _, _ = finish([setup, GraderRan(exit_code=0)], lambda _: None, GATED_1)
    ledger.emit_all([Draft(STREAM, payload) for payload in (setup, OldGraderRan(exit=0), *closing)])


def grader_exit(ledger):
    return ledger.connection.execute("SELECT grader_exit FROM attempts").fetchone()[0]


def test_an_older_payload_is_folded_and_its_scores_are_derived_again(ledger, released):
    write_old_attempt(ledger)
    assert [(event.meta.schema, event.payload) for event in ledger.stream(STREAM)][1] == (1, {"exit": 0})
    assert grader_exit(ledger) == 0
    report = verify(ledger.path)
    assert (report.ok, report.unknown, report.unchecked) == (True, {}, [])


def test_a_score_that_does_not_follow_from_older_evidence_is_named(ledger, released, monkeypatch):
    write_old_attempt(ledger)
    with monkeypatch.context() as patch:
        patch.setitem(UPCASTERS, ("grader.ran", 1), lambda payload: renamed(payload) | {"exit_code": 1})
        assert {defect.kind for defect in verify(ledger.path).defects} == {"axis", "projection"}


def test_a_ledger_with_older_payloads_is_restored_as_it_was(ledger, released, tmp_path):
    write_old_attempt(ledger)
    with (tmp_path / "old.jsonl").open("wb") as out:
        export(ledger, out)
    with open_source(str(tmp_path / "old.jsonl")) as source:
        report = restore_or_append(tmp_path / "again.db", source)
    assert report.head == ledger.head()
    assert verify(tmp_path / "again.db").ok


def test_what_an_older_version_does_not_know_is_counted_and_listed_as_not_checked(
    ledger, released, monkeypatch
):
    write_old_attempt(ledger)
    with monkeypatch.context() as patch:
        patch.delitem(UPCASTERS, ("grader.ran", 1))
        report = verify(ledger.path)
        assert report.unknown == {"grader.ran (schema 1)": 1}
        assert {item.kind for item in report.unchecked} == {"format_unsupported"}
        assert {defect.kind for defect in report.defects} == {"projection"}, (
            "rows of another release are named"
        )


def test_steps_are_taken_one_by_one_and_the_input_is_left_alone(monkeypatch):
    monkeypatch.setattr(GraderRan, "schema_number", 4)
    table = {
        ("grader.ran", number): lambda p, number=number: p | {"steps": [*p["steps"], number]}
        for number in (1, 2, 3)
    }
    old = {"steps": []}
    assert upcast("grader.ran", 1, old, table) == {"steps": [1, 2, 3]}
    assert upcast("grader.ran", 3, old, table) == {"steps": [3]}
    assert upcast("grader.ran", 4, old, table) is old == {"steps": []}


def test_a_number_without_a_whole_way_to_today_is_not_known(monkeypatch):
    monkeypatch.setattr(GraderRan, "schema_number", 3)
    monkeypatch.setitem(UPCASTERS, ("grader.ran", 2), renamed)
    assert [is_known("grader.ran", number) for number in (1, 2, 3, 4)] == [False, True, True, False]
    assert not is_known("future.thing", 1)
