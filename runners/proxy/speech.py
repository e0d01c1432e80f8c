"""How each protocol spells an answer, plain and as an event stream; for scripted answers."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from benchledger.runners.proxy.fill import ToolCall
from benchledger.runners.proxy.routes import Route

PIECE = 40  # characters of one event, so that agents meet answers in pieces


@dataclass(frozen=True, slots=True)
class Said:
    """What the model says: a text, a call, or both."""

    text: str = ""
    call: ToolCall | None = None


def tokens(value: Any) -> int:
    """Return a rough count, four characters a token: scripted calls have no tokenizer."""
    return max(1, len(value if isinstance(value, str) else json.dumps(value)) // 4)


def pieces(text: str) -> Iterator[str]:
    yield from (text[at : at + PIECE] for at in range(0, len(text), PIECE))


def event(value: Any, name: str | None = None) -> bytes:
    """Return one event of a stream."""
    data = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def speak(protocol: str, body: dict[str, Any], said: Said, *, stream: bool) -> list[bytes]:
    """Return the answer as a list of events, or as one piece where no stream was asked for."""
    plain, events = _SPEAKERS[protocol](body, said)
    return list(events) if stream else [json.dumps(plain, ensure_ascii=False).encode()]


def _used(body: dict[str, Any], said: Said) -> tuple[int, int]:
    asked = {name: body[name] for name in ("messages", "input", "contents", "system") if name in body}
    return tokens(asked), tokens(said.text + (said.call.spelled if said.call else ""))


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def _chat(body: dict[str, Any], said: Said) -> tuple[dict[str, Any], Iterator[bytes]]:
    base = {"id": _id("chatcmpl"), "created": int(time.time()), "model": body.get("model")}
    prompt, completion = _used(body, said)
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    calls: list[dict[str, Any]] = []
    if said.call is not None:
        key, field = ("custom", "input") if said.call.kind == "custom" else ("function", "arguments")
        told = {"name": said.call.name, field: said.call.spelled}
        calls = [{"id": _id("call"), "type": key, key: told}]
        message["tool_calls"] = calls
    reason = "tool_calls" if calls else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    plain = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
    wants = (body.get("stream_options") or {}).get("include_usage")
    return plain, _chat_events(base, said, calls, usage if wants else None)


def _chat_events(
    base: dict[str, Any], said: Said, calls: list[dict[str, Any]], usage: dict[str, Any] | None
) -> Iterator[bytes]:
    base = {**base, "object": "chat.completion.chunk"}

    def delta(value: dict[str, Any], reason: str | None = None) -> bytes:
        return event({**base, "choices": [{"index": 0, "delta": value, "finish_reason": reason}]})

    yield delta({"role": "assistant", "content": ""})
    for piece in pieces(said.text):
        yield delta({"content": piece})
    for call in calls:
        key, field = ("custom", "input") if call["type"] == "custom" else ("function", "arguments")
        whole = key == "custom"
        start = call if whole else {**call, key: {**call[key], field: ""}}
        yield delta({"tool_calls": [{"index": 0, **start}]})
        for piece in () if whole else pieces(call[key][field]):
            yield delta({"tool_calls": [{"index": 0, key: {field: piece}}]})
    yield delta({}, "tool_calls" if calls else "stop")
    if usage is not None:
        yield event({**base, "choices": [], "usage": usage})
    yield event("[DONE]")


def _responses(body: dict[str, Any], said: Said) -> tuple[dict[str, Any], Iterator[bytes]]:
    prompt, completion = _used(body, said)
    items: list[dict[str, Any]] = []
    if said.text:
        content = [{"type": "output_text", "text": said.text, "annotations": []}]
        items.append({"type": "message", "id": _id("msg"), "role": "assistant", "content": content})
    if (call := said.call) is not None:
        made: dict[str, Any] = {"call_id": _id("call")}
        if call.kind == "local_shell":
            arguments = call.arguments if isinstance(call.arguments, dict) else {}
            action = {"type": "exec", "env": {}, **arguments}
            made |= {"type": "local_shell_call", "id": _id("lsh"), "action": action}
        elif call.kind == "custom":
            made |= {"type": "custom_tool_call", "id": _id("ctc"), "name": call.name, "input": call.spelled}
        else:
            made |= {"type": "function_call", "id": _id("fc"), "name": call.name, "arguments": call.spelled}
        items.append(made)
    items = [{**item, "status": "completed"} for item in items]
    plain = {
        "id": _id("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": body.get("model"),
        "output": items,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "temperature": None,
        "top_p": None,
        "usage": {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": completion,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + completion,
        },
    }
    return plain, _responses_events(plain)


_STREAMED = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}


def _responses_events(plain: dict[str, Any]) -> Iterator[bytes]:
    number = -1

    def say(kind: str, **told: Any) -> bytes:
        nonlocal number
        number += 1
        return event({"type": kind, "sequence_number": number, **told}, kind)

    start = {**plain, "status": "in_progress", "output": [], "usage": None}
    yield say("response.created", response=start)
    yield say("response.in_progress", response=start)
    for index, item in enumerate(plain["output"]):
        at = {"output_index": index, "item_id": item["id"]}
        field, name = _STREAMED.get(item["type"], ("content", "response.output_text"))
        empty = {field: "" if field != "content" else []} if field in item else {}
        opened = {**item, "status": "in_progress", **empty}
        yield say("response.output_item.added", output_index=index, item=opened)
        if item["type"] == "message":
            part = item["content"][0]
            at |= {"content_index": 0}
            yield say("response.content_part.added", **at, part={**part, "text": ""})
            for piece in pieces(part["text"]):
                yield say("response.output_text.delta", **at, delta=piece, logprobs=[])
            yield say("response.output_text.done", **at, text=part["text"], logprobs=[])
            yield say("response.content_part.done", **at, part=part)
        elif item["type"] in _STREAMED:
            for piece in pieces(item[field]):
                yield say(f"{name}.delta", **at, delta=piece)
            yield say(f"{name}.done", **at, **{field: item[field]})
        yield say("response.output_item.done", output_index=index, item=item)
    yield say("response.completed", response=plain)


def _anthropic(body: dict[str, Any], said: Said) -> tuple[dict[str, Any], Iterator[bytes]]:
    prompt, completion = _used(body, said)
    blocks: list[dict[str, Any]] = [{"type": "text", "text": said.text}] if said.text else []
    if said.call is not None:
        made = {"type": "tool_use", "id": _id("toolu"), "name": said.call.name, "input": said.call.arguments}
        blocks.append(made)
    plain = {
        "id": _id("msg"),
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": blocks,
        "stop_reason": "tool_use" if said.call else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": prompt,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": completion,
        },
    }
    return plain, _anthropic_events(plain)


def _anthropic_events(plain: dict[str, Any]) -> Iterator[bytes]:
    def say(kind: str, **told: Any) -> bytes:
        return event({"type": kind, **told}, kind)

    usage = plain["usage"]
    start = {**plain, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield say("message_start", message=start)
    for index, block in enumerate(plain["content"]):
        if block["type"] == "text":
            yield say("content_block_start", index=index, content_block={"type": "text", "text": ""})
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        else:
            yield say("content_block_start", index=index, content_block={**block, "input": {}})
            spelled = pieces(json.dumps(block["input"]))
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in spelled]
        for delta in deltas:
            yield say("content_block_delta", index=index, delta=delta)
        yield say("content_block_stop", index=index)
    ended = {"stop_reason": plain["stop_reason"], "stop_sequence": None}
    yield say("message_delta", delta=ended, usage={"output_tokens": usage["output_tokens"]})
    yield say("message_stop")


def _google(body: dict[str, Any], said: Said) -> tuple[dict[str, Any], Iterator[bytes]]:
    prompt, completion = _used(body, said)
    parts: list[dict[str, Any]] = [{"text": said.text}] if said.text else []
    if said.call is not None:
        parts.append({"functionCall": {"name": said.call.name, "args": said.call.arguments}})
    content = {"role": "model", "parts": parts}
    plain = {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": prompt,
            "candidatesTokenCount": completion,
            "totalTokenCount": prompt + completion,
        },
        "modelVersion": "scripted",
        "responseId": uuid.uuid4().hex,
    }
    return plain, iter([event(plain)])


_SPEAKERS = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "google": _google,
}


def helper_answer(route: Route, data: bytes, models: list[str]) -> web.Response:
    """Answer what is no model call without an upstream: the models, or a rough count of tokens."""
    if route.kind == "count":
        count = tokens(data.decode("utf-8", "replace"))
        return web.json_response({"input_tokens": count, "totalTokens": count})
    if route.protocol == "google":
        named = [{"name": f"models/{name}", "displayName": name} for name in models]
        return web.json_response({"models": named})
    told = [{"id": name, "object": "model", "type": "model", "display_name": name} for name in models]
    if route.model is not None:
        return web.json_response({"id": route.model, "object": "model", "type": "model"})
    return web.json_response({"object": "list", "data": told, "has_more": False})
