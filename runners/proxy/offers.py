"""What a request offers and how far its conversation is: tools, results so far, its text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

OfferKind = Literal["function", "custom", "local_shell"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool that the agent offers. `custom` takes free text in place of arguments."""

    name: str
    schema: dict[str, Any] = field(default_factory=dict)
    kind: OfferKind = "function"

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        found = self.schema.get("properties")
        return {name: item if isinstance(item, dict) else {} for name, item in (found or {}).items()}


def offers(protocol: str, body: dict[str, Any]) -> list[Offer]:
    """Return the tools of a request, in its order."""
    tools = body.get("tools")
    return [offer for tool in tools or () if isinstance(tool, dict) for offer in _offered(protocol, tool)]


def _offered(protocol: str, tool: dict[str, Any]) -> Iterator[Offer]:
    kind = tool.get("type")
    if protocol == "google":
        for told in tool.get("functionDeclarations") or tool.get("function_declarations") or ():
            yield _function(told, "parametersJsonSchema", "parameters")
    elif protocol == "anthropic":
        yield _function(tool, "input_schema")
    elif kind == "function":
        inner = tool.get("function")
        yield _function(inner if isinstance(inner, dict) else tool, "parameters")
    elif kind == "custom":
        inner = tool.get("custom")
        yield Offer(str((inner if isinstance(inner, dict) else tool).get("name")), kind="custom")
    elif kind == "namespace":
        for told in tool.get("tools") or ():
            yield _function(told, "parameters")
    elif kind == "local_shell":
        yield Offer("local_shell", kind="local_shell")


def _function(told: dict[str, Any], *names: str) -> Offer:
    schema: dict[str, Any] = next((told[name] for name in names if isinstance(told.get(name), dict)), {})
    return Offer(str(told.get("name")), schema)


def conversation(protocol: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a request; a bare text is none."""
    key = {"openai-responses": "input", "google": "contents"}.get(protocol, "messages")
    items = body.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def results(protocol: str, body: dict[str, Any]) -> int:
    """Return how many results of tools the conversation holds: that is where a script stands."""
    return sum(_results(protocol, item) for item in conversation(protocol, body))


def _results(protocol: str, item: dict[str, Any]) -> int:
    if protocol == "openai-chat":
        return item.get("role") == "tool"
    if protocol == "openai-responses":
        return str(item.get("type", "")).endswith("_output")
    parts = item.get("parts" if protocol == "google" else "content")
    found = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    if protocol == "google":
        return sum("functionResponse" in part for part in found)
    return sum(part.get("type") == "tool_result" for part in found)


def turns(protocol: str, body: dict[str, Any]) -> int:
    """Return how many answers of the model the conversation holds."""
    role = "model" if protocol == "google" else "assistant"
    return sum(item.get("role") == role for item in conversation(protocol, body))


def whole_text(body: dict[str, Any]) -> str:
    """Return all that a request says, to tell which dialect an agent without tools speaks."""
    told = {name: value for name, value in body.items() if name != "tools"}
    return json.dumps(told, ensure_ascii=False)
