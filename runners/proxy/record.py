"""What a proxy hands out: recorded calls, notes, running totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchledger.schema.base import BlobRef
from benchledger.schema.events import ModelCalled, SpanRecorded
from benchledger.schema.ports import blob_ref

# Why a call has no proper answer. `error` of a call begins with one of these, then ": " and a text.
Failure = Literal[
    "status",  # the upstream answered with 4xx or 5xx
    "refused",  # no connection
    "dropped",  # the connection went away before or within the answer
    "timeout",  # the upstream was silent for too long
    "stream",  # an error inside a stream that began well
    "truncated",  # the stream ended without its last event
    "agent_left",  # the agent hung up
    "closed",  # the proxy was closed while the call was open
    "redirect",  # the upstream sent elsewhere; the key does not follow
]
LimitHit = Literal["calls", "tokens", "money", "seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One call to the model, everything in it masked.

    Times in milliseconds, `started_at` in µs of Unix time. `request` is what `pack_request` made,
    `parts` the bytes that it refers to, by digest. Token counts are None where the wire had none.
    `retry_of` is the call with the same request that failed and has not been made good since.
    """

    number: int
    protocol: str
    stream: bool
    model_asked: str | None
    model_answered: str | None
    system_fingerprint: str | None
    request_hash: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    cost: float | None
    latency_ms: float
    first_token_ms: float | None
    queued_ms: float
    status: int | None
    finish_reason: str | None
    error: str | None
    request: bytes
    parts: Mapping[str, bytes] = field(repr=False)
    response: bytes | None
    started_at: int
    retry_of: int | None

    @property
    def failure(self) -> str | None:
        """Return the kind of failure, None where the call was answered."""
        return self.error.split(":", 1)[0] if self.error else None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is no model call: a refusal of the proxy's own, a helper, drift."""

    at: int
    kind: str
    text: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Drift:
    """A request that replay has no answer for, with a diff against the nearest recorded one."""

    number: int
    nearest: int | None
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Totals at one moment. `unmetered` calls told no usage: tokens and money cannot count them."""

    calls: int = 0
    answered: int = 0
    failed: int = 0
    open: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    money: float = 0.0
    unmetered: int = 0
    helpers: int = 0
    limit_hit: LimitHit | None = None
    drifts: tuple[Drift, ...] = ()
    notes: tuple[Note, ...] = ()


def to_event(call: RecordedCall, seen: set[str]) -> tuple[ModelCalled, dict[str, bytes]]:
    """Return the event of a call and the blobs to store with it.

    `seen` lives as long as the attempt: a message of the conversation is named by the first call
    that sends it, and stored once.
    """
    blobs = {digest: data for digest, data in call.parts.items() if digest not in seen}
    parts = tuple(BlobRef(blob=digest, size=len(data)) for digest, data in blobs.items())
    seen.update(blobs)
    request, response = _kept(call.request, blobs), None
    if call.response is not None:
        response = _kept(call.response, blobs)
    names = (
        *("number", "protocol", "model_asked", "model_answered", "system_fingerprint", "request_hash"),
        *("prompt_tokens", "completion_tokens", "cached_tokens", "latency_ms", "first_token_ms"),
        *("status", "finish_reason", "error", "started_at"),
    )
    fields: dict[str, Any] = {name: getattr(call, name) for name in names}
    return ModelCalled(**fields, request=request, response=response, parts=parts or None), blobs


def call_span(call: RecordedCall, span: str, parent: str | None) -> SpanRecorded:
    """Return the span of a call, with what its event has no field for; ids are 32 hex digits."""
    told = {"number": call.number, "retry_of": call.retry_of, "queued_ms": call.queued_ms, "cost": call.cost}
    attributes: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    return SpanRecorded(
        span=span,
        parent=parent,
        kind="model_call",
        name=call.model_asked or call.protocol,
        started_at=call.started_at,
        ended_at=call.started_at + round(call.latency_ms * 1000),
        attributes=attributes,
        error=call.error,
    )


def _kept(data: bytes, blobs: dict[str, bytes]) -> BlobRef:
    ref = blob_ref(data)
    blobs[ref.blob] = data
    return ref
