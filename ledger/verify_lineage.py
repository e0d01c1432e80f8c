"""Which score of an attempt replaced which: one line of scores for each axis, and one of composites.

    axis.scored v9 <- axis.scored v15, supersedes 9 <- axis.scored v21, supersedes 15

A score that comes second has to name the last one before it. One that names none, or an earlier one,
would leave it to the reader which of two counts.
"""

from __future__ import annotations

from benchledger.schema.events import AxisScored, CompositeScored
from benchledger.scorers.composite import Composite
from benchledger.scorers.evidence import AxisScore

__all__ = ["Lineage", "composite_of", "is_score", "score_of"]


class Lineage:
    """The scores of one attempt in the order of its stream; `composite` is the last with its place."""

    __slots__ = ("_at", "_axes", "composite")

    def __init__(self) -> None:
        """Start without a score."""
        self._axes: dict[str, list[int]] = {}
        self._at: list[int] = []
        self.composite: tuple[int, CompositeScored] | None = None

    def axis(self, version: int, payload: AxisScored) -> str | None:
        """Take a score that stands at `version`; return what is wrong with the score that it names."""
        line = self._axes.setdefault(payload.axis, [])
        said = _wrong(line, payload.supersedes, f"score of {payload.axis}")
        line.append(version)
        return said

    def take_composite(self, seq: int, version: int, payload: CompositeScored) -> str | None:
        """Take a composite; return what is wrong with the one that it names."""
        said = _wrong(self._at, payload.supersedes, "composite")
        before = self.composite
        if said is None and before is not None and before[1].policy_id != payload.policy_id:
            said = "the composite is under another policy than the one that it supersedes"
        self._at.append(version)
        self.composite = seq, payload
        return said


def _wrong(line: list[int], named: int | None, what: str) -> str | None:
    if named is None:
        return f"a second {what} does not say which one it supersedes" if line else None
    if named not in line:
        return f"it supersedes version {named}, which is no {what} of this attempt"
    if named != line[-1]:
        return f"it supersedes version {named}, a {what} that was superseded before"
    return None


def is_score(payload: AxisScored, score: AxisScore) -> bool:
    """Return whether an event says what was derived; what it supersedes apart."""
    return (
        payload.value == score.value
        and payload.state == score.state
        and payload.evidence == score.evidence
        and payload.payload == score.payload
        and payload.reason == score.reason
        and payload.axis == score.axis
        and payload.scorer == score.scorer
    )


def composite_of(payload: CompositeScored) -> Composite:
    """Return the composite that an event records."""
    return Composite(*[getattr(payload, name) for name in Composite._fields])


def score_of(payload: AxisScored) -> AxisScore:
    """Return the score that an event records."""
    return AxisScore(
        payload.axis,
        payload.scorer,
        payload.value,
        payload.state,
        payload.reason,
        payload.payload,
        payload.evidence,
    )
