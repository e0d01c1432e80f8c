"""What a model said, made readable: the joined text of a stream of events, of plain JSON, of a message.

    bytes -> values (JSON, or the data of server-sent events) -> Said {kind, name, text}

Told apart by shape and not by protocol, because foreign records may name any: OpenAI chat and
responses, Anthropic messages, Google generateContent. Everything may be hostile and anything may be
missing; what is not understood is left to the raw text, which the pages link to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["TEXT", "Said", "pretty", "read_answer", "read_message"]

TEXT = 8_192  # characters of what is shown of one answer or message
_ITEMS = 40
_DELTAS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "thought",
    "response.reasoning_summary_text.delta": "thought",
}

Said = dict[str, Any]


def read_answer(data: bytes) -> dict[str, Any]:
    """Return {kind, said} of a recorded response: kind is json, stream or text.

    `said` are items {kind, name, text}: text, thought, tool (a call, with its arguments), refusal, error.
    """
    start = data.lstrip()[:6]
    if start.startswith((b"{", b"[")):
        value = _json(data)
        if value is None:
            return {"kind": "text", "said": []}
        heard = _Heard()
        for item in value if isinstance(value, list) else [value]:
            heard.take(item)
        return {"kind": "json", "said": heard.items}
    if start.startswith((b"data:", b"event:", b":")):
        heard = _Heard(streamed=True)
        for item in _events(data):
            heard.take(item)
        return {"kind": "stream", "said": heard.items}
    return {"kind": "text", "said": []}


def read_message(value: Any) -> list[Said]:
    """Return what stands in one message of a request: its texts, calls and results."""
    heard = _Heard()
    message = _dict(value)
    if message.get("type") in (None, "message"):
        heard.add("thought", message.get("reasoning_content") or message.get("reasoning"))
        heard.content(message.get("content") or message.get("parts"))
        heard.calls(message.get("tool_calls"))
    else:
        heard.item(message)
    return heard.items


def pretty(value: Any, most: int = TEXT) -> tuple[str, bool]:
    """Return (indented JSON, at most so many characters; whether it was cut)."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)", True
    return text[:most], len(text) > most


def _events(data: bytes) -> Iterator[Any]:
    for line in data.split(b"\n"):
        if line.startswith(b"data:"):
            value = _json(line[5:])
            if value is not None:
                yield value


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else pretty(value)[0]


