"""serve: the pages of a ledger in a browser, live."""

from __future__ import annotations

from pathlib import Path

import click

from benchledger.ledger.cli.common import command, json_option, ledger_option, ledger_path, reading

_PORT = 8765


@command("benchledger serve", "benchledger serve --port 0 --json", "benchledger --ledger runs.db serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind to.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0 takes any free one."
)
@ledger_option
@json_option
def serve(host: str, port: int, *, as_json: bool) -> None:
    """Show the ledger in a browser, live.

    Leaderboards, cells, sweeps as they run. Reads only, and follows what is appended: an open page renews
    itself. Every page has a JSON twin: the same address with .json in place of .html. Bound to this machine
    alone unless --host says otherwise.
    Ctrl-C ends it.
    """
    from benchledger.ledger.web.app import is_loopback

    path = ledger_path()
    with reading():
        pass  # what is wrong with the file is said before anything is bound
    if not is_loopback(host):
        click.echo(
            f"warning: {host} is reachable from other machines, and all that the ledger holds can be read",
            err=True,
        )
    _run(path, (host, port), as_json=as_json)


def _run(path: Path, address: tuple[str, int], *, as_json: bool) -> None:
    import asyncio
    import contextlib

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(path, address, as_json=as_json))


async def _serve(path: Path, address: tuple[str, int], *, as_json: bool) -> None:
    import asyncio
    import json

    from aiohttp import web

    from benchledger.ledger.cli.shipped import shipped
    from benchledger.ledger.web.app import application
    from benchledger.ledger.web.view import Settings
    from benchledger.schema.errors import EnvironmentLacks

    host, port = address
    settings = Settings(live=True, name=str(path), shipped=shipped())
    runner = web.AppRunner(application(path, settings, host), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, shutdown_timeout=2).start()
        except OSError as error:
            raise EnvironmentLacks(
                f"{host}:{port} cannot be bound: {error.strerror or error}",
                "name another --port; 0 takes any free one",
            ) from None
        bound = runner.addresses[0][1]
        url = f"http://{f'[{host}]' if ':' in host else host}:{bound}/"
        click.echo(
            json.dumps({"url": url, "ledger": str(path)}) if as_json else f"{path} at {url} (Ctrl-C ends it)"
        )
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
