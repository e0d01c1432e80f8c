"""Admission: path, token, limits and the queue; then the call goes to whoever answers it."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from typing import Any, Protocol

from aiohttp import web

from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.exchange import DROP, Drifted, Exchange, Unanswered, refusal
from benchledger.runners.proxy.meter import Meter
from benchledger.runners.proxy.recorder import Recorder
from benchledger.runners.proxy.routes import Route, find_route

LIMIT_STATUS = 400  # no agent tries again after it; 429 and 5xx are tried up to 27 times


class Backend(Protocol):
    """Who answers."""

    async def open(self) -> None:
        """Get ready, in the loop that will serve."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Answer one call. MUST fill status and chunks, MUST raise Unanswered where it cannot."""
        ...

    async def helper(self, request: web.Request, route: Route) -> web.Response:
        """Answer what is no model call: models, count_tokens. MAY raise Unanswered."""
        ...


class Front:
    """What every request meets first."""

    def __init__(
        self, config: ProxyConfig, token: str, backend: Backend, meter: Meter, recorder: Recorder
    ) -> None:
        """`closing` is set when open calls are about to be cut."""
        self._config, self._token, self._backend = config, token, backend
        self._meter, self._recorder = meter, recorder
        self._slots = asyncio.Semaphore(config.concurrency)
        self.closing = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request; never raises but for a hang-up."""
        route = find_route(request.method, request.rel_url.raw_path, request.headers)
        if route is None:
            what = f"{request.method} {request.path}"
            self._meter.note("unknown_path", what)
            text = f"{what} is no model call that is forwarded; use /v1/chat/completions, /v1/responses, "
            text += "/v1/messages or /v1beta/models/<model>:generateContent"
            return refusal(None, 404, text, "unknown_path")
        if not self._admitted(request):
            self._meter.note("bad_token", f"{request.method} {request.path}")
            text = "this is not the token of the attempt"
            return refusal(route.protocol, 401, text, "bad_token")
        if route.kind != "call":
            return await self._help(request, route)
        try:
            body = json.loads(await request.read())
        except web.HTTPRequestEntityTooLarge:
            self._meter.note("too_large", route.protocol)
            limit = self._config.max_request_bytes
            return refusal(route.protocol, 413, f"requests end at {limit} bytes", "too_large")
        except (ValueError, RecursionError, web.HTTPBadRequest):
            body = None
        if not isinstance(body, dict):
            self._meter.note("bad_body", f"{request.method} {request.path}")
            return refusal(route.protocol, 400, "the body is no JSON object", "bad_body")
        return await self._queued(request, route, body)

    def _admitted(self, request: web.Request) -> bool:
        bearer = request.headers.get("Authorization", "")
        given = [
            bearer[7:] if bearer[:7].lower() == "bearer " else "",
            *(request.headers.get(name, "") for name in ("x-api-key", "api-key", "x-goog-api-key")),
            request.query.get("key", ""),
        ]
        # each is compared: some agents send a second, made-up key beside the one that they were given
        return any(hmac.compare_digest(key.encode(), self._token.encode()) for key in given)

    async def _help(self, request: web.Request, route: Route) -> web.StreamResponse:
        self._meter.helper()
        try:
            return await self._backend.helper(request, route)
        except Unanswered as missing:
            self._meter.note("helper", f"{request.path}: {missing.kind}: {missing.text}")
            return refusal(route.protocol, 502, f"the upstream gave no answer: {missing.text}", missing.kind)

    async def _queued(self, request: web.Request, route: Route, body: dict[str, Any]) -> web.StreamResponse:
        came = time.perf_counter()
        async with self._slots:
            if self._recorder.failure is not None:
                text = "calls can no longer be recorded, so none is made"
                return refusal(route.protocol, LIMIT_STATUS, text, "not_recorded")
            admitted = self._meter.admit()
            if isinstance(admitted, str):
                self._meter.note("limit", admitted)
                text = f"the attempt's limit of {admitted} is reached"
                return refusal(route.protocol, LIMIT_STATUS, text, f"limit_{admitted}")
            exchange = Exchange(request, route, body, admitted)
            exchange.queued_ms = (exchange.began - came) * 1000
            try:
                return await self._answered(exchange)
            except Drifted as drifted:
                self._meter.void()
                self._meter.note("drift", f"call {exchange.number} was never recorded")
                return exchange.refusal(LIMIT_STATUS, drifted.text, "drift")

    async def _answered(self, exchange: Exchange) -> web.StreamResponse:
        drifted = False
        try:
            return await self._backend.answer(exchange)
        except Drifted:
            drifted = True
            raise
        except Unanswered as missing:
            exchange.fail(missing.kind, missing.text)
            return self._instead(exchange, missing)
        except asyncio.CancelledError:
            if self.closing:
                exchange.fail("closed", "the attempt ended while the call was open")
            else:
                exchange.fail("agent_left", "the agent hung up")
            raise
        finally:
            if not drifted:
                self._settle(exchange)

    def _settle(self, exchange: Exchange) -> None:
        if exchange.ended is None:
            exchange.read(b"".join(exchange.chunks))
        exchange.cost = self._meter.settle(exchange.answer, failed=exchange.error is not None)
        self._recorder.put(exchange)

    def _instead(self, exchange: Exchange, missing: Unanswered) -> web.StreamResponse:
        """Answer where nobody else did; a stream that had begun is cut, for it cannot be called back."""
        begun = exchange.response is not None and exchange.response.prepared
        transport = exchange.request.transport
        if (begun or missing.text == DROP) and transport is not None:
            transport.close()
            return exchange.response if exchange.response is not None else web.Response()
        status = 504 if missing.kind == "timeout" else 502
        return exchange.refusal(status, f"the upstream gave no answer: {missing.text}", missing.kind)
