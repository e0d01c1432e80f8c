"""Run records (`benchledger-run-1`): what another harness saw becomes the evidence of one attempt."""

from __future__ import annotations

from typing import Any, Literal

from benchledger.ledger.importers.base import ParsedRun
from benchledger.ledger.importers.fields import Blobs, checked, checked_cell, field_error
from benchledger.ledger.importers.plain import printable
from benchledger.schema.base import Payload
from benchledger.schema.errors import BadInput
from benchledger.schema.events import (
    CellExited,
    CellSetup,
    GraderRan,
    ModelCalled,
    RecordReceived,
    WorkdirCaptured,
    told_apart,
)
from benchledger.schema.expressions import Expression
from benchledger.schema.ids import CellId
from benchledger.schema.records import RUN_FORMAT, RunExit, RunRecord, RunStreams, RunTimings
from benchledger.schema.task import Changes, Expectations, TaskIdentity

__all__ = ["FORMAT", "detect", "parse"]

FORMAT = RUN_FORMAT


def detect(value: dict[str, Any]) -> bool:
    """Return whether `value` says that it is a run record."""
    return value.get("format") == FORMAT


def parse(value: dict[str, Any], canonical: bytes) -> ParsedRun:  # noqa: ARG001 - see registry.Importer
    """Return one run record as an attempt; raises RecordErrors that name every wrong field."""
    record = checked(RunRecord, canonical)
    _check_expressions(record.expectations)
    category, _, task = record.task.partition("/")
    cell = checked_cell(CellId(record.sweep, record.agent.name, record.model, category, task, record.run))
    blobs = Blobs()
    payloads: list[Payload | None] = [
        RecordReceived(format=FORMAT, record=blobs.put(canonical)),
        *told_apart(_setup(record, cell)),
        *_calls(record, blobs),
        _exited(record, blobs),
        _workdir(record, blobs),
        _grader(record, blobs),
    ]
    return ParsedRun(
        format=FORMAT,
        cell=cell,
        canonical=canonical,
        payloads=tuple(payload for payload in payloads if payload is not None),
        blobs=blobs,
        attempt=record.attempt,
        outcome=record.outcome,
        outcome_kind=record.outcome_kind,
    )


def _check_expressions(expect: Expectations | None) -> None:
    for place, constraint in enumerate(() if expect is None else expect.constraints):
        if constraint.text is not None:
            try:
                Expression(constraint.text)
            except BadInput as error:
                reason = printable(f"{error.message}; {error.hint}")
                raise field_error(f"expectations.constraints.{place}.text", reason) from error


def _setup(record: RunRecord, cell: CellId) -> CellSetup:
    digests = {} if record.task_identity is None else dict(record.task_identity)
    watched: dict[Literal["model_calls", "workdir", "streams", "checks"], object] = {
        "model_calls": record.model_calls,
        "workdir": record.files,
        "streams": record.streams,
        "checks": record.grader,
    }
    return CellSetup(
        cell_id=str(cell),
        attempt=record.attempt or 1,
        agent=record.agent,
        model=record.model,
        model_build_id=record.model_build_id,
        task=TaskIdentity(**digests, expectations=record.expectations),
        mode=record.mode,
        endpoint_origin=record.endpoint_origin,
        protocol=record.protocol,
        request_parameters=record.request_parameters,
        plugin_stack=record.plugin_stack,
        behavior_mode=record.behavior_mode,
        overlays=record.overlays,
        sandbox=record.sandbox,
        limits=record.limits,
        host=record.host,
        harness=record.harness,
        observed=tuple(kind for kind, given in watched.items() if given is not None),
        started_at=None if record.timings is None else record.timings.started_at,
    )


def _calls(record: RunRecord, blobs: Blobs) -> list[ModelCalled]:
    return [
        ModelCalled(
            number=number,
            request=blobs.text(call.request),
            response=blobs.text(call.response),
            **{name: value for name, value in call if name not in ("request", "response")},
        )
        for number, call in enumerate(record.model_calls or (), start=1)
    ]


def _exited(record: RunRecord, blobs: Blobs) -> CellExited | None:
    if record.exit is None and record.timings is None and record.streams is None:
        return None
    end, times = record.exit or RunExit(), record.timings or RunTimings()
    streams = record.streams or RunStreams()
    return CellExited(
        **dict(end),
        wall_ms=times.wall,
        active_ms=times.active_ms,
        stdout=blobs.text(streams.stdout),
        stderr=blobs.text(streams.stderr),
        recording=blobs.text(streams.recording),
        ended_at=times.ended_at,
    )


def _workdir(record: RunRecord, blobs: Blobs) -> WorkdirCaptured | None:
    """Return the changed files, told apart where the task's expectations are known."""
    if record.files is None:
        return None
    changes, expect = Changes(**dict(record.files)), record.expectations
    told: dict[str, Any] = {} if expect is None else changes.told_apart(expect)
    return WorkdirCaptured(
        changes=changes,
        **told,
        new_commits=record.new_commits,
        git_changes=record.git_changes,
        patch=blobs.text(record.patch),
    )


def _grader(record: RunRecord, blobs: Blobs) -> GraderRan | None:
    grader = record.grader
    if grader is None:
        return None
    return GraderRan(
        stdout=blobs.text(grader.stdout),
        stderr=blobs.text(grader.stderr),
        **{name: value for name, value in grader if name not in ("stdout", "stderr")},
    )
