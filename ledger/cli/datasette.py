"""datasette: what Datasette needs to show a ledger with readable tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from benchledger.ledger.cli.common import command, json_option, ledger_option, ledger_path, reading


@command(
    "benchledger datasette -o metadata.json && datasette benchledger.db --metadata metadata.json",
    "benchledger --ledger runs.db datasette >metadata.json",
)
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there."
)
@ledger_option
@json_option
def datasette(*, out: Path | None, as_json: bool) -> None:
    """Print metadata with which Datasette shows the ledger.

    Titles and descriptions of every table and column, what to sort and to count by, and queries: inputs of
    the leaderboard, events, numbers and model calls of an attempt, what deserves a look. It is JSON with
    and without --json, and names the ledger by its file, as Datasette does. Datasette itself comes by
    `pip install datasette`; it opens the file for reading alone.
    """
    from benchledger.ledger.cli.render import clean
    from benchledger.ledger.database import translated

    with reading() as ledger:
        text = json.dumps(metadata(ledger_path(), ledger.ledger_id), indent=2)
    if out is None:
        click.echo(text)
        return
    with translated(out):
        out.write_text(f"{text}\n", encoding="utf-8")
    said = f"next: datasette {clean(ledger_path())} --metadata {clean(out)}"
    click.echo(json.dumps({"out": str(out)}) if as_json else said)


def metadata(path: Path, ledger_id: str) -> dict[str, Any]:
    """Return the metadata that ships, for the ledger at `path`."""
    from importlib.resources import files

    shipped = files("benchledger.ledger").joinpath("data/datasette.json").read_text(encoding="utf-8")
    value: dict[str, Any] = json.loads(shipped)
    (about,) = value["databases"].values()
    # Datasette names a database by the stem of its file
    return value | {"title": f"benchledger {ledger_id[:8]}", "databases": {path.stem: about}}
