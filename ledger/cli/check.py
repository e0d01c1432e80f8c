"""check: a first number for an agent, out of one cell that nobody keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli import running
from benchledger.ledger.cli.attempts import Intent, launched, planned
from benchledger.ledger.cli.common import command, json_option, policy_of
from benchledger.ledger.cli.render import clean, echo_json, progress_lines
from benchledger.ledger.cli.thresholds import cell_values, fail_under_cells, say_shortfalls

if TYPE_CHECKING:
    from benchledger.ledger.runs import Judged
    from benchledger.schema.policy import Policy

_ACTOR = "check"


@command(
    "benchledger check --agent aider --task mutations/python-lru-cache --scripted",
    "benchledger check --agent aider --model gpt-5 --task polyglot/python-csv-quotes \\",
    "    --endpoint https://api.example.com/v1 --key-env MY_KEY",
    "benchledger check --agent nop --task mutations/python-lru-cache --json | jq .composite",
    "benchledger check --agent oracle --task mutations/python-lru-cache --fail-under composite=0.95",
)
@running.cell_options
@running.sandbox_options
@click.option("--no-install", is_flag=True, help="Refuse an agent that is not installed.")
@click.option(
    "--policy", default="gated-1", show_default=True, metavar="NAME|FILE", help="The policy of its score."
)
@fail_under_cells
@json_option
@click.pass_context
def check(ctx: click.Context, /, *, as_json: bool, **given: Any) -> None:
    """Try an agent on a task: a provisional score, and nothing is kept.

    Runs one cell as `run` does, and scores it. No ledger is needed, read or written, so nobody can
    verify the score: it is provisional, not for citation. An agent that is not installed is
    installed first. A failed cell is data, and leaves with 0, unless --fail-under says otherwise.
    """
    with running.terminated_is_interrupted():
        policy = policy_of(None, given["policy"])
        told = _checked(given, policy)
    if as_json:
        echo_json(told)
    else:
        running.show_judged(told, policy.name)
        click.echo(f"provisional, not for citation: {'; '.join(told['not_for_citation'])}")
        click.echo(f"{clean(told['cell_id'])} is in no ledger; `benchledger run` keeps what it did")
    if say_shortfalls(given["fail_under"], [(told["cell_id"], cell_values(told))]):
        ctx.exit(1)


def _checked(given: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    from benchledger.runners.prepare import prepare
    from benchledger.schema.memory import MemorySink

    request = running.request_of(given)
    running.install_first(given, request)
    with progress_lines() as step:
        parts = prepare(request, step)
    intent = Intent(f"check-{datetime.now(UTC):%Y%m%d}", policy, actor=_ACTOR)
    plan = planned(parts, running.source_of(given, parts), intent)
    judged, ended = launched(plan, MemorySink(), intent)
    if ended.interrupted is not None:
        raise ended.interrupted
    told = running.judged_json(judged, ended)
    return told | {"provisional": True, "not_for_citation": _reasons(judged), "policy": policy.name}


def _reasons(judged: Judged) -> list[str]:
    """Return why the score may not be cited; there is always one, for nothing of it was kept."""
    from benchledger.ledger.standing import Circumstances, standing_reasons

    setup = judged.evidence.setup
    seen = Circumstances(
        mode=setup.mode,
        imported=False,
        sandbox=setup.sandbox,
        image=setup.agent.image_digest or setup.agent.image_id,
        version=setup.agent.version,
        planned=False,
        verified=False,
    )
    return ["kept in no ledger", *standing_reasons(seen)]
