"""Live: what goes upstream, what comes back, and what is written down."""

import json
import socket
import threading
import time
from collections import Counter

import httpx
import pytest

from benchledger.runners.proxy.config import Prices, ProxyConfig
from benchledger.runners.proxy.config import Upstream as Endpoint
from benchledger.runners.proxy.pack import request_hash, unpack_request
from benchledger.runners.proxy.server import Proxy
from benchledger.schema.errors import EnvironmentLacks, UsageError
from benchledger.schema.task import Limits
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


@pytest.mark.parametrize(
    ("fault", "failure", "status"), [("drop", "dropped", 502), ("redirect", "redirect", 502)]
)
def test_an_upstream_that_gives_no_answer_is_told_in_the_words_of_the_protocol(
    live, upstream, calls, fault, failure, status
):
    upstream.faults = [fault]
    with live() as proxy:
        answer = ask(proxy, "anthropic")
        assert answer.status_code == status
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


@pytest.mark.parametrize("fault", ["hang", "stall"])
def test_closing_takes_less_than_two_seconds_though_the_upstream_hangs(live, upstream, calls, fault):
    upstream.faults = [fault] * 3
    with live() as proxy:

        def agent():
            with pytest.raises(httpx.HTTPError):
                ask(proxy, "openai-chat", stream=True, timeout=30).raise_for_status()

        threads = [threading.Thread(target=agent) for _ in range(3)]
        for thread in threads:
            thread.start()
        while proxy.stats().open < 3 or len(upstream.seen) < 3:
            time.sleep(0.01)
        time.sleep(0.1)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    for thread in threads:
        thread.join()
    assert Counter(call.failure for call in calls) == {"closed": 3}


def test_models_and_token_counts_pass_and_are_no_model_calls(live, calls):
    with live() as proxy:
        headers = key_headers("openai-chat", proxy.token)
        models = httpx.get(f"{proxy.base_url}/v1/models", headers=headers, trust_env=False)
        counted = httpx.post(
            f"{proxy.base_url}/v1/messages/count_tokens", json={}, headers=headers, trust_env=False
        )
        assert proxy.stats().helpers == 2
    assert models.json()["data"] == [{"id": "m-1"}]
    assert counted.json()["input_tokens"] == 42
    assert calls == []


@pytest.mark.parametrize(
    "path", ["/v1/embeddings", "/", "/v1/files", "/v1/chat/completions/../../x", "/v1/models/a:predict"]
)
def test_an_unknown_path_is_refused_noted_and_not_forwarded(live, upstream, calls, path):
    with live() as proxy:
        headers = key_headers("openai-chat", proxy.token)
        with httpx.Client(trust_env=False, headers=headers) as client:
            for _ in range(2):
                answer = client.post(proxy.base_url + path, json={})
        assert answer.status_code == 404
        assert "benchledger" in answer.json()["error"]["message"]
        (note,) = proxy.stats().notes
        assert (note.kind, note.times) == ("unknown_path", 2)
    assert (upstream.seen, calls) == ([], [])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_wrong_token_is_refused_and_not_forwarded(live, upstream, calls, protocol):
    with live() as proxy:
        answer = ask(proxy, protocol, token="bl-guessed")
        assert answer.status_code == 401
        assert proxy.stats().notes[0].kind == "bad_token"
    assert (upstream.seen, calls) == ([], [])


def test_a_body_that_is_no_object_or_too_large_is_refused(live, calls):
    with live(max_request_bytes=1000) as proxy:
        assert ask(proxy, "openai-chat", body=["x"]).status_code == 400
        assert ask(proxy, "openai-chat", body={"messages": ["x" * 2000]}).status_code == 413
        assert [note.kind for note in proxy.stats().notes] == ["bad_body", "too_large"]
    assert calls == []


@pytest.mark.parametrize(
    ("limits", "name", "allowed"),
    [
        (Limits(calls=2), "calls", 2),
        (Limits(tokens=19), "tokens", 2),
        (Limits(money=0.00003), "money", 2),
        (Limits(seconds=0.000001), "seconds", 0),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_limit_is_told_in_the_words_of_the_protocol_and_is_no_call(
    live, calls, protocol, limits, name, allowed
):
    with live(limits=limits, prices=Prices(prompt=1.0, completion=2.0, cached=0.5)) as proxy:
        answers = [ask(proxy, protocol) for _ in range(4)]
        stats = proxy.stats()
    assert [answer.status_code for answer in answers] == [200] * allowed + [400] * (4 - allowed)
    assert name in answers[-1].json()["error"]["message"]
    assert (stats.limit_hit, stats.calls, len(calls)) == (name, allowed, allowed)
    assert [(note.kind, note.times) for note in stats.notes] == [("limit", 4 - allowed)]
    if calls:
        assert calls[0].cost == pytest.approx((8 * 1.0 + 3 * 0.5 + 7 * 2.0) / 1e6)


def test_calls_beyond_the_concurrency_wait_and_never_meet_429(live, upstream, calls):
    upstream.pace = 0.05
    with live(concurrency=1) as proxy:
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(ask(proxy, "openai-chat", stream=True)))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    spans = sorted((call.started_at, call.started_at + call.latency_ms * 1000) for call in calls)
    assert all(spans[at][1] <= spans[at + 1][0] + 2000 for at in range(2))
    assert max(call.queued_ms for call in calls) > 50


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


def test_a_failing_ledger_stops_further_calls_and_is_raised_at_the_end(upstream):
    def full(call):
        raise EnvironmentLacks("no room left")

    endpoint = Endpoint(base_url=upstream.url, key=KEY)
    with (
        pytest.raises(EnvironmentLacks, match="no room"),
        Proxy(ProxyConfig(mode="live", upstream=endpoint), full) as proxy,
    ):
        ask(proxy, "openai-chat")
        while proxy.failure is None:
            time.sleep(0.01)
        assert ask(proxy, "openai-chat").status_code == 400
    assert len(upstream.seen) == 1


def test_an_open_socket_of_the_caller_is_listened_on(live, calls):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with live(listener=listener) as proxy:
        assert proxy.base_url == f"http://127.0.0.1:{port}"
        assert ask(proxy, "openai-chat").status_code == 200
    assert listener.fileno() == -1


def test_an_address_that_is_taken_is_an_error_that_says_so(live):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(EnvironmentLacks, match="cannot listen"),
        live(port=taken.getsockname()[1]),
    ):
        pass


def test_a_mode_without_its_part_is_refused():
    for mode in ("live", "scripted"):
        with pytest.raises(UsageError, match="needs"):
            Proxy(ProxyConfig(mode=mode), print)


def test_nothing_of_the_configuration_shows_a_secret():
    config = ProxyConfig(
        mode="live", upstream=Endpoint(base_url="http://x", key=KEY), secrets={"A": KEY}, token="bl-token123"
    )
    assert KEY not in repr(config)
    assert "bl-token123" not in repr(config)
