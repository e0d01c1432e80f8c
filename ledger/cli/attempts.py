"""One attempt from intent to score, as every command makes it that appends runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchledger.ledger.cli import running

if TYPE_CHECKING:
    from benchledger.ledger.store import Ledger
    from benchledger.runners.prepare import Prepared
    from benchledger.runners.source import ModelSource
    from benchledger.schema.policy import Policy

__all__ = ["Intent", "run_attempt"]


@dataclass(frozen=True)
class Intent:
    """What is planned before anything is launched: a sweep, its policy, how many repeats, under whose name."""

    sweep: str
    policy: Policy
    repeats: int = 1
    actor: str = "run"


def run_attempt(
    ledger: Ledger, parts: Prepared, source: ModelSource | None, intent: Intent
) -> Mapping[str, Any]:
    """Run the next attempt of a cell; announce it first, close its stream whatever happens.

    Returns the attempt in the shape of `run --json`. Raises what interrupted it, once it is closed.
    """
    from dataclasses import asdict, replace

    from benchledger.ledger import runs
    from benchledger.runners.cell import run_cell
    from benchledger.runners.prepare import plan_cell
    from benchledger.runners.secrets import environment_secrets
    from benchledger.schema.history import PriceDeclared

    plan = plan_cell(parts, source, intent.sweep, 1, 1, environment_secrets(os.environ))
    number, attempt = runs.next_place(ledger, plan.cell, plan.mode, plan.sandbox_name)
    planned = running.intent_of(plan, intent.policy, intent.repeats)
    runs.announce(ledger, planned, intent.policy, intent.actor)
    if plan.source is not None and plan.source.prices is not None:
        price = PriceDeclared(model=plan.model, source="--price", **asdict(plan.source.prices))
        runs.declare_price(ledger, intent.sweep, price, intent.actor)
    plan = replace(
        plan,
        cell=replace(plan.cell, run=number),
        attempt=attempt,
        policy_id=intent.policy.policy_id,
        actor=intent.actor,
    )
    with running.watching() as report:
        ended = run_cell(plan, ledger, report)
        judged = runs.judge(ended, intent.policy)
    if ended.interrupted is not None:
        raise ended.interrupted
    return running.judged_json(judged, ended)
