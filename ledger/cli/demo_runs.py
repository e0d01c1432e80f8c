"""The demo's runs: a real agent against a scripted model, beside one that cheats honestly and one that sleeps."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.attempts import Intent, run_attempt
from benchledger.ledger.cli.common import note_head, tell_head
from benchledger.ledger.cli.render import clean, count, echo_json, number

if TYPE_CHECKING:
    from benchledger.ledger.leaderboard import LeaderRow
    from benchledger.ledger.rescore import RescoreResult
    from benchledger.ledger.store import Ledger
    from benchledger.ledger.verify import VerifyReport

__all__ = ["run_demo"]

_AGENT = "mini-swe-agent"
_MODEL = "scripted"
_SWEEP = "demo"
# task -> the variant of its script that the model plays: it solves two, and guesses where it should ask
_TASKS = {
    "mutations/python-lru-cache": "steps",
    "polyglot/python-csv-quotes": "steps",
    "integrity/ambiguous-ticket": "guess",
}


def run_demo(path: Path, *, as_json: bool) -> None:
    """Run nine cells into the new ledger at `path`, verify it, rescore it, and show all three."""
    from benchledger.ledger.store import Ledger
    from benchledger.ledger.verify import VerifyOptions, verify

    say = _quiet if as_json else click.echo
    lacking = _install(say)
    agents = ["oracle", "nop"] if lacking else [_AGENT, "oracle", "nop"]
    say(
        f"\n$ benchledger run, for {', '.join(agents)} on {count(len(_TASKS), 'task')}; the model is a script"
    )
    with Ledger.open(path, write=True) as ledger:
        cells = [_cell(ledger, agent, task, say) for task in _TASKS for agent in agents]
    checked = verify(path, VerifyOptions(use_last_seen=False))
    with Ledger.open(path, write=True) as ledger:
        board, rescored = _score(ledger)
        ledger_id, head = ledger.ledger_id, ledger.head()
    if head is not None:
        note_head(ledger_id, head)
    if as_json:
        echo_json(_json(path, cells, checked, (board, rescored)) | {"lacking": lacking})
        return
    _tell(path, checked, board, rescored)
    tell_head(path, head)
    _next(path, cells[0])


def _quiet(text: str) -> None:
    pass


def _install(say: Any) -> str | None:
    """Install the agent where it is not there; return why it cannot be had here, if so."""
    from benchledger.runners.agents.files import agent_named, load_agents
    from benchledger.runners.agents.install import install, installed
    from benchledger.schema.errors import EnvironmentLacks

    spec = agent_named(_AGENT, load_agents())
    if installed(spec) is None:
        say(f"{spec.name} {spec.version} is installed at this first use, into an environment of its own:")
    try:
        install(spec, progress=lambda line: say(f"  {clean(line)}"))
    except EnvironmentLacks as error:
        say(f"{spec.name} cannot be installed here ({clean(error.message)}): on with oracle and nop")
        return str(error)
    return None


def _cell(ledger: Ledger, agent: str, task: str, say: Any) -> Mapping[str, Any]:
    from benchledger.runners.prepare import Request, prepare
    from benchledger.runners.source import scripted
    from benchledger.scorers.composite import GATED_1

    parts = prepare(Request(agent=agent, task=task, model=_MODEL))
    source = scripted(parts.task, _TASKS[task]) if parts.agent.uses_model else None
    told = run_attempt(ledger, parts, source, Intent(_SWEEP, GATED_1, actor="demo"))
    say(f"{agent:<15} {task:<28} {number(told['composite'])}  {clean(told['verdict'])}")
    return told


def _score(ledger: Ledger) -> tuple[list[LeaderRow], RescoreResult]:
    from benchledger.ledger.leaderboard import leaderboard
    from benchledger.ledger.rescore import record, rescore
    from benchledger.schema.history import Selection
    from benchledger.scorers.composite import CAB_01, GATED_1

    chosen = Selection(mode=("live", "scripted"))
    board = leaderboard(ledger.connection, GATED_1, chosen)
    rescored = rescore(ledger.connection, CAB_01, GATED_1, chosen)
    record(ledger, rescored, "demo")
    return board, rescored


def _json(
    path: Path,
    cells: list[Mapping[str, Any]],
    checked: VerifyReport,
    scored: tuple[list[LeaderRow], RescoreResult],
) -> dict[str, Any]:
    board, rescored = scored
    return {
        "ledger": str(path),
        "cells": [dict(cell) for cell in cells],
        "verify": checked.to_json(),
        "leaderboards": {"gated-1": [row.to_json() for row in board]},
        "rescore": [row.to_json() for row in rescored.rows],
    }


def _tell(path: Path, checked: VerifyReport, board: list[LeaderRow], rescored: RescoreResult) -> None:
    from benchledger.ledger.cli import leaderboard, rescore

    name = f"benchledger --ledger {shlex.quote(str(path))}"
    click.echo(f"\n$ {name} verify")
    found = "no defect" if checked.ok else count(len(checked.defects), "defect")
    click.echo(f"{count(checked.events, 'event')}: hashes, payloads, blobs, scores, projections: {found}")
    click.echo(f"\n$ {name} leaderboard --mode live --mode scripted")
    leaderboard.tell(board)
    click.echo(f"\n$ {name} rescore --policy cab-0.1 --mode live --mode scripted")
    click.echo("the published reference's weights: what does nothing is no longer worth nothing")
    rescore.tell(rescored)


def _next(path: Path, cell: Mapping[str, Any]) -> None:
    name = f"benchledger --ledger {shlex.quote(str(path))}"
    click.echo("\ntry next:")
    click.echo(f"  {name} serve")
    click.echo(f"  {name} show {shlex.quote(cell['cell_id'])}")
    click.echo(f"  {name} run --replay {shlex.quote(cell['cell_id'])}")
    click.echo("  benchledger agents; benchledger tasks; benchledger run --help")
    click.echo("  benchledger demo --published")
