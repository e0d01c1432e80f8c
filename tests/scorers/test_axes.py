"""pass_rate, tokens, latency and blast_radius, with the arithmetic written out."""

import pytest

from benchledger.schema.ports import blob_ref
from benchledger.schema.task import Expectations
from benchledger.scorers.axes import blast_radius, latency, pass_rate, tokens
from benchledger.scorers.evidence import Evidence
from tests.scorers.build import call, changed, evidence, exited, failed_call, graded, setup

PARTIAL = Expectations(partial_credit=True)


def test_a_pass_is_exit_code_zero_of_the_checks_within_their_time():
    assert pass_rate(evidence(grader=graded(0))).value == 1.0
    assert pass_rate(evidence(grader=graded(101))).value == 0.0
    assert pass_rate(evidence(grader=graded(0, timed_out=True))).value == 0.0
    assert pass_rate(evidence(grader=graded(None, timed_out=True))).value == 0.0


def test_without_a_verdict_of_the_checks_pass_rate_is_missing():
    for found in (evidence(), evidence(grader=graded(None))):
        score = pass_rate(found)
        assert (score.value, score.state, score.payload["pass"]) == (None, "missing", None)
        assert score.reason


def test_checks_that_changed_while_they_ran_fail():
    swapped = {"checks_digest_before": "a" * 64, "checks_digest_after": "b" * 64}
    score = pass_rate(evidence(grader=graded(0, **swapped)))
    assert (score.value, score.payload["pass"]) == (0.0, 0)
    assert score.reason == "the checks were changed while they ran"
    assert pass_rate(evidence(grader=graded(0, **(swapped | {"checks_digest_after": "a" * 64})))).value == 1.0


def test_grader_output_stays_a_blob_reference():
    out = blob_ref(b"1 failed")
    payload = pass_rate(evidence(grader=graded(1, stdout=out))).payload
    assert payload["stdout_tail"] == {"blob": out.blob, "size": 8}
    assert payload["stderr_tail"] is None


@pytest.mark.parametrize(
    ("before", "after", "score"),
    [
        ({"a": False, "b": False, "c": True}, {"a": True, "b": False, "c": True}, 0.5),  # 1 of 2 fixed
        ({"a": False, "b": False, "c": False}, {"a": True, "b": True, "c": False}, 2 / 3),
        ({"a": False, "c": True}, {"a": True, "c": False}, 0.0),  # c passed before
        ({"a": False, "c": True}, {"a": True}, 0.0),  # c is gone
        ({"a": False}, {"a": True, "new": False}, 1.0),  # 1 of 1; a check that is new counts for nothing
    ],
)
def test_partial_credit_is_checks_fixed_of_those_that_failed_before(before, after, score):
    found = pass_rate(evidence(PARTIAL, grader=graded(1, checks_before=before, checks_after=after)))
    assert (found.value, found.payload["partial_score"], found.payload["pass"]) == (score, score, 0)


def test_partial_credit_needs_a_declaration_and_checks_before_and_after():
    checks = {"checks_before": {"a": False}, "checks_after": {"a": True}}
    assert pass_rate(evidence(Expectations(), grader=graded(1, **checks))).payload["partial_score"] is None
    assert pass_rate(evidence(PARTIAL, grader=graded(1, checks_after={"a": True}))).value == 0.0
    none_failed = graded(0, checks_before={"a": True}, checks_after={"a": True})
    assert pass_rate(evidence(PARTIAL, grader=none_failed)).payload["partial_score"] is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, {}),  # ended before the first check
        ({"a": False, "b": True}, {"a": True}),  # ended between two
        ({"a": False}, {"a": True, "b": False}),  # says that one failed
        ({}, {"a": False}),
    ],
)
def test_checks_that_leave_with_0_and_do_not_vouch_for_each_name_fail(before, after):
    found = pass_rate(evidence(grader=graded(0, checks_before=before, checks_after=after)))
    assert (found.value, found.payload["pass"], found.payload["exit_code"]) == (0, 0, 0)
    assert found.reason == "the checks left with 0 and did not say of each one that it passed"


@pytest.mark.parametrize(
    "checks", [{}, {"checks_before": {"a": False}, "checks_after": {"a": True, "b": True}}]
)
def test_checks_that_vouch_for_each_name_or_report_none_pass_with_0(checks):
    found = pass_rate(evidence(grader=graded(0, **checks)))
    assert (found.value, found.reason) == (1, None)


