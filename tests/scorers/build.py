"""Evidence and source records for tests of scorers, made of real events."""

import json
from pathlib import Path

from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellSetup,
    GraderRan,
    ModelCalled,
    RecordReceived,
    WorkdirCaptured,
)
from benchledger.schema.ports import blob_ref
from benchledger.schema.task import Changes, Expectations, TaskIdentity
from benchledger.scorers.evidence import Evidence

CELLS = Path(__file__).resolve().parents[1] / "data" / "cab-cells.jsonl"
EVERYTHING = ("model_calls", "workdir", "streams", "checks")
TYPES = ("setup", "exited", "workdir", "grader", "record")


def setup(expectations=None, *, uses_model=True, observed=EVERYTHING, mode="live"):
    return CellSetup(
        cell_id="s/nop/org/model/polyglot/sort#run1",
        agent=AgentIdentity(name="nop", uses_model=uses_model),
        model="org/model",
        task=TaskIdentity(expectations=expectations),
        mode=mode,
        observed=observed,
    )


def evidence(expectations=None, *, blobs=(), setting=None, **parts):
    """Return evidence whose blobs are `blobs`; versions are numbered in the order of a stream."""
    given = {"setup": setting or setup(expectations), **parts}
    calls = given.get("calls", ())
    events = [given["setup"], *calls, *(given[name] for name in TYPES[1:] if given.get(name))]
    versions = {}
    for version, event in enumerate(events, start=1):
        versions[event.event_type] = (*versions.get(event.event_type, ()), version)
    texts = {blob_ref(data).blob: data for data in blobs}
    return Evidence(versions=versions, blob=texts.get, **given)


def call(number=1, prompt=100, completion=10, **fields):
    fields = {"status": 200, "latency_ms": 50.0, **fields}
    return ModelCalled(number=number, prompt_tokens=prompt, completion_tokens=completion, **fields)


def failed_call(number=1, status=None, error="refused", **fields):
    return ModelCalled(number=number, status=status, error=error, **{"latency_ms": 50.0, **fields})


def exited(wall=5000.0, **fields):
    return CellExited(**{"exit_code": 0, "wall_ms": wall, **fields})


def graded(exit_code=0, **fields):
    return GraderRan(exit_code=exit_code, **fields)


def changed(added=(), removed=(), modified=(), emptied=(), **fields):
    changes = Changes(added=added, removed=removed, modified=modified, emptied=emptied)
    return WorkdirCaptured(changes=changes, **fields)


def refusing(**fields):
    """Return what a task expects whose right answer is REFUSAL.md."""
    return Expectations(refusal_expected=True, refusal_documents=("REFUSAL.md",), **fields)


def cells():
    """Return the published cells as dicts, in file order."""
    return [json.loads(line) for line in CELLS.read_text(encoding="utf-8").splitlines()]


def published_evidence(record):
    data = json.dumps(record).encode()
    received = RecordReceived(format="cab-cell-1", record=blob_ref(data), banner=record.get("banner"))
    return evidence(setting=setup(mode="published"), record=received, blobs=[data])
