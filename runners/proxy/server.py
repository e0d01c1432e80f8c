"""The proxy from outside: a context manager whose server runs in a thread of its own.

with Proxy(config, on_call) as proxy:
    launch(agent, proxy.base_url, proxy.token)
proxy.stats()
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets as randomness
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.front import Backend, Front
from benchledger.runners.proxy.live import Live
from benchledger.runners.proxy.meter import Meter
from benchledger.runners.proxy.record import RecordedCall, Stats
from benchledger.runners.proxy.recorder import Recorder
from benchledger.runners.proxy.replay import Replay
from benchledger.runners.proxy.scripted import Plan, Scripted
from benchledger.runners.secrets import Secrets
from benchledger.schema.errors import EnvironmentLacks, UsageError

GRACE_S = 0.2  # for answers that are being written when the proxy is closed


def new_token() -> str:
    """Return a key for the agent of one attempt."""
    return "bl-" + randomness.token_hex(16)


class Proxy:
    """One attempt's proxy. `on_call` is called in a thread of the proxy's, one call after the other."""

    def __init__(self, config: ProxyConfig, on_call: Callable[[RecordedCall], None]) -> None:
        """Check the configuration; raises UsageError for a mode without its part."""
        self._config = config
        self.token = config.token or new_token()
        self._secrets = Secrets.named(_known(config, self.token))
        self.unmaskable = self._secrets.too_short
        self._meter = Meter(config.limits, config.prices)
        self._recorder = Recorder(self._secrets, on_call)
        self._backend = self._chosen()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="benchledger-proxy", daemon=True)
        self._socket: socket.socket | None = config.listener

    def _chosen(self) -> Backend:
        config = self._config
        if config.mode == "live":
            if config.upstream is None:
                raise UsageError("a live proxy needs an upstream", "give an endpoint, or use scripted mode")
            return Live(config, config.upstream, self.token, self._secrets)
        if config.mode == "scripted":
            if config.script is None:
                raise UsageError("a scripted proxy needs a script", "give the script of the task")
            return Scripted(Plan.read(config.script), config.root, config.models)
        return Replay(config.replay, config.volatile, self._secrets, self._meter)

    def __enter__(self) -> Self:
        """Listen; raises EnvironmentLacks where the address cannot be had."""
        if self._socket is None:
            self._socket = _listening(self._config.host, self._config.port)
        self._recorder.start()
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            self.close()
            raise self._problem
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; raises what `on_call` raised, unless something else is on its way."""
        self.close()
        if error is None and self._recorder.failure is not None:
            raise self._recorder.failure

    def close(self) -> None:
        """Cut open calls, record them, end both threads; again does nothing."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop may end by itself in between
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.ident is not None:
            self._thread.join()
        self._recorder.stop()
        if self._socket is not None:
            self._socket.close()

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port that it listens on."""
        if self._socket is None:
            raise UsageError("the proxy is not open", "use it as a context manager")
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    @property
    def base_url(self) -> str:
        """Return the URL for agents, without slash or /v1 at its end."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stats(self) -> Stats:
        """Return the totals of this moment."""
        return self._meter.stats()

    @property
    def failure(self) -> BaseException | None:
        """Return what `on_call` raised, if anything; no call is recorded or answered after it."""
        return self._recorder.failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that opened the proxy
            self._problem = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        front = Front(self._config, self.token, self._backend, self._meter, self._recorder)
        app = web.Application(client_max_size=self._config.max_request_bytes)
        app.router.add_route("*", "/{tail:.*}", front.handle)
        runner = web.AppRunner(
            app, handle_signals=False, access_log=None, shutdown_timeout=GRACE_S, handler_cancellation=True
        )
        await runner.setup()
        await self._backend.open()
        try:
            if self._socket is not None:
                await web.SockSite(runner, self._socket).start()
            self._ready.set()
            await self._stop.wait()
        finally:
            front.closing = True
            await runner.cleanup()
            await self._backend.close()


def _known(config: ProxyConfig, token: str) -> dict[str, str]:
    upstream = {} if config.upstream is None else config.upstream.secrets
    return {"attempt-token": token, **config.secrets, **upstream}


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        text = f"the proxy cannot listen on {host}:{port}: {error.strerror}"
        raise EnvironmentLacks(text, "give another address, or port 0 for any free one") from error
    return made
