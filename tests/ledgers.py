"""Shared parts of tests that touch a ledger: makers, and the rule that each ends in verify."""

from __future__ import annotations

from pathlib import Path

from benchledger.ledger.append import AppendOptions, AppendReport, append_source
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, VerifyReport, verify
from benchledger.schema.base import Payload
from benchledger.schema.events import AgentIdentity, CellExited, CellFinished, CellSetup, GraderRan
from benchledger.schema.policy import Outcome
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.evidence import no_blob

DATA = Path(__file__).parent / "data"
CELLS = DATA / "cab-cells.jsonl"
RUN_RECORDS = DATA / "run-records"


def append_file(ledger: Ledger, path: Path, **options: bool) -> AppendReport:
    """Append one file in the way that the command line does."""
    with open_source(str(path)) as source:
        return append_source(ledger, source, AppendOptions(**options))


def published(path: Path) -> Ledger:
    """Make a ledger of the 43 published cells."""
    ledger = Ledger.create(path)
    append_file(ledger, CELLS)
    return ledger


def checked(path: Path, **options: object) -> VerifyReport:
    """Verify a ledger that must be sound."""
    report = verify(path, VerifyOptions(**options))  # type: ignore[arg-type]
    assert report.ok, report.defects
    assert not report.unchecked
    return report


def attempt(cell: str, number: int = 1, *, outcome: Outcome | None = "finished") -> list[Draft]:
    """Make the events of a small attempt, without a composite; outcome None leaves it unfinished."""
    agent, model = cell.split("/")[1], "/".join(cell.split("/")[2:-2])
    setup = CellSetup(cell_id=cell, attempt=number, agent=AgentIdentity(name=agent), model=model, mode="live")
    exited = CellExited(timed_out=outcome == "timeout")
    return [
        Draft(f"cell/{cell}@{number}", payload)
        for payload in closed(setup, exited, GraderRan(exit_code=0), outcome=outcome)
    ]


def closed(*evidence: Payload, outcome: Outcome | None = "finished") -> list[Payload]:
    """Return evidence with the axes and the end that follow from it; an infra_error is the sandbox's."""
    if outcome is None:
        return [*evidence]
    stated = (outcome, "sandbox") if outcome == "infra_error" else None
    closing, _, _ = finish(evidence, no_blob, GATED_1, stated)
    assert isinstance(end := closing[-1], CellFinished)
    assert end.outcome == outcome
    return [*evidence, *(payload for payload in closing if payload.event_type != "composite.scored")]
