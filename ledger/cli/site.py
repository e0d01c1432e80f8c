"""site: the pages of a ledger as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchledger.ledger.cli.common import command, json_option, ledger_option, ledger_path, reading
from benchledger.ledger.cli.render import clean, count, echo_json, progress

if TYPE_CHECKING:
    from benchledger.ledger.store import Ledger


@command(
    "benchledger site public/",
    "benchledger site public/ --url https://bench.example.org/",
    "benchledger --ledger runs.db site public/ --json",
)
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--url", metavar="URL", help="Where the site will be; badges and embeds name it.")
@click.option("--all", "everything", is_flag=True, help="Show private tasks, too.")
@ledger_option
@json_option
def site(out: Path, url: str | None, *, everything: bool, as_json: bool) -> None:
    """Write the pages of the ledger as files, for any web host.

    All links are relative: the folder OUT works as it is, from a sub-path, and without a server. A second
    build makes only the pages anew whose inputs changed, and writes only files whose bytes changed. OUT
    is new, empty, or holds an earlier site; nothing else in it is touched.

    A ledger that holds attempts at private tasks is refused, unless with --all: make the site of a copy
    that came by `export --public`.
    """
    from benchledger.ledger.cli.shipped import shipped
    from benchledger.ledger.database import translated
    from benchledger.ledger.web.site import write_site
    from benchledger.ledger.web.view import Settings

    path = ledger_path()
    with reading() as ledger:
        if not everything:
            _refuse_private(ledger)
    settings = Settings(url=_base(url), name=path.name, shipped=shipped())
    with translated(out), progress("site") as advance:
        report = write_site(out, path, settings, told=advance)
    if as_json:
        echo_json({"out": str(out)} | report.to_json())
        return
    click.echo(
        f"{clean(out)}: {count(report.pages, 'page')}; {count(report.written, 'file')} written,"
        f" {report.kept:,} as they were, {report.removed:,} removed"
    )
    click.echo(f"open {clean(out / 'index.html')} in a browser, or copy the folder to a web host")


def _refuse_private(ledger: Ledger) -> None:
    from benchledger.ledger.withhold import withheld
    from benchledger.schema.errors import UsageError

    first = next(withheld(ledger.connection), None)
    if first is not None:
        raise UsageError(
            f"the site would show private tasks: event {first.seq} of {clean(first.stream)}",
            "`benchledger export public.jsonl.gz --public`, append that file to a new ledger, and make the site"
            " of it; or show everything with --all",
        )


def _base(url: str | None) -> str | None:
    """Return the address of the site with one slash at its end; raises UsageError."""
    from urllib.parse import urlsplit

    from benchledger.schema.errors import UsageError

    if url is None:
        return None
    found = urlsplit(url)
    if found.scheme not in ("http", "https") or not found.netloc or found.query or found.fragment:
        raise UsageError(f"{url!r} is no address of a site", "write it like https://bench.example.org/runs/")
    return url.rstrip("/") + "/"
