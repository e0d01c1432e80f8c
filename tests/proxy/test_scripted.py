"""Scripted: a script is played over the wire, step by step, or fails in the chosen way."""

import json
import time
from collections import Counter

import httpx
import pytest

from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.scripted import FAULTS, Plan
from benchledger.runners.proxy.server import Proxy
from benchledger.schema.errors import BadInput, UnknownName
from tests.proxy.asking import PROTOCOLS, ask, body_of, events_of, key_headers, schema, text_of

EDIT = {"path": "src/sorter.py", "old": "a < b", "new": "a > b"}
SCRIPT = {
    "steps": [
        {"read": "src/sorter.py"},
        {"edit": EDIT},
        {"shell": "make test"},
        {"say": "Fixed the comparator."},
    ]
}


def tools_of(protocol):
    parameters = schema("path", "old_str", "new_str", "command")
    made = {name: {"name": name, "description": "x"} for name in ("view", "edit", "bash")}
    if protocol == "openai-chat":
        return [
            {"type": "function", "function": {**tool, "parameters": parameters}} for tool in made.values()
        ]
    if protocol == "openai-responses":
        return [{"type": "function", **tool, "parameters": parameters} for tool in made.values()]
    if protocol == "anthropic":
        return [{**tool, "input_schema": parameters} for tool in made.values()]
    told = [{**tool, "parametersJsonSchema": parameters} for tool in made.values()]
    return [{"functionDeclarations": told}]


def called(protocol, answer, *, stream):
    """Return (name, arguments) of the tool call of an answer, None where it is text."""
    events = events_of(answer) if stream else [answer.json()]
    if protocol == "openai-chat":
        found = [
            event["choices"][0]["delta" if stream else "message"] for event in events if event["choices"]
        ]
        parts = [part["tool_calls"][0]["function"] for part in found if part.get("tool_calls")]
        return (parts[0]["name"], json.loads("".join(part["arguments"] for part in parts))) if parts else None
    if protocol == "openai-responses":
        output = (events[-1]["response"] if stream else events[0])["output"]
        return next(
            (
                (item["name"], json.loads(item["arguments"]))
                for item in output
                if item["type"] == "function_call"
            ),
            None,
        )
    if protocol == "anthropic" and stream:
        blocks = [event["content_block"] for event in events if event["type"] == "content_block_start"]
        pieces = [
            event["delta"].get("partial_json", "")
            for event in events
            if event["type"] == "content_block_delta"
        ]
        return (blocks[0]["name"], json.loads("".join(pieces))) if blocks[0]["type"] == "tool_use" else None
    if protocol == "anthropic":
        block = events[0]["content"][0]
        return (block["name"], block["input"]) if block["type"] == "tool_use" else None
    part = events[0]["candidates"][0]["content"]["parts"][0].get("functionCall")
    return (part["name"], part["args"]) if part else None


def with_result(protocol, body, number):
    key = {"openai-responses": "input", "google": "contents"}.get(protocol, "messages")
    result = {
        "openai-chat": {"role": "tool", "tool_call_id": f"c{number}", "content": "ok"},
        "openai-responses": {"type": "function_call_output", "call_id": f"c{number}", "output": "ok"},
        "anthropic": {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}],
        },
        "google": {"role": "user", "parts": [{"functionResponse": {"name": "x", "response": {}}}]},
    }[protocol]
    return {**body, key: [*body[key], result]}


def scripted(calls, script=SCRIPT, **config):
    return Proxy(ProxyConfig(mode="scripted", script=script, root="/w", **config), calls.append)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_script_is_played_step_by_step_to_its_last_words(calls, protocol, stream):
    body = body_of(protocol, stream=stream, tools=tools_of(protocol))
    seen = []
    with scripted(calls) as proxy:
        for number in range(4):
            answer = ask(proxy, protocol, stream=stream, body=body)
            assert answer.status_code == 200
            seen.append(called(protocol, answer, stream=stream))
            body = with_result(protocol, body, number)
    assert seen == [
        ("view", {"path": "/w/src/sorter.py"}),
        ("edit", {"path": "/w/src/sorter.py", "old_str": "a < b", "new_str": "a > b"}),
        ("bash", {"command": "make test"}),
        None,
    ]
    assert text_of(protocol, answer) == "Fixed the comparator."
    assert [call.error for call in calls] == [None] * 4
    assert all(call.prompt_tokens and call.completion_tokens for call in calls)


