"""The one step that turns evidence into score events; append, run, regrade and check all call it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchledger.schema.base import Payload
from benchledger.schema.errors import BadInput
from benchledger.schema.events import (
    AxisScored,
    CellFinished,
    CellNoted,
    CellSetup,
    CompositeScored,
    ModelCalled,
    TaskExpected,
)
from benchledger.schema.policy import Outcome, Policy
from benchledger.schema.task import Expectations
from benchledger.scorers.composite import Composite, evaluate, inputs_of
from benchledger.scorers.evidence import AxisScore, Evidence, no_blob
from benchledger.scorers.outcome import classify
from benchledger.scorers.registry import score_axes

__all__ = ["EVIDENCE_TYPES", "axis_event", "composite_event", "evidence_of", "finish"]

# Which field of Evidence holds the payload of which type; model calls are a list.
_FIELDS = {
    "cell.setup": "setup",
    "cell.launched": "launched",
    "cell.exited": "exited",
    "workdir.captured": "workdir",
    "grader.ran": "grader",
    "record.received": "record",
}
EVIDENCE_TYPES = frozenset({*_FIELDS, "model.called", "task.expected"})


def evidence_of(
    events: Iterable[tuple[int, Payload]], blob: Callable[[str], bytes | None] = no_blob
) -> Evidence | None:
    """Collect the evidence out of (stream version, payload) pairs; None where there is no cell.setup."""
    fields: dict[str, Any] = {}
    calls: list[ModelCalled] = []
    expected: Expectations | None = None
    seen: dict[str, list[int]] = {}
    for version, payload in events:
        name = payload.event_type
        if name not in EVIDENCE_TYPES:
            continue
        seen.setdefault(name, []).append(version)
        if isinstance(payload, ModelCalled):
            calls.append(payload)
        elif isinstance(payload, TaskExpected):
            expected = payload.expectations
        else:
            fields[_FIELDS[name]] = payload
    if "setup" not in fields:
        return None
    if expected is not None:
        # one setup in two events: what a score saw of it, it saw in both
        setup: CellSetup = fields["setup"]
        task = setup.task.model_copy(update={"expectations": expected})
        fields["setup"] = setup.model_copy(update={"task": task})
        seen["cell.setup"] += seen["task.expected"]
    versions = {name: tuple(found) for name, found in seen.items()}
    return Evidence(calls=tuple(calls), versions=versions, blob=blob, **fields)


def finish(
    payloads: Sequence[Payload],
    blob: Callable[[str], bytes | None],
    policy: Policy,
    stated: tuple[Outcome, str | None] | None = None,
    notes: Sequence[str] = (),
) -> tuple[list[Payload], Evidence, dict[str, AxisScore]]:
    """Return the closing events of an attempt: every axis, the composite, cell.finished.

    `payloads` are its evidence in stream order, from version 1; `stated` is an outcome that
    only the harness can know (a dead engine, an abort), else the evidence is classified; `notes`
    are remarks of the harness, put before our own.
    """
    evidence = evidence_of(enumerate(payloads, 1), blob)
    if evidence is None:
        raise BadInput("an attempt without cell.setup cannot be scored", "give its identity")
    outcome, kind, remarks = (*stated, ()) if stated is not None else classify(evidence)
    axes = {score.axis: score for score in score_axes(evidence)}
    closing: list[Payload] = [axis_event(score) for score in axes.values()]
    closing.append(composite_event(policy, evaluate(policy, inputs_of(outcome, axes))))
    said = (*notes, *remarks)
    if evidence.setup.task.private and said:
        closing.append(CellNoted(notes=said))
        said = ()
    closing.append(CellFinished(outcome=outcome, outcome_kind=kind, notes=said))
    return closing, evidence, axes


def axis_event(score: AxisScore) -> AxisScored:
    """Return the event that records one axis."""
    return AxisScored(
        axis=score.axis,
        scorer=score.scorer,
        value=None if score.value is None else float(score.value),
        state=score.state,
        reason=score.reason,
        payload=score.payload,
        evidence=score.evidence,
    )


def composite_event(policy: Policy, composite: Composite) -> CompositeScored:
    """Return the event that records a composite under `policy`."""
    return CompositeScored(policy_id=policy.policy_id, **composite._asdict())
