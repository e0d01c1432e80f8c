"""The table of scorers: every axis is always there, under a name that derives it again."""

import pytest

from benchledger.schema.errors import UnknownName
from benchledger.schema.events import AxisScored
from benchledger.schema.task import Constraint, Expectations
from benchledger.scorers.registry import AXES, CURRENT, SCORERS, derive, in_published_order, score_axes
from tests.scorers.build import call, changed, evidence, exited, graded, refusing

CONSTRAINT = Constraint(kind="file-not-touched", pattern="tests/**")
FULL = {"calls": (call(),), "exited": exited(), "workdir": changed(modified=("a",)), "grader": graded()}
CASES = {
    "nothing recorded": evidence(),
    "everything recorded": evidence(Expectations(constraints=(CONSTRAINT,)), **FULL),
    "a refusal expected": evidence(refusing(), **FULL),
    "nothing declared": evidence(**FULL),
}


@pytest.mark.parametrize("found", CASES.values(), ids=CASES.keys())
def test_all_seven_axes_are_always_present_and_derive_again(found):
    scores = score_axes(found)
    assert tuple(score.axis for score in scores) == AXES
    for score in scores:
        assert score.scorer == CURRENT[score.axis] == f"{score.axis}@1"
        assert derive(score.scorer, score.axis, found) == score
        assert score.state == "recorded" or score.reason
        assert (score.value is None) == (score.state == "missing") or score.state == "not_applicable"


@pytest.mark.parametrize("found", CASES.values(), ids=CASES.keys())
def test_a_score_survives_its_way_through_an_event(found):
    for score in score_axes(found):
        event = AxisScored(
            axis=score.axis, scorer=score.scorer, value=score.value, state=score.state, payload=score.payload
        )
        again = AxisScored.model_validate_json(event.payload_bytes())
        assert (again.value, again.payload) == (score.value, score.payload)


@pytest.mark.parametrize("found", CASES.values(), ids=CASES.keys())
def test_payload_keys_come_in_published_order(found):
    for score in score_axes(found):
        stored = dict(sorted(score.payload.items()))
        assert list(in_published_order(score.axis, stored)) == list(score.payload)


def test_keys_that_are_not_known_come_last():
    payload = {"zeta": 1, "alpha": 2, "timed_out": False, "pass": 1}
    assert list(in_published_order("pass_rate", payload)) == ["pass", "timed_out", "alpha", "zeta"]
    assert list(in_published_order("unheard", {"b": 1, "a": 2})) == ["a", "b"]


def test_an_unknown_scorer_lists_the_choices():
    with pytest.raises(UnknownName) as caught:
        derive("token@1", "tokens", evidence())
    assert caught.value.choices == sorted(SCORERS)
    assert "did you mean 'tokens@1'" in str(caught.value)


def test_a_scorer_gives_no_axis_but_its_own():
    with pytest.raises(UnknownName):
        derive("tokens@1", "latency", evidence())
