"""The events of a ledger as a whole: its creation, policies, sweeps, sources, judgements, redactions.

The rules of `events.py` hold here too: types are frozen, a change is a new schema number.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from benchledger.schema.base import (
    BlobRef,
    Count,
    Hex32,
    Hex64,
    Int,
    ModelId,
    Name,
    Payload,
    Record,
    Text,
)
from benchledger.schema.policy import Policy
from benchledger.schema.task import Limits

__all__ = [
    "CellAdjudicated",
    "CheckpointPublished",
    "FramesKept",
    "Head",
    "HistoryRescored",
    "KeyRotated",
    "LedgerCreated",
    "PayloadRedacted",
    "PolicyDeclared",
    "PriceDeclared",
    "ScoresRegraded",
    "Selection",
    "SourceImported",
    "SubmissionAccepted",
    "SubmissionReceived",
    "SubmissionRejected",
    "SweepPlanned",
]


class Head(Record):
    """A position of a chain: the sequence number and hash of one event."""

    seq: Count
    hash: Hex64


class LedgerCreated(Payload):
    """The first event of a ledger."""

    event_type: ClassVar[str] = "ledger.created"
    redactable: ClassVar[bool] = False
    ledger_id: Hex32
    format: Literal[1] = 1
    algorithms: dict[str, Text]


class PolicyDeclared(Payload):
    """A policy, whole, with its content id."""

    event_type: ClassVar[str] = "policy.declared"
    redactable: ClassVar[bool] = False
    policy_id: Hex64
    policy: Policy


class SweepPlanned(Payload):
    """What a sweep intends, before anything of it is launched: what was intended shows what was left out."""

    event_type: ClassVar[str] = "sweep.planned"
    sweep: Name
    agents: tuple[Text, ...]
    models: tuple[ModelId, ...]
    tasks: tuple[Text, ...]
    repeats: Annotated[int, Field(ge=1, le=100_000)] = 1
    seed: Int = 0
    order: Text = "interleaved"
    policy_id: Hex64 | None = None
    engine: Text = "local"
    infra_retries: Count = 2
    limits: Limits | None = None


class SourceImported(Payload):
    """A file whose records were appended. `digest` is the BLAKE3 of its plain bytes."""

    event_type: ClassVar[str] = "source.imported"
    format: Text
    digest: Hex64
    size: Count
    records: Count
    name: Text | None = None


class FramesKept(Payload):
    """What the chain of another ledger says of its events `first` to `head`, which a merge took over from `origin`.

    `frames` is a text of one line an event: with it every hash of that range can be computed again, up to
    that of `head`. It holds no payloads.
    """

    event_type: ClassVar[str] = "frames.kept"
    # Nothing of it is text that somebody may want removed; its blob, with the names of streams and writers, can go.
    redactable: ClassVar[bool] = False
    origin: Hex32
    first: Count
    head: Head
    frames: BlobRef


class Selection(Record):
    """Which cells: every list that is given must hold the cell's value; none given is all."""

    sweep: tuple[Text, ...] = ()
    agent: tuple[Text, ...] = ()
    model: tuple[Text, ...] = ()
    task: tuple[Text, ...] = ()
    mode: tuple[Text, ...] = ()


class CellAdjudicated(Payload):
    """A judgement over one cell (or attempt), or over a selection with the digest of its list.

    `list_digest` is the BLAKE3 of the lines `ref LF` in bytewise order.
    """

    event_type: ClassVar[str] = "cell.adjudicated"
    action: Literal["zero", "invalidate", "withdraw", "reinstate", "dispute", "answer"]
    reason: Text
    author: Text
    link: Text | None = None
    cell: Annotated[str, Field(max_length=1100)] | None = None
    attempt: Annotated[int, Field(ge=1)] | None = None
    selection: Selection | None = None
    count: Count | None = None
    list_digest: Hex64 | None = None


class HistoryRescored(Payload):
    """All counted attempts under a policy; `table_digest` says exactly which composites came out."""

    event_type: ClassVar[str] = "history.rescored"
    redactable: ClassVar[bool] = False
    policy_id: Hex64
    selection: Selection
    head: Head
    cells: Count
    table_digest: Hex64


class ScoresRegraded(Payload):
    """Newer scorers ran over stored evidence."""

    event_type: ClassVar[str] = "scores.regraded"
    scorers: dict[str, Text]
    selection: Selection
    attempts: Count
    moved: Count


class PriceDeclared(Payload):
    """Prices of one model, in `currency` a million tokens, from the plan."""

    event_type: ClassVar[str] = "price.declared"
    model: ModelId
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    prompt: Annotated[float, Field(ge=0)]
    completion: Annotated[float, Field(ge=0)]
    cached: Annotated[float, Field(ge=0)] | None = None
    source: Text | None = None


class CheckpointPublished(Payload):
    """A signed head left this machine."""

    event_type: ClassVar[str] = "checkpoint.published"
    origin: Text
    size: Count
    root: Hex64
    note: Text


class KeyRotated(Payload):
    """Another key signs from here on; `old` is null for the first."""

    event_type: ClassVar[str] = "key.rotated"
    old: Text | None = None
    new: Text
    reason: Text | None = None


class PayloadRedacted(Payload):
    """One payload (`seq`) or one blob (`blob`) was removed from the file; its digest stays in the chain."""

    event_type: ClassVar[str] = "payload.redacted"
    redactable: ClassVar[bool] = False
    seq: Count | None = None
    blob: Hex64 | None = None
    reason: Text
    masked_copy: BlobRef | None = None


class SubmissionReceived(Payload):
    """Runs that another ledger handed in."""

    event_type: ClassVar[str] = "submission.received"
    submission: Name
    origin: Hex32
    head: Head
    cells: Count
    checkpoint: Text | None = None


class SubmissionAccepted(Payload):
    """A submission was reviewed and taken."""

    event_type: ClassVar[str] = "submission.accepted"
    submission: Name
    author: Text
    reason: Text | None = None


class SubmissionRejected(Payload):
    """A submission was reviewed and refused."""

    event_type: ClassVar[str] = "submission.rejected"
    submission: Name
    author: Text
    reason: Text
