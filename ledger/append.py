"""Append runs from files: every format ends as the same events.

    file -> reader -> importer -> ParsedRun -> attempt, stream, ids, scores -> Ledger
                                   (pure)         (here, for all formats alike)

All or nothing for each file: one transaction. Ids come from the record, so a record that is
there already is counted and not written again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchledger.ledger.counting import history_of
from benchledger.ledger.importers.base import ParsedRun
from benchledger.ledger.importers.reader import Source, SourceRecord
from benchledger.ledger.importers.registry import parse_record
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import BadInput, RecordError, RecordErrors
from benchledger.schema.events import RecordReceived
from benchledger.schema.history import Head, PolicyDeclared, SourceImported
from benchledger.schema.ids import import_id
from benchledger.schema.policy import Policy
from benchledger.schema.ports import Draft, Receipt
from benchledger.scorers.composite import CAB_01, GATED_1, evaluate, inputs_of
from benchledger.scorers.evidence import AxisScore

__all__ = ["AppendOptions", "AppendReport", "Differing", "append_source", "declare"]

_MAX_ERRORS = 1_000


@dataclass(frozen=True, slots=True)
class AppendOptions:
    """How to append: skip bad records, add attempts to cells that exist, under whose name, by which policy."""

    keep_going: bool = False
    as_attempt: bool = False
    actor: str = "cli"
    policy: Policy = GATED_1


@dataclass(frozen=True, slots=True)
class Differing:
    """A published composite that our cab-0.1 does not reproduce."""

    cell_id: str
    published: float
    ours: float | None


@dataclass(slots=True)
class AppendReport:
    """What one append did. `already` counts records that were there before, `left` scores of a regrade elsewhere."""

    events: int = 0
    cells: int = 0
    already: int = 0
    left: int = 0
    published: int = 0
    reproduced: int = 0
    differing: list[Differing] = field(default_factory=list)
    errors: list[RecordError] = field(default_factory=list)
    formats: set[str] = field(default_factory=set)
    head: Head | None = None

    def add(self, other: AppendReport) -> None:
        """Add the counts of another file."""
        for name in ("events", "cells", "already", "left", "published", "reproduced"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.differing += other.differing
        self.errors += other.errors
        self.head = other.head or self.head

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `append --json`."""
        return {
            "events": self.events,
            "cells": self.cells,
            "already": self.already,
            "left": self.left,
            "head": None if self.head is None else self.head.to_json(),
            "composites": {
                "published": self.published,
                "reproduced": self.reproduced,
                "differing": [
                    {"cell_id": item.cell_id, "published": item.published, "ours": item.ours}
                    for item in self.differing
                ],
            },
            "errors": [str(error) for error in self.errors],
        }


def append_source(
    ledger: Ledger,
    source: Source,
    options: AppendOptions = AppendOptions(),
    report_progress: Callable[[int], None] | None = None,
) -> AppendReport:
    """Append every record of one source in one transaction.

    Raises RecordErrors with every bad record (nothing is kept then), unless `keep_going`.
    """
    report = AppendReport()
    with ledger.writing():
        before = ledger.head()
        for record in source.records():
            try:
                if isinstance(record, RecordError):
                    raise RecordErrors([record])
                _append_run(ledger, source.name, record, options, report)
            except RecordErrors as error:
                report.errors += error.errors
                if len(report.errors) > _MAX_ERRORS and not options.keep_going:
                    break
            if report_progress is not None:
                report_progress(1)
        if report.errors and not options.keep_going:
            raise RecordErrors(
                report.errors, "nothing was appended: mend these records, or skip them with --keep-going"
            )
        if report.cells and source.ended:
            _note_source(ledger, source, report, options)
        after = ledger.head()
    report.head = after
    report.events = (after.seq if after else -1) - (before.seq if before else -1)
    return report