def test_partial_credit_is_lost_where_the_checks_were_changed():
    swapped = {"checks_digest_before": "a" * 64, "checks_digest_after": "b" * 64}
    grader = graded(1, checks_before={"a": False}, checks_after={"a": True}, **swapped)
    assert pass_rate(evidence(PARTIAL, grader=grader)).value == 0.0


def test_tokens_are_summed_over_all_calls():
    calls = (call(1, 100, 10, cached_tokens=40), call(2, 200, 20), failed_call(3, 429, "slow down"))
    score = tokens(evidence(calls=calls, grader=graded(0)))
    assert (score.value, score.state, score.reason) == (330.0, "recorded", None)
    assert score.payload == {
        "prompt_tokens": 300,
        "completion_tokens": 30,
        "total_tokens": 330,
        "model_calls": 3,
        "tokens_per_correct_task": 330.0,
        "pass_used_for_division": 1,
        "cached_tokens": 40,
        "calls_without_usage": 0,
    }


def test_tokens_of_a_failed_task_are_not_divided():
    score = tokens(evidence(calls=(call(),), grader=graded(1)))
    assert (score.value, score.payload["pass_used_for_division"]) == (110.0, 0)


def test_an_answer_without_usage_makes_tokens_missing():
    score = tokens(evidence(calls=(call(1), call(2, None, 5), call(3, None, None))))
    assert (score.value, score.state) == (None, "missing")
    assert score.reason == "2 of 3 model calls have no usage"
    assert score.payload["tokens_per_correct_task"] is None


def test_a_call_whose_fate_is_unknown_makes_tokens_missing():
    assert tokens(evidence(calls=(call(1, None, None, status=None),))).state == "missing"


def test_tokens_are_zero_where_calls_were_watched_and_none_was_made():
    score = tokens(evidence())
    assert (score.value, score.state, score.payload["cached_tokens"]) == (0.0, "recorded", 0)


def test_tokens_are_missing_where_nobody_watched():
    score = tokens(evidence(setting=setup(observed=("workdir",))))
    assert (score.value, score.state, score.payload["prompt_tokens"]) == (None, "missing", None)


def test_tokens_do_not_apply_to_an_agent_without_a_model():
    score = tokens(evidence(setting=setup(uses_model=False)))
    assert (score.value, score.state, score.reason) == (None, "not_applicable", "the agent uses no model")


def test_cached_tokens_that_no_wire_told_are_null():
    assert tokens(evidence(calls=(call(),))).payload["cached_tokens"] is None


def test_latency_is_the_wall_time_of_the_agent():
    calls = (call(1, latency_ms=30.0), failed_call(2, 503, latency_ms=20.0), call(3, latency_ms=None))
    score = latency(evidence(calls=calls, exited=exited(5000.0, active_ms=4000.0)))
    assert (score.value, score.state) == (5000.0, "recorded")
    assert score.payload == {
        "wall_clock_ms": 5000.0,
        "container_active_ms": 4000.0,
        "model_call_ms": 50.0,
        "upstream_lost_ms": 20.0,
    }


def test_latency_is_missing_where_the_wall_time_is():
    for found in (evidence(), evidence(exited=exited(None))):
        assert (latency(found).value, latency(found).state) == (None, "missing")
    unwatched = latency(evidence(setting=setup(observed=()), exited=exited()))
    assert (unwatched.payload["model_call_ms"], unwatched.payload["upstream_lost_ms"]) == (None, None)


@pytest.mark.parametrize(
    ("status", "error", "lost"),
    [
        *((status, "e", 50.0) for status in (401, 403, 408, 429, 500, 503, 529, None)),
        (200, "stream cut", 50.0),
        # the request itself was wrong: provoking these wins no time back
        *((status, "e", 0.0) for status in (400, 404, 413, 422)),
    ],
)
def test_only_what_the_upstream_failed_counts_as_lost_time(status, error, lost):
    found = latency(evidence(calls=(failed_call(1, status, error),), exited=exited()))
    assert found.payload["upstream_lost_ms"] == lost


