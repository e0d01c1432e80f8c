"""Shared parts of tests that touch a ledger: makers, and the rule that each ends in verify."""

from __future__ import annotations

from pathlib import Path

from benchledger.ledger.append import AppendOptions, AppendReport, append_source
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, VerifyReport, verify
from benchledger.schema.events import AgentIdentity, CellFinished, CellSetup, GraderRan
from benchledger.schema.policy import Outcome
from benchledger.schema.ports import Draft

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
    """Make the events of a small attempt; outcome None leaves it unfinished."""
    agent, model = cell.split("/")[1], "/".join(cell.split("/")[2:-2])
    stream = f"cell/{cell}@{number}"
    payloads = [
        CellSetup(cell_id=cell, attempt=number, agent=AgentIdentity(name=agent), model=model, mode="live"),
        GraderRan(exit_code=0),
    ]
    if outcome is not None:
        payloads.append(CellFinished(outcome=outcome))
    return [Draft(stream, payload) for payload in payloads]
