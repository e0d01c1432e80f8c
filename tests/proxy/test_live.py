"""Live: what goes upstream, what comes back, and what is written down."""

import json
import socket
import time

import httpx
import pytest

from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.config import Upstream as Endpoint
from benchledger.runners.proxy.pack import request_hash, unpack_request
from benchledger.runners.proxy.server import Proxy
from tests.proxy.asking import PROTOCOLS, ask, body_of, events_of, key_headers, text_of
from tests.proxy.upstream import FINGERPRINT, KEY, WORDS


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_passes_and_leaves_a_whole_record(live, calls, protocol, stream):
    with live() as proxy:
        answer = ask(proxy, protocol, stream=stream)
        assert answer.status_code == 200
        assert text_of(protocol, answer) == "".join(WORDS)
    (call,) = calls
    assert (call.number, call.protocol, call.stream, call.status) == (1, protocol, stream, 200)
    assert (call.model_asked, call.model_answered) == ("m-1", "m-1-2026")
    assert (call.prompt_tokens, call.completion_tokens, call.cached_tokens) == (11, 7, 3)
    assert call.error is None
    assert call.finish_reason in {"stop", "completed", "end_turn", "STOP"}
    assert call.system_fingerprint == (FINGERPRINT if protocol == "openai-chat" else None)
    assert unpack_request(call.request, call.parts.__getitem__) == body_of(protocol, stream=stream)
    assert call.request_hash == request_hash(body_of(protocol, stream=stream))
    assert call.response == answer.content
    assert (call.first_token_ms is not None) == stream
    assert call.latency_ms > (call.first_token_ms or 0)
    assert abs(call.started_at / 1e6 - time.time()) < 60


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_upstream_gets_its_own_key_and_never_the_token_of_the_agent(live, upstream, protocol):
    with live() as proxy:
        headers = key_headers(protocol, proxy.token) | {"Cookie": "a=b", "X-Extra": f"t={proxy.token}"}
        url = f"{proxy.base_url}/v1beta/models/m-1:generateContent?key={proxy.token}"
        ask(proxy, protocol)
        httpx.post(url, json=body_of("google"), headers=headers, trust_env=False)
        token = proxy.token
    for _, path, headers, body in upstream.seen:
        assert token not in json.dumps([path, headers, body])
        assert "Cookie" not in headers
    sent = {name.lower(): value for name, value in upstream.seen[0][2].items()}
    assert KEY in (sent.get("authorization", "")[7:], sent.get("x-api-key"), sent.get("x-goog-api-key"))


def test_extra_headers_parameters_and_versions_of_an_endpoint_are_put_in(live, upstream):
    azure = Endpoint(
        base_url=f"{upstream.url}/openai/deployments/x",
        key=KEY,
        key_header="api-key",
        version="",
        headers={"X-Title": "bench"},
        query={"api-version": "2026-01-01"},
    )
    with live(azure) as proxy:
        assert ask(proxy, "openai-chat").status_code == 200
    _, path, headers, _ = upstream.seen[0]
    assert path == "/openai/deployments/x/chat/completions?api-version=2026-01-01"
    lower = {name.lower(): value for name, value in headers.items()}
    assert (lower["api-key"], lower["x-title"]) == (KEY, "bench")
    assert "authorization" not in lower


def test_a_base_url_with_a_version_of_its_own_gets_no_second_one(live, upstream):
    with live(Endpoint(base_url=f"{upstream.url}/api/paas/v4/", key=KEY)) as proxy:
        ask(proxy, "openai-chat")
    assert upstream.seen[0][1] == "/api/paas/v4/chat/completions"


def test_streaming_chat_without_include_usage_has_no_usage_and_nothing_is_added(live, upstream, calls):
    body = body_of("openai-chat", stream=True)
    del body["stream_options"]
    with live() as proxy:
        ask(proxy, "openai-chat", stream=True, body=body)
        assert proxy.stats().unmetered == 1
    assert upstream.seen[0][3] == body
    assert (calls[0].prompt_tokens, calls[0].completion_tokens, calls[0].cost) == (None, None, None)


def test_usage_is_asked_for_where_the_config_says_so_and_the_record_keeps_what_the_agent_sent(
    live, upstream, calls
):
    body = body_of("openai-chat", stream=True)
    del body["stream_options"]
    with live(add_include_usage=True) as proxy:
        ask(proxy, "openai-chat", stream=True, body=body)
    assert upstream.seen[0][3]["stream_options"] == {"include_usage": True}
    assert calls[0].prompt_tokens == 11
    assert unpack_request(calls[0].request, calls[0].parts.__getitem__) == body


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_an_error_of_the_upstream_reaches_the_agent_without_the_key_that_it_echoes(
    live, upstream, calls, status
):
    upstream.faults = [status]
    with live() as proxy:
        answer = ask(proxy, "openai-chat")
        assert answer.status_code == status
        assert answer.headers["retry-after"] == "1"
        assert KEY not in answer.text
        assert proxy.stats().failed == 1
    assert (calls[0].status, calls[0].failure) == (status, "status")
    assert KEY not in str(calls[0])
    assert KEY.encode() not in calls[0].response