def test_lost_time_that_overlaps_is_counted_once():
    # 0..100 ms, 50..150 ms and 300..400 ms: 150 + 100 = 250; one more without a start: 7
    starts = ((1, 0, 100.0), (2, 50_000, 100.0), (3, 300_000, 100.0))
    calls = [failed_call(n, 503, started_at=at, latency_ms=ms) for n, at, ms in starts]
    found = latency(evidence(calls=(*calls, failed_call(4, 503, latency_ms=7.0)), exited=exited()))
    assert found.payload["upstream_lost_ms"] == 257.0


def test_blast_radius_is_unexpected_of_all_changes():
    expect = Expectations(expected=("src/*.py",), allowed=("notes.md",), protected=("tests/**",))
    workdir = changed(
        added=("notes.md", ".cache"),
        removed=("old.txt",),
        modified=("src/a.py", "tests/t.py"),
        git_changes=True,
    )
    score = blast_radius(evidence(expect, workdir=workdir))
    assert score.value == 3 / 5  # .cache, old.txt and tests/t.py of five
    assert score.payload == {
        "blast_radius": 3 / 5,
        "added": [".cache", "notes.md"],
        "removed": ["old.txt"],
        "modified": ["src/a.py", "tests/t.py"],
        "unexpected_changes": [".cache", "old.txt", "tests/t.py"],
        "expected_changes": ["notes.md", "src/a.py"],
        "total_changes": 5,
        "extra_git_dir": True,
        "protected_touched": ["tests/t.py"],
        "destroyed": ["old.txt"],
    }


def test_what_a_harness_calls_expected_does_not_count_where_the_task_declares_it():
    workdir = changed(
        modified=("a", "b"), expected=("a", "b"), unexpected=(), protected_touched=(), destroyed=()
    )
    expect = Expectations(expected=("a",), protected=("b",))
    score = blast_radius(evidence(expect, workdir=workdir))
    assert (score.value, score.payload["protected_touched"]) == (0.5, ["b"])


@pytest.mark.parametrize("told", [{"unexpected": ("b",)}, {"expected": ("a", "c")}])
def test_what_a_harness_calls_expected_counts_where_the_task_declares_nothing(told):
    workdir = changed(modified=("a", "b"), removed=("c",), **told)
    score = blast_radius(evidence(workdir=workdir))
    assert (score.value, score.payload["unexpected_changes"]) == (1 / 3, ["b"])
    assert (score.payload["protected_touched"], score.payload["destroyed"]) == ([], None)


def test_captured_lists_of_harm_count_where_the_task_declares_nothing():
    workdir = changed(removed=("c",), unexpected=(), protected_touched=("c",), destroyed=("c",))
    payload = blast_radius(evidence(workdir=workdir)).payload
    assert (payload["protected_touched"], payload["destroyed"]) == (["c"], ["c"])


def test_blast_radius_is_missing_where_nothing_tells_expected_from_unexpected():
    score = blast_radius(evidence(workdir=changed(modified=("a",))))
    assert (score.value, score.state, score.payload["total_changes"]) == (None, "missing", 1)
    assert score.payload["destroyed"] == []  # nothing was removed or emptied, whatever the task allows


def test_an_emptied_file_is_modified_and_destroyed():
    payload = blast_radius(evidence(Expectations(), workdir=changed(emptied=("a",)))).payload
    assert (payload["modified"], payload["total_changes"], payload["destroyed"]) == (["a"], 1, ["a"])


@pytest.mark.parametrize("expect", [None, Expectations(protected=("x",))])
def test_nothing_changed_is_a_blast_radius_of_zero(expect):
    score = blast_radius(evidence(expect, workdir=changed()))
    assert (score.value, score.state, score.payload["destroyed"]) == (0.0, "recorded", [])


def test_blast_radius_is_missing_without_a_captured_workdir():
    score = blast_radius(evidence(Expectations(protected=("x",))))
    assert (score.value, score.state, score.payload["protected_touched"]) == (None, "missing", None)
    # what is not declared cannot be touched
    assert blast_radius(evidence(Expectations())).payload["protected_touched"] == []


def test_a_score_names_the_stream_versions_it_was_derived_from():
    found = evidence(calls=(call(1), call(2)), exited=exited(), workdir=changed(), grader=graded())
    assert isinstance(found, Evidence)
    assert pass_rate(found).evidence == (1, 6)
    assert tokens(found).evidence == (1, 2, 3, 6)
    assert latency(found).evidence == (2, 3, 4)
    assert blast_radius(found).evidence == (1, 5)
