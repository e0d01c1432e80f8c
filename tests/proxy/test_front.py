"""Admission, limits, the queue, opening and closing."""

import socket
import threading
import time
from collections import Counter

import httpx
import pytest

from benchledger.runners.proxy.config import Prices, ProxyConfig
from benchledger.runners.proxy.config import Upstream as Endpoint
from benchledger.runners.proxy.server import Proxy
from benchledger.schema.errors import EnvironmentLacks, UsageError
from benchledger.schema.task import Limits
from tests.proxy.asking import PROTOCOLS, ask, key_headers
from tests.proxy.upstream import KEY


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
    ("limits", "allowed"),
    [
        (Limits(calls=2), 2),
        (Limits(tokens=19), 2),
        (Limits(money=0.00003), 2),
        (Limits(seconds=0.000001), 0),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_limit_is_told_in_the_words_of_the_protocol_and_is_no_call(live, calls, protocol, limits, allowed):
    with live(limits=limits, prices=Prices(prompt=1.0, completion=2.0, cached=0.5)) as proxy:
        answers = [ask(proxy, protocol) for _ in range(4)]
        stats = proxy.stats()
    (name,) = limits.to_json()
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


def test_a_failing_ledger_stops_further_calls_and_is_raised_at_the_end(upstream):
    def full(call):
        raise EnvironmentLacks("no room left")

    def agent():
        with Proxy(ProxyConfig(mode="live", upstream=endpoint), full) as proxy:
            ask(proxy, "openai-chat")
            while proxy.failure is None:
                time.sleep(0.01)
            assert ask(proxy, "openai-chat").status_code == 400

    endpoint = Endpoint(base_url=upstream.url, key=KEY)
    with pytest.raises(EnvironmentLacks, match="no room"):
        agent()
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
