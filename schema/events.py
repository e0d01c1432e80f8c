"""The events of one attempt: evidence, scores, the end (design section 4).

A type never changes under its name and schema number: a changed payload gets a new number
and an upcaster (`upcast.py`), and what was written stays readable.
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
    Json,
    Micros,
    Millis,
    ModelId,
    Name,
    Payload,
    Record,
    Text,
    Unit,
)
from benchledger.schema.policy import Outcome
from benchledger.schema.task import Changes, Expectations, Limits, TaskIdentity

__all__ = [
    "AgentIdentity",
    "AxisScored",
    "AxisState",
    "CellExited",
    "CellFinished",
    "CellLaunched",
    "CellNoted",
    "CellRechecked",
    "CellSetup",
    "CompositeScored",
    "GraderRan",
    "Mode",
    "ModelCalled",
    "RecordReceived",
    "SpanRecorded",
    "TaskExpected",
    "WorkdirCaptured",
    "told_apart",
]

Mode = Literal["live", "replay", "scripted", "published"]
AxisState = Literal["recorded", "displayed", "missing", "not_applicable"]


class RecordReceived(Payload):
    """The source record in canonical form, first in its stream, with what it displayed and published."""

    event_type: ClassVar[str] = "record.received"
    format: Text
    record: BlobRef
    url: Text | None = None
    displayed: dict[str, Json] = {}
    published_composite: float | None = None
    printed_usage: dict[str, Json] | None = None
    banner: Text | None = None


class AgentIdentity(Record):
    """Which agent ran. `image_digest` is a repository digest, `image_id` that of a local build."""

    name: Name = Field(description="name of the agent, second part of the cell id")
    version: Text | None = Field(default=None, description="version of the agent, without a leading v")
    image: Text | None = Field(default=None, description="container image, name:tag")
    image_digest: Text | None = Field(default=None, description="repository digest of the image, sha256:…")
    image_id: Text | None = Field(default=None, description="id of an image that was built locally, sha256:…")
    uses_model: bool = Field(default=True, description="false: no model call is expected of it")


class CellSetup(Payload):
    """Everything that was fixed before launch: the condition under which an attempt ran."""

    event_type: ClassVar[str] = "cell.setup"
    redactable: ClassVar[bool] = False
    cell_id: Annotated[str, Field(max_length=1024)]
    attempt: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    agent: AgentIdentity
    model: ModelId
    model_build_id: Text | None = None
    task: TaskIdentity = TaskIdentity()
    mode: Mode
    endpoint_origin: Text | None = None
    protocol: Text | None = None
    request_parameters: dict[str, Json] | None = None
    plugin_stack: tuple[Text, ...] = ()
    behavior_mode: Text = "factory"
    overlays: dict[str, Json] | None = None
    sandbox: Text | None = None
    limits: Limits | None = None
    host: dict[str, Json] | None = None
    policy_id: Hex64 | None = None
    harness: Text | None = None
    observed: tuple[Literal["model_calls", "workdir", "streams", "checks"], ...] = Field(
        default=(), description="what the harness watched: no event of a watched kind means none happened"
    )
    started_at: Micros | None = None


class TaskExpected(Payload):
    """What a private task expects of the files: apart from cell.setup, which is never withheld."""

    event_type: ClassVar[str] = "task.expected"
    expectations: Expectations


def told_apart(setup: CellSetup) -> tuple[CellSetup, TaskExpected | None]:
    """Return a setup as it is written: of a private task without the expectations, which follow it."""
    expect = setup.task.expectations
    if not setup.task.private or expect is None:
        return setup, None
    task = setup.task.model_copy(update={"expectations": None})
    return setup.model_copy(update={"task": task}), TaskExpected(expectations=expect)


class CellLaunched(Payload):
    """The process is about to start; secrets are removed from argv, values never recorded."""

    event_type: ClassVar[str] = "cell.launched"
    argv: tuple[Text, ...]
    env_names: tuple[Text, ...] = ()
    network: Text | None = None
    span: Hex32 | None = None
    launched_at: Micros | None = None


class ModelCalled(Payload):
    """One call to the model as seen on the wire; token counts are null where the wire had none."""

    event_type: ClassVar[str] = "model.called"
    number: Annotated[int, Field(ge=1)]
    protocol: Text | None = None
    model_asked: Text | None = None
    model_answered: Text | None = None
    system_fingerprint: Text | None = None
    request_hash: Hex64 | None = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    cached_tokens: Count | None = None
    latency_ms: Millis | None = None
    first_token_ms: Millis | None = None
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    finish_reason: Text | None = None
    error: Text | None = None
    request: BlobRef | None = None
    response: BlobRef | None = None
    parts: tuple[BlobRef, ...] | None = Field(
        default=None,
        description="messages that the request blob refers to, each kept once for a conversation",
    )
    started_at: Micros | None = None


class CellExited(Payload):
    """How the agent's process ended. Exit codes are no verdict: several agents leave with 0 on failure."""

    event_type: ClassVar[str] = "cell.exited"
    exit_code: Int | None = None
    signal: Int | None = None
    timed_out: bool = False
    oom: bool = False
    limit_hit: Literal["seconds", "calls", "tokens", "money"] | None = None
    wall_ms: Millis | None = None
    active_ms: Millis | None = None
    stdout: BlobRef | None = None
    stderr: BlobRef | None = None
    recording: BlobRef | None = None
    ended_at: Micros | None = None


