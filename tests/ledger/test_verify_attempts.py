"""Outcomes that evidence denies, and axes that nobody scored, are found; what only the runner knows is not judged."""

from __future__ import annotations

import pytest

from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.base import Payload
from benchledger.schema.events import (
    AgentIdentity,
    AxisScored,
    CellExited,
    CellFinished,
    CellSetup,
    GraderRan,
    ModelCalled,
)
from benchledger.schema.history import Head
from benchledger.schema.policy import Outcome
from benchledger.schema.ports import Draft
from tests.ledgers import closed

CELL = "s/a/m/c/t#run1"
SETUP = CellSetup(cell_id=CELL, agent=AgentIdentity(name="a"), model="m", mode="live")
FAILED = GraderRan(exit_code=1)


def _emit(ledger: Ledger, *payloads: Payload, cell: str = CELL) -> None:
    ledger.emit_all([Draft(f"cell/{cell}@1", payload) for payload in payloads])


def _found(ledger: Ledger, **options: object) -> list[tuple[str, str]]:
    report = verify(ledger.path, VerifyOptions(**options))  # type: ignore[arg-type]
    return [(defect.kind, defect.detail) for defect in report.defects]


@pytest.fixture
def loose(tmp_path) -> Ledger:
    """A ledger that need not verify at the end."""
    with Ledger.create(tmp_path / "loose.db") as made:
        yield made


def _said(*evidence: Payload, outcome: Outcome, kind: str | None = None) -> list[Payload]:
    *events, _end = closed(*evidence)
    return [*events, CellFinished(outcome=outcome, outcome_kind=kind)]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("infra_error", "sandbox"),
        ("infra_error", "engine"),
        ("infra_error", "grader"),
        ("infra_error", "disk"),
        ("agent_error", "quota"),
        ("aborted", None),
    ],
)
def test_an_outcome_that_only_the_runner_can_know_is_taken_as_said(
    ledger: Ledger, outcome: Outcome, kind: str | None
) -> None:
    _emit(ledger, *_said(SETUP, FAILED, outcome=outcome, kind=kind))


@pytest.mark.parametrize(
    ("outcome", "kind", "shown"),
    [
        ("infra_error", "rate_limit", "finished"),
        ("infra_error", "hang", "finished"),
        ("infra_error", None, "finished"),
        ("infra_error", "weather", "finished"),
        ("timeout", None, "finished"),
        ("budget", "tokens", "finished"),
        ("agent_error", "oom", "finished"),
    ],
)
def test_an_outcome_that_the_evidence_denies_is_named(
    loose: Ledger, outcome: Outcome, kind: str | None, shown: str
) -> None:
    answered = ModelCalled(number=1, status=200, prompt_tokens=1, completion_tokens=1)
    evidence = (SETUP, answered, CellExited(exit_code=0), FAILED)
    _emit(loose, *_said(*evidence, outcome=outcome, kind=kind))
    said = outcome if kind is None else f"{outcome} {kind}"
    assert _found(loose) == [("score", f"the outcome {said} is not {shown}, which the evidence shows")]


def test_a_fault_of_the_upstream_that_is_told_as_a_finish_is_named(loose: Ledger) -> None:
    refused = ModelCalled(number=1, status=429)
    setup = SETUP.model_copy(update={"observed": ("model_calls",)})
    _emit(loose, setup, refused, FAILED, CellFinished(outcome="finished"))
    detail = "the outcome finished is not infra_error rate_limit, which the evidence shows"
    assert ("score", detail) in _found(loose)


def test_an_axis_that_no_event_gives_is_named_until_a_later_score_brings_it(ledger: Ledger) -> None:
    events = closed(SETUP, FAILED)
    left_out = [e for e in events if isinstance(e, AxisScored) and e.axis in {"tokens", "integrity"}]
    _emit(ledger, *(event for event in events if event not in left_out))
    detail = "the attempt is finished without a score of integrity, tokens: every attempt has one"
    assert _found(ledger) == [("axis", detail)]
    _emit(ledger, left_out[0])
    assert len(_found(ledger)) == 1
    _emit(ledger, left_out[1])
    assert _found(ledger) == []


def test_an_attempt_that_ends_after_a_head_is_judged_by_what_came_before_it(loose: Ledger) -> None:
    *events, end = closed(SETUP, FAILED)
    _emit(loose, *(event for event in events if getattr(event, "axis", "") != "tokens"))
    head = loose.head()
    assert head is not None
    _emit(loose, end)
    since = Head(seq=head.seq, hash=head.hash)
    detail = "the attempt is finished without a score of tokens: every attempt has one"
    assert _found(loose, since=since) == [("axis", detail)]


def test_an_unfinished_attempt_owes_no_score(ledger: Ledger) -> None:
    _emit(ledger, SETUP, FAILED)
