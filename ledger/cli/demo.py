"""demo: a real agent, two that are none, and what verify and rescore make of them; or published cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import command, json_option, note_head, tell_head
from benchledger.ledger.cli.render import clean, count, echo_json

if TYPE_CHECKING:
    from benchledger.ledger.append import AppendReport
    from benchledger.ledger.leaderboard import LeaderRow
    from benchledger.ledger.rescore import RescoreResult
    from benchledger.ledger.store import Ledger
    from benchledger.ledger.verify import VerifyReport

_ACTOR = "demo"
_DATA = "cab-cells.jsonl"
_ATTRIBUTION = (
    "example data: 43 published cells of CodingAgentBench (codingagentbench.com), CC-BY-4.0; "
    "what a page did not show is missing, never zero"
)


@command("benchledger demo", "benchledger demo --published", "benchledger demo --into /tmp/demo.db --json")
@click.option(
    "--into",
    default="benchledger-demo.db",
    show_default=True,
    metavar="PATH",
    help="The demo's own ledger file.",
)
@click.option("--published", is_flag=True, help="Append published example cells, and run no agent.")
@json_option
def demo(into: str, *, published: bool, as_json: bool) -> None:
    """Run a real agent on three tasks, verify the ledger, and rescore it.

    mini-swe-agent works on three tasks against a scripted model in the local sandbox, beside oracle,
    which knows the solution, and nop, which does nothing. Needs no key, no container and no model;
    at its first use it installs the agent, into a place of its own. With --published it shows the
    same on 43 published cells, and runs nothing.

    Makes a ledger of its own, and the same again when run again; a file that holds anything
    else is left alone.
    """
    from benchledger.ledger.database import translated
    from benchledger.ledger.store import Ledger

    path = Path(into)
    with translated(path):
        _clear(path)
        Ledger.create(path).close()
        if published:
            _published(path, as_json=as_json)
        else:
            from benchledger.ledger.cli.demo_runs import run_demo

            run_demo(path, as_json=as_json)


def _published(path: Path, *, as_json: bool) -> None:
    from benchledger.ledger.store import Ledger
    from benchledger.ledger.verify import VerifyOptions, verify

    with Ledger.open(path, write=True) as ledger:
        appended = _append(ledger)
    # An empty ledger has no last-seen head yet, so nothing is claimed that was not checked.
    checked = verify(path, VerifyOptions(use_last_seen=False))
    with Ledger.open(path, write=True) as ledger:
        rescored, boards = _score(ledger)
        ledger_id, head = ledger.ledger_id, ledger.head()
    if head is not None:
        note_head(ledger_id, head)
    if as_json:
        echo_json(_json(path, appended, checked, (rescored, boards)))
        return
    _tell(path, appended, checked, (rescored, boards))
    tell_head(path, head)
    _next(path)


def _clear(path: Path) -> None:
    """Remove an earlier demo; raises UsageError where the file is anything else."""
    from benchledger.ledger.database import remove
    from benchledger.ledger.store import Ledger
    from benchledger.schema.errors import EnvironmentLacks, UsageError

    if not path.exists():
        return
    try:
        with Ledger.open(path) as ledger:
            foreign = any(event.seq and event.meta.actor != _ACTOR for event in ledger.events())
    except (EnvironmentLacks, ValueError):
        foreign = True
    if foreign:
        raise UsageError(f"{path} holds something other than a demo", "name another file with --into")
    remove(path)


@contextmanager
def _data() -> Iterator[str]:
    with as_file(files("benchledger.ledger").joinpath("data", _DATA)) as path:
        yield str(path)


def _append(ledger: Ledger) -> AppendReport:
    from benchledger.ledger.append import AppendOptions, append_source
    from benchledger.ledger.importers.reader import open_source

    with _data() as path, open_source(path) as source:
        return append_source(ledger, source, AppendOptions(actor=_ACTOR))


def _score(ledger: Ledger) -> tuple[RescoreResult, dict[str, list[LeaderRow]]]:
    from benchledger.ledger.leaderboard import leaderboard
    from benchledger.ledger.rescore import record, rescore
    from benchledger.schema.history import Selection
    from benchledger.scorers.composite import CAB_01, GATED_1

    connection, everything = ledger.connection, Selection()
    result = rescore(connection, GATED_1, CAB_01, everything)
    record(ledger, result, _ACTOR)
    boards = {policy.name: leaderboard(connection, policy, everything) for policy in (CAB_01, GATED_1)}
    return result, boards


def _json(
    path: Path,
    appended: AppendReport,
    checked: VerifyReport,
    scored: tuple[RescoreResult, dict[str, list[LeaderRow]]],
) -> dict[str, Any]:
    result, boards = scored
    return {
        "ledger": str(path),
        "append": appended.to_json(),
        "verify": checked.to_json(),
        "rescore": [row.to_json() for row in result.rows],
        "leaderboards": {name: [row.to_json() for row in rows] for name, rows in boards.items()},
    }


def _tell(
    path: Path,
    appended: AppendReport,
    checked: VerifyReport,
    scored: tuple[RescoreResult, dict[str, list[LeaderRow]]],
) -> None:
    from benchledger.ledger.cli import leaderboard, rescore

    result, boards = scored
    name = clean(path)
    click.echo(_ATTRIBUTION)
    click.echo(f"\n$ benchledger --ledger {name} append {_DATA}")
    click.echo(f"{count(appended.cells, 'cell')} in {count(appended.events, 'event')}")
    click.echo(f"cab-0.1 reproduces {appended.reproduced} of {appended.published} published composites")
    click.echo(f"\n$ benchledger --ledger {name} verify")
    found = "no defect" if checked.ok else count(len(checked.defects), "defect")
    click.echo(f"{count(checked.events, 'event')}: hashes, payloads, blobs, scores, projections: {found}")
    for policy, rows in boards.items():
        click.echo(f"\n$ benchledger --ledger {name} leaderboard --policy {policy}")
        leaderboard.tell(rows)
    click.echo(f"\n$ benchledger --ledger {name} rescore --policy gated-1 --before cab-0.1")
    rescore.tell(result)


def _next(path: Path) -> None:
    ledger = (
        f"benchledger --ledger {json.dumps(str(path))}"
        if " " in str(path)
        else f"benchledger --ledger {path}"
    )
    click.echo("\ntry next:")
    click.echo(f"  {ledger} serve")
    click.echo(f"  {ledger} rescore -w pass_rate=0.5 -w latency=0.5")
    click.echo(f"  {ledger} cells --agent aider")
    click.echo("  benchledger policy show gated-1 > my.toml")
    click.echo("  benchledger init && benchledger append FILE")
