"""Rescoring history, and asking about an earlier head."""

from __future__ import annotations

from blake3 import blake3

from benchledger.ledger.append import declare
from benchledger.ledger.leaderboard import leaderboard
from benchledger.ledger.queries import as_of, policies, scored
from benchledger.ledger.rescore import evidence_head, record, rescore, table_digest
from benchledger.ledger.store import Ledger
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.composite import CAB_01, GATED_1, evaluate
from tests.ledgers import CELLS, RUN_RECORDS, append_file

MINE = Policy(name="speed", formula="gated-1", weights={"latency": 1.0}, exclude=GATED_1.exclude)


def test_the_table_of_a_rescore_is_what_the_format_says(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    lines = []
    for item in scored(ledger.connection, CAB_01, Selection()):
        value = evaluate(CAB_01, item.inputs).value
        lines.append(f"{item.ref}\t{value:.6f}\n".encode())
    assert lines == sorted(lines)
    expected = blake3(b"".join(lines)).hexdigest()
    assert table_digest(ledger.connection, CAB_01, Selection()) == (43, expected)


def test_a_rescore_is_recorded_once_and_says_where_it_stood(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    before = ledger.head()
    result = rescore(ledger.connection, MINE, GATED_1, Selection())
    assert ledger.head() == before  # nothing is written before it is recorded
    assert record(ledger, result)
    assert not record(ledger, rescore(ledger.connection, MINE, GATED_1, Selection()))
    rescored = next(event for event in ledger.events() if event.meta.type == "history.rescored")
    assert rescored.payload is not None
    assert before is not None
    assert rescored.payload["head"] == before.to_json()
    assert policies(ledger.connection)["speed"].policy_id == MINE.policy_id


def test_new_evidence_makes_a_new_rescore_of_the_same_policy(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    assert record(ledger, rescore(ledger.connection, CAB_01, GATED_1, Selection()))
    append_file(ledger, RUN_RECORDS / "pass.json")
    assert record(ledger, rescore(ledger.connection, CAB_01, GATED_1, Selection()))
    assert evidence_head(ledger.connection) != ledger.head()


def test_rows_show_both_policies_and_the_term_that_moved_them(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    result = rescore(ledger.connection, CAB_01, GATED_1, Selection())
    old = {row.statistics.key: row.statistics for row in leaderboard(ledger.connection, GATED_1, Selection())}
    new = {row.statistics.key: row.statistics for row in leaderboard(ledger.connection, CAB_01, Selection())}
    assert {row.after.key: row.before for row in result.rows} == old
    assert {row.after.key: row.after for row in result.rows} == new
    moved = [row for row in result.rows if row.before.composite != row.after.composite and row.moved]
    assert moved
    assert all(row.stability is not None and 0 <= row.stability.first <= 1 for row in result.rows)


def test_the_leaderboard_of_an_earlier_head_is_what_it_was_then(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    head = ledger.head()
    assert head is not None
    then = [row.to_json() for row in leaderboard(ledger.connection, GATED_1, Selection())]
    for path in sorted(RUN_RECORDS.glob("*.json")):
        append_file(ledger, path)
    assert [row.to_json() for row in leaderboard(ledger.connection, GATED_1, Selection())] != then
    with as_of(ledger, head.seq) as connection:
        assert [row.to_json() for row in leaderboard(connection, GATED_1, Selection())] == then


def test_a_policy_is_declared_once_however_often_it_is_used(ledger: Ledger) -> None:
    first = declare(ledger, MINE)
    assert not first.already
    again = declare(ledger, MINE)
    assert (again.already, again.seq) == (True, first.seq)
