"""What an answer says of itself: tokens, model, finish reason; plain JSON or an event stream.

Token counts are made comparable: prompt tokens include cached ones (Anthropic counts them apart),
completion tokens include reasoning (Google counts it apart). None is where the wire said nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Answer:
    """What was read so far; `finished` says that the last event of a stream was seen."""

    model: str | None = None
    fingerprint: str | None = None
    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None
    finish: str | None = None
    error: str | None = None
    started: bool = False
    finished: bool = False


class Events:
    """Splits an event stream that comes in chunks into the values of its `data:` lines."""

    def __init__(self) -> None:
        """Start before the first chunk."""
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[Any]:
        """Yield the decoded data of every event that `chunk` completes; `[DONE]` as a text."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line.startswith(b"data:"):
                yield from _decoded(line[5:].strip())

    def end(self) -> Iterator[Any]:
        """Yield what stood in an unended last line."""
        yield from self.feed(b"\n")


def _decoded(text: bytes) -> Iterator[Any]:
    if text == b"[DONE]":
        yield "[DONE]"
        return
    try:
        yield json.loads(text)
    except ValueError:
        return  # not ours to repair: the bytes are recorded as they came


def read_answer(protocol: str, data: bytes, *, stream: bool) -> Answer:
    """Read a whole answer; bytes that are no JSON leave everything None."""
    answer = Answer()
    if stream:
        events = Events()
        for value in (*events.feed(data), *events.end()):
            read_value(protocol, value, answer)
        return answer
    try:
        value = json.loads(data)
    except ValueError:
        return answer
    for item in value if isinstance(value, list) else [value]:
        read_value(protocol, item, answer)
    return answer


def read_value(protocol: str, value: Any, answer: Answer) -> None:
    """Take one event, or one plain answer, into `answer`."""
    if value == "[DONE]":
        answer.finished = True
    elif isinstance(value, dict):
        if isinstance(value.get("error"), dict | str):
            answer.error = _message(value["error"])
        _READERS[protocol](value, answer)


def _message(error: Any) -> str:
    if isinstance(error, str):
        return error[:500]
    kind = error.get("type") or error.get("status") or error.get("code")
    return ": ".join(str(part) for part in (kind, error.get("message")) if part)[:500]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None


def _text(value: Any) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _first(value: Any) -> dict[str, Any]:
    return _dict(value[0]) if isinstance(value, list) and value else {}


def _chat(value: dict[str, Any], answer: Answer) -> None:
    answer.model = _text(value.get("model")) or answer.model
    answer.fingerprint = _text(value.get("system_fingerprint")) or answer.fingerprint
    choice = _first(value.get("choices"))
    said = _dict(choice.get("delta") or choice.get("message"))
    spoken = ("content", "tool_calls", "reasoning_content", "reasoning", "refusal")
    answer.started = answer.started or any(said.get(name) for name in spoken)
    if reason := _text(choice.get("finish_reason")):
        answer.finish = reason
        answer.finished = True  # not every server ends with [DONE]
    usage = _dict(value.get("usage"))
    if usage:
        answer.prompt = _count(usage.get("prompt_tokens"))
        answer.completion = _count(usage.get("completion_tokens"))
        answer.cached = _count(_dict(usage.get("prompt_tokens_details")).get("cached_tokens"))


def _responses(value: dict[str, Any], answer: Answer) -> None:
    kind = str(value.get("type") or "")
    answer.started = answer.started or kind.endswith(".delta")
    response = _dict(value.get("response")) if kind.startswith("response.") else value
    answer.model = _text(response.get("model")) or answer.model
    if kind in {"response.completed", "response.incomplete", "response.failed"} or "output" in value:
        answer.finished = True
        reason = _dict(response.get("incomplete_details")).get("reason")
        answer.finish = _text(reason) or _text(response.get("status"))
    if isinstance(response.get("error"), dict):
        answer.error = _message(response["error"])
    if kind == "error":
        answer.error = _message(value)
    usage = _dict(response.get("usage"))
    if usage:
        answer.prompt = _count(usage.get("input_tokens"))
        answer.completion = _count(usage.get("output_tokens"))
        answer.cached = _count(_dict(usage.get("input_tokens_details")).get("cached_tokens"))


def _anthropic(value: dict[str, Any], answer: Answer) -> None:
    kind = value.get("type")
    message = _dict(value.get("message")) if kind == "message_start" else value
    answer.model = _text(message.get("model")) or answer.model
    answer.started = answer.started or kind == "content_block_delta"
    answer.finished = answer.finished or kind in {"message_stop", "message"}
    reason = _dict(value.get("delta")).get("stop_reason") or message.get("stop_reason")
    answer.finish = _text(reason) or answer.finish
    usage = _dict(message.get("usage"))
    read, made = (
        _count(usage.get("cache_read_input_tokens")),
        _count(usage.get("cache_creation_input_tokens")),
    )
    if (sent := _count(usage.get("input_tokens"))) is not None:
        answer.prompt = sent + (read or 0) + (made or 0)
    answer.cached = read if read is not None else answer.cached
    if (written := _count(usage.get("output_tokens"))) is not None:
        answer.completion = written


def _google(value: dict[str, Any], answer: Answer) -> None:
    answer.model = _text(value.get("modelVersion")) or answer.model
    candidate = _first(value.get("candidates"))
    answer.started = answer.started or bool(_dict(candidate.get("content")).get("parts"))
    if reason := _text(candidate.get("finishReason")) or _text(
        _dict(value.get("promptFeedback")).get("blockReason")
    ):
        answer.finish, answer.finished = reason, True
    usage = _dict(value.get("usageMetadata"))
    if usage:
        answer.prompt = _count(usage.get("promptTokenCount"))
        answer.cached = _count(usage.get("cachedContentTokenCount"))
        written, thought = _count(usage.get("candidatesTokenCount")), _count(usage.get("thoughtsTokenCount"))
        if written is not None or thought is not None:
            answer.completion = (written or 0) + (thought or 0)


_READERS = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "google": _google,
}
