"""What an endpoint is asked: with which key and headers, for which model, all at the same time."""

import json
import re
import threading

import pytest

from benchledger.runners.endpoint import probe, shown_url
from benchledger.runners.proxy.config import Upstream
from benchledger.runners.proxy.routes import PROTOCOLS
from benchledger.schema.errors import EnvironmentLacks, UnknownName, UsageError
from tests.proxy.upstream import KEY
from tests.runners.endpoints import JSON, answering, asked, failing, missing, only, spoken


@pytest.mark.parametrize("key", [KEY, "k3y"])
def test_no_key_is_ever_in_a_report(key):
    def echo(asked):
        given = asked.headers.get("authorization") or asked.headers.get("x-api-key")
        given = given or asked.headers.get("x-goog-api-key")
        return failing(401, f"the key {given} with {asked.query} is wrong")(asked)

    _, report = asked(echo, key=key, query={"code": "0123456789abcdef-canary"})
    text = json.dumps(report.to_json()) + str(report.lack()) + repr(report)
    assert key not in text
    assert "canary" not in text
    assert text.count("[masked") >= 4


def test_every_request_carries_what_the_endpoint_wants():
    upstream = {
        "key": "the-key-of-azure",
        "key_header": "api-key",
        "headers": {"X-Team": "seven"},
        "query": {"api-version": "2026-01-01"},
        "version": "",
    }
    with answering(spoken) as server:
        probe(Upstream(base_url=f"{server.url}/deployment/x", **upstream), "m")
        seen = server.seen
    assert len(seen) == 12
    for request in seen:
        assert request.headers["api-key"] == "the-key-of-azure"
        assert request.headers["x-team"] == "seven"
        assert "api-version=2026-01-01" in request.query
        assert "authorization" not in request.headers
    assert {"/deployment/x/chat/completions", "/deployment/x/models/m:generateContent"} < {
        r.path for r in seen
    }


LISTS = {
    "openai-chat": {"data": [{"id": "m-1"}, {"id": "m-2"}]},
    "google": {
        "models": [
            {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
            {"name": "models/m-1", "supportedGenerationMethods": ["generateContent"]},
            {"name": "models/m-2", "supportedGenerationMethods": ["generateContent"]},
        ]
    },
}


@pytest.mark.parametrize(
    ("family", "path", "header"),
    [
        ("openai-chat", "/v1/models", "authorization"),
        ("openai-chat", "/v1/models", "anthropic-version"),
        ("google", "/v1beta/models", "x-goog-api-key"),
    ],
)
def test_without_a_model_the_first_that_is_listed_is_asked(family, path, header):
    def answer(asked):
        if asked.protocol is not None:
            return spoken(asked)
        fits = asked.path == path and header in asked.headers
        return (200, JSON, json.dumps(LISTS[family])) if fits else missing(asked)

    _, report = asked(answer, None, key=KEY)
    assert (report.model, report.model_source, report.listed) == ("m-1", "listed", 2)


def test_a_long_list_of_models_is_read_whole():
    models = [{"id": f"m-{number}", "about": "x" * 2000} for number in range(1000)]

    def answer(asked):
        return spoken(asked) if asked.protocol else (200, JSON, json.dumps({"data": models}))

    _, report = asked(answer, None)
    assert (report.model, report.listed) == ("m-0", 1000)


def test_where_no_model_is_listed_one_has_to_be_named():
    with pytest.raises(UsageError, match="names no models; name one with --model"):
        asked(only(*PROTOCOLS), None)
    with pytest.raises(EnvironmentLacks, match="names no models: 401: no; give the right key"):
        asked(failing(401), None)


def test_protocols_are_asked_at_the_same_time():
    together = threading.Barrier(4)

    def answer(asked):
        if not asked.stream and not asked.tools:
            together.wait(timeout=10)  # breaks, and nothing is served, if one waits for the other
        return spoken(asked)

    assert asked(answer)[1].served == PROTOCOLS


def test_a_preflight_asks_only_what_it_needs():
    with answering(spoken) as server:
        upstream = Upstream(base_url=server.url)
        report = probe(upstream, "m", protocols=("anthropic", "google"), details=False)
        assert report.served == ("anthropic", "google")
        assert len(server.seen) == 2
        with pytest.raises(UnknownName, match="did you mean 'anthropic'"):
            probe(upstream, "m", protocols=("antropic",))


@pytest.mark.parametrize(
    "url", ["", "host:80", "ftp://host", "http://", "http://h:x/", "https://h/?key=1", "http://ann:pw@h/"]
)
def test_what_is_no_plain_url_is_refused_without_repeating_it(url):
    with pytest.raises(UsageError) as caught:
        probe(Upstream(base_url=url), "m")
    assert not {"ftp", "key=1", "ann", "pw"} & set(re.split(r"[/:@?]", str(caught.value)))


def test_a_url_is_shown_in_one_form():
    assert shown_url("https://Host:8443/v1/") == "https://host:8443/v1"
    assert shown_url("http://[::1]:80") == "http://[::1]:80"
