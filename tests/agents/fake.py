"""A model of two answers, enough to see whether an agent works: run one command, then say it is done.

It speaks the four protocols, streamed and plain, on loopback. Which answer is due follows from
the request alone: one that carries the result of a tool gets the second. An agent without tools
gets the edit as a SEARCH/REPLACE block.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHELLS = ("bash", "exec_command", "run_shell_command", "terminal", "execute_bash", "shell")
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"  # how mini-swe-agent is told the end
USAGE = (120, 30)


@dataclass
class Script:
    """What the model wants done, and what it was asked."""

    command: str
    block: str
    seen: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


@dataclass(frozen=True)
class Answer:
    """Text, or one call of the tool `tool`."""

    text: str = "Done."
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)


def tools_of(request: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parameters of each tool that is offered, by name, in whichever protocol."""
    found: dict[str, dict[str, Any]] = {}
    for tool in request.get("tools") or []:
        for one in [*tool.get("functionDeclarations", []), tool.get("function", tool)]:
            schema = next(
                (one[key] for key in ("parameters", "input_schema", "parametersJsonSchema") if key in one), {}
            )
            if "name" in one:
                found[one["name"]] = schema
    return found


def decide(script: Script, protocol: str, request: dict[str, Any]) -> Answer:
    """Return what is due."""
    tools = tools_of(request)
    shell = next((name for name in tools if name.lower() in SHELLS), "")
    text = json.dumps(request)
    answered = any(
        mark in text
        for mark in ('"role": "tool"', '"function_call_output"', '"tool_result"', '"functionResponse"')
    )
    if not tools:
        return Answer(script.block)
    if not answered:
        return Answer("", shell, arguments(tools[shell], script.command))
    if set(tools) == {"bash"} and "COMPLETE_TASK" in text:
        return Answer("", "bash", {"command": SUBMIT})
    return Answer()


def arguments(schema: dict[str, Any], command: str) -> dict[str, Any]:
    """Return arguments of a shell tool: the command, and something valid for all else that it requires."""
    made: dict[str, Any] = {}
    for name in schema.get("required", []):
        wanted = schema["properties"].get(name, {})
        if "enum" in wanted:
            made[name] = wanted["enum"][0]
        elif wanted.get("type") == "boolean":
            made[name] = False
        elif wanted.get("type") in {"integer", "number"}:
            made[name] = 10
        else:
            made[name] = "run a command"
    made["cmd" if "cmd" in schema.get("properties", {}) else "command"] = command
    return made


