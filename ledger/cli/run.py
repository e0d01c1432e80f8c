"""run: one real agent on one real task, every step an event the moment it happens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli import running
from benchledger.ledger.cli.attempts import Intent, run_attempt
from benchledger.ledger.cli.common import (
    command,
    json_option,
    ledger_option,
    ledger_path,
    policy_of,
    tell_head,
    writing,
)
from benchledger.ledger.cli.render import clean, echo_json, progress_lines
from benchledger.ledger.cli.thresholds import cell_values, fail_under_cells, say_shortfalls

if TYPE_CHECKING:
    from benchledger.ledger.store import Ledger
    from benchledger.runners.source import Recorded
    from benchledger.schema.policy import Policy

_ACTOR = "run"


@command(
    "benchledger run --agent nop --task mutations/python-lru-cache",
    "benchledger run --agent mini-swe-agent --task mutations/python-lru-cache --scripted",
    "benchledger run --agent aider --model gpt-5 --task polyglot/python-csv-quotes \\",
    "    --endpoint https://api.example.com/v1 --key-env MY_KEY --sandbox docker",
    "benchledger run --replay SWEEP/AGENT/MODEL/CATEGORY/TASK",
)
@running.cell_options
@running.sandbox_options
@click.option("--replay", metavar="CELL[@ATTEMPT]", help="Answer from the calls that a cell recorded.")
@click.option("--repeat", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many runs.")
@click.option("--sweep", metavar="NAME", help="The sweep of the cell.  [default: run-YYYYMMDD]")
@click.option(
    "--policy", default="gated-1", show_default=True, metavar="NAME|FILE", help="The policy of its scores."
)
@fail_under_cells
@ledger_option
@json_option
@click.pass_context
def run(ctx: click.Context, /, *, as_json: bool, **given: Any) -> None:
    """Run an agent on a task, record every step, grade and score it.

    The model answers from --endpoint, from the task's script (--scripted) or from a recorded cell
    (--replay). The run is the next one of its cell; one that was lost to the infrastructure is
    tried again as a new attempt. Leaves with 1 where a replay met a request that was never
    recorded; a failed cell is data, and leaves with 0, unless --fail-under says otherwise.
    """
    with running.terminated_is_interrupted(), writing() as ledger:
        policy = policy_of(ledger.connection, given["policy"])
        told = _runs(ledger, given, policy, as_json=as_json)
        if as_json:
            head = ledger.head()
            where = {"ledger": str(ledger_path()), "head": None if head is None else head.to_json()}
            echo_json(where | {"policy": policy.name, "cells": told})
        else:
            tell_head(ledger_path(), ledger.head())
    names = ((f"{cell['cell_id']}@{cell['attempt']}", cell_values(cell)) for cell in told)
    short = say_shortfalls(given["fail_under"], names)
    if short or any(cell["drifts"] for cell in told):
        ctx.exit(1)


def _runs(ledger: Ledger, given: Mapping[str, Any], policy: Policy, *, as_json: bool) -> list[dict[str, Any]]:
    from benchledger.ledger import runs
    from benchledger.runners.host import launcher_is_gone
    from benchledger.runners.prepare import prepare

    recorded, known = _recorded(ledger, given["replay"])
    with progress_lines() as step:
        parts = prepare(running.request_of(given, known), step)
    source = running.source_of(given, parts, recorded)
    for ref in runs.close_abandoned(ledger, launcher_is_gone, policy, _ACTOR):
        click.echo(f"closed {clean(ref)} as aborted: its launcher was killed", err=True)
    sweep = given["sweep"] or f"run-{datetime.now(UTC):%Y%m%d}"
    intent = Intent(sweep, policy, given["repeat"], _ACTOR)
    told = []
    for _ in range(intent.repeats):
        cell = run_attempt(ledger, parts, source, intent)
        told.append(dict(cell))
        if not as_json:
            click.echo(f"{clean(cell['cell_id'])}@{cell['attempt']}")
            running.show_judged(cell, policy.name)
    return told


def _recorded(ledger: Ledger, text: str | None) -> tuple[Recorded | None, dict[str, str]]:
    """Return the calls of the attempt that --replay names, and which agent, model and task it had."""
    from benchledger.ledger.recorded import recorded_run
    from benchledger.runners.sandboxes.port import Places
    from benchledger.runners.source import Recorded

    if text is None:
        return None, {}
    found = recorded_run(ledger, text)
    places = Places(*(found.places.get(name, f"/{name}") for name in ("home", "tmp", "workdir")))
    known = {"agent": found.cell.agent, "model": found.cell.model, "task": found.cell.task_id}
    return Recorded(found.ref, found.calls, found.get, places), known
