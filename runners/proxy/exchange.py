"""One model call while it is under way: what is sent to the agent, and what is kept of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from benchledger.runners.proxy.reading import Answer, Events, read_answer, read_value
from benchledger.runners.proxy.record import Failure
from benchledger.runners.proxy.routes import Route, error_body

EVENT_STREAM = "text/event-stream"
DROP = "the connection was closed without an answer"


class Unanswered(Exception):
    """The other side gave no proper answer; `kind` says how."""

    def __init__(self, kind: Failure, text: str) -> None:
        """Keep kind and text apart."""
        super().__init__(text)
        self.kind, self.text = kind, text


class Drifted(Exception):
    """Replay has no recorded answer."""

    def __init__(self, text: str) -> None:
        """`text` is what the agent is told."""
        super().__init__(text)
        self.text = text


@dataclass(slots=True)
class Exchange:
    """The call `number`; `status` is None until the upstream answered, in µs and seconds as named."""

    request: web.Request = field(repr=False)
    route: Route
    body: dict[str, Any] = field(repr=False)
    number: int
    queued_ms: float = 0.0
    started_at: int = field(default_factory=lambda: time.time_ns() // 1000)
    began: float = field(default_factory=time.perf_counter)
    ended: float | None = None
    first_token: float | None = None
    status: int | None = None
    streamed: bool = False
    chunks: list[bytes] = field(default_factory=list, repr=False)
    error: str | None = None
    answer: Answer = field(default_factory=Answer)
    cost: float | None = None
    response: web.StreamResponse | None = None
    _events: Events | None = None

    @property
    def model(self) -> str | None:
        """Return the model that the agent asked for."""
        asked = self.route.model or self.body.get("model")
        return asked if isinstance(asked, str) else None

    @property
    def wants_stream(self) -> bool:
        """Return whether the agent asked for an event stream."""
        return bool(self.body.get("stream")) if self.route.stream is None else self.route.stream

    def fail(self, kind: Failure, text: str) -> None:
        """Say why there is no proper answer; the first reason stands."""
        if self.error is None:
            self.error = f"{kind}: {text}"[:2000]

    async def begin(self, status: int, headers: Mapping[str, str]) -> web.StreamResponse:
        """Send status and headers of a streamed answer; raises Unanswered where the agent hung up."""
        self.status, self.streamed = status, True
        self.response = web.StreamResponse(status=status, headers={"cache-control": "no-cache", **headers})
        self._events = Events()
        try:
            await self.response.prepare(self.request)
        except ConnectionError as error:
            raise Unanswered("agent_left", "the agent hung up before the answer") from error
        return self.response

    async def send(self, shown: bytes, came: bytes | None = None) -> None:
        """Send a piece of a stream; `came` is what the upstream sent, where the agent may not see it.

        Raises Unanswered where the agent hung up.
        """
        chunk = shown if came is None else came
        self.chunks.append(chunk)
        if self._events is not None and self.first_token is None:
            self._look_for_output(chunk)
        if shown and self.response is not None:
            try:
                await self.response.write(shown)
            except ConnectionError as error:
                raise Unanswered("agent_left", "the agent hung up within the answer") from error

    def _look_for_output(self, chunk: bytes) -> None:
        probe = Answer()
        for value in self._events.feed(chunk) if self._events else ():
            read_value(self.route.protocol, value, probe)
        if probe.started:
            self.first_token = time.perf_counter()

    def read(self, data: bytes) -> None:
        """Take what the whole answer says of itself; `data` is without content encoding."""
        self.ended = time.perf_counter()
        self.answer = read_answer(self.route.protocol, data, stream=self.streamed)
        if self.status is not None and self.status >= 400:
            self.fail("status", f"{self.status} {self.answer.error or ''}".strip())
        elif self.answer.error is not None:
            self.fail("stream", self.answer.error)
        elif self.streamed and not self.answer.finished:
            self.fail("truncated", "the stream ended without its last event")

    def refusal(self, status: int, message: str, code: str) -> web.Response:
        """Return an error of the proxy's own, spelled as the protocol does."""
        return refusal(self.route.protocol, status, message, code)


def refusal(protocol: str | None, status: int, message: str, code: str) -> web.Response:
    """Return an error of the proxy's own, spelled as the protocol does."""
    body = error_body(protocol, status, f"benchledger proxy: {message}", code)
    headers = {"x-should-retry": "false", "x-benchledger": code}
    return web.json_response(body, status=status, headers=headers, dumps=json.dumps)
