"""One attempt from intent to score, as every command makes it that runs cells."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchledger.ledger.cli import running

if TYPE_CHECKING:
    from benchledger.ledger.runs import Judged
    from benchledger.ledger.store import Ledger
    from benchledger.runners.cell_plan import CellPlan, Ended, Report
    from benchledger.runners.prepare import Prepared
    from benchledger.runners.source import ModelSource
    from benchledger.schema.policy import Policy
    from benchledger.schema.ports import Sink

__all__ = ["Intent", "launched", "next_attempt", "planned", "run_attempt"]


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
    judged, ended = next_attempt(ledger, parts, source, intent)
    if ended.interrupted is not None:
        raise ended.interrupted
    return running.judged_json(judged, ended)


def next_attempt(
    ledger: Ledger, parts: Prepared, source: ModelSource | None, intent: Intent
) -> tuple[Judged, Ended]:
    """Do as `run_attempt` does, and leave it to the caller to raise what interrupted it."""
    from dataclasses import asdict, replace

    from benchledger.ledger import runs
    from benchledger.schema.history import PriceDeclared

    plan = planned(parts, source, intent)
    number, attempt = runs.next_place(ledger, plan.cell, plan.mode, plan.sandbox_name)
    runs.announce(ledger, running.intent_of(plan, intent.policy, intent.repeats), intent.policy, intent.actor)
    if plan.source is not None and plan.source.prices is not None:
        price = PriceDeclared(model=plan.model, source="--price", **asdict(plan.source.prices))
        runs.declare_price(ledger, intent.sweep, price, intent.actor)
    return launched(replace(plan, cell=replace(plan.cell, run=number), attempt=attempt), ledger, intent)


def planned(parts: Prepared, source: ModelSource | None, intent: Intent) -> CellPlan:
    """Return the plan of the first attempt of the first run; what the environment keeps secret is masked."""
    from dataclasses import replace

    from benchledger.runners.prepare import plan_cell
    from benchledger.runners.secrets import environment_secrets

    plan = plan_cell(parts, source, intent.sweep, 1, 1, environment_secrets(os.environ))
    return replace(plan, policy_id=intent.policy.policy_id, actor=intent.actor)


def launched(
    plan: CellPlan, sink: Sink, intent: Intent, report: Report | None = None
) -> tuple[Judged, Ended]:
    """Run one attempt into `sink` while its steps are shown, or told to `report`; score it and close its stream."""
    from benchledger.ledger import runs
    from benchledger.runners.cell import run_cell

    with running.watching() if report is None else nullcontext(report) as told:
        ended = run_cell(plan, sink, told)
        return runs.judge(ended, intent.policy), ended
