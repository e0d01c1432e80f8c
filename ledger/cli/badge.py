"""badge: a result as a picture for a page of one's own, or as JSON for shields.io."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import command, json_option, ledger_option, ledger_path, policy_of, reading

if TYPE_CHECKING:
    from benchledger.ledger.web.badge.svg import Badge
    from benchledger.ledger.web.view import View


@command(
    "benchledger badge SWEEP/AGENT/MODEL/CATEGORY/TASK -o badge.svg",
    "benchledger badge --agent aider --model gpt-5 -o aider.svg",
    "benchledger badge --sweep nightly --json -o nightly.json",
)
@click.argument("cell", required=False, metavar="[CELL[@ATTEMPT]]")
@click.option("--agent", metavar="NAME", help="With --model: the badge of an agent with a model.")
@click.option("--model", metavar="ID", help="With --agent: the model.")
@click.option("--sweep", metavar="NAME", help="The badge of a sweep.")
@click.option(
    "--policy", default="gated-1", show_default=True, metavar="NAME|FILE", help="The policy of its score."
)
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there."
)
@ledger_option
@json_option
def badge(*, out: Path | None, as_json: bool, **asked: Any) -> None:
    """Make the badge of a cell, of agent x model, or of a sweep.

    An SVG file with nothing in it that runs or loads; with --json what shields.io's endpoint badge reads.
    It says the result, the policy, whether the ledger was verified here, and that it is provisional
    where it may not be cited; never a bare percentage.
    """
    from benchledger.ledger.cli.render import clean
    from benchledger.ledger.database import translated
    from benchledger.ledger.web.badge.svg import shields, svg

    made = _made(asked)
    if as_json:
        import json

        data = json.dumps(shields(made), indent=2).encode() + b"\n"
    else:
        data = svg(made)
    if out is None:
        click.echo(data, nl=False)
        return
    with translated(out):
        out.write_bytes(data)
    click.echo(f"{clean(out)}: {clean(made.title)}", err=True)


def _made(asked: dict[str, Any]) -> Badge:
    from benchledger.ledger.web.view import NotFound, Settings, View
    from benchledger.schema.errors import BadInput, UsageError

    pair = bool(asked["agent"]) + bool(asked["model"])
    if pair == 1:
        raise UsageError("--agent and --model go together", "give both: a badge is of an agent with a model")
    if bool(asked["cell"]) + bool(pair) + bool(asked["sweep"]) != 1:
        raise UsageError("one badge is of one thing", "name a CELL, or --agent and --model, or --sweep")
    with reading():
        pass  # what is wrong with the file is said as everywhere
    with View(ledger_path(), Settings()) as view:
        try:
            return _of(view, asked)
        except NotFound as error:
            raise BadInput(str(error), "list cells with `benchledger cells`") from None


def _of(view: View, asked: dict[str, Any]) -> Badge:
    from benchledger.ledger.cells import resolve_cell
    from benchledger.ledger.web.badge import badges

    policy = policy_of(view.connection, asked["policy"])
    if asked["sweep"]:
        return badges.sweep_badge(view, asked["sweep"])
    if asked["agent"]:
        return badges.agent_badge(view, asked["agent"], asked["model"], policy)
    cell, attempt = resolve_cell(view.connection, asked["cell"])
    query = "SELECT counted FROM cells WHERE cell = ?"
    number = attempt or view.connection.execute(query, (cell,)).fetchone()[0]
    return badges.cell_badge(view, f"{cell}@{number}", policy)
