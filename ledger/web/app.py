"""serve: the pages of a ledger over HTTP, read-only, live.

request -> Host, method, path -> match -> cached at this head? -> View in a thread -> page -> answer
one watcher looks at the head while anybody listens -> server-sent event `head` -> pages load anew
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sqlite3
from collections import OrderedDict
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web

from benchledger.ledger.store import Ledger
from benchledger.ledger.web import pages, render
from benchledger.ledger.web.assets import asset
from benchledger.ledger.web.flow import flow
from benchledger.ledger.web.view import NotFound, Settings, View, tag
from benchledger.schema.errors import BadInput, BenchledgerError, LedgerBusy, UsageError

__all__ = ["Server", "application", "is_loopback"]

_AT_ONCE = 4  # pages made at the same time, so that memory is bounded
_KEPT = 48 * 1024 * 1024  # bytes of pages that are kept for the head that they show
_LOOK_S = 0.5
_SERVER: web.AppKey[Server] = web.AppKey("server")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_JSON = "application/json"
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Kept(NamedTuple):
    """One page as it was made at one head."""

    etag: str
    media: str
    policy: str
    body: bytes

    def response(self, etag: str) -> web.Response:
        """Return it as an answer."""
        return web.Response(body=self.body, headers=self.headers(etag))

    def headers(self, etag: str) -> dict[str, str]:
        """Return what an answer says of it."""
        policy = {"Content-Security-Policy": self.policy} if self.policy else {}
        return {"ETag": f'"{etag}"', "Content-Type": self.media, **policy}


class Server:
    """What one `serve` knows: where the ledger lies, which hosts it answers to, what it made already."""

    def __init__(self, path: Path, settings: Settings, host: str) -> None:
        """Serve the ledger at `path` under the host that it is bound to."""
        self.path, self.settings = path, settings
        self.only_loopback = is_loopback(host)
        self.turns = asyncio.Semaphore(_AT_ONCE)
        self.listeners: set[asyncio.Queue[str]] = set()
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._size = 0

    def allowed(self, host: str) -> bool:
        """Return whether a request may name that host: else any web site could read a loopback server by DNS."""
        named = _HOST.fullmatch(host)
        return not self.only_loopback or (named is not None and is_loopback(named[1]))

    def recall(self, place: str, etag: str) -> Kept | None:
        """Return a page that was made at this head."""
        found = self._kept.get(place)
        if found is None or found.etag != etag:
            return None
        self._kept.move_to_end(place)
        return found

    def keep(self, place: str, etag: str, page: Kept) -> None:
        """Keep a page while its head is the head; the pages that were asked for longest ago go first."""
        old = self._kept.pop(place, None)
        self._size += len(page.body) - (len(old.body) if old else 0)
        self._kept[place] = page._replace(etag=etag)
        while self._size > _KEPT and self._kept:
            self._size -= len(self._kept.popitem(last=False)[1].body)


def application(path: Path, settings: Settings, host: str) -> web.Application:
    """Return the application that serves the ledger at `path`."""
    app = web.Application(middlewares=[_guarded])
    app[_SERVER] = Server(path, settings, host)
    app.router.add_get("/live", _live)
    app.router.add_get("/{path:.*}", _answer)
    app.cleanup_ctx.append(_watching)
    app.on_shutdown.append(_send_home)
    return app


@web.middleware
async def _guarded(request: web.Request, handler: Any) -> web.StreamResponse:
    server = request.app[_SERVER]
    if not server.allowed(request.headers.get("Host", "")):
        return _plain(421, "this server answers to loopback names only; serve with --host to let others in")
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException as error:
        response = _plain(error.status, error.reason)
    except NotFound as error:
        response = _error(404, str(error))
    except LedgerBusy as error:
        response = _error(503, str(error))
    except (BadInput, UsageError) as error:
        response = _error(400, str(error))
    except BenchledgerError as error:
        response = _error(500, str(error))
    except sqlite3.Error as error:
        response = _error(500, f"the ledger cannot be read ({error}); run `benchledger verify`")
    if not response.prepared:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
    return response


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=_HEADERS)


def _error(status: int, text: str) -> web.Response:
    page = render.environment().get_template("error.html").render(status=status, said=text)
    policy = {"Content-Security-Policy": render.content_policy({}) + "; frame-ancestors 'none'"}
    return web.Response(status=status, text=page, content_type="text/html", headers=policy)


async def _answer(request: web.Request) -> web.StreamResponse:
    path = request.match_info["path"] or "index.html"
    found = asset(path)
    if found is not None:
        return web.Response(body=found[1], headers={"Content-Type": found[0]})
    as_json = path.endswith(".json") and pages.match(path) is None
    matched = pages.match(f"{path.removesuffix('.json')}.html" if as_json else path)
    if matched is None:
        raise NotFound(f"there is no page {path}")
    page, arguments = matched
    # What stands in the path is the page; a query only adds to it.
    return await _made(request, page, {**request.query, **arguments}, as_json=as_json)


async def _made(
    request: web.Request, page: pages.Page, arguments: dict[str, str], *, as_json: bool
) -> web.StreamResponse:
    server = request.app[_SERVER]
    view = await asyncio.to_thread(View, server.path, server.settings)
    try:
        etag = tag(view)
        known = (request.headers.get("If-None-Match") or "").replace("W/", "").replace('"', "")
        if etag in known.split(", "):
            return web.Response(status=304, headers={"ETag": f'"{etag}"'})
        kept = server.recall(request.path_qs, etag)
        if kept is not None:
            return kept.response(etag)
        async with server.turns:
            made = await asyncio.to_thread(pages.build, page, view, arguments)
            if as_json and not isinstance(made, pages.Raw):
                kept = Kept("", _JSON, "", await asyncio.to_thread(render.twin, made))
                server.keep(request.path_qs, etag, kept)
                return kept.response(etag)
        # A slow reader holds none of the turns.
        if isinstance(made, pages.Raw):
            return await _raw(request, made, etag)
        return await _page(request, page, made, view, etag)
    finally:
        await asyncio.to_thread(view.close)


async def _page(
    request: web.Request, page: pages.Page, context: pages.Context, view: View, etag: str
) -> web.StreamResponse:
    """Send a page as it is made, and keep it."""
    assert page.template is not None  # noqa: S101 - a page without a template returns Raw
    server = request.app[_SERVER]
    policy = render.content_policy(context) + ("" if page.frame else "; frame-ancestors 'none'")
    kept = Kept("", "text/html; charset=utf-8", policy, b"")
    pieces = render.pieces(page.template, context, view, request.path.lstrip("/") or "index.html")
    response, body = await flow(request, pieces, {**_HEADERS, **kept.headers(etag)}, server.turns)
    if body is not None:
        server.keep(request.path_qs, etag, kept._replace(body=body))
    return response


async def _raw(request: web.Request, made: pages.Raw, etag: str) -> web.StreamResponse:
    headers = {**_HEADERS, "Content-Type": made.media, "ETag": f'"{etag}"'}
    # Whatever a reader's browser makes of the bytes, it runs none of them.
    headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response, pieces = web.StreamResponse(headers=headers), iter(made.pieces)
    try:
        await response.prepare(request)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            await response.write(piece)
        await response.write_eof()
    except ConnectionError:
        pass  # the reader left
    except BaseException:
        # A part is sent already: cut off, so that nobody takes it for the whole.
        if response.prepared and request.transport is not None:
            request.transport.abort()
        raise
    return response


async def _live(request: web.Request) -> web.StreamResponse:
    server = request.app[_SERVER]
    response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
    queue: asyncio.Queue[str] = asyncio.Queue(maxsize=8)
    server.listeners.add(queue)
    try:
        await response.prepare(request)
        await response.write(f"retry: 2000\n\n{await asyncio.to_thread(_head_event, server.path)}".encode())
        while True:
            try:
                said = await asyncio.wait_for(queue.get(), timeout=20)
            except TimeoutError:
                said = ": still here\n\n"
            if not said:
                break  # the server ends
            await response.write(said.encode())
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        server.listeners.discard(queue)
    return response


def _head_event(path: Path) -> str:
    with Ledger.open(path) as ledger:
        head = ledger.head()
    value = None if head is None else {"seq": head.seq, "hash": head.hash}
    return f"event: head\ndata: {json.dumps(value)}\n\n"


async def _send_home(app: web.Application) -> None:
    for queue in app[_SERVER].listeners:
        with contextlib.suppress(asyncio.QueueFull):
            queue.put_nowait("")


async def _watching(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_watch(app[_SERVER]))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _watch(server: Server) -> None:
    """Tell every listener of a new head; nobody listens, nobody looks."""
    last: Any = None
    while True:
        await asyncio.sleep(_LOOK_S)
        if not server.listeners:
            last = None
            continue
        with contextlib.suppress(BenchledgerError):
            said = await asyncio.to_thread(_head_event, server.path)
            if said != last:  # the first time, too: it may have moved since a listener was told
                for queue in server.listeners:
                    with contextlib.suppress(asyncio.QueueFull):
                        queue.put_nowait(said)
            last = said
