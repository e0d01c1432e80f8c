"""What an endpoint serves is found out by asking real servers, good, narrow and broken."""

import time

import pytest

from benchledger.runners.agents.files import load_agents
from benchledger.runners.endpoint import probe, support
from benchledger.runners.proxy.config import ProxyConfig, Upstream
from benchledger.runners.proxy.routes import PROTOCOLS
from benchledger.runners.proxy.server import Proxy
from benchledger.schema.errors import EnvironmentLacks
from tests.proxy.upstream import KEY, serving
from tests.runners.endpoints import JSON, STREAM, answering, asked, failing, missing, only, saying, spoken


def test_the_scripted_proxy_serves_all_four_protocols_with_streams_usage_and_tools():
    calls = []
    config = ProxyConfig(mode="scripted", script={"steps": [{"shell": "true"}]}, models=["m-9", "m-10"])
    with Proxy(config, calls.append) as proxy:
        report = probe(Upstream(base_url=proxy.base_url, key=proxy.token))
    assert report.served == PROTOCOLS
    assert (report.model, report.model_source, report.listed) == ("m-9", "listed", 2)
    for item in report.protocols:
        assert (item.streaming, item.usage, item.stream_usage, item.tools) == (True, True, True, True)
    assert len(calls) == 12
    assert report.lack() is None


def test_a_foreign_server_is_asked_for_at_most_sixteen_tokens_each_time():
    with serving() as upstream:
        report = probe(Upstream(base_url=upstream.url, key=KEY), "m-1")
        bodies = [body for method, _, _, body in upstream.seen if method == "POST"]
    assert report.served == PROTOCOLS
    assert [item.tools for item in report.protocols] == [None] * 4  # it answers in words
    names = ("max_tokens", "max_output_tokens")
    limits = [next((body[name] for name in names if name in body), None) for body in bodies]
    told = [
        limit or body["generationConfig"]["maxOutputTokens"]
        for limit, body in zip(limits, bodies, strict=True)
    ]
    assert told == [16] * 12


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_endpoint_of_one_protocol_allows_the_agents_that_speak_it(protocol):
    found, report = asked(only(protocol))
    assert report.served == (protocol,)
    assert {item.reason for name, item in found.items() if name != protocol} == {"no_path"}
    agents = load_agents().values()
    said = {item.agent: item for item in support(agents, report.served)}
    for spec in agents:
        fits = protocol in spec.protocols or not spec.uses_model
        assert said[spec.name].state == ("supported" if fits else "unsupported(protocol)")
        assert said[spec.name].protocol == (protocol if protocol in spec.protocols else None)


@pytest.mark.parametrize(
    ("answer", "state", "reason", "step"),
    [
        (failing(401), "refused", "auth", "--key-env"),
        (failing(403), "refused", "auth", "--key-env"),
        (failing(402), "refused", "auth", "--key-env"),
        (failing(429), "refused", "rate_limit", "wait for its limit"),
        (failing(500), "refused", "upstream", "its own log"),
        (failing(503), "refused", "upstream", "its own log"),
        (failing(400, "temperature is missing"), "refused", "bad_request", "another model"),
        (failing(404, "no such model", code="model_not_found"), "refused", "model", "--model"),
        (failing(404, "models/m is not found for API version v1beta"), "refused", "model", "--model"),
        (failing(404, "/v1beta/models/m:generateContent"), "absent", "no_path", "--path-version"),
        (missing, "absent", "no_path", "--path-version"),
        (failing(405), "absent", "no_path", "--path-version"),
        (failing(307), "absent", "redirect", "redirects to"),
        (failing(200), "refused", "upstream", "its own log"),
        (
            saying(200, "text/html", "<p>welcome</p>"),
            "absent",
            "dialect",
            "the URL is that of the API",
        ),
        (saying(200, JSON, "[" * 100_000), "absent", "dialect", "the URL is that of the API"),
        (saying(200, JSON, " " * (3 << 20)), "absent", "dialect", "the URL is that of the API"),
    ],
)
def test_why_nothing_is_served_is_said_with_the_next_step(answer, state, reason, step):
    found, report = asked(answer)
    assert {(item.state, item.reason) for item in found.values()} == {(state, reason)}
    assert report.served == ()
    lack = report.lack()
    assert isinstance(lack, EnvironmentLacks)
    assert step in lack.hint
    assert "serves no protocol to m" in lack.message


