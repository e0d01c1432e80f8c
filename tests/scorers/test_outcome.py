"""How an attempt ended: one test for each row of the table, and for what beats what."""

import pytest

from benchledger.scorers.outcome import classify
from tests.scorers.build import call, changed, evidence, exited, failed_call, graded, setup

FAILED, PASSED = graded(1), graded(0)
LIMIT = {"timed_out": True, "limit_hit": "seconds", "signal": 15, "exit_code": None}


def ending(*calls, grader=FAILED, uses_model=True, observed=("model_calls",), **exit):
    found = evidence(
        setting=setup(uses_model=uses_model, observed=observed),
        calls=tuple(calls),
        exited=exited(**exit),
        grader=grader,
    )
    return classify(found)


@pytest.mark.parametrize(
    ("last", "exit", "kind"),
    [
        ((401, "denied"), {}, "auth"),
        ((403, "denied"), {}, "auth"),
        ((402, "no credit"), {}, "auth"),
        ((429, "slow down"), {}, "rate_limit"),
        ((429, "slow down"), LIMIT, "rate_limit"),
        ((429, "slow down"), {"limit_hit": "calls"}, "rate_limit"),
        ((500, "broken"), {}, "upstream"),
        ((529, "overloaded"), {"exit_code": 1}, "upstream"),
        ((408, "too slow"), {}, "upstream"),
        ((200, "stream cut"), {}, "upstream"),
        ((None, "connection refused"), {}, "unreachable"),
        ((None, "connection refused"), LIMIT, "unreachable"),
        ((None, "closed without an answer"), {}, "unreachable"),
        ((None, "client left"), LIMIT, "hang"),
        ((None, None), LIMIT, "hang"),
    ],
)
@pytest.mark.parametrize("before", [(), (call(1),)], ids=["at once", "after work"])
def test_an_upstream_that_failed_the_last_call_is_an_infra_error(before, last, exit, kind):
    assert ending(*before, failed_call(9, *last, latency_ms=3000.0), **exit) == ("infra_error", kind, ())


@pytest.mark.parametrize("exit", [{}, {"exit_code": 1}, LIMIT])
def test_no_call_at_all_is_an_infra_error_where_calls_were_watched(exit):
    assert ending(**exit) == ("infra_error", "no_call", ())


def test_calls_of_which_nothing_came_back_are_no_call():
    assert ending(call(1, None, None, status=None)) == ("infra_error", "no_call", ())


def test_no_call_needs_an_agent_with_a_model_and_someone_who_watched():
    assert ending(uses_model=False) == ("finished", None, ())
    assert ending(observed=()) == ("finished", None, ())


@pytest.mark.parametrize("error", ["agent_left: the agent hung up", "closed: the attempt ended"])
@pytest.mark.parametrize(("status", "before"), [(None, (call(1),)), (200, (call(1),)), (200, ())])
def test_an_agent_that_left_a_call_by_itself_blames_nobody(error, status, before):
    left = failed_call(2, status, error)
    assert ending(*before, left) == ("finished", None, ())
    assert ending(*before, left, signal=9, exit_code=None) == ("agent_error", "signal", ())
    assert ending(*before, left, oom=True) == ("agent_error", "oom", ())


def test_an_agent_that_was_killed_in_its_first_call_was_killed():
    left = failed_call(1, None, "agent_left: the agent hung up")
    assert ending(left, signal=9, exit_code=None) == ("agent_error", "signal", ())
    assert ending(left, exit_code=1) == ("infra_error", "no_call", ())


@pytest.mark.parametrize(
    ("waited", "slowest", "end"),
    [
        (3000.0, 50.0, ("infra_error", "hang", ())),
        (1000.0, 50.0, ("timeout", None, ())),  # no good part of the 5 s
        (3000.0, 3500.0, ("timeout", None, ())),  # as slow as it was before
    ],
)
def test_a_call_that_is_open_at_the_limit_is_a_hang_only_where_the_upstream_used_up_the_time(
    waited, slowest, end
):
    left = failed_call(2, None, "agent_left: the agent hung up", latency_ms=waited)
    assert ending(call(1, latency_ms=slowest), left, **LIMIT) == end