def test_aider_gets_search_replace_blocks_for_all_edits_at_once(calls):
    body = body_of("openai-chat")
    body["messages"].insert(0, {"role": "system", "content": "Reply with *SEARCH/REPLACE* blocks."})
    with scripted(calls) as proxy:
        text = text_of("openai-chat", ask(proxy, "openai-chat", body=body))
    block = "<<<<<<< SEARCH\na < b\n=======\na > b\n>>>>>>> REPLACE\n```"
    assert f"src/sorter.py\n```\n{block}" in text


def test_a_shell_only_agent_ends_by_the_command_that_submits(calls):
    body = body_of("openai-chat", tools=[tools_of("openai-chat")[2]])
    commands = []
    with scripted(calls) as proxy:
        for number in range(4):
            commands.append(
                called("openai-chat", ask(proxy, "openai-chat", body=body), stream=False)[1]["command"]
            )
            body = with_result("openai-chat", body, number)
    assert commands[0] == "cat /w/src/sorter.py"
    assert commands[1].startswith("python3 -c ")
    assert commands[2:] == ["make test", "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"]


def test_a_request_for_a_title_gets_words_and_moves_no_script(calls):
    with scripted(calls) as proxy:
        assert text_of("openai-chat", ask(proxy, "openai-chat")) == "Work on the task"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_status_fault_is_answered_and_recorded_as_one_of_the_upstream(calls, protocol, status):
    with scripted(calls, {**SCRIPT, "fault": str(status), "after": 1, "times": 2}) as proxy:
        seen = [ask(proxy, protocol).status_code for _ in range(4)]
    assert seen == [200, status, status, 200]
    assert [call.status for call in calls] == seen
    assert [call.failure for call in calls] == [None, "status", "status", None]


@pytest.mark.parametrize(
    ("fault", "failure"), [("drop", "dropped"), ("truncate", "dropped"), ("refuse", "refused")]
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_fault_is_one_for_the_agent_too(calls, fault, failure, stream):
    with scripted(calls, {**SCRIPT, "fault": fault}) as proxy:
        if fault == "refuse":
            assert ask(proxy, "openai-chat", stream=stream).status_code == 502
        else:
            with pytest.raises(httpx.RemoteProtocolError):
                ask(proxy, "openai-chat", stream=stream)
    assert Counter(call.failure for call in calls) == {failure: 1}
    assert calls[0].status == (200 if fault == "truncate" else None)


def test_a_hanging_call_ends_with_the_proxy_and_quickly(calls):
    with scripted(calls, {**SCRIPT, "fault": "hang"}) as proxy:
        with pytest.raises(httpx.ReadTimeout):
            ask(proxy, "anthropic", timeout=0.3)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    # whichever was seen first: the agent that gave up, or the end
    assert calls[0].failure in {"agent_left", "closed"}
    assert calls[0].status is None


def test_refuse_after_lets_so_many_calls_pass(calls):
    with scripted(calls, {**SCRIPT, "refuse-after": 2}) as proxy:
        assert [ask(proxy, "google").status_code for _ in range(3)] == [200, 200, 502]


def test_bad_arguments_and_mere_words_are_played_as_well(calls):
    body = body_of("anthropic", tools=tools_of("anthropic"))
    with scripted(calls, {**SCRIPT, "fault": "badargs"}) as proxy:
        assert called("anthropic", ask(proxy, "anthropic", body=body), stream=False) == ("view", {"bogus": 1})
    with scripted(calls, {**SCRIPT, "fault": "text"}) as proxy:
        assert called("anthropic", ask(proxy, "anthropic", body=body), stream=False) is None


def test_models_and_token_counts_are_answered_without_an_upstream(calls):
    with scripted(calls, models=["m-1"]) as proxy:
        client = httpx.Client(
            base_url=proxy.base_url, headers=key_headers("openai-chat", proxy.token), trust_env=False
        )
        with client:
            assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["m-1"]
            assert client.get("/v1/models/other").json()["id"] == "other"
            assert client.post("/v1/messages/count_tokens", json={"a": "b" * 400}).json()["input_tokens"] > 90
            google = client.post("/v1beta/models/m-1:countTokens", json={"contents": []})
            assert google.json()["totalTokens"] > 0
    assert calls == []


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ({"step": []}, UnknownName),
        ({"steps": [{"red": "x"}]}, UnknownName),
        ({"steps": [{"read": "x", "say": "y"}]}, BadInput),
        ({"steps": [], "fault": "418"}, UnknownName),
    ],
)
def test_a_script_with_a_mistake_is_refused_by_name(script, error):
    with pytest.raises(error):
        Plan.read(script)


def test_every_fault_says_what_it_does():
    assert all(FAULTS.values())