class WorkdirCaptured(Payload):
    """What the attempt left in its workdir. None is not visible; an empty list is nothing."""

    event_type: ClassVar[str] = "workdir.captured"
    changes: Changes
    expected: tuple[str, ...] | None = None
    unexpected: tuple[str, ...] | None = None
    protected_touched: tuple[str, ...] | None = None
    destroyed: tuple[str, ...] | None = None
    new_commits: Count | None = None
    git_changes: bool | None = None
    patch: BlobRef | None = None
    manifest: BlobRef | None = None


class GraderRan(Payload):
    """The task's own checks, run where the agent never was."""

    event_type: ClassVar[str] = "grader.ran"
    command: tuple[Text, ...] = ()
    exit_code: Int | None = None
    timed_out: bool = False
    checks_before: dict[str, bool] | None = None
    checks_after: dict[str, bool] | None = None
    stdout: BlobRef | None = None
    stderr: BlobRef | None = None
    checks_digest_before: Hex64 | None = None
    checks_digest_after: Hex64 | None = None
    duration_ms: Millis | None = None


class SpanRecorded(Payload):
    """One span of the trace (kinds as in the reference: task_setup, tool_call, container, …)."""

    event_type: ClassVar[str] = "span.recorded"
    span: Hex32
    parent: Hex32 | None = None
    kind: Text
    name: Text
    started_at: Micros
    ended_at: Micros | None = None
    attributes: dict[str, Json] = {}
    error: Text | None = None


class AxisScored(Payload):
    """One measured quantity. `evidence` are versions of this stream whose events it was derived from.

    Versions, because salted digests differ between two imports of one file, and unsalted
    ones would let a redacted text be guessed; the chain binds a version to its event.
    """

    event_type: ClassVar[str] = "axis.scored"
    redactable: ClassVar[bool] = False
    axis: Name
    scorer: Text
    value: float | None = None
    state: AxisState
    reason: Text | None = None
    payload: dict[str, Json] = {}
    evidence: tuple[Count, ...] = ()
    supersedes: Count | None = Field(default=None, description="stream version of the score it replaces")


class CompositeScored(Payload):
    """The composite of one attempt under one policy; null has a reason."""

    event_type: ClassVar[str] = "composite.scored"
    redactable: ClassVar[bool] = False
    policy_id: Hex64
    value: float | None = None
    reason: Text | None = None
    g: float | None = None
    components: dict[str, float | None] = {}
    floor: float | None = None
    ceiling: float | None = None
    coverage: Unit | None = None
    supersedes: Count | None = None


class CellNoted(Payload):
    """Remarks on an attempt at a private task: apart from cell.finished, which is never withheld."""

    event_type: ClassVar[str] = "cell.noted"
    notes: tuple[Text, ...]


class CellFinished(Payload):
    """The end of an attempt."""

    event_type: ClassVar[str] = "cell.finished"
    outcome: Outcome
    outcome_kind: Text | None = None
    notes: tuple[Text, ...] = ()
    finished_at: Micros | None = None


class CellRechecked(Payload):
    """A recorded patch was applied to its task again and the checks were run."""

    event_type: ClassVar[str] = "cell.rechecked"
    times: Annotated[int, Field(ge=1)]
    passed: Count
    agrees: bool
    task_digest: Hex64 | None = None
    grader: BlobRef | None = None