def test_a_retry_of_a_failed_call_names_the_call_that_failed(live, upstream, calls):
    upstream.faults = [500, 429]
    with live() as proxy:
        for _ in range(4):
            ask(proxy, "anthropic")
    assert [call.retry_of for call in calls] == [None, 1, 2, None]


@pytest.mark.parametrize(("fault", "failure"), [("drop", "dropped"), ("redirect", "redirect")])
def test_an_upstream_that_gives_no_answer_is_told_in_the_words_of_the_protocol(
    live, upstream, calls, fault, failure
):
    upstream.faults = [fault]
    with live() as proxy:
        answer = ask(proxy, "anthropic")
        assert answer.status_code == 502
        assert answer.json()["type"] == "error"
    assert (calls[0].failure, calls[0].status, calls[0].response) == (failure, None, None)


def test_a_refused_connection_is_a_call_without_status(calls):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = Endpoint(base_url=f"http://127.0.0.1:{port}", key=KEY)
    with Proxy(ProxyConfig(mode="live", upstream=endpoint), calls.append) as proxy:
        assert ask(proxy, "openai-responses").status_code == 502
    assert (calls[0].failure, calls[0].status) == ("refused", None)


def test_a_silent_upstream_is_given_up_after_its_time(live, upstream, calls):
    upstream.faults = ["hang"]
    with live(upstream_timeout_s=0.3) as proxy:
        assert ask(proxy, "openai-chat").status_code == 504
    assert calls[0].failure == "timeout"


def test_a_stream_that_is_cut_upstream_is_cut_for_the_agent_as_well(live, upstream, calls):
    upstream.faults = ["cut"]
    with live() as proxy, pytest.raises(httpx.RemoteProtocolError):
        ask(proxy, "openai-chat", stream=True)
    assert (calls[0].failure, calls[0].status) == ("dropped", 200)
    assert calls[0].response.startswith(b"data: ")


def test_an_error_inside_a_stream_is_a_failed_call(live, upstream, calls):
    upstream.faults = ["overloaded"]
    with live() as proxy:
        ask(proxy, "anthropic", stream=True)
    assert calls[0].error == "stream: overloaded_error: busy"


def test_an_agent_that_hangs_up_leaves_a_record(live, upstream, calls):
    upstream.faults = ["hang"]
    with live() as proxy:
        with pytest.raises(httpx.ReadTimeout):
            ask(proxy, "openai-chat", timeout=0.3)
        deadline = time.monotonic() + 5
        while not calls and time.monotonic() < deadline:
            time.sleep(0.02)
    assert calls[0].failure == "agent_left"


def test_events_arrive_one_by_one_and_not_at_the_end(live, upstream):
    upstream.pace = 0.15
    with live() as proxy:
        url = f"{proxy.base_url}/v1/chat/completions"
        headers = key_headers("openai-chat", proxy.token)
        body = body_of("openai-chat", stream=True)
        with httpx.stream("POST", url, json=body, headers=headers, trust_env=False) as answer:
            times = [time.monotonic() for line in answer.iter_lines() if line.startswith("data: {")]
    assert times[-1] - times[0] > 0.4


def test_a_key_that_the_upstream_streams_reaches_neither_agent_nor_record(live, upstream, calls):
    upstream.words = ["the key is ", KEY, " and ", KEY[:9], KEY[9:], "."]
    with live() as proxy:
        answer = ask(proxy, "openai-chat", stream=True)
    assert KEY not in answer.text
    texts = [event["choices"][0]["delta"].get("content") for event in events_of(answer) if event["choices"]]
    assert texts.count("[masked]") == 1
    recorded = b"".join(calls[0].response.split())
    assert KEY.encode() not in recorded
    assert KEY[9:].encode() not in recorded


def test_a_canary_in_a_request_is_masked_in_the_record_and_sent_as_it_is(live, upstream, calls):
    secret = "pg-password-71cd!"
    body = body_of("anthropic", system=f"db: {secret}", metadata={secret: KEY})
    with live(secrets={"PGPASSWORD": secret}) as proxy:
        ask(proxy, "anthropic", body=body)
    assert upstream.seen[0][3] == body
    kept = calls[0].request + b"".join(calls[0].parts.values())
    assert secret.encode() not in kept
    assert KEY.encode() not in kept
    assert b"[masked:PGPASSWORD]" in kept
