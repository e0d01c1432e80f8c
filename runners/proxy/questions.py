"""The smallest question of each protocol: in words, as a stream, with a tool; and whether the tool was called.

A question is a route with the bodies to try, best first: servers differ in the names that they accept,
and a body that is refused for its form (400, 422) is asked again in the next one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from benchledger.runners.proxy.routes import Route

__all__ = ["MAX_TOKENS", "Question", "Want", "called_tool", "model_lists", "models_of", "question"]

MAX_TOKENS = 16
Want = Literal["words", "stream", "tool"]
_WORDS = "Answer with the word ok."
_CALL = "Call the tool `shell` with the command `true`."
_ABOUT = "Runs a command."
_SCHEMA = {
    "type": "object",
    "properties": {"command": {"type": "string", "description": "the command"}},
    "required": ["command"],
}
_TOOL = {"name": "shell", "description": _ABOUT}


@dataclass(frozen=True, slots=True)
class Question:
    """What to send: `bodies` in the order to try, None for a GET."""

    route: Route
    bodies: tuple[dict[str, Any] | None, ...]
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


def question(protocol: str, model: str, want: Want) -> Question:
    """Return the question of a protocol to a model."""
    return _ASKERS[protocol](model, want)


def model_lists() -> Iterator[Question]:
    """Yield what asks for the list of models, as each family of protocols does."""
    for protocol in ("openai-chat", "anthropic", "google"):
        yield Question(Route(protocol, "models", "/models"), (None,), _headers(protocol))


def _headers(protocol: str) -> dict[str, str]:
    return {"anthropic-version": "2023-06-01"} if protocol == "anthropic" else {}


def _chat(model: str, want: Want) -> Question:
    base: dict[str, Any] = {"model": model, "messages": _messages(want)}
    if want == "tool":
        base["tools"] = [{"type": "function", "function": {**_TOOL, "parameters": _SCHEMA}}]
    # models that think refuse the old name, most servers do not know the new one
    bodies = [{**base, name: MAX_TOKENS} for name in ("max_tokens", "max_completion_tokens")]
    if want == "stream":
        streamed = [{**body, "stream": True} for body in bodies]
        usage = {"stream_options": {"include_usage": True}}
        bodies = [*({**body, **usage} for body in streamed), *streamed]
    return Question(Route("openai-chat", "call", "/chat/completions"), tuple(bodies))


def _responses(model: str, want: Want) -> Question:
    body: dict[str, Any] = {"model": model, "input": _messages(want), "max_output_tokens": MAX_TOKENS}
    if want == "tool":
        body["tools"] = [{"type": "function", **_TOOL, "parameters": _SCHEMA}]
    body |= {"stream": True} if want == "stream" else {}
    return Question(Route("openai-responses", "call", "/responses"), (body,))


def _anthropic(model: str, want: Want) -> Question:
    body: dict[str, Any] = {"model": model, "messages": _messages(want), "max_tokens": MAX_TOKENS}
    if want == "tool":
        body["tools"] = [{**_TOOL, "input_schema": _SCHEMA}]
    body |= {"stream": True} if want == "stream" else {}
    return Question(Route("anthropic", "call", "/messages"), (body,), _headers("anthropic"))


def _google(model: str, want: Want) -> Question:
    body: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": _asked(want)}]}],
        "generationConfig": {"maxOutputTokens": MAX_TOKENS},
    }
    if want == "tool":
        body["tools"] = [{"functionDeclarations": [{**_TOOL, "parameters": _SCHEMA}]}]
    action = "streamGenerateContent" if want == "stream" else "generateContent"
    route = Route("google", "call", f"/models/{quote(model, safe='/:@')}:{action}", model)
    return Question(route, (body,), query={"alt": "sse"} if want == "stream" else {})


_ASKERS = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "google": _google,
}


def _asked(want: Want) -> str:
    return _CALL if want == "tool" else _WORDS


def _messages(want: Want) -> list[dict[str, str]]:
    return [{"role": "user", "content": _asked(want)}]


def called_tool(protocol: str, value: Any) -> bool:
    """Return whether a plain answer, decoded, calls a tool."""
    if protocol == "openai-chat":
        return bool(_get(value, "choices", 0, "message", "tool_calls"))
    if protocol == "google":
        parts = _get(value, "candidates", 0, "content", "parts")
        return any(_get(part, "functionCall") for part in _listed(parts))
    field_, kind = ("output", "function_call") if protocol == "openai-responses" else ("content", "tool_use")
    return any(_get(item, "type") == kind for item in _listed(_get(value, field_)))


def _get(value: Any, *path: str | int) -> Any:
    for key in path:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and len(value) > key:
            value = value[key]
        else:
            return None
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def models_of(value: Any) -> list[str]:
    """Return the ids in a decoded list of models, in its order; of Google's those that generate."""
    named = [_get(item, "id") for item in _listed(_get(value, "data"))]
    for item in _listed(_get(value, "models")):
        methods = _get(item, "supportedGenerationMethods")
        name = _get(item, "name")
        if isinstance(name, str) and (methods is None or "generateContent" in _listed(methods)):
            named.append(name.removeprefix("models/"))
    return [name for name in named if isinstance(name, str) and name]