def test_the_most_telling_reason_is_the_one_that_is_said():
    def mixed(asked):
        return failing(401, "bad key")(asked) if asked.protocol == "google" else missing(asked)

    _, report = asked(mixed)
    assert "401: bad key" in report.lack().message


def test_an_endpoint_that_hangs_is_left_after_the_time_limit():
    start = time.monotonic()
    with pytest.raises(EnvironmentLacks, match=r"does not answer: no answer within 0\.3 s") as caught:
        asked(lambda _: "hang", timeout_s=0.3)
    assert time.monotonic() - start < 5
    assert "--timeout" in caught.value.hint


def test_an_answer_without_end_is_cut():
    # not by the time limit, which would make it silent
    found, _ = asked(lambda _: "flood", timeout_s=60)
    assert {(item.state, item.reason) for item in found.values()} == {("absent", "dialect")}


@pytest.mark.parametrize("model", [None, "m"])
def test_nobody_who_listens_is_no_endpoint(model):
    with answering(missing) as server:
        url = server.url
    with pytest.raises(EnvironmentLacks, match="does not answer") as caught:
        probe(Upstream(base_url=url), model)
    assert "see that it runs" in caught.value.hint


def test_one_protocol_that_hangs_does_not_hide_the_others():
    def answer(asked):
        return "hang" if asked.protocol == "anthropic" else spoken(asked)

    found, report = asked(answer, timeout_s=1.0)
    assert report.served == ("openai-chat", "openai-responses", "google")
    assert (found["anthropic"].state, found["anthropic"].reason) == ("silent", "hang")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_endpoint_that_never_says_its_usage_is_found(protocol):
    found, _ = asked(lambda asked: spoken(asked, usage=False))
    assert (found[protocol].streaming, found[protocol].usage, found[protocol].stream_usage) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_endpoint_that_answers_a_stream_in_one_piece_does_not_stream(protocol):
    found, report = asked(lambda asked: spoken(asked, stream=False))
    assert (found[protocol].streaming, found[protocol].stream_usage) == (False, None)
    assert report.served == PROTOCOLS


def test_a_stream_without_its_end_is_none():
    def answer(asked):
        status, kind, text = spoken(asked)
        return status, kind, text[: len(text) // 3] if kind == STREAM else text

    found, _ = asked(answer)
    assert [item.streaming for item in found.values()] == [False] * 4


def test_tools_that_are_refused_are_told_from_a_limit_that_hides_them():
    found, _ = asked(lambda asked: failing(400)(asked) if asked.tools else spoken(asked))
    assert [item.tools for item in found.values()] == [False] * 4
    found, _ = asked(lambda asked: failing(429)(asked) if asked.tools or asked.stream else spoken(asked))
    assert {(item.state, item.tools, item.streaming) for item in found.values()} == {("served", None, None)}


def test_a_model_that_wants_the_new_name_of_the_token_limit_is_served():
    def answer(asked):
        return (
            failing(400, "use max_completion_tokens")(asked) if "max_tokens" in asked.body else spoken(asked)
        )

    found, _ = asked(answer)
    assert (found["openai-chat"].state, found["openai-chat"].streaming) == ("served", True)
    assert found["openai-chat"].stream_usage is True


def test_a_model_that_thinks_until_its_tokens_are_gone_is_served():
    spent = failing(400, "Could not finish the message because max_tokens or model output limit was reached.")
    found, report = asked(spent)
    assert report.served == PROTOCOLS
    known = {(item.streaming, item.usage, item.stream_usage, item.tools) for item in found.values()}
    assert known == {(None, None, None, None)}
    assert "output limit" in found["openai-chat"].detail


def test_a_server_that_does_not_know_stream_options_still_streams():
    def answer(asked):
        return failing(422)(asked) if "stream_options" in asked.body else spoken(asked)

    found, _ = asked(answer)
    assert (found["openai-chat"].streaming, found["openai-chat"].stream_usage) == (True, False)