class _Heard:
    """Joins the pieces of an answer; pieces of one item have one key."""

    def __init__(self, *, streamed: bool = False) -> None:
        self.items: list[Said] = []
        self._streamed = streamed
        self._keys: dict[tuple[str, Any], Said] = {}

    def add(self, kind: str, text: Any, key: Any = None, name: Any = None) -> None:
        """Add a piece to the item of its key, or to the last one of its kind where it has none."""
        if text in (None, "", [], {}) and name is None:
            return
        place = kind, key if isinstance(key, int | str) else None
        item = self._keys.get(place)
        if item is None:
            if len(self.items) >= _ITEMS:
                return
            item = {"kind": kind, "name": name if isinstance(name, str) else None, "text": "", "cut": False}
            self._keys[place] = item
            self.items.append(item)
        piece = "" if text is None else _spelled(text)
        room = TEXT - len(item["text"])
        item["cut"] = item["cut"] or len(piece) > room
        item["text"] += piece[:room]

    def alone(self, kind: str, text: Any, name: Any = None) -> None:
        """Add an item of its own."""
        self.add(kind, text, f"alone {len(self.items)}", name)

    def piece(self, kind: str, text: Any) -> None:
        """Add what a stream says in pieces, and another answer as items of their own."""
        if self._streamed:
            self.add(kind, text)
        else:
            self.alone(kind, text)

    def take(self, value: Any) -> None:
        """Take one event of a stream, or one plain answer."""
        found = _dict(value)
        if found.get("error"):
            self.alone("error", found["error"])
        for choice in _list(found.get("choices"))[:1]:
            said = _dict(_dict(choice).get("delta")) or _dict(_dict(choice).get("message"))
            self.chat(said)
        for candidate in _list(found.get("candidates"))[:1]:
            self.content(_dict(_dict(candidate).get("content")).get("parts"))
        self.event(found, str(found.get("type") or ""))

    def chat(self, said: dict[str, Any]) -> None:
        self.add("thought", said.get("reasoning_content") or said.get("reasoning"))
        if isinstance(said.get("content"), list):
            self.content(said["content"])
        else:
            self.add("text", said.get("content"))
        self.add("refusal", said.get("refusal"))
        self.calls(said.get("tool_calls"))

    def calls(self, value: Any) -> None:
        for place, call in enumerate(_list(value)[:_ITEMS]):
            made = _dict(_dict(call).get("function")) or _dict(_dict(call).get("custom"))
            key = _dict(call).get("index", place)
            self.add("tool", made.get("arguments") or made.get("input"), key, made.get("name"))

    def event(self, found: dict[str, Any], kind: str) -> None:
        """Take an event of OpenAI responses or Anthropic messages, or one of their plain answers."""
        delta, index = found.get("delta"), found.get("index")
        item, block = _dict(found.get("item")), _dict(found.get("content_block"))
        if kind in _DELTAS:
            self.add(_DELTAS[kind], delta)
        elif kind == "response.output_item.added" and str(item.get("type")).endswith("_call"):
            self.add("tool", item.get("action"), item.get("id"), item.get("name") or item["type"])
        elif kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
            self.add("tool", delta, found.get("item_id"))
        elif kind == "content_block_start" and block.get("type") in ("tool_use", "server_tool_use"):
            self.add("tool", None, index, block.get("name") or "?")
        elif kind == "content_block_delta":
            self.block(_dict(delta), index)
        elif kind == "response.failed":
            self.alone("error", _dict(found.get("response")).get("error"))
        elif not self._streamed:
            self.plain(found)

    def plain(self, found: dict[str, Any]) -> None:
        """Take a plain answer of OpenAI responses or Anthropic messages."""
        for item in _list(found.get("output"))[:_ITEMS]:
            self.item(_dict(item))
        if found.get("type") == "message":
            self.content(found.get("content"))

    def block(self, delta: dict[str, Any], index: Any) -> None:
        self.add("text", delta.get("text"))
        self.add("thought", delta.get("thinking"))
        self.add("tool", delta.get("partial_json"), index)

    def item(self, item: dict[str, Any]) -> None:
        """Take one item of a responses conversation."""
        kind = item.get("type")
        if kind == "message":
            self.content(item.get("content"))
        elif kind in ("function_call", "custom_tool_call", "local_shell_call"):
            told = item.get("arguments") or item.get("input") or item.get("action")
            self.alone("tool", told, item.get("name") or kind)
        elif kind in ("function_call_output", "custom_tool_call_output", "local_shell_call_output"):
            self.alone("result", item.get("output"))
        elif kind == "reasoning":
            self.content(item.get("summary"))

    def content(self, value: Any) -> None:
        """Take the content of a message: a text, or blocks of any protocol."""
        if isinstance(value, str):
            self.alone("text", value)
            return
        for block in _list(value)[:_ITEMS]:
            self.one_block(_dict(block))

    def one_block(self, block: dict[str, Any]) -> None:
        call, result = _dict(block.get("functionCall")), _dict(block.get("functionResponse"))
        if call:
            self.alone("tool", call.get("args"), call.get("name"))
        elif result:
            self.alone("result", result.get("response"), result.get("name"))
        elif block.get("type") == "tool_use":
            self.alone("tool", block.get("input"), block.get("name"))
        elif block.get("type") == "tool_result":
            self.alone("result", block.get("content"))
        elif block.get("thinking") or block.get("thought"):
            self.piece("thought", block.get("thinking") or block.get("text"))
        elif isinstance(block.get("text"), str):
            self.piece("text", block["text"])
        else:
            self.alone("other", block)
