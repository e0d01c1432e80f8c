"""Rechecks: the recorded patch of an attempt, the verdict of its checks run again, and how often both agree.

    stream -> Target (patch, manifest, recorded verdict) -> [the checks, by whoever can run them]
           -> Repeat, ... -> cell.rechecked in the same stream -> table rechecks -> repeatability

A recheck refers to nothing by version, so it comes along whole wherever the attempt goes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.queries import selection_sql
from benchledger.ledger.score import EVIDENCE_TYPES, evidence_of
from benchledger.ledger.store import Ledger
from benchledger.schema.base import BlobRef
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import CannotRecheck
from benchledger.schema.events import CellRechecked, CellSetup, GraderRan
from benchledger.schema.history import Selection
from benchledger.schema.ports import Draft, Receipt, blob_ref
from benchledger.scorers.evidence import Evidence
from benchledger.scorers.reading import passed

__all__ = ["Repeat", "Repeatability", "Target", "fault_of", "record", "repeatability", "target_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """An attempt that can be rechecked: what it left, and the verdict that was recorded."""

    ref: str
    evidence: Evidence
    verdict: bool
    patch: bytes
    manifest: bytes

    @property
    def setup(self) -> CellSetup:
        return self.evidence.setup


@dataclass(frozen=True, slots=True)
class Repeat:
    """One run of the checks, its streams as text."""

    grader: GraderRan
    stdout: str
    stderr: str


def target_of(ledger: Ledger, ref: str) -> Target:
    """Return what was recorded of an attempt; raises CannotRecheck where that does not suffice."""
    payloads = []
    for event in ledger.stream(stream_of(ref)):
        payload = event.decoded() if event.meta.type in EVIDENCE_TYPES else None
        if event.meta.type in EVIDENCE_TYPES and payload is None:
            raise CannotRecheck(
                f"its {event.meta.type} (event {event.seq}) was redacted or is not known here"
            )
        if payload is not None:
            payloads.append((event.meta.version, payload))
    evidence = evidence_of(payloads, ledger.blob)
    if evidence is None or evidence.workdir is None or evidence.workdir.manifest is None:
        raise CannotRecheck("no patch and manifest of its workdir were recorded")
    verdict = passed(evidence)
    if verdict is None:
        raise CannotRecheck("its checks gave no verdict to compare with")
    patch = _read(ledger, evidence.workdir.patch, "patch")
    return Target(ref, evidence, verdict, patch, _read(ledger, evidence.workdir.manifest, "manifest"))


def _read(ledger: Ledger, ref: BlobRef | None, what: str) -> bytes:
    data = None if ref is None else ledger.blob(ref.blob)
    if data is None:
        raise CannotRecheck(f"its {what} was redacted, or is gone")
    return data


def record(
    ledger: Ledger, target: Target, repeats: Sequence[Repeat], sandbox: str, actor: str = "recheck"
) -> tuple[CellRechecked, Receipt]:
    """Append the verdict of checks that were run again, with all that they said as a blob."""
    said = {
        "sandbox": sandbox,
        "repeats": [
            {"grader": each.grader.to_json(), "stdout": each.stdout, "stderr": each.stderr}
            for each in repeats
        ],
    }
    data = canonical_bytes(said)
    times, good = _tally(target.evidence, [each.grader for each in repeats])
    payload = CellRechecked(
        times=times,
        passed=good,
        agrees=good == (times if target.verdict else 0),
        task_digest=target.setup.task.digest,
        grader=blob_ref(data),
    )
    blobs = {} if payload.grader is None else {payload.grader.blob: data}
    draft = Draft(stream_of(target.ref), payload, actor=actor, blobs=blobs)
    return payload, ledger.emit(draft)


def _tally(evidence: Evidence, runs: Iterable[GraderRan]) -> tuple[int, int]:
    verdicts = [passed(replace(evidence, grader=run)) for run in runs]
    return len(verdicts), sum(verdict is True for verdict in verdicts)


def fault_of(evidence: Evidence, payload: CellRechecked, blob: Callable[[str], bytes | None]) -> str | None:
    """Return what is wrong with a recorded recheck, None where it follows from what the checks did."""
    if payload.task_digest not in (None, evidence.setup.task.digest):
        return "the recheck is of another task than that of its cell"
    verdict = passed(evidence)
    if verdict is None:
        return "there is no verdict with which the recheck could agree"
    if payload.agrees != (payload.passed == (payload.times if verdict else 0)):
        return f"the recheck passed {payload.passed} of {payload.times}, and agrees says otherwise"
    data = None if payload.grader is None else blob(payload.grader.blob)
    if data is None:
        return None
    try:
        runs = [
            GraderRan.model_validate_json(json.dumps(each["grader"])) for each in json.loads(data)["repeats"]
        ]
    except (ValueError, TypeError, KeyError):
        return "what the checks of the recheck said cannot be read"
    if _tally(evidence, runs) != (payload.times, payload.passed):
        return "the recheck does not count what its checks said"
    return None


@dataclass(frozen=True, slots=True)
class Repeatability:
    """How often checks that were run again gave the recorded verdict; `tasks` has the same by task."""

    cells: int
    repeats: int
    agreeing: int
    tasks: dict[str, Repeatability]

    @property
    def share(self) -> float | None:
        return self.agreeing / self.repeats if self.repeats else None

    @property
    def flaky(self) -> list[str]:
        """Return the tasks whose checks did not always repeat their verdict."""
        return [task for task, found in self.tasks.items() if found.agreeing < found.repeats]

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `repeatability`, of a task without `flaky` and `tasks`."""
        found = {"share": self.share, "cells": self.cells, "repeats": self.repeats, "agreeing": self.agreeing}
        if not self.tasks:
            return found
        by_task = {task: each.to_json() for task, each in self.tasks.items()}
        return found | {"flaky": self.flaky, "tasks": by_task}


def repeatability(connection: sqlite3.Connection, selection: Selection) -> Repeatability:
    """Return the grading repeatability over all rechecks of a selection, and by task."""
    chosen, values = selection_sql(selection)
    # The verdict is in the event of the axis: with partial credit its value is no verdict.
    query = (
        "SELECT t.task, count(DISTINCT a.cell), sum(r.times), sum(CASE"
        " WHEN json_extract(e.payload, '$.payload.pass') = 1 THEN r.passed ELSE r.times - r.passed END)"
        " FROM rechecks r JOIN attempts a ON a.first_seq = r.first_seq JOIN scores s ON s.ref = a.ref"
        " JOIN settings t ON t.id = s.setting JOIN axes x ON x.first_seq = r.first_seq AND x.axis = 'pass_rate'"
        f" JOIN events e ON e.seq = x.seq WHERE 1{chosen} GROUP BY t.task ORDER BY t.task"
    )
    rows = connection.execute(query, values).fetchall()
    tasks = {task: Repeatability(cells, repeats, agreeing, {}) for task, cells, repeats, agreeing in rows}
    found = tasks.values()
    return Repeatability(
        sum(each.cells for each in found),
        sum(each.repeats for each in found),
        sum(each.agreeing for each in found),
        tasks,
    )
