"""A page is sent while it is made; one that fails on the way is cut, not passed off as whole."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from aiohttp import web

from benchledger.ledger.web.flow import flow


@contextmanager
def answering(pieces: Callable[[], Iterator[bytes]], kept: list[bytes | None]) -> Iterator[int]:
    """Serve one page made of pieces; yield the port. Bodies that were sent whole go into `kept`."""
    ready, ended, port = threading.Event(), threading.Event(), [0]

    async def answer(request: web.Request) -> web.StreamResponse:
        response, body = await flow(request, pieces(), {"Content-Type": "text/html"}, asyncio.Semaphore(1))
        kept.append(body)
        return response

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port[0] = runner.addresses[0][1]
        ready.set()
        await asyncio.to_thread(ended.wait)
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield port[0]
    finally:
        ended.set()
        thread.join()


@contextmanager
def asked(port: int) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    with connection.getresponse() as response:
        try:
            yield response
        finally:
            connection.close()


def test_the_top_of_a_page_is_there_before_the_rest_is_made() -> None:
    read, kept = threading.Event(), []

    def pieces() -> Iterator[bytes]:
        yield b"top"
        assert read.wait(10), "the top was not sent while the rest was made"
        yield b"rest"

    with answering(pieces, kept) as port, asked(port) as response:
        assert response.read(3) == b"top"
        read.set()
        assert response.read() == b"rest"
    assert kept == [b"toprest"]


def test_a_page_that_fails_on_the_way_is_cut_and_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[bytes | None] = []

    def pieces() -> Iterator[bytes]:
        yield b"top"
        raise ValueError("lost")

    with answering(pieces, kept) as port, asked(port) as response, pytest.raises(http.client.IncompleteRead):
        response.read()
    assert kept == []
    assert "lost" in caplog.text


def test_a_page_that_fails_at_once_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    def pieces() -> Iterator[bytes]:
        raise ValueError("lost")
        yield b""

    with answering(pieces, []) as port, asked(port) as response:
        assert response.status == 500
    assert "lost" in caplog.text


def test_a_reader_who_leaves_is_no_error_and_all_pieces_are_made(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[bytes | None] = []
    made = threading.Event()

    def pieces() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 65536
        made.set()

    with answering(pieces, kept) as port:
        with asked(port) as response:
            assert response.read(1) == b"x"
        assert made.wait(10)
    assert kept in ([None], [])
    assert caplog.text == ""
