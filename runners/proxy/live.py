"""Forwards calls to the upstream, with its key; the agent sees neither key nor host."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from benchledger.runners.proxy.config import ProxyConfig, Upstream
from benchledger.runners.proxy.exchange import EVENT_STREAM, Exchange, Unanswered
from benchledger.runners.proxy.routes import KEY_HEADERS, Route
from benchledger.runners.secrets import Secrets, mask, mask_text

_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te"),
    *("trailer", "transfer-encoding", "upgrade", "host", "content-length", "expect"),
}
# What names the agent to us, or a person to the upstream, stays here; so does the encoding of the
# body, which has been undone, and the wish for one, which would hide the answer from us.
_ASKING = {
    *("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "content-encoding"),
    *("accept-encoding", "forwarded", "x-forwarded-for", "x-real-ip"),
}
_ANSWERING = {"set-cookie", "alt-svc", "strict-transport-security", "server", "location"}
KEEP_ALIVE_S = 4  # below the 5 s after which the common Python servers hang up in silence


class Guard:
    """Takes the key out of a stream that goes to the agent, wherever chunks cut it."""

    def __init__(self, key: bytes) -> None:
        """Hold back nothing but what could be the start of `key`."""
        self._key, self._held = key, b""

    def feed(self, chunk: bytes) -> bytes:
        """Return what may be shown by now."""
        if not self._key:
            return chunk
        data = (self._held + chunk).replace(self._key, b"[masked]")
        longest = min(len(self._key) - 1, len(data))
        held = next((size for size in range(longest, 0, -1) if data.endswith(self._key[:size])), 0)
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def end(self) -> bytes:
        """Return what was held back and turned out to be harmless."""
        held, self._held = self._held, b""
        return held


class Live:
    """The upstream as the agent's model."""

    def __init__(self, config: ProxyConfig, upstream: Upstream, token: str, secrets: Secrets) -> None:
        """Open nothing yet: the session belongs to the loop that runs later."""
        self._config, self._up, self._token = config, upstream, token
        self._secrets = secrets
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=30.0, sock_read=self._config.upstream_timeout_s
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._config.environment_proxy,
            skip_auto_headers=("User-Agent", "Accept"),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Forward one call and pass its answer on as it comes; raises Unanswered."""
        data = json.dumps(self._body(exchange)).encode()
        try:
            async with self._request(exchange.request, exchange.route, data) as came:
                return await self._pass_on(exchange, came)
        except TimeoutError as error:
            raise Unanswered("timeout", "the upstream was silent for too long") from error
        except aiohttp.ClientConnectorError as error:
            raise Unanswered("refused", mask_text(str(error), self._secrets)) from error
        except aiohttp.ClientError as error:
            text = f"{type(error).__name__}: {error}"
            raise Unanswered("dropped", mask_text(text, self._secrets)) from error

    async def helper(self, request: web.Request, route: Route) -> web.Response:
        """Forward a request that is no model call; raises Unanswered."""
        data = await request.read() if request.method == "POST" else None
        try:
            async with self._request(request, route, data) as came:
                body = mask(await came.read(), self._secrets)
                return web.Response(status=came.status, body=body, headers=self._shown(came.headers))
        except (aiohttp.ClientError, TimeoutError) as error:
            text = mask_text(f"{type(error).__name__}: {error}", self._secrets)
            raise Unanswered("dropped", text) from error

    def _body(self, exchange: Exchange) -> dict[str, object]:
        body = exchange.body
        chat = exchange.route.protocol == "openai-chat" and exchange.wants_stream
        if chat and self._config.add_include_usage:
            options = body.get("stream_options")
            known = options if isinstance(options, dict) else {}
            return {**body, "stream_options": {**known, "include_usage": True}}
        return body

    def _request(
        self, request: web.Request, route: Route, data: bytes | None
    ) -> aiohttp.client._RequestContextManager:
        if self._session is None:
            raise Unanswered("closed", "the proxy is not open")
        return self._session.request(
            request.method,
            upstream_url(self._up, route),
            params=self._query(request),
            headers=self._headers(request, route),
            data=data,
            allow_redirects=False,
        )

    def _query(self, request: web.Request) -> dict[str, str]:
        asked = {name: value for name, value in request.query.items() if name != "key"}
        return {name: value for name, value in (asked | dict(self._up.query)).items() if value != self._token}

    def _headers(self, request: web.Request, route: Route) -> dict[str, str]:
        named = {name.strip().lower() for name in request.headers.get("Connection", "").split(",")}
        headers = {
            name.lower(): value
            for name, value in request.headers.items()
            if name.lower() not in _HOP | _ASKING | named and self._token not in value
        }
        return headers | upstream_headers(self._up, route.protocol)

    def _shown(self, headers: Mapping[str, str]) -> dict[str, str]:
        key = self._up.key
        return {
            name.lower(): value
            for name, value in headers.items()
            if name.lower() not in _HOP | _ANSWERING and not (key and key in value)
        }

    async def _pass_on(self, exchange: Exchange, came: aiohttp.ClientResponse) -> web.StreamResponse:
        if 300 <= came.status < 400:
            raise Unanswered("redirect", f"the upstream answered {came.status}, which is not followed")
        if came.content_type == EVENT_STREAM and came.status < 400:
            return await self._stream(exchange, came)
        data = await came.read()
        encoding = came.headers.get("Content-Encoding", "")
        exchange.chunks, exchange.status = [decoded(data, encoding)], came.status
        exchange.read(exchange.chunks[0])
        plain = exchange.chunks[0] is not data or not encoding
        shown = self._shown(came.headers)
        if plain:  # it goes on without its encoding, and without a key that the upstream may echo
            data = mask(exchange.chunks[0], self._secrets) if came.status >= 400 else exchange.chunks[0]
            data = data.replace(self._up.key.encode(), b"[masked]") if self._up.key else data
            shown.pop("content-encoding", None)
        return web.Response(status=came.status, body=data, headers=shown)

    async def _stream(self, exchange: Exchange, came: aiohttp.ClientResponse) -> web.StreamResponse:
        if came.headers.get("Content-Encoding", "identity") != "identity":
            raise Unanswered("dropped", "the upstream encoded a stream though identity was asked for")
        guard = Guard(self._up.key.encode())
        response = await exchange.begin(came.status, self._shown(came.headers))
        async for chunk in came.content.iter_any():
            await exchange.send(guard.feed(chunk), chunk)
        await exchange.send(guard.end(), b"")
        return response


def decoded(data: bytes, encoding: str) -> bytes:
    """Return `data` without its content encoding; the same object where it is none that we undo."""
    if encoding.lower() in {"gzip", "x-gzip", "deflate"}:
        try:
            return zlib.decompressobj(wbits=47).decompress(data)
        except zlib.error:
            return data
    return data


def upstream_headers(upstream: Upstream, protocol: str) -> dict[str, str]:
    """Return what every request to the upstream carries: its key, and its own headers, which win."""
    headers = {"accept-encoding": "identity"}
    if upstream.key:
        name = (upstream.key_header or KEY_HEADERS[protocol]).lower()
        headers[name] = f"Bearer {upstream.key}" if name == "authorization" else upstream.key
    return headers | {name.lower(): value for name, value in upstream.headers.items()}


def upstream_url(upstream: Upstream, route: Route) -> str:
    """Return where a route leads upstream; see `Upstream` for the version in it."""
    base = upstream.base_url.rstrip("/")
    last = urlsplit(base).path.rpartition("/")[2]
    versioned = last[:1] == "v" and last[1:2].isdigit()
    if upstream.version is not None:
        version = upstream.version.strip("/")
    elif versioned:
        version = ""
    else:
        version = "v1beta" if route.protocol == "google" else "v1"
    return f"{base}/{version}{route.tail}" if version else base + route.tail