def test_an_upstream_that_our_proxy_waited_for_in_vain_hangs_and_one_that_hung_up_does_not():
    assert ending(call(1), failed_call(2, None, "timeout: silent"))[1] == "hang"
    assert ending(call(1), failed_call(2, None, "dropped: reset"), **LIMIT)[1] == "unreachable"


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_failed_call_to_another_model_says_nothing_of_the_endpoint(status):
    own = call(1, model_asked="org/model")
    assert ending(own, failed_call(2, status, "status: no", model_asked="other")) == ("finished", None, ())
    assert ending(failed_call(2, status, "status: no", model_asked="other"))[0] == "infra_error"
    assert ending(own, failed_call(2, status, "status: no", model_asked="org/model"))[0] == "infra_error"


def test_an_upstream_that_recovered_is_no_infra_error():
    assert ending(failed_call(1, 500), call(2)) == ("finished", None, ())


def test_calls_are_ordered_by_number():
    assert ending(call(2), failed_call(1, 500)) == ("finished", None, ())


@pytest.mark.parametrize("grader", [None, graded(None)])
def test_checks_without_a_verdict_are_an_infra_error_of_the_grader(grader):
    assert ending(call(1), grader=grader) == ("infra_error", "grader", ())
    assert ending(call(1), grader=grader, **LIMIT) == ("infra_error", "grader", ())


def test_checks_that_ran_out_of_time_are_a_verdict():
    assert ending(call(1), grader=graded(None, timed_out=True)) == ("finished", None, ())


@pytest.mark.parametrize(
    ("calls", "exit", "end"),
    [
        ((call(1), failed_call(2, 400, "bad")), {}, ("agent_error", "bad_request")),
        ((call(1), failed_call(2, 404, "no such model")), {"exit_code": 1}, ("agent_error", "bad_request")),
        ((failed_call(1, 400, "bad"),), {}, ("agent_error", "bad_request")),
        ((call(1),), {"signal": 9, "exit_code": None}, ("agent_error", "signal")),
        ((call(1),), {"oom": True, "signal": 9}, ("agent_error", "oom")),
        ((), {"oom": True, "signal": 9}, ("agent_error", "oom")),
        ((), {"signal": 11}, ("agent_error", "signal")),
        ((call(1),), LIMIT, ("timeout", None)),
        ((call(1),), {"timed_out": True}, ("timeout", None)),
        ((call(1),), {**LIMIT, "signal": 9}, ("timeout", None)),  # ignored SIGTERM
        ((call(1), call(2, error="cut at the limit")), LIMIT, ("timeout", None)),  # was still answering
        ((call(1),), {"limit_hit": "calls"}, ("budget", "calls")),
        ((call(1),), {"limit_hit": "tokens", "signal": 15}, ("budget", "tokens")),
        ((call(1),), {"limit_hit": "money"}, ("budget", "money")),
        ((call(1),), {}, ("finished", None)),
    ],
)
def test_the_end_of_the_process_where_the_checks_fail(calls, exit, end):
    assert ending(*calls, **exit) == (*end, ())


@pytest.mark.parametrize(
    ("calls", "exit", "end"),
    [
        ((call(1),), {"exit_code": 1}, ("finished", None, ("exit code 1",))),
        ((call(1),), LIMIT, ("timeout", None, ())),
        ((call(1),), {"limit_hit": "calls"}, ("budget", "calls", ())),
        ((call(1),), {"oom": True}, ("agent_error", "oom", ())),
        (
            (call(1), failed_call(2, 429, "slow down")),
            {},
            ("finished", None, ("the upstream failed the last call: rate_limit",)),
        ),
        ((call(1), failed_call(2, 400, "bad")), {}, ("finished", None, ())),
        ((), {}, ("finished", None, ("no model call was answered",))),
        (
            (failed_call(1, None, "client left"),),
            LIMIT,
            ("timeout", None, ("the upstream failed the last call: hang",)),
        ),
    ],
)
def test_a_pass_is_a_pass_however_the_process_ended(calls, exit, end):
    assert ending(*calls, grader=PASSED, **exit) == end


def test_an_attempt_without_exit_and_checks_was_aborted():
    assert classify(evidence(calls=(call(1),))) == ("aborted", None, ())
    assert classify(evidence(calls=(call(1),), workdir=changed())) == ("aborted", None, ())


def test_a_record_without_an_exit_is_judged_by_its_checks():
    unwatched = setup(observed=())
    assert classify(evidence(setting=unwatched, grader=PASSED)) == ("finished", None, ())
    assert classify(evidence(setting=unwatched, grader=FAILED)) == ("finished", None, ())


def test_an_exit_code_alone_decides_nothing():
    for code in (0, 1, 143, 244, None):
        assert ending(call(1), exit_code=code)[:2] == ("finished", None)
