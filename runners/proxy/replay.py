"""Answers from the recorded calls of another attempt, and says where this one goes another way.

A request is looked up by its hash after what differs between any two runs was put aside: paths that
the caller names, UUIDs, dates, times and durations, ids of sessions. Equal requests are answered in
the order in which they were recorded, each record once. What was never recorded is drift: told with
a diff against the nearest record and answered with an error, for a guess would be a result of
nobody's.
"""

from __future__ import annotations

import difflib
import json
import re
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from benchledger.runners.proxy.config import ReplayCall
from benchledger.runners.proxy.exchange import DROP, EVENT_STREAM, Drifted, Exchange, Unanswered
from benchledger.runners.proxy.meter import Meter
from benchledger.runners.proxy.pack import CONVERSATION, request_hash, unpack_request
from benchledger.runners.proxy.record import Drift
from benchledger.runners.proxy.recorder import Masker
from benchledger.runners.proxy.routes import Route
from benchledger.runners.proxy.speech import helper_answer
from benchledger.runners.secrets import Secrets, mask_text
from benchledger.schema.events import ModelCalled

VOLATILE_MEMBERS = {
    *("prompt_cache_key", "metadata", "client_metadata", "user", "safety_identifier", "session_id"),
    *("conversation_id", "thread_id", "request_id"),
}
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), label)
    for pattern, label in (
        (r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "<uuid>"),
        (rf"(?:{_DAY},? )?(?:{_MONTH} \d{{1,2}}|\d{{1,2}} {_MONTH})(?:,? \d{{4}})?\b", "<date>"),
        (r"\d{4}-\d\d-\d\d", "<date>"),
        (r"\b\d{1,2}/\d{1,2}/\d{4}\b", "<date>"),
        (r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AP]M)?(?:Z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"\b\d+(?:\.\d+)? ?(?:µs|us|ms|s|sec|seconds?)\b", "<duration>"),
        (r"\b[0-9a-f]{40}\b", "<sha>"),
        (r"\b0x[0-9a-f]{6,16}\b", "<address>"),
        (r"\bChunk ID: [0-9a-f]+", "Chunk ID: <id>"),  # codex, before the output of each command
    )
)
MAX_DIFF_LINES = 400
MAX_LINE = 400


class Normal:
    """Puts aside what differs between any two runs of the same."""

    def __init__(self, volatile: Mapping[str, str]) -> None:
        """`volatile` maps paths to labels; the longest path is replaced first."""
        self._paths = sorted(volatile.items(), key=lambda item: -len(item[0]))

    def body(self, body: Any) -> Any:
        if not isinstance(body, dict):
            return self._value(body)
        return {name: self._value(value) for name, value in body.items() if name not in VOLATILE_MEMBERS}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(name): self._value(item) for name, item in value.items()}
        return [self._value(item) for item in value] if isinstance(value, list) else value

    def text(self, text: str) -> str:
        for path, label in self._paths:
            text = text.replace(path, label)
        for pattern, label in _TEXTS:
            text = pattern.sub(label, text)
        return text


class Replay:
    """Recorded calls as the agent's model."""

    def __init__(
        self, calls: Sequence[ReplayCall], volatile: Mapping[str, str], secrets: Secrets, meter: Meter
    ) -> None:
        """Index the calls."""
        self._normal, self._masker, self._meter = Normal(volatile), Masker(secrets), meter
        self._bodies: list[tuple[ReplayCall, Any]] = []
        self._waiting: dict[str, deque[ReplayCall]] = defaultdict(deque)
        for call in calls:
            body = self._normal.body(json.loads(call.request))
            self._bodies.append((call, body))
            self._waiting[_key(call.protocol, body)].append(call)

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def helper(self, request: web.Request, route: Route) -> web.Response:
        asked = (body.get("model") for _, body in self._bodies if isinstance(body, dict))
        models = sorted({str(model) for model in asked if model})
        return helper_answer(route, await request.read(), models)

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Give the recorded answer; raises Drifted, or Unanswered where the record has no answer."""
        body = self._normal.body(self._masker.body(exchange.body))
        waiting = self._waiting.get(_key(exchange.route.protocol, body))
        if not waiting:
            drift = self._drift(exchange, body)
            self._meter.drift(drift)
            nearest = f"; the nearest is call {drift.nearest}" if drift.nearest else ""
            raise Drifted(f"this request was never recorded{nearest}; the diff is in the cell's record")
        call = waiting.popleft()
        if call.status is None:
            kind, _, text = (call.error or f"dropped: {DROP}").partition(": ")
            raise Unanswered(kind if kind in {"refused", "timeout"} else "dropped", text)  # type: ignore[arg-type]
        if _is_stream(call.response):
            response = await exchange.begin(call.status, {"content-type": EVENT_STREAM})
            for event in re.split(rb"(?<=\n\n)", call.response):
                await exchange.send(event)
            if call.error is not None and call.error.startswith(("dropped", "truncated", "closed")):
                raise Unanswered("dropped", call.error)
            return response
        exchange.status, exchange.chunks = call.status, [call.response]
        exchange.read(call.response)
        return web.Response(status=call.status, body=call.response, content_type="application/json")

    def _drift(self, exchange: Exchange, body: Any) -> Drift:
        if not self._bodies:
            return Drift(exchange.number, None, _diff("", _spelled(body), "nothing recorded"))
        near, recorded = min(self._bodies, key=lambda item: _distance(item[1], body))
        name = f"recorded call {near.number}"
        return Drift(exchange.number, near.number, _diff(_spelled(recorded), _spelled(body), name))


def recorded_calls(
    events: Sequence[ModelCalled], get: Callable[[str], bytes], volatile: Mapping[str, str] | None = None
) -> list[ReplayCall]:
    """Return the calls of an attempt for replay; `get` returns the bytes of a digest.

    `volatile` maps paths of the recorded run to labels, the same labels as the config of this run.
    """
    calls = []
    for event in events:
        if event.request is None:
            continue
        body = unpack_request(get(event.request.blob), get)
        if volatile and isinstance(body, dict):
            body = Normal(volatile).body(body)
        calls.append(
            ReplayCall(
                number=event.number,
                protocol=event.protocol or "",
                request=json.dumps(body).encode(),
                response=get(event.response.blob) if event.response else b"",
                status=event.status,
                error=event.error,
            )
        )
    return calls


def _key(protocol: str, body: Any) -> str:
    return f"{protocol} {request_hash(body) or json.dumps(body, sort_keys=True)}"


def _is_stream(data: bytes) -> bool:
    return data.lstrip().startswith((b"data:", b"event:", b":", b"id:"))


def _conversation(body: Any) -> list[Any]:
    lists = (body[name] for name in CONVERSATION if isinstance(body, dict) and name in body)
    return next((item for item in lists if isinstance(item, list)), [])


def _distance(recorded: Any, body: Any) -> tuple[int, int]:
    """Return how far two requests are apart: first by what they share from the start, then by length."""
    left, right = _conversation(recorded), _conversation(body)
    shared = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        shared += 1
    return -shared, abs(len(left) - len(right))


def _spelled(body: Any) -> str:
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False).replace("\\n", "\\n\n")


def _diff(recorded: str, asked: str, name: str) -> str:
    lines = difflib.unified_diff(
        recorded.splitlines(), asked.splitlines(), name, "this request", "", "", 2, ""
    )
    kept = [line[:MAX_LINE] for line, _ in zip(lines, range(MAX_DIFF_LINES), strict=False)]
    return mask_text("\n".join(kept), Secrets())
