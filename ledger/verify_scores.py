"""Every payload against its model, every axis against its evidence, every composite against its policy."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Container

from benchledger.ledger.blobs import read_blob
from benchledger.ledger.metadata import parse
from benchledger.ledger.score import EVIDENCE_TYPES, axis_event, evidence_of
from benchledger.ledger.verify_chain import UNREADABLE, Defect
from benchledger.schema.base import Payload
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.catalogue import EVENT_TYPES, load_payload
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.events import AxisScored, CellFinished, CompositeScored
from benchledger.schema.frame import MAX_META
from benchledger.schema.history import PolicyDeclared
from benchledger.schema.policy import Policy
from benchledger.schema.upcast import is_known, upcast
from benchledger.scorers.composite import Composite, evaluate, inputs_of
from benchledger.scorers.evidence import AxisScore, Evidence
from benchledger.scorers.registry import derive

__all__ = ["ScoreCheck"]

# Attempts of a sweep are written side by side; more of them in memory only cost time.
_KEEP_STREAMS = 512
_CELL_TYPES = EVIDENCE_TYPES | {"axis.scored", "composite.scored", "cell.finished"}
# Scores are never redacted, so a composite can always be computed from them; of a later version they may be.
_REDACTED = ("redacted", "was redacted")
_FOREIGN = ("format_unsupported", "is of a schema number that this version does not know")


class _Stream:
    """What was seen of one attempt so far."""

    __slots__ = ("axes", "cached", "events", "gone", "outcome", "pending")

    def __init__(self) -> None:
        self.events: list[tuple[int, Payload]] = []
        self.cached: Evidence | None = None
        self.axes: dict[str, AxisScore] = {}
        self.outcome: str | None = None
        self.pending: tuple[int, CompositeScored] | None = None
        self.gone: tuple[str, str] | None = None  # (kind, what happened) to evidence that cannot be read


class ScoreCheck:
    """Walks events in order; keeps the evidence of a bounded number of attempts."""

    def __init__(self, connection: sqlite3.Connection, redacted_blobs: Container[str] = ()) -> None:
        """`connection` is open for reading; `redacted_blobs` are digests that events say were removed."""
        self.connection = connection
        self.unchecked: list[Defect] = []
        self._redacted_blobs = redacted_blobs
        self._missed_blob = False
        self.defects: list[Defect] = []
        self.unknown: dict[str, int] = {}
        self._streams: OrderedDict[str, _Stream] = OrderedDict()
        self._last = ("", _Stream())
        self._policies: dict[str, Policy] = {}
        self._open: dict[str, tuple[int, _Stream]] = {}  # composites whose outcome did not come yet

    def run(self, start: int, stop: int, report: Callable[[int], None] | None = None) -> None:
        """Check events `start` <= seq < `stop`."""
        if start:
            self._load_policies(start)
        cursor = self.connection.execute(
            "SELECT seq, meta, payload FROM events WHERE seq >= ? AND seq < ? ORDER BY seq", (start, stop)
        )
        while rows := cursor.fetchmany(2_048):
            for seq, meta, payload in rows:
                self._event(seq, meta, payload)
            if report is not None:
                report(len(rows))
        self._unfinished()

    def _unfinished(self) -> None:
        for seq, state in self._open.values():
            if state.gone is not None:
                self._uncheckable(seq, "the composite", state.gone)
            else:
                self.defects.append(Defect(seq, "score", "no cell.finished stands behind this composite"))

    def _event(self, seq: int, meta: object, text: str | None) -> None:
        parts = parse(meta) if isinstance(meta, str) and len(meta.encode()) <= MAX_META else None
        if parts is None:
            self.defects.append(Defect(seq, "schema", "the metadata is not the canonical JSON of an event"))
            return
        stream, name, schema, version = parts
        if (name == "ledger.created" and stream == "ledger") != (seq == 0):
            self.defects.append(Defect(seq, "schema", "ledger.created is the first event, and no other one"))
        if not is_known(name, schema):
            key = f"{name} (schema {schema})"
            self.unknown[key] = self.unknown.get(key, 0) + 1
        if name in _CELL_TYPES and (gone := _gone(name, schema, text)):
            self._state(stream, version).gone = gone
        if text is None or not is_known(name, schema):
            return
        payload = self._payload(seq, name, schema, text)
        if payload is None:
            return
        if isinstance(payload, PolicyDeclared):
            self._policy(seq, payload)
        elif name in _CELL_TYPES:
            self._cell(seq, stream, version, payload)

    def _payload(self, seq: int, name: str, schema: int, text: str) -> Payload | None:
        try:
            return _load(name, schema, text)
        except (BenchledgerError, *UNREADABLE) as error:
            reason = error.message if isinstance(error, BenchledgerError) else f"{name}: {error}"
            self.defects.append(Defect(seq, "schema", reason))
            return None

    def _policy(self, seq: int, payload: PolicyDeclared) -> None:
        if payload.policy.policy_id != payload.policy_id:
            self.defects.append(Defect(seq, "score", "policy_id is not the content id of the policy"))
        self._policies[payload.policy_id] = payload.policy

    def _load_policies(self, stop: int) -> None:
        # The projection only says where to look, so that this does not grow with the ledger.
        for seq, schema, text in self.connection.execute(
            "SELECT e.seq, json_extract(e.meta, '$.schema'), e.payload FROM policies AS p"
            " CROSS JOIN events AS e ON e.seq = p.seq WHERE e.type = 'policy.declared' AND e.seq < ?",
            (stop,),
        ):
            payload = self._payload(seq, "policy.declared", schema, text)
            if isinstance(payload, PolicyDeclared):
                self._policies[payload.policy_id] = payload.policy

    def _cell(self, seq: int, stream: str, version: int, payload: Payload) -> None:
        state = self._state(stream, version)
        if payload.event_type in EVIDENCE_TYPES:
            state.events.append((version, payload))
            state.cached = None
        elif isinstance(payload, AxisScored):
            self._axis(seq, state, payload)
        elif isinstance(payload, CompositeScored):
            # The outcome that a composite needs is said by the event after it.
            state.pending = (seq, payload)
            if state.outcome is not None:
                self._composite(state)
            else:
                self._open[stream] = (seq, state)
        elif isinstance(payload, CellFinished):
            state.outcome = payload.outcome
            self._open.pop(stream, None)
            self._composite(state)

    def _state(self, stream: str, version: int) -> _Stream:
        if stream == self._last[0]:
            return self._last[1]
        state = self._streams.get(stream)
        if state is None:
            state = self._streams[stream] = _Stream()
            if version > 1:
                self._reload(stream, version, state)
            if len(self._streams) > _KEEP_STREAMS:
                self._streams.popitem(last=False)
        else:
            self._streams.move_to_end(stream)
        self._last = (stream, state)
        return state

    def _reload(self, stream: str, version: int, state: _Stream) -> None:
        """Read what an attempt had before, where it was put out of memory or began before `--since`."""
        for seq, number, name, schema, text in self.connection.execute(
            "SELECT seq, version, type, json_extract(meta, '$.schema'), payload FROM events"
            " WHERE stream = ? AND version < ? ORDER BY version",
            (stream, version),
        ):
            if name not in _CELL_TYPES:
                continue
            if gone := _gone(name, schema, text):
                state.gone = gone
                continue
            try:
                payload = _load(name, schema, text)
            except (BenchledgerError, *UNREADABLE):
                continue  # named where the walk meets it
            if name in EVIDENCE_TYPES:
                state.events.append((number, payload))
            elif isinstance(payload, AxisScored):
                state.axes[payload.axis] = _score(payload)
            elif isinstance(payload, CompositeScored):
                state.pending = (seq, payload) if state.outcome is None else None
            elif isinstance(payload, CellFinished):
                state.outcome, state.pending = payload.outcome, None

    def _axis(self, seq: int, state: _Stream, payload: AxisScored) -> None:
        found = state.axes[payload.axis] = _score(payload)
        if state.cached is None:
            state.cached = evidence_of(state.events, self._blob)
        if state.cached is None:
            if state.gone is not None:
                self._uncheckable(seq, payload.axis, state.gone)
            else:
                self.defects.append(Defect(seq, "axis", f"{payload.axis} has no cell.setup before it"))
            return
        self._missed_blob = False
        try:
            derived = derive(payload.scorer, payload.axis, state.cached)
        except (BenchledgerError, *UNREADABLE) as error:
            self.defects.append(Defect(seq, "axis", f"{payload.axis} cannot be derived again: {error}"))
            return
        # Equal as they are is equal as JSON, but not the other way round: (1, 2) and [1, 2] are one there.
        if derived != found:
            self._differing(seq, state, payload, derived)

    def _differing(self, seq: int, state: _Stream, payload: AxisScored, derived: AxisScore) -> None:
        wanted = axis_event(derived).to_json()
        found = payload.model_copy(update={"supersedes": None}).to_json()
        gone = state.gone or (_REDACTED if self._missed_blob else None)
        if wanted != found and gone is not None:
            self._uncheckable(seq, payload.axis, gone)
        elif wanted != found:
            fields = sorted(key for key in {*wanted, *found} if wanted.get(key) != found.get(key))
            detail = (
                f"{payload.axis}: {', '.join(fields)} is not what {payload.scorer} derives from the evidence"
            )
            self.defects.append(Defect(seq, "axis", detail))

    def _composite(self, state: _Stream) -> None:
        if state.pending is None or state.outcome is None:
            return
        (seq, payload), state.pending = state.pending, None
        policy = self._policies.get(payload.policy_id)
        if policy is None:
            self.defects.append(Defect(seq, "score", f"policy {payload.policy_id[:12]}… was never declared"))
            return
        expected = evaluate(policy, inputs_of(state.outcome, state.axes))
        found = Composite(*[getattr(payload, name) for name in Composite._fields])
        if expected != found and state.gone is not None and state.gone != _REDACTED:
            self._uncheckable(seq, "the composite", state.gone)
        elif expected != found:
            detail = (
                f"composite {payload.value} is not {expected.value}, which {policy.name} gives for its axes"
            )
            self.defects.append(Defect(seq, "score", detail))

    def _uncheckable(self, seq: int, what: str, gone: tuple[str, str]) -> None:
        kind, happened = gone
        detail = f"{what} could not be derived again: something of this attempt {happened}"
        self.unchecked.append(Defect(seq, kind, detail))

    def _blob(self, digest: str) -> bytes | None:
        if digest in self._redacted_blobs:
            self._missed_blob = True
        try:
            return read_blob(self.connection, digest)
        except BenchledgerError:
            return None  # named by the blob check


def _gone(name: str, schema: int, text: str | None) -> tuple[str, str] | None:
    return _FOREIGN if not is_known(name, schema) else _REDACTED if text is None else None


def _load(name: str, schema: int, text: str) -> Payload:
    if schema != EVENT_TYPES[name].schema_number:
        text = canonical_bytes(upcast(name, schema, json.loads(text))).decode()
    return load_payload(name, text)


def _score(payload: AxisScored) -> AxisScore:
    return AxisScore(
        payload.axis,
        payload.scorer,
        payload.value,
        payload.state,
        payload.reason,
        payload.payload,
        payload.evidence,
    )
