"""Ledgers with one traced cell: spans, model calls and a recording as a test wants them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchledger.ledger.append import declare
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.schema.base import Payload
from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellLaunched,
    CellSetup,
    GraderRan,
    ModelCalled,
    SpanRecorded,
    WorkdirCaptured,
)
from benchledger.schema.ports import Draft, blob_ref
from benchledger.schema.task import Changes
from benchledger.scorers.composite import GATED_1

__all__ = ["CELL", "OBSERVED", "PLACE", "START", "call", "cast", "span", "traced_ledger"]

CELL = "t-20261101/agent-1/lab/model-1/mutations/traced#run1"
PLACE = "cells/t-20261101/agent-1/lab/model-1/mutations/traced/run1.html"
START = 1_790_000_000_000_000
OBSERVED = ("model_calls", "workdir", "streams", "checks")


def span(
    number: int, start: float, end: float | None, parent: int | None = None, **more: Any
) -> SpanRecorded:
    """Return span `number`, from `start` to `end` in ms of the attempt."""
    return SpanRecorded(
        span=f"{number:032x}",
        parent=None if parent is None else f"{parent:032x}",
        kind=more.pop("kind", "tool_call"),
        name=more.pop("name", f"step {number}"),
        started_at=START + round(start * 1000),
        ended_at=None if end is None else START + round(end * 1000),
        **more,
    )


def call(number: int, start: float | None, latency: float = 50.0, **more: Any) -> ModelCalled:
    """Return an answered model call that starts at `start` in ms of the attempt."""
    at = None if start is None else START + round(start * 1000)
    return ModelCalled(number=number, status=200, latency_ms=latency, started_at=at, **more)


def cast(*events: Any, header: Any = None) -> bytes:
    """Return an asciicast of these events; text stands for itself, so that a line may be anything."""
    first = {"version": 2, "width": 80, "height": 24} if header is None else header
    lines = [each if isinstance(each, str) else json.dumps(each) for each in (first, *events)]
    return "\n".join([*lines, ""]).encode("utf-8", "surrogatepass")


def traced_ledger(
    path: Path, spans: Sequence[Payload] = (), recording: bytes | None = None, **more: Any
) -> Path:
    """Write a ledger with one finished attempt; `more` are fields of cell.setup, `grader`, `exited`."""
    blobs = {} if recording is None else {blob_ref(recording).blob: recording}
    grader = more.pop("grader", {"duration_ms": 1234.5})
    exited: dict[str, Any] = {"wall_ms": 2000.0, "active_ms": 1500.25, "ended_at": START + 2_000_000}
    exited |= more.pop("exited", {})
    setup = {"observed": OBSERVED, "started_at": START} | more
    evidence = [
        CellSetup(
            cell_id=CELL, agent=AgentIdentity(name="agent-1"), model="lab/model-1", mode="live", **setup
        ),
        CellLaunched(argv=("agent-1",), launched_at=START + 100_000),
        *spans,
        CellExited(exit_code=0, recording=None if recording is None else blob_ref(recording), **exited),
        WorkdirCaptured(changes=Changes()),
        GraderRan(exit_code=0, **grader),
    ]
    with Ledger.create(path) as ledger:
        declare(ledger, GATED_1)
        closing, _, _ = finish(evidence, blobs.get, GATED_1)
        events = [*evidence, *closing]
        for at in range(0, len(events), 1000):
            batch = [
                Draft(f"cell/{CELL}@1", each, blobs=_own(each, blobs)) for each in events[at : at + 1000]
            ]
            ledger.emit_all(batch)
    return path


def _own(payload: Payload, blobs: dict[str, bytes]) -> dict[str, bytes]:
    return blobs if isinstance(payload, CellExited) else {}
