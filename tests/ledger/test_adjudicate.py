"""Judgements change what counts; the events stay."""

from __future__ import annotations

import pytest

from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.leaderboard import leaderboard
from benchledger.ledger.queries import scored
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput, UsageError
from benchledger.schema.history import Selection
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.ledgers import CELLS, RUN_RECORDS, append_file, attempt

CELL = "expansion-20260616/copilot/openai/gpt-oss-120b/polyglot/rust-error-handling#run1"


def _judge(ledger: Ledger, action: str, cell: str = CELL) -> None:
    adjudicate(ledger, Judgement(action, "looked at the trace", "reviewer", cell=cell))  # type: ignore[arg-type]


def _composite(
    ledger: Ledger, cell: str = CELL, policy: object = GATED_1
) -> tuple[str, float | None, str | None]:
    found = [s for s in scored(ledger.connection, policy, Selection()) if s.ref.startswith(f"{cell}@")]  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0].ref, found[0].composite.value, found[0].composite.reason


@pytest.fixture
def cells(ledger: Ledger) -> Ledger:
    """The published cells."""
    append_file(ledger, CELLS)
    return ledger


def test_zero_makes_a_proved_hack_count_as_nothing_under_every_policy(cells: Ledger) -> None:
    _judge(cells, "zero")
    for policy in (GATED_1, CAB_01):
        assert _composite(cells, policy=policy)[1:] == (0.0, "adjudicated:zero")


def test_invalidate_leaves_a_cell_without_a_composite(cells: Ledger) -> None:
    _judge(cells, "invalidate")
    assert _composite(cells)[1:] == (None, "adjudicated:invalidate")


def test_reinstate_brings_the_old_composite_back(cells: Ledger) -> None:
    before = _composite(cells)
    for action in ("zero", "invalidate", "withdraw"):
        _judge(cells, action)
        assert _composite(cells) != before
        _judge(cells, "reinstate")
        assert _composite(cells) == before


def test_withdraw_lets_the_next_graded_attempt_stand_in(ledger: Ledger) -> None:
    cell = "s/a/m/c/t#run1"
    ledger.emit_all([*attempt(cell, 1, outcome="infra_error"), *attempt(cell, 2), *attempt(cell, 3)])
    assert _composite(ledger, cell)[0] == f"{cell}@2"
    _judge(ledger, "withdraw", f"{cell}@2")
    assert _composite(ledger, cell)[0] == f"{cell}@3"
    _judge(ledger, "withdraw", f"{cell}@3")
    ref, value, reason = _composite(ledger, cell)
    assert (ref, value, reason) == (f"{cell}@3", None, "adjudicated:withdraw")


def test_the_lowest_graded_attempt_counts_and_else_the_last(ledger: Ledger) -> None:
    cell = "s/a/m/c/t#run1"
    ledger.emit_all(attempt(cell, 1, outcome="infra_error"))
    assert _composite(ledger, cell)[0] == f"{cell}@1"
    ledger.emit_all(attempt(cell, 2, outcome=None))
    assert _composite(ledger, cell)[0] == f"{cell}@2"
    ledger.emit_all(attempt(cell, 3, outcome="timeout"))
    ledger.emit_all(attempt(cell, 4))
    assert _composite(ledger, cell)[0] == f"{cell}@3"


def test_a_dispute_is_marked_and_changes_no_number(cells: Ledger) -> None:
    before = _composite(cells)
    _judge(cells, "dispute")
    assert _composite(cells) == before
    query = "SELECT disputed FROM cells WHERE cell = ?"
    assert cells.connection.execute(query, (CELL,)).fetchone()[0] == 1
    _judge(cells, "answer")
    assert cells.connection.execute(query, (CELL,)).fetchone()[0] == 0


def test_a_filter_reaches_exactly_the_cells_that_it_names(cells: Ledger) -> None:
    chosen = Selection(agent=("aider",), task=("integrity/unsolvable-refusal",))
    report = adjudicate(cells, Judgement("invalidate", "broken task", "reviewer", selection=chosen))
    assert len(report.cells) == 3
    rows = {
        s.ref.rpartition("@")[0]: s.composite.reason for s in scored(cells.connection, GATED_1, Selection())
    }
    judged = {cell for cell, reason in rows.items() if reason == "adjudicated:invalidate"}
    assert judged == set(report.cells)
    board = leaderboard(cells.connection, GATED_1, Selection(agent=("aider",)))
    assert sum(row.totals.withdrawn for row in board) == 3


def test_history_keeps_every_score_that_was_judged_away(cells: Ledger) -> None:
    before = list(cells.events())
    _judge(cells, "zero")
    assert list(cells.events())[: len(before)] == before


@pytest.mark.parametrize(
    ("judgement", "error"),
    [
        (Judgement("zero", "", "reviewer", cell=CELL), UsageError),
        (Judgement("zero", "why", " ", cell=CELL), UsageError),
        (Judgement("zero", "why", "reviewer"), UsageError),
        (Judgement("zero", "why", "reviewer", cell="a/b/c/d/e#run1"), BadInput),
        (Judgement("zero", "why", "reviewer", selection=Selection(agent=("nobody",))), BadInput),
    ],
)
def test_a_judgement_that_names_nothing_is_refused(
    cells: Ledger, judgement: Judgement, error: type[Exception]
) -> None:
    with pytest.raises(error):
        adjudicate(cells, judgement)


def test_an_infrastructure_fault_has_no_composite_under_gated_1(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    for item in scored(ledger.connection, GATED_1, Selection()):
        if item.inputs.outcome == "infra_error":
            assert (item.composite.value, item.composite.reason) == (None, "excluded:infra_error")


def test_a_run_that_did_nothing_scores_zero(ledger: Ledger) -> None:
    append_file(ledger, RUN_RECORDS / "fail.json")
    assert [item.composite.value for item in scored(ledger.connection, GATED_1, Selection())] == [0.0]
