"""Replay: the same answers for the same requests, and drift told where there is none."""

import httpx
import pytest

from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.record import call_span, to_event
from benchledger.runners.proxy.replay import recorded_calls
from benchledger.runners.proxy.server import Proxy
from benchledger.schema.ids import live_id
from benchledger.schema.memory import MemorySink
from benchledger.schema.ports import Draft
from tests.proxy.asking import PROTOCOLS, ask, body_of

STREAM = "cell/s/a/m/c/t#run1@1"


def emitted(sink, calls):
    """Emit calls as a cell does, and return their events."""
    seen, events = set(), []
    for call in calls:
        event, blobs = to_event(call, seen)
        span = call_span(call, live_id().replace("-", ""), None)
        sink.emit_all([Draft(STREAM, event, blobs=blobs), Draft(STREAM, span)])
        events.append(event)
    return events


def replaying(recorded, again, **config):
    return Proxy(ProxyConfig(mode="replay", replay=recorded, **config), again.append)


@pytest.fixture
def again():
    return []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_recorded_calls_are_answered_as_they_were(live, calls, again, protocol, stream):
    with live() as proxy:
        first = ask(proxy, protocol, stream=stream)
    sink = MemorySink()
    recorded = recorded_calls(emitted(sink, calls), sink.blobs.__getitem__)
    with replaying(recorded, again) as proxy:
        second = ask(proxy, protocol, stream=stream)
        assert proxy.stats().drifts == ()
    assert second.content == first.content
    assert second.headers["content-type"].split(";")[0] == first.headers["content-type"].split(";")[0]
    same = ("request_hash", "prompt_tokens", "completion_tokens", "finish_reason", "model_answered", "status")
    assert [getattr(again[0], name) for name in same] == [getattr(calls[0], name) for name in same]


def test_equal_requests_are_answered_in_order_and_failures_fail_again(live, upstream, calls, again):
    upstream.faults = [500, "drop", 429]
    with live() as proxy:
        first = [ask(proxy, "openai-chat") for _ in range(4)]
    sink = MemorySink()
    recorded = recorded_calls(emitted(sink, calls), sink.blobs.__getitem__)
    with replaying(recorded, again) as proxy:
        second = [ask(proxy, "openai-chat").status_code for _ in range(3)]
        second.append(ask(proxy, "openai-chat").status_code)
    assert [answer.status_code for answer in first] == [500, 502, 429, 200]
    assert second == [500, 502, 429, 200]
    assert [call.failure for call in again] == ["status", "dropped", "status", None]


def test_what_differs_between_any_two_runs_is_no_drift(live, calls, again):
    def body(session, day, folder, seconds):
        text = f"Today is {day}. Session {session}. Ran 3 tests in {seconds}s in {folder}/src."
        return body_of("openai-chat", user=session, prompt_cache_key=session) | {
            "messages": [{"role": "user", "content": text}]
        }

    one = body("0199f9a2-70b1-7c3a-8f00-000000000001", "2026-11-23", "/run/a1", "0.001")
    two = body("0199f9a2-70b1-7c3a-8f00-0000000000ff", "2027-01-02", "/run/b2", "0.123")
    with live() as proxy:
        ask(proxy, "openai-chat", body=one)
    sink = MemorySink()
    labels = {"/run/a1": "<workdir>"}
    recorded = recorded_calls(emitted(sink, calls), sink.blobs.__getitem__, labels)
    with replaying(recorded, again, volatile={"/run/b2": "<workdir>"}) as proxy:
        assert ask(proxy, "openai-chat", body=two).status_code == 200


def test_a_request_that_was_never_recorded_is_drift_with_a_diff_and_is_not_guessed(live, calls, again):
    with live() as proxy:
        for text in ("read the file", "edit the file"):
            ask(proxy, "anthropic", body=body_of("anthropic", system=text))
    sink = MemorySink()
    recorded = recorded_calls(emitted(sink, calls), sink.blobs.__getitem__)
    with replaying(recorded, again) as proxy:
        answer = ask(proxy, "anthropic", body=body_of("anthropic", system="read the other file"))
        stats = proxy.stats()
    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    (drift,) = stats.drifts
    assert drift.nearest == 1
    assert '- "system": "read the file"' in drift.diff
    assert '+ "system": "read the other file"' in drift.diff
    assert again == []
    assert stats.notes[0].kind == "drift"


def test_a_record_answers_once(live, calls, again):
    with live() as proxy:
        ask(proxy, "google")
    sink = MemorySink()
    recorded = recorded_calls(emitted(sink, calls), sink.blobs.__getitem__)
    with replaying(recorded, again) as proxy:
        assert [ask(proxy, "google").status_code for _ in range(2)] == [200, 400]
        assert len(proxy.stats().drifts) == 1


def test_a_recorded_request_with_a_masked_secret_is_found_again(live, calls, again):
    body = body_of("openai-chat", system="token is tok-secret-991")
    with live(secrets={"T": "tok-secret-991"}) as proxy:
        ask(proxy, "openai-chat", body=body)
    sink = MemorySink()
    recorded = recorded_calls(emitted(sink, calls), sink.blobs.__getitem__)
    with replaying(recorded, again, secrets={"T": "tok-secret-991"}) as proxy:
        assert ask(proxy, "openai-chat", body=body).status_code == 200


def test_a_stream_that_was_cut_is_cut_again(live, upstream, calls, again):
    upstream.faults = ["cut"]
    with live() as proxy, pytest.raises(httpx.RemoteProtocolError):
        ask(proxy, "openai-chat", stream=True)
    sink = MemorySink()
    recorded = recorded_calls(emitted(sink, calls), sink.blobs.__getitem__)
    with replaying(recorded, again) as proxy, pytest.raises(httpx.RemoteProtocolError):
        ask(proxy, "openai-chat", stream=True)


def test_calls_with_their_spans_leave_a_ledger_that_verifies(live, calls, ledger):
    with live() as proxy:
        for number in range(3):
            body = body_of("anthropic", system="rules " * 100)
            body["messages"] *= number + 1
            ask(proxy, "anthropic", body=body)
    emitted(ledger, calls)  # the fixture verifies: a part that no payload names would be an orphan
