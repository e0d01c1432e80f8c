"""Answers and messages of every protocol as readable texts, and no shape that upsets the reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.ledger.web.cell.answers import TEXT, pretty, read_answer, read_message
from benchledger.runners.proxy.fill import ToolCall
from benchledger.runners.proxy.speech import Said, speak
from tests.proxy.asking import PROTOCOLS

TALK = "I shall fix the comparator, and then run the tests again: " * 3
CALL = ToolCall("run_shell", {"command": "make test && echo 'done'"})

keys = st.sampled_from(
    [
        *(
            "type",
            "choices",
            "delta",
            "message",
            "content",
            "tool_calls",
            "function",
            "name",
            "arguments",
            "index",
        ),
        *("candidates", "parts", "text", "functionCall", "args", "output", "item", "error", "content_block"),
        *(
            "id",
            "item_id",
            "partial_json",
            "thinking",
            "summary",
            "action",
            "role",
            "input",
            "custom",
            "response",
        ),
    ]
)
words = st.sampled_from(
    [
        *(
            "message",
            "content_block_start",
            "content_block_delta",
            "tool_use",
            "tool_result",
            "function_call",
        ),
        *(
            "response.output_text.delta",
            "response.output_item.added",
            "response.failed",
            "reasoning",
            "x_call",
        ),
        *("response.function_call_arguments.delta", "text", "custom_tool_call", "local_shell_call"),
    ]
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=20,
)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_text_and_tool_call_of_every_protocol_are_read(protocol, stream):
    data = b"".join(speak(protocol, {"model": "m-1"}, Said(TALK, CALL), stream=stream))
    answer = read_answer(data)
    assert answer["kind"] == ("stream" if stream else "json")
    said, called = answer["said"]
    assert (said["kind"], said["text"]) == ("text", TALK)
    assert (called["kind"], called["name"]) == ("tool", "run_shell")
    assert json.loads(called["text"]) == CALL.arguments


def test_thoughts_refusals_and_errors_are_told_apart():
    chat = {"choices": [{"message": {"reasoning_content": "hm", "refusal": "no", "content": "I will not"}}]}
    assert [item["kind"] for item in read_answer(json.dumps(chat).encode())["said"]] == [
        *("thought", "text", "refusal")
    ]
    (error,) = read_answer(b'{"error": {"message": "too many", "type": "rate_limit"}}')["said"]
    assert error["kind"] == "error"
    assert "too many" in error["text"]
    stream = b'event: x\ndata: {"type":"content_block_delta","delta":{"thinking":"a"}}\n\ndata: no json\n\n'
    assert read_answer(stream)["said"] == [{"kind": "thought", "name": None, "text": "a", "cut": False}]


def test_what_is_no_answer_is_a_text():
    for data in (b"", b"<html>502</html>", b'{"cut": ', b"[" * 100_000, b"\xff\xfe"):
        assert read_answer(data) == {"kind": "text", "said": []}


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"role": "user", "content": "fix it"}, [("text", None, "fix it")]),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]},
            [("text", None, "a"), ("text", None, "b")],
        ),
        (
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": "ok"}}]},
            [("result", "f", "ok")],
        ),
        (
            {"role": "user", "content": [{"type": "tool_result", "content": "7 passed"}]},
            [("result", None, "7 passed")],
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
            [("tool", "f", "{}")],
        ),
        ({"type": "function_call_output", "output": "done"}, [("result", None, "done")]),
        (
            {"type": "custom_tool_call", "name": "patch", "input": "*** Begin"},
            [("tool", "patch", "*** Begin")],
        ),
        ("no message", []),
    ],
)
def test_messages_of_every_protocol_are_read(message, wanted):
    assert [(item["kind"], item["name"], item["text"]) for item in read_message(message)] == wanted


@settings(max_examples=400)
@given(values, st.booleans())
def test_no_shape_upsets_the_reader(value, streamed):
    spelled = json.dumps(value)
    data = f"data: {spelled}\n\ndata: {spelled}\n\n" if streamed else spelled
    for item in [*read_answer(data.encode())["said"], *read_message(value)]:
        assert item.keys() == {"kind", "name", "text", "cut"}
        assert isinstance(item["text"], str)
        assert item["name"] is None or isinstance(item["name"], str)


@pytest.mark.parametrize("depth", [100, 300, 900])
def test_deep_nesting_is_shown_or_said(depth):
    nested = "[" * depth + "]" * depth
    answer = read_answer(
        f'{{"choices":[{{"message":{{"content":[{{"type":"odd","x":{nested}}}]}}}}]}}'.encode()
    )
    assert answer["kind"] == "text" or answer["said"][0]["text"]
    assert pretty(json.loads(nested))[0]


def test_long_answers_have_a_bound_and_say_so():
    data = json.dumps(
        {"choices": [{"message": {"content": "x" * 100_000, "tool_calls": [{}] * 9000}}]}
    ).encode()
    (said,) = read_answer(data)["said"]
    assert (len(said["text"]), said["cut"]) == (TEXT, True)
    event = b'data: {"type":"response.output_text.delta","delta":"abcdefgh"}\n\n'
    (said,) = read_answer(event * 50_000)["said"]
    assert (len(said["text"]), said["cut"]) == (TEXT, True)
