"""A real endpoint on loopback that asks for shell commands, and repeats what it is sent; no code of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    server: Asking

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
        echoed = f"{dict(self.headers)} {self.path}"
        if self.server.fails:
            self.answer(self.server.fails, {"error": {"message": f"refused: {echoed}"}})
            return
        asked = sum(message["role"] == "assistant" for message in body["messages"])
        message: dict[str, object] = {"role": "assistant", "content": f"You sent {echoed}"}
        if asked < len(self.server.commands):
            arguments = json.dumps({"command": self.server.commands[asked]})
            function = {"name": "run_shell_command", "arguments": arguments}
            message["tool_calls"] = [{"id": f"call-{asked}", "type": "function", "function": function}]
        usage = {"prompt_tokens": 1, "completion_tokens": 1}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.answer(200, {"id": "x", "model": "m", "choices": [choice], "usage": usage})

    def answer(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Echo", self.headers.get("Authorization", ""))
        self.end_headers()
        self.wfile.write(data)


class Asking(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, commands: Sequence[str], fails: int | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.commands, self.fails = commands, fails
        self.seen: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def asking(commands: Sequence[str], fails: int | None = None) -> Iterator[Asking]:
    """Serve until the block ends."""
    with Asking(commands, fails) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
