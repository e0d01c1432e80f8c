"""doctor --endpoint: what it prints, what it leaves with, and what it never shows."""

import pytest

from tests.cli.calls import answer, call, refused
from tests.cli.test_shapes import MAYBE, MAYBE_TEXT, TEXT, holds
from tests.proxy.upstream import KEY
from tests.runners.endpoints import answering, failing, missing, only, spoken

MAYBE_BOOL = (bool, type(None))
REPORT = dict(url=TEXT, model=TEXT, model_source=TEXT, served=list, protocols=list, agents=list)
PROTOCOL = dict(
    protocol=TEXT, state=TEXT, reason=MAYBE_TEXT, status=(int, type(None)), detail=TEXT, latency_ms=MAYBE
)
KNOWN = ("streaming", "usage", "stream_usage", "tools")
AGENT = dict(agent=TEXT, version=TEXT, protocols=list, protocol=MAYBE_TEXT, state=TEXT)


def test_the_report_has_its_documented_shape():
    with answering(only("anthropic", "google")) as server:
        said = answer("doctor", "--endpoint", server.url, "--model", "m")
    holds(said, REPORT)
    assert set(said) == {*REPORT, "listed"}
    for item in said["protocols"]:
        holds(item, PROTOCOL)
        assert set(item) == {*PROTOCOL, *KNOWN}
        assert all(isinstance(item[name], MAYBE_BOOL) for name in KNOWN)
    for item in said["agents"]:
        holds(item, AGENT)
        assert set(item) == set(AGENT)
    assert said["served"] == ["anthropic", "google"]
    states = {item["agent"]: item["state"] for item in said["agents"]}
    assert states["claude-code"] == states["gemini-cli"] == states["nop"] == "supported"
    assert states["codex"] == states["aider"] == "unsupported(protocol)"


def test_the_table_names_protocols_and_agents():
    with answering(only("openai-chat")) as server:
        said = call("doctor", "--endpoint", f"{server.url}/", "--model", "m").stdout
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line}
    assert said.startswith(f"endpoint {server.url}, model m\n")
    assert lines["openai-chat"][1:6] == ["served", "yes", "yes", "yes", "unknown"]
    assert lines["anthropic"][1] == "absent"
    assert lines["aider"][2:] == ["supported", "openai-chat"]
    assert lines["codex"][2:] == ["unsupported(protocol)", "openai-responses"]


def test_a_model_that_was_not_named_is_said_to_be_the_first_listed():
    def listing(asked):
        return (
            (200, "application/json", '{"data": [{"id": "m-7"}]}') if asked.method == "GET" else spoken(asked)
        )

    with answering(listing) as server:
        said = call("doctor", "--endpoint", server.url).stdout
    assert "model m-7, the first of 1 that it lists (--model names another)" in said


def test_an_endpoint_that_does_not_answer_leaves_with_three():
    with answering(missing) as server:
        url = server.url
    assert "see that it runs" in refused("doctor", "--endpoint", url, "--model", "m", code=3)
    with answering(lambda _: "hang") as server:
        hung = refused("doctor", "--endpoint", server.url, "--model", "m", "--timeout", "0.2", code=3)
    assert "no answer within 0.2 s; see that a model is loaded" in hung


def test_an_endpoint_that_serves_nothing_leaves_with_three_after_its_table():
    with answering(failing(429, "slow down")) as server:
        result = call("doctor", "--endpoint", server.url, "--model", "m", code=3)
        said = answer("doctor", "--endpoint", server.url, "--model", "m", code=3)
    assert "429: slow down" in result.stdout
    assert result.stderr.count("\n") == 1
    assert "wait for its limit to end" in result.stderr
    assert {item["reason"] for item in said["protocols"]} == {"rate_limit"}
    states = {item["state"] for item in said["agents"] if item["protocols"]}
    assert states == {"unsupported(protocol)"}


def test_the_key_is_sent_and_never_printed(monkeypatch):
    monkeypatch.setenv("THE_KEY", f" {KEY}\n")

    def echo(asked):
        given = asked.headers.get("authorization", "")
        return failing(401, f"{given} is unknown")(asked)

    with answering(echo) as server:
        arguments = ("doctor", "--endpoint", server.url, "--key-env", "THE_KEY", "--model", "m")
        for result in (call(*arguments, code=3), call(*arguments, "--json", code=3)):
            assert KEY not in result.output
        # four protocols are asked at once, and come in any order
        assert f"Bearer {KEY}" in {each.headers.get("authorization") for each in server.seen}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--model", "m"], 2, "--model describes an endpoint, and none is given; add --endpoint URL"),
        (["--key-env", "X"], 2, "--key-env describes an endpoint"),
        (["--endpoint", "host"], 2, "write https://host"),
        (["--endpoint", "http://127.0.0.1:9", "--header", "sk-canary"], 2, "--header takes NAME=VALUE"),
        (["--endpoint", "http://127.0.0.1:9", "--query", "a=\n"], 2, "--query takes NAME=VALUE"),
        (["--endpoint", "http://127.0.0.1:9", "--key-env", "sk-canary"], 3, "give its name, not the key"),
    ],
)
def test_a_wrong_call_is_told_so_without_repeating_a_credential(arguments, code, said):
    line = refused("doctor", *arguments, code=code)
    assert said in line
    assert "canary" not in line


@pytest.mark.parametrize("key", ["two\nlines", "gr\u00fcn"])
def test_a_key_that_no_header_can_carry_is_refused(monkeypatch, key):
    monkeypatch.setenv("THE_KEY", key)
    line = refused("doctor", "--endpoint", "http://127.0.0.1:9", "--key-env", "THE_KEY", code=2)
    assert "export it anew" in line
    assert key not in line
