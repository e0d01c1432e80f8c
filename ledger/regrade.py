"""Regrade: the scorers of this installation over stored evidence, where older ones made the scores.

    events of an attempt -> evidence -> derive -> axis.scored, supersedes the last score of its axis
                                               -> composite.scored, where the composite is another one

No sandbox, no task and no engine is needed, and nothing is overwritten. All events of an attempt come in
one transaction, so whatever interrupts a regrade leaves whole attempts behind, and the next call goes
on with the rest.

An attempt of another ledger (its stream names that one) is regraded in the same stream: its evidence is
here, the ledger that it came from may be gone, and a score refers by version to what it replaces. The id of
a score is made from the attempt's first event and from what the score says. So two ledgers that regrade one
attempt alike write the same events, and a merge finds them known; what `merge` does where they did not is
said there (merge_streams.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchledger.ledger.score import EVIDENCE_TYPES, axis_event, composite_event, evidence_of
from benchledger.ledger.store import StoredEvent
from benchledger.ledger.verify_lineage import composite_of, score_of
from benchledger.schema.base import Payload
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.events import AxisScored, CellFinished, CompositeScored
from benchledger.schema.ids import import_id
from benchledger.schema.policy import Policy
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import Inputs, evaluate, inputs_of
from benchledger.scorers.evidence import AxisScore, Evidence
from benchledger.scorers.registry import PUBLISHED, derive, scorer_version

__all__ = ["AxisMove", "Regraded", "Skipped", "regrade_attempt"]

Policies = Callable[[str], Policy | None]
_TYPES = EVIDENCE_TYPES | {"axis.scored", "composite.scored", "cell.finished"}


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not regraded, and why; `axis` None is all axes of the attempt."""

    ref: str
    axis: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class AxisMove:
    """One axis of one attempt before and after; `before` is None where it had no score."""

    ref: str
    before: AxisScore | None
    after: AxisScore

    @property
    def moved(self) -> bool:
        """Return whether value or state is another one."""
        old, new = self.before, self.after
        return old is None or (old.value, old.state) != (new.value, new.state)

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of one element of `cells` of `regrade --json`."""
        old, new = self.before, self.after
        return {
            "ref": self.ref,
            "axis": new.axis,
            "scorer_before": None if old is None else old.scorer,
            "scorer_after": new.scorer,
            "before": None if old is None else old.value,
            "after": new.value,
            "state_before": None if old is None else old.state,
            "state_after": new.state,
        }


@dataclass(slots=True)
class Regraded:
    """What the scorers make of one attempt; `inputs` are those of formulas, after."""

    drafts: list[Draft] = field(default_factory=list)
    moves: list[AxisMove] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    later: list[str] = field(default_factory=list)  # scorers that are later than those of this installation
    composite: bool = False
    inputs: Inputs | None = None


class _Unreadable(Exception):
    """Something that the scores would rest on is gone."""


class _Scores:
    """The scores that count at the end of a stream, with their versions."""

    def __init__(self, payloads: Iterable[tuple[int, Payload]]) -> None:
        self.axes: dict[str, tuple[int, AxisScored]] = {}
        self.composite: tuple[int, CompositeScored] | None = None
        self.outcome: str | None = None
        for version, payload in payloads:
            if isinstance(payload, AxisScored):
                self.axes[payload.axis] = version, payload
            elif isinstance(payload, CompositeScored):
                self.composite = version, payload
            elif isinstance(payload, CellFinished):
                self.outcome = payload.outcome


def regrade_attempt(
    ref: str,
    events: Sequence[StoredEvent],
    scorers: Mapping[str, str],
    blob: Callable[[str], bytes | None],
    policies: Policies,
) -> Regraded:
    """Return the events that bring one finished attempt to `scorers` (axis -> name); writes nothing.

    The axes that these scorers or later ones made stay, and so do those of a published page.
    """
    made = Regraded()
    try:
        payloads = _payloads(events)
    except _Unreadable as error:
        made.skipped.append(Skipped(ref, None, str(error)))
        return made
    missed: list[str] = []

    def read(digest: str) -> bytes | None:
        data = blob(digest)
        if data is None:
            missed.append(digest)
        return data

    evidence, scores = evidence_of(payloads, read), _Scores(payloads)
    if evidence is None or scores.outcome is None:
        return made
    policy = None if scores.composite is None else policies(scores.composite[1].policy_id)
    if scores.composite is not None and policy is None:
        made.skipped.append(Skipped(ref, None, "the policy of its composite was never declared"))
        return made
    new: list[Payload] = []
    for axis, scorer in scorers.items():
        if _is_due(scores.axes.get(axis), scorer, made.later):
            missed.clear()
            new += _rescored(ref, scores, _derived(ref, evidence, axis, scorer, made), missed, made)
    if new:
        new += _composite(scores, policy, made)
        made.drafts = _drafts(events[0], new)
    return made


def _payloads(events: Sequence[StoredEvent]) -> list[tuple[int, Payload]]:
    """Return what a score may rest on; raises _Unreadable where a part of it is gone."""
    found = []
    for event in events:
        if event.meta.type not in _TYPES:
            continue
        payload = event.decoded()
        if payload is None:
            gone = "was redacted" if event.payload is None else "is of a schema number that is not known here"
            raise _Unreadable(f"its {event.meta.type} (event {event.seq}) {gone}")
        found.append((event.meta.version, payload))
    return found


def _is_due(last: tuple[int, AxisScored] | None, scorer: str, later: list[str]) -> bool:
    if last is None:
        return True
    recorded = last[1].scorer
    if recorded in (scorer, PUBLISHED):
        return False
    known, wanted = scorer_version(recorded), scorer_version(scorer)
    if known is not None and wanted is not None and known[1:] > wanted[1:]:
        later.append(recorded)  # a newer version of benchledger made it: going back is no progress
        return False
    return True


def _derived(ref: str, evidence: Evidence, axis: str, scorer: str, made: Regraded) -> AxisScore | None:
    try:
        return derive(scorer, axis, evidence)
    except BenchledgerError:
        raise
    except Exception as error:  # noqa: BLE001 - a package's scorer may do anything with evidence that it never met
        made.skipped.append(Skipped(ref, axis, f"{scorer} failed: {type(error).__name__}: {error}"))
        return None


def _rescored(
    ref: str, scores: _Scores, score: AxisScore | None, missed: list[str], made: Regraded
) -> list[Payload]:
    if score is None:
        return []
    if missed:
        reason = f"blob {missed[0][:12]}… of its evidence is gone"
        made.skipped.append(Skipped(ref, score.axis, reason))
        return []
    version, last = scores.axes.get(score.axis, (None, None))
    payload = axis_event(score).model_copy(update={"supersedes": version})
    made.moves.append(AxisMove(ref, None if last is None else score_of(last), score_of(payload)))
    return [payload]


def _composite(scores: _Scores, policy: Policy | None, made: Regraded) -> list[Payload]:
    """Return the composite that follows from the new axes, where it is not the one that is there."""
    axes = {axis: score_of(payload) for axis, (_, payload) in scores.axes.items()}
    axes |= {move.after.axis: move.after for move in made.moves}
    made.inputs = inputs_of(str(scores.outcome), axes)
    if scores.composite is None or policy is None:
        return []
    version, last = scores.composite
    found = evaluate(policy, made.inputs)
    if found == composite_of(last):
        return []
    made.composite = True
    return [composite_event(policy, found).model_copy(update={"supersedes": version})]


def _drafts(first: StoredEvent, payloads: Sequence[Payload]) -> list[Draft]:
    drafts = []
    for payload in payloads:
        said = canonical_bytes([first.meta.id, payload.event_type, payload.to_json()])
        drafts.append(Draft(first.meta.stream, payload, import_id("regrade", said, 0), "regrade"))
    return drafts
