"""Every axis, composite and outcome of an attempt against its evidence, and whether any axis was left out."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable

from benchledger.ledger.blobs import read_blob
from benchledger.ledger.rechecks import fault_of
from benchledger.ledger.score import EVIDENCE_TYPES, axis_event, evidence_of
from benchledger.ledger.verify_chain import UNREADABLE, Defect
from benchledger.ledger.verify_gone import FOREIGN, REDACTED, gone
from benchledger.ledger.verify_lineage import Lineage, composite_of, is_score, score_of
from benchledger.schema.base import Payload
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.events import AxisScored, CellFinished, CellRechecked, CompositeScored
from benchledger.schema.policy import Policy
from benchledger.scorers.composite import evaluate, inputs_of
from benchledger.scorers.evidence import AxisScore, Evidence
from benchledger.scorers.outcome import classify, is_stated
from benchledger.scorers.registry import ALWAYS_SCORED, derive, is_known_scorer, scorer_version

__all__ = ["CELL_TYPES", "Attempts"]

# Attempts of a sweep are written side by side; more of them in memory only cost time.
_KEEP_STREAMS = 512
CELL_TYPES = EVIDENCE_TYPES | {"axis.scored", "composite.scored", "cell.finished"}
# (name, schema number, text) -> payload, None where it does not read.
Load = Callable[[str, int, str], Payload | None]


class _Attempt:
    """What was seen of one attempt so far."""

    __slots__ = ("axes", "cached", "events", "gone", "lineage", "outcome", "pending")

    def __init__(self) -> None:
        self.events: list[tuple[int, Payload]] = []
        self.cached: Evidence | None = None
        self.axes: dict[str, AxisScore] = {}
        self.outcome: str | None = None
        self.lineage = Lineage()
        self.pending: tuple[int, CompositeScored] | None = None
        self.gone: tuple[str, str] | None = None  # (kind, what happened) to evidence that cannot be read


class Attempts:
    """Takes the events of attempts in order; keeps the evidence of a bounded number of them."""

    def __init__(self, connection: sqlite3.Connection, load: Load, redacted_blobs: Container[str]) -> None:
        """`connection` is open for reading; `redacted_blobs` are digests that events say were removed."""
        self.connection = connection
        self.policies: dict[str, Policy] = {}
        self.defects: list[Defect] = []
        self.unchecked: list[Defect] = []
        self._load = load
        self._redacted_blobs = redacted_blobs
        self._missed_blob = False
        self._attempts: OrderedDict[str, _Attempt] = OrderedDict()
        self._last = ("", _Attempt())
        self._open: dict[str, tuple[int, _Attempt]] = {}  # composites whose outcome did not come yet
        self._lacking: dict[str, tuple[int, set[str], _Attempt]] = {}  # axes that no event gave so far
        self._stale: dict[str, tuple[int, _Attempt]] = {}  # axes moved after the composite that counts

    def take(self, seq: int, stream: str, version: int, payload: Payload) -> None:
        """Check one event of an attempt."""
        attempt = self._attempt(stream, version)
        if isinstance(payload, AxisScored):
            self._lineage(seq, attempt, attempt.lineage.axis(version, payload), "axis")
            self._axis(seq, stream, attempt, payload)
            self._compare(seq, stream, attempt)
        elif isinstance(payload, CompositeScored):
            self._stale.pop(stream, None)
            self._lineage(seq, attempt, attempt.lineage.take_composite(seq, version, payload), "score")
            # The outcome that a composite needs is said by the event after it.
            attempt.pending = (seq, payload)
            if attempt.outcome is not None:
                self._composite(attempt)
            else:
                self._open[stream] = (seq, attempt)
        elif isinstance(payload, CellFinished):
            self._finished(seq, stream, attempt, payload)
        elif isinstance(payload, CellRechecked):
            self._rechecked(seq, attempt, payload)
        else:
            attempt.events.append((version, payload))
            attempt.cached = None

    def lose(self, stream: str, version: int, lost: tuple[str, str]) -> None:
        """Note that an event of an attempt cannot be read."""
        self._lost(self._attempt(stream, version), lost)

    def close(self) -> None:
        """Name what stayed open at the end: composites without an outcome, axes that never came."""
        for seq, attempt in self._open.values():
            if attempt.gone is not None:
                self._uncheckable(seq, "the composite", attempt.gone)
            else:
                self.defects.append(Defect(seq, "score", "no cell.finished stands behind this composite"))
        for seq, axes, attempt in self._lacking.values():
            names = ", ".join(sorted(axes))
            if attempt.gone == FOREIGN:
                self._uncheckable(seq, f"whether {names} was scored", attempt.gone)
            else:
                detail = f"the attempt is finished without a score of {names}: every attempt has one"
                self.defects.append(Defect(seq, "axis", detail))

        for seq, attempt in self._stale.values():
            detail = "the axes moved here, and no composite after it supersedes the one that was made before"
            if attempt.gone == FOREIGN:
                self._uncheckable(seq, "the composite", attempt.gone)
            else:
                self.defects.append(Defect(seq, "score", detail))

    @staticmethod
    def _lost(attempt: _Attempt, lost: tuple[str, str]) -> None:
        if attempt.gone != FOREIGN:  # of the two it explains more
            attempt.gone = lost

    def _attempt(self, stream: str, version: int) -> _Attempt:
        if stream == self._last[0]:
            return self._last[1]
        attempt = self._attempts.get(stream)
        if attempt is None:
            attempt = self._attempts[stream] = _Attempt()
            if version > 1:
                self._reload(stream, version, attempt)
            if len(self._attempts) > _KEEP_STREAMS:
                self._attempts.popitem(last=False)
        else:
            self._attempts.move_to_end(stream)
        self._last = (stream, attempt)
        return attempt

    def _reload(self, stream: str, version: int, attempt: _Attempt) -> None:
        """Read what an attempt had before, where it was put out of memory or began before `--since`."""
        for seq, number, name, schema, text in self.connection.execute(
            "SELECT seq, version, type, json_extract(meta, '$.schema'), payload FROM events"
            " WHERE stream = ? AND version < ? ORDER BY version",
            (stream, version),
        ):
            if name not in CELL_TYPES:
                continue
            if lost := gone(name, schema, text):
                self._lost(attempt, lost)
                continue
            payload = self._load(name, schema, text)
            if isinstance(payload, AxisScored):
                attempt.lineage.axis(number, payload)
                attempt.axes[payload.axis] = score_of(payload)
            elif isinstance(payload, CompositeScored):
                attempt.lineage.take_composite(seq, number, payload)
                attempt.pending = (seq, payload) if attempt.outcome is None else None
            elif isinstance(payload, CellFinished):
                attempt.outcome, attempt.pending = payload.outcome, None
            elif payload is not None:
                attempt.events.append((number, payload))

    def _evidence(self, attempt: _Attempt) -> Evidence | None:
        if attempt.cached is None:
            attempt.cached = evidence_of(attempt.events, self._blob)
        self._missed_blob = False
        return attempt.cached

    def _rechecked(self, seq: int, attempt: _Attempt, payload: CellRechecked) -> None:
        evidence = self._evidence(attempt)
        wrong = "no cell.setup before it" if evidence is None else fault_of(evidence, payload, self._blob)
        if wrong is not None and attempt.gone is not None:
            self._uncheckable(seq, "the recheck", attempt.gone)
        elif wrong is not None:
            self.defects.append(Defect(seq, "score", wrong))

    def _lineage(self, seq: int, attempt: _Attempt, wrong: str | None, kind: str) -> None:
        if wrong is not None and attempt.gone == FOREIGN:
            self._uncheckable(seq, "what this score supersedes", attempt.gone)
        elif wrong is not None:
            self.defects.append(Defect(seq, kind, wrong))

    def _compare(self, seq: int, stream: str, attempt: _Attempt) -> None:
        """Note whether the composite that counts still follows from the axes, after one came anew."""
        if attempt.outcome is None or attempt.lineage.composite is None:
            return
        payload = attempt.lineage.composite[1]
        policy = self.policies.get(payload.policy_id)
        if policy is None or evaluate(policy, inputs_of(attempt.outcome, attempt.axes)) == composite_of(
            payload
        ):
            self._stale.pop(stream, None)
        else:
            self._stale[stream] = seq, attempt

    def _axis(self, seq: int, stream: str, attempt: _Attempt, payload: AxisScored) -> None:
        if self._lacking and stream in self._lacking:
            self._still_lacking(stream, payload.axis)
        evidence = self._evidence(attempt)
        if evidence is None:
            attempt.axes[payload.axis] = score_of(payload)
            if attempt.gone is not None:
                self._uncheckable(seq, payload.axis, attempt.gone)
            else:
                self.defects.append(Defect(seq, "axis", f"{payload.axis} has no cell.setup before it"))
            return
        try:
            derived = derive(payload.scorer, payload.axis, evidence)
        except (BenchledgerError, *UNREADABLE) as error:
            attempt.axes[payload.axis] = score_of(payload)
            if scorer_version(payload.scorer) is not None and not is_known_scorer(payload.scorer):
                detail = (
                    f"{payload.axis} could not be derived again: there is no scorer {payload.scorer} here"
                )
                self.unchecked.append(Defect(seq, "scorer", detail))
                return
            self.defects.append(Defect(seq, "axis", f"{payload.axis} cannot be derived again: {error}"))
            return
        # Equal as they are is equal as JSON, but not the other way round: (1, 2) and [1, 2] are one there.
        if is_score(payload, derived):
            attempt.axes[payload.axis] = derived
            return
        attempt.axes[payload.axis] = score_of(payload)
        self._differing(seq, attempt, payload, derived)

    def _differing(self, seq: int, attempt: _Attempt, payload: AxisScored, derived: AxisScore) -> None:
        wanted = axis_event(derived).to_json()
        found = payload.model_copy(update={"supersedes": None}).to_json()
        lost = attempt.gone or (REDACTED if self._missed_blob else None)
        if wanted != found and lost is not None:
            self._uncheckable(seq, payload.axis, lost)
        elif wanted != found:
            fields = sorted(key for key in {*wanted, *found} if wanted.get(key) != found.get(key))
            detail = (
                f"{payload.axis}: {', '.join(fields)} is not what {payload.scorer} derives from the evidence"
            )
            self.defects.append(Defect(seq, "axis", detail))

    def _still_lacking(self, stream: str, axis: str) -> None:
        """A newer scorer ran later: what an attempt lacked at its end it may have now."""
        axes = self._lacking[stream][1]
        axes.discard(axis)
        if not axes:
            del self._lacking[stream]

    def _finished(self, seq: int, stream: str, attempt: _Attempt, payload: CellFinished) -> None:
        attempt.outcome = payload.outcome
        self._open.pop(stream, None)
        self._composite(attempt)
        evidence = self._evidence(attempt)
        if evidence is None:
            return  # without cell.setup it is no attempt: no table has a row of it
        lacking = ALWAYS_SCORED - attempt.axes.keys()
        if lacking:
            self._lacking[stream] = (seq, {*lacking}, attempt)
        said = (payload.outcome, payload.outcome_kind)
        if is_stated(*said):
            return
        shown = classify(evidence)[:2]
        if shown != said and attempt.gone is not None:
            self._uncheckable(seq, "the outcome", attempt.gone)
        elif shown != said:
            detail = f"the outcome {_words(said)} is not {_words(shown)}, which the evidence shows"
            self.defects.append(Defect(seq, "score", detail))

    def _composite(self, attempt: _Attempt) -> None:
        if attempt.pending is None or attempt.outcome is None:
            return
        (seq, payload), attempt.pending = attempt.pending, None
        policy = self.policies.get(payload.policy_id)
        if policy is None:
            self.defects.append(Defect(seq, "score", f"policy {payload.policy_id[:12]}… was never declared"))
            return
        expected = evaluate(policy, inputs_of(attempt.outcome, attempt.axes))
        found = composite_of(payload)
        if expected != found and attempt.gone is not None and attempt.gone != REDACTED:
            self._uncheckable(seq, "the composite", attempt.gone)
        elif expected != found:
            detail = (
                f"composite {payload.value} is not {expected.value}, which {policy.name} gives for its axes"
            )
            self.defects.append(Defect(seq, "score", detail))

    def _uncheckable(self, seq: int, what: str, lost: tuple[str, str]) -> None:
        kind, happened = lost
        detail = f"{what} could not be derived again: something of this attempt {happened}"
        self.unchecked.append(Defect(seq, kind, detail))

    def _blob(self, digest: str) -> bytes | None:
        if digest in self._redacted_blobs:
            self._missed_blob = True
        try:
            return read_blob(self.connection, digest)
        except BenchledgerError:
            return None  # named by the blob check


def _words(ending: Iterable[str | None]) -> str:
    return " ".join(part for part in ending if part is not None)