def chat(answer: Answer, stream: bool) -> Iterator[tuple[str, Any]]:
    """Yield (event name, data) of OpenAI chat completions."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.tool:
        function = {"name": answer.tool, "arguments": json.dumps(answer.arguments)}
        message["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
    usage = {"prompt_tokens": USAGE[0], "completion_tokens": USAGE[1], "total_tokens": sum(USAGE)}
    frame = {"id": "c1", "created": 1, "model": "m"}
    choice = {"index": 0, "finish_reason": "tool_calls" if answer.tool else "stop"}
    if not stream:
        yield (
            "",
            frame | {"object": "chat.completion", "choices": [choice | {"message": message}], "usage": usage},
        )
        return
    frame["object"] = "chat.completion.chunk"
    yield "", frame | {"choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    yield "", frame | {"choices": [choice | {"delta": {}}]}
    yield "", frame | {"choices": [], "usage": usage}
    yield "", "[DONE]"


def responses(answer: Answer, stream: bool) -> Iterator[tuple[str, Any]]:
    """Yield (event name, data) of OpenAI responses."""
    if answer.tool:
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": answer.tool,
                "arguments": json.dumps(answer.arguments), "status": "completed"}  # fmt: skip
    else:
        content = [{"type": "output_text", "text": answer.text, "annotations": []}]
        item = {
            "type": "message",
            "id": "m_1",
            "role": "assistant",
            "status": "completed",
            "content": content,
        }
    usage = {"input_tokens": USAGE[0], "output_tokens": USAGE[1], "total_tokens": sum(USAGE),
             "input_tokens_details": {"cached_tokens": 0},
             "output_tokens_details": {"reasoning_tokens": 0}}  # fmt: skip
    whole = {"id": "r_1", "object": "response", "created_at": 1, "model": "m", "status": "completed",
             "output": [item], "usage": usage}  # fmt: skip
    if not stream:
        yield "", whole
        return
    begun = item | ({"arguments": ""} if answer.tool else {"content": []}) | {"status": "in_progress"}
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": whole | {"status": "in_progress", "output": [], "usage": None}}),
        ("response.output_item.added", {"output_index": 0, "item": begun}),
    ]
    place = {"item_id": item["id"], "output_index": 0}
    if answer.tool:
        said = item["arguments"]
        events.append(("response.function_call_arguments.delta", place | {"delta": said}))
        events.append(("response.function_call_arguments.done", place | {"arguments": said}))
    else:
        part = {"type": "output_text", "text": "", "annotations": []}
        inner = place | {"content_index": 0}
        events.append(("response.content_part.added", inner | {"part": part}))
        events.append(("response.output_text.delta", inner | {"delta": answer.text}))
        events.append(("response.output_text.done", inner | {"text": answer.text}))
    events.append(("response.output_item.done", {"output_index": 0, "item": item}))
    events.append(("response.completed", {"response": whole}))
    for number, (name, data) in enumerate(events):
        yield name, {"type": name, "sequence_number": number} | data


def anthropic(answer: Answer, stream: bool) -> Iterator[tuple[str, Any]]:
    """Yield (event name, data) of Anthropic messages."""
    usage = {"input_tokens": USAGE[0], "output_tokens": USAGE[1]}
    block: dict[str, Any] = {"type": "text", "text": answer.text}
    if answer.tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": answer.tool, "input": answer.arguments}
    reason = "tool_use" if answer.tool else "end_turn"
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [block],
             "stop_reason": reason, "stop_sequence": None, "usage": usage}  # fmt: skip
    if not stream:
        yield "", whole
        return
    empty = block | ({"input": {}} if answer.tool else {"text": ""})
    delta = {"type": "text_delta", "text": answer.text}
    if answer.tool:
        delta = {"type": "input_json_delta", "partial_json": json.dumps(answer.arguments)}
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": whole | {"content": [], "stop_reason": None}}),
        ("content_block_start", {"index": 0, "content_block": empty}),
        ("content_block_delta", {"index": 0, "delta": delta}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}),
        ("message_stop", {}),
    ]
    yield from ((name, {"type": name} | data) for name, data in events)


def google(answer: Answer, stream: bool) -> Iterator[tuple[str, Any]]:
    """Yield (event name, data) of Google generateContent, which streams the same object that it answers."""
    part: dict[str, Any] = {"text": answer.text}
    if answer.tool:
        part = {"functionCall": {"name": answer.tool, "args": answer.arguments}}
    usage = {"promptTokenCount": USAGE[0], "candidatesTokenCount": USAGE[1], "totalTokenCount": sum(USAGE)}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    yield "", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}


SPEAKERS = {"openai-chat": chat, "openai-responses": responses, "anthropic": anthropic, "google": google}


def protocol_of(path: str) -> str:
    """Return the protocol that a path belongs to, empty for any other call."""
    marks = {
        "/v1/chat/completions": "openai-chat",
        "/v1/responses": "openai-responses",
        "/v1/messages": "anthropic",
        "enerateContent": "google",
    }
    if "count_tokens" in path:
        return ""
    return next((protocol for mark, protocol in marks.items() if mark in path), "")


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    script: Script
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(b'{"object": "list", "data": []}', "application/json")

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        protocol = protocol_of(self.path)
        secrets = ("authorization", "x-api-key", "x-goog-api-key")
        key = next((self.headers[name] for name in secrets if name in self.headers), "")
        self.script.seen.append({"path": self.path, "protocol": protocol, "key": key, "request": request})
        if not protocol:
            self._send(b'{"input_tokens": 10, "totalTokens": 10}', "application/json")
            return
        stream = bool(request.get("stream")) or "streamGenerateContent" in self.path
        events = list(SPEAKERS[protocol](decide(self.script, protocol, request), stream))
        if not stream:
            self._send(json.dumps(events[0][1]).encode(), "application/json")
            return
        lines = [
            (f"event: {name}\n" if name else "")
            + f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"
            for name, data in events
        ]
        self._send("".join(lines).encode(), "text/event-stream")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """Serve `script` on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"script": script}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
