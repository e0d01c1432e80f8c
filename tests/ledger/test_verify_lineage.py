"""Scores that supersede: each names the last one before it, and the composite follows the axes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchledger.ledger.append import declare
from benchledger.ledger.store import Ledger, StoredEvent
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.events import AxisScored, CompositeScored
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import CAB_01
from tests.ledger.test_regrade import emit


@pytest.fixture
def loose(tmp_path) -> Iterator[Ledger]:
    """A ledger that need not verify at the end."""
    with Ledger.create(tmp_path / "loose.db") as made:
        yield made


def found(ledger: Ledger, **options: object) -> list[tuple[str, str]]:
    report = verify(ledger.path, VerifyOptions(**options))  # type: ignore[arg-type]
    return [(defect.kind, defect.detail) for defect in report.defects]


def last(ledger: Ledger, stream: str, kind: str, axis: str | None = None) -> StoredEvent:
    events = [event for event in ledger.stream(stream) if event.meta.type == kind]
    return [event for event in events if axis is None or (event.payload or {}).get("axis") == axis][-1]


def again(
    ledger: Ledger, stream: str, supersedes: int | None, axis: str = "latency", **changed: object
) -> None:
    payload = last(ledger, stream, "axis.scored", axis).decoded()
    assert isinstance(payload, AxisScored)
    ledger.emit(Draft(stream, payload.model_copy(update={"supersedes": supersedes, **changed})))


def anew(ledger: Ledger, stream: str, supersedes: int | None, **changed: object) -> None:
    payload = last(ledger, stream, "composite.scored").decoded()
    assert isinstance(payload, CompositeScored)
    ledger.emit(Draft(stream, payload.model_copy(update={"supersedes": supersedes, **changed})))


def test_the_same_score_again_is_sound_where_it_names_the_last_one(ledger: Ledger) -> None:
    stream = emit(ledger, "one")
    for _ in range(2):
        again(ledger, stream, last(ledger, stream, "axis.scored", "latency").meta.version)
        anew(ledger, stream, last(ledger, stream, "composite.scored").meta.version)


def test_a_second_score_that_names_none_is_a_defect(loose: Ledger) -> None:
    stream = emit(loose, "one")
    again(loose, stream, None)
    anew(loose, stream, None)
    assert found(loose) == [
        ("axis", "a second score of latency does not say which one it supersedes"),
        ("score", "a second composite does not say which one it supersedes"),
    ]


def test_a_score_that_supersedes_another_axis_or_nothing_that_is_there_is_a_defect(loose: Ledger) -> None:
    stream = emit(loose, "one")
    other = last(loose, stream, "axis.scored", "tokens").meta.version
    again(loose, stream, other)
    anew(loose, stream, 999)
    assert found(loose) == [
        ("axis", f"it supersedes version {other}, which is no score of latency of this attempt"),
        ("score", "it supersedes version 999, which is no composite of this attempt"),
    ]


def test_a_score_that_was_superseded_before_cannot_be_superseded_once_more(loose: Ledger) -> None:
    stream = emit(loose, "one")
    at = last(loose, stream, "axis.scored", "latency").meta.version
    composite = last(loose, stream, "composite.scored").meta.version
    for _ in range(2):
        again(loose, stream, at)
        anew(loose, stream, composite)
    assert found(loose) == [
        ("axis", f"it supersedes version {at}, a score of latency that was superseded before"),
        ("score", f"it supersedes version {composite}, a composite that was superseded before"),
    ]


def test_a_superseding_score_that_its_scorer_does_not_give_is_a_defect(loose: Ledger) -> None:
    stream = emit(loose, "one")
    again(loose, stream, last(loose, stream, "axis.scored", "latency").meta.version, value=1.0)
    kinds = [kind for kind, _ in found(loose)]
    assert "axis" in kinds


def test_axes_that_moved_without_a_composite_after_them_are_a_defect(loose: Ledger) -> None:
    stream = emit(loose, "one")
    at = last(loose, stream, "axis.scored", "pass_rate").meta.version
    again(loose, stream, at, "pass_rate", value=0.0, scorer="pass_rate@77")
    detail = "the axes moved here, and no composite after it supersedes the one that was made before"
    assert found(loose) == [("score", detail)]


def test_a_composite_that_does_not_follow_from_the_axes_or_has_another_policy_is_a_defect(
    loose: Ledger,
) -> None:
    stream = emit(loose, "one")
    declare(loose, CAB_01)
    version = last(loose, stream, "composite.scored").meta.version
    anew(loose, stream, version, value=1.0)
    assert [kind for kind, detail in found(loose) if "composite 1.0 is not" in detail] == ["score"]
    anew(loose, stream, version + 1 + 1, policy_id=CAB_01.policy_id)
    assert ("score", "the composite is under another policy than the one that it supersedes") in found(loose)


def test_a_verify_since_a_head_knows_the_scores_before_it(loose: Ledger) -> None:
    stream = emit(loose, "one")
    at = last(loose, stream, "axis.scored", "latency").meta.version
    head = loose.head()
    again(loose, stream, at)
    assert found(loose, since=head) == []
    again(loose, stream, at)
    detail = f"it supersedes version {at}, a score of latency that was superseded before"
    assert found(loose, since=head) == [("axis", detail)]
