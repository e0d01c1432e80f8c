"""An answer that is sent while it is made: a reader sees the top of a large page before the rest is there.

pieces -> made in a thread, one page a turn -> queue -> reader, however slow
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from aiohttp import web

__all__ = ["flow"]


async def flow(
    request: web.Request, pieces: Iterator[bytes], headers: Mapping[str, str], turns: asyncio.Semaphore
) -> tuple[web.StreamResponse, bytes | None]:
    """Send the pieces as they come; return the answer and its whole body, None where the reader left.

    What making them raises is raised. Where a part is sent already the connection is cut, so that nobody
    takes it for the whole. All pieces are made, whatever happens: what they read from may close then.
    """
    response = web.StreamResponse(headers=headers)
    made = asyncio.Queue[bytes | None]()
    making = asyncio.create_task(_make(pieces, made, turns))
    body = []
    try:
        try:
            while (piece := await made.get()) is not None:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(piece)
                body.append(piece)
        finally:
            await making
        await response.write_eof()
    except ConnectionError:
        return response, None
    except BaseException:
        if response.prepared and request.transport is not None:
            request.transport.abort()
        raise
    return response, b"".join(body)


async def _make(pieces: Iterator[bytes], made: asyncio.Queue[bytes | None], turns: asyncio.Semaphore) -> None:
    try:
        async with turns:  # a slow reader holds none of them
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                made.put_nowait(piece)
    finally:
        made.put_nowait(None)
