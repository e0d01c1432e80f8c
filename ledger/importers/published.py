"""Published cells of CodingAgentBench: what the page shows becomes the evidence of one attempt.

Nothing is judged here. The scorers named `published@…` read the axes out of the record; this
importer makes of it only what was visible, and leaves the rest out.
"""

from __future__ import annotations

import re
from typing import Any

from benchledger.ledger.importers.base import ParsedRun
from benchledger.ledger.importers.fields import Blobs, checked, field_error
from benchledger.schema.base import BlobRef, Json, Payload
from benchledger.schema.errors import BadInput
from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellSetup,
    GraderRan,
    RecordReceived,
    WorkdirCaptured,
)
from benchledger.schema.ids import CellId
from benchledger.schema.policy import Outcome
from benchledger.schema.published import PublishedBlast, PublishedCell, PublishedPass
from benchledger.schema.task import Changes
from benchledger.schema.times import wall_between
from benchledger.scorers.published import banner_outcome, published_composite

__all__ = ["FORMAT", "detect", "parse"]

FORMAT = "cab-cell-1"
HARNESS = "CodingAgentBench"

_CUT = " (cut)"  # the collection's mark on the last path of a list that goes on unseen


def detect(value: dict[str, Any]) -> bool:
    """Return whether `value` is a published cell."""
    return "cell_id" in value and ("scorers" in value or "displayed" in value) and "format" not in value


def parse(value: dict[str, Any], canonical: bytes) -> ParsedRun:
    """Return one published cell as an attempt; raises RecordErrors that name every wrong field."""
    record = checked(PublishedCell, canonical)
    cell = _cell(record)
    blobs = Blobs()
    outcome, kind = _outcome(record.banner)
    payloads: list[Payload | None] = [
        _received(record, value, blobs.put(canonical)),
        _setup(record, cell),
        _exited(record, outcome),
        _workdir(record.scorers.blast_radius),
        _grader(record.scorers.pass_rate, blobs),
    ]
    return ParsedRun(
        format=FORMAT,
        cell=cell,
        canonical=canonical,
        payloads=tuple(payload for payload in payloads if payload is not None),
        blobs=blobs,
        outcome=outcome,
        outcome_kind=kind,
    )


def _cell(record: PublishedCell) -> CellId:
    try:
        cell = CellId.parse(record.cell_id)
    except BadInput as error:
        raise field_error("cell_id", error.message) from error
    said = {
        "sweep_id": (record.sweep_id, cell.sweep),
        "tui": (record.tui, cell.agent),
        "model": (record.model, cell.model),
        "category": (record.category, cell.category),
        "task": (record.task, cell.task_id),
    }
    for field, (stated, meant) in said.items():
        if stated is not None and stated != meant:
            raise field_error(field, f"is {stated!r}, but the cell id says {meant!r}")
    return cell


def _outcome(banner: str | None) -> tuple[Outcome | None, str | None]:
    outcome, kind = banner_outcome(banner)
    # Without a banner that is known, the page says nothing of the end.
    return (None, None) if outcome == "finished" else (outcome, kind)


def _received(record: PublishedCell, value: dict[str, Any], whole: BlobRef) -> RecordReceived:
    printed: dict[str, Json] | None = None
    if record.prompt_tokens is not None or record.completion_tokens is not None:
        printed = {
            "prompt_tokens": record.prompt_tokens,
            "completion_tokens": record.completion_tokens,
            "source": record.tokens_source,
        }
    return RecordReceived(
        format=FORMAT,
        record=whole,
        url=record.url,
        displayed=value.get("displayed", {}),
        published_composite=published_composite(value)[0],
        printed_usage=printed,
        banner=record.banner or None,
    )


def _setup(record: PublishedCell, cell: CellId) -> CellSetup:
    return CellSetup(
        cell_id=str(cell),
        agent=AgentIdentity(
            name=cell.agent,
            version=_version(record.container_image),
            image=record.container_image or None,
            image_digest=record.image_digest or None,
        ),
        model=cell.model,
        model_build_id=record.model_build_id or None,
        mode="published",
        harness=HARNESS,
        started_at=record.started_at,
    )


def _version(image: str | None) -> str | None:
    """Return the tag of `name:tag[@digest]` without a leading v; a colon before a slash is a port."""
    _, mark, tag = (image or "").split("@", 1)[0].rpartition(":")
    if not mark or "/" in tag:
        return None
    return re.sub(r"^v(?=[0-9])", "", tag) or None


def _exited(record: PublishedCell, outcome: Outcome | None) -> CellExited:
    latency, wall = record.scorers.latency, None
    if record.started_at is not None and record.ended_at is not None:
        wall = wall_between(record.started_at, record.ended_at)
    return CellExited(
        exit_code=record.exit_code,
        timed_out=outcome == "timeout",
        wall_ms=wall,
        active_ms=latency.container_active_ms if latency else None,
        ended_at=record.ended_at,
    )


def _workdir(blast: PublishedBlast | None) -> WorkdirCaptured | None:
    """Return the changed files; None where one of the three lists is not visible to its end."""
    if blast is None:
        return None
    added, removed, modified = (_whole(paths) for paths in (blast.added, blast.removed, blast.modified))
    if added is None or removed is None or modified is None:
        return None
    return WorkdirCaptured(
        changes=Changes(added=added, removed=removed, modified=modified),
        expected=_whole(blast.expected_changes),
        unexpected=_whole(blast.unexpected_changes),
    )


def _whole(paths: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if paths is None or any(path.endswith(_CUT) for path in paths) else paths


def _grader(verdict: PublishedPass | None, blobs: Blobs) -> GraderRan | None:
    if verdict is None:
        return None
    # The axis payload refers to both tails, so they are kept even where the exit code is not visible.
    stdout, stderr = blobs.text(verdict.stdout_tail), blobs.text(verdict.stderr_tail)
    if verdict.exit_code is None:
        return None
    return GraderRan(
        exit_code=verdict.exit_code, timed_out=bool(verdict.timed_out), stdout=stdout, stderr=stderr
    )