def declare(ledger: Ledger, policy: Policy, actor: str = "cli") -> Receipt:
    """Append policy.declared, unless this policy is declared already."""
    canonical = canonical_bytes(policy.to_json())
    payload = PolicyDeclared(policy_id=policy.policy_id, policy=policy)
    draft = Draft("ledger", payload, id=import_id("policy", canonical, 0), actor=actor)
    known = ledger.by_id(draft.id)
    if known is not None:
        return Receipt(known.seq, known.hash.hex(), draft.id, "ledger", known.meta.version, already=True)
    return ledger.emit(draft)


def _note_source(ledger: Ledger, source: Source, report: AppendReport, options: AppendOptions) -> None:
    payload = SourceImported(
        format="+".join(sorted(report.formats)),
        digest=source.digest,
        size=source.size,
        records=report.cells,
        name=source.name,
    )
    name = import_id("source", bytes.fromhex(source.digest), 0)
    if ledger.by_id(name) is None:
        ledger.emit(Draft("ledger", payload, id=name, actor=options.actor))


def _append_run(
    ledger: Ledger, name: str, record: SourceRecord, options: AppendOptions, report: AppendReport
) -> None:
    run = parse_record(name, record)
    known = ledger.by_id(import_id(run.format, run.canonical, 0))
    if known is not None:
        report.already += 1
        return
    try:
        number = _attempt_number(ledger, run, options)
    except BadInput as error:
        raise RecordErrors([RecordError(name, record.line, "cell_id", str(error))]) from error
    declare(ledger, options.policy, options.actor)
    report.cells += 1
    report.formats.add(run.format)
    _reproduce(run, _write(ledger, run, number, options), report)


def _attempt_number(ledger: Ledger, run: ParsedRun, options: AppendOptions) -> int:
    """Return which attempt of its cell this run becomes; raises BadInput where the cell exists otherwise."""
    row = ledger.projector.rows["cells"].peek(str(run.cell))
    taken = [] if row is None else [item[0] for item in history_of(row["history"])]
    if run.attempt is not None and run.attempt not in taken:
        return run.attempt
    if not taken:
        return run.attempt or 1
    if options.as_attempt:
        return max(taken) + 1
    raise BadInput(
        f"{run.cell} is in the ledger with other content",
        "keep both with --as-attempt, or give this run the next run number",
    )


def _write(ledger: Ledger, run: ParsedRun, number: int, options: AppendOptions) -> dict[str, AxisScore]:
    setup = run.setup
    numbered = setup.model_copy(update={"attempt": number, "policy_id": options.policy.policy_id})
    payloads = [numbered if payload is setup else payload for payload in run.payloads]
    stated = None if run.outcome is None else (run.outcome, run.outcome_kind)
    closing, _, axes = finish(payloads, run.blobs.get, options.policy, stated)
    stream = f"cell/{run.cell}@{number}"
    ledger.emit_all(
        [
            Draft(
                stream,
                payload,
                import_id(run.format, run.canonical, ordinal),
                options.actor,
                ordinal + 1,
                run.blobs,
            )
            for ordinal, payload in enumerate([*payloads, *closing])
        ]
    )
    return axes


def _reproduce(run: ParsedRun, axes: dict[str, AxisScore], report: AppendReport) -> None:
    """Compare a published composite with ours: to the bit where it is whole, else at the digits shown."""
    record = run.payloads[0]
    published = record.published_composite if isinstance(record, RecordReceived) else None
    if not isinstance(record, RecordReceived) or published is None:
        return
    report.published += 1
    ours = evaluate(CAB_01, inputs_of(run.outcome or "finished", axes)).value
    if _same(ours, published, record.displayed.get("composite")):
        report.reproduced += 1
    else:
        report.differing.append(Differing(str(run.cell), published, ours))


def _same(ours: float | None, published: float, shown: object) -> bool:
    if ours is None:
        return False
    if isinstance(shown, str) and float(shown) == published:
        # Only the displayed digits are known.
        return f"{ours:.{len(shown.partition('.')[2])}f}" == shown
    return ours == published
