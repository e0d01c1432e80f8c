"""Runs into a ledger: which run and attempt comes next, the plan before it, its scores after it.

    next_place -> announce (sweep.planned) -> run_cell's evidence -> finish -> closing events

The ledger knows no runners: `Open`, what one gives back, is a stream that is not closed yet, and
what only a runner can know of its end.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchledger.ledger.append import declare
from benchledger.ledger.counting import GRADED, history_of
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.schema.base import Payload
from benchledger.schema.errors import Conflict
from benchledger.schema.events import CellFinished, CellNoted, CellSetup
from benchledger.schema.history import PriceDeclared, SweepPlanned
from benchledger.schema.ids import CellId
from benchledger.schema.policy import Outcome, Policy
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import Composite, evaluate, inputs_of
from benchledger.scorers.evidence import AxisScore, Evidence

__all__ = ["Judged", "Open", "Stream", "announce", "close_abandoned", "declare_price", "judge", "next_place"]


class Stream(Protocol):
    """An attempt's stream, as its runner wrote it."""

    payloads: list[Payload]

    def write(self, *payloads: Payload) -> None:
        """Append events to it. MUST be durable on return."""
        ...

    def blob(self, digest: str) -> bytes | None:
        """Return the bytes of a blob that the stream refers to."""
        ...


class Open(Protocol):
    """An attempt whose evidence is complete and which is not yet judged."""

    @property
    def journal(self) -> Any:
        """A Stream; Any, for its runner's type is richer."""
        ...

    @property
    def stated(self) -> tuple[Outcome, str | None] | None:
        """An outcome and its kind that the evidence cannot tell."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks of the runner."""
        ...


@dataclass(frozen=True)
class Judged:
    """One attempt with its scores under the policy that it was run for."""

    evidence: Evidence
    axes: dict[str, AxisScore]
    composite: Composite
    end: CellFinished
    notes: tuple[str, ...] = ()


def judge(ended: Open, policy: Policy) -> Judged:
    """Score an attempt and close its stream; raises what the stream's `write` raises."""
    stream: Stream = ended.journal
    late: KeyboardInterrupt | None = None
    try:
        closing, evidence, axes = finish(stream.payloads, stream.blob, policy, ended.stated, ended.notes)
    except KeyboardInterrupt as error:  # an attempt that is done is closed all the same
        late = error
        closing, evidence, axes = finish(stream.payloads, stream.blob, policy, ended.stated, ended.notes)
    stream.write(*closing)
    if late is not None:
        raise late
    end = closing[-1]
    assert isinstance(end, CellFinished)  # noqa: S101 - for the type checker; `finish` says so
    apart = [note for event in closing if isinstance(event, CellNoted) for note in event.notes]
    composite = evaluate(policy, inputs_of(end.outcome, axes))
    return Judged(evidence, axes, composite, end, (*apart, *end.notes))


def next_place(
    ledger: Ledger, cell: CellId, mode: str, sandbox: str, infra_retries: int = 2
) -> tuple[int, int]:
    """Return (run, attempt) that comes next for a cell, whatever its run number.

    The last run where it was lost to the infrastructure or aborted and may be tried again under the
    same mode and sandbox, at most `infra_retries` times; else the next run number, from 1.
    """
    row = ledger.connection.execute(
        "SELECT c.run, c.history, c.cell FROM cells c WHERE c.origin = '' AND c.sweep = ? AND c.agent = ?"
        " AND c.model = ? AND c.task = ? ORDER BY c.run DESC LIMIT 1",
        (cell.sweep, cell.agent, cell.model, cell.task_id),
    ).fetchone()
    if row is None:
        return 1, 1
    run, history, name = row
    attempts = history_of(history)
    lost = all(outcome and outcome not in GRADED for _, outcome, _ in attempts)
    query = "SELECT DISTINCT mode, sandbox FROM attempts WHERE cell = ?"
    same = ledger.connection.execute(query, (name,)).fetchall() == [(mode, sandbox)]
    if lost and same and len(attempts) <= infra_retries:
        return run, attempts[-1][0] + 1
    return run + 1, 1


def announce(ledger: Ledger, plan: SweepPlanned, policy: Policy, actor: str) -> None:
    """Append the policy and what is intended, before anything of it is launched.

    Nothing is appended where an earlier plan of the sweep names all of it.
    """
    declare(ledger, policy, actor)
    rows = ledger.connection.execute(
        "SELECT agents, models, tasks FROM sweeps WHERE origin = '' AND sweep = ?", (plan.sweep,)
    )
    wanted = plan.agents, plan.models, plan.tasks
    for row in rows:
        if all(set(names) <= set(json.loads(text)) for names, text in zip(wanted, row, strict=True)):
            return
    ledger.emit(Draft(f"sweep/{plan.sweep}", plan, actor=actor))


def declare_price(ledger: Ledger, sweep: str, price: PriceDeclared, actor: str) -> None:
    """Append the price of a model to its sweep, unless it is the one that was declared there last."""
    stream = f"sweep/{sweep}"
    before = [event.decoded() for event in ledger.stream(stream) if event.meta.type == price.event_type]
    same_model = [each for each in before if isinstance(each, PriceDeclared) and each.model == price.model]
    if same_model[-1:] != [price]:
        ledger.emit(Draft(stream, price, actor=actor))


def close_abandoned(
    ledger: Ledger, is_gone: Callable[[object], bool], policy: Policy, actor: str
) -> Sequence[str]:
    """Close attempts whose launcher was killed, as `aborted`; return their refs.

    `is_gone` says of the launcher that a cell.setup names whether it ran on this machine and ended.
    """
    rows = ledger.connection.execute(
        "SELECT a.ref FROM attempts a JOIN cells c ON c.cell = a.cell"
        " WHERE c.origin = '' AND a.outcome IS NULL ORDER BY a.first_seq"
    ).fetchall()
    closed = []
    for (ref,) in rows:
        stream = f"cell/{ref}"
        events = list(ledger.stream(stream))
        payloads = [payload for event in events if (payload := event.decoded()) is not None]
        setup = payloads[0] if payloads else None
        if not isinstance(setup, CellSetup) or not is_gone((setup.host or {}).get("launcher")):
            continue
        closing, _, _ = finish(payloads, ledger.blob, policy, ("aborted", None), ("its launcher was killed",))
        first = len(events) + 1
        drafts = [Draft(stream, item, actor=actor, version=first + at) for at, item in enumerate(closing)]
        with contextlib.suppress(Conflict):  # another launcher, started beside us, did the same
            ledger.emit_all(drafts)
            closed.append(ref)
    return closed
