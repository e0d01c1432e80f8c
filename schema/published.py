"""One published cell of CodingAgentBench, as collected from its page (one line of JSON).

Foreign, and cut in places: a field that is absent was not visible, which is neither zero nor
false. New keys may appear inside `scorers` and `displayed`; a new top-level field is refused,
because it may change what the others mean.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from benchledger.schema.base import Count, Int, Json, Millis, Record, Text, Unit
from benchledger.schema.times import Instant

__all__ = [
    "PublishedBlast",
    "PublishedCell",
    "PublishedComposite",
    "PublishedDisplay",
    "PublishedIntegrity",
    "PublishedLatency",
    "PublishedPass",
    "PublishedRefusal",
    "PublishedScorers",
    "PublishedTokens",
]

Paths = tuple[str, ...]
Shown = str | float | None


class _Open(Record):
    """A payload of the reference: known keys have their type, others are kept as they are."""

    model_config = ConfigDict(extra="allow")


class PublishedPass(_Open):
    """The verdict of the task's own grader, with the ends of what it printed."""

    passed: Unit | None = Field(default=None, alias="pass")
    exit_code: Int | None = None
    timed_out: bool | None = None
    stdout_tail: str | None = None
    stderr_tail: str | None = None
    partial_score: float | None = None


class PublishedTokens(_Open):
    """Token counts; all zero means that none were recorded."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    model_calls: Count | None = None
    tokens_per_correct_task: Annotated[float, Field(ge=0)] | None = None
    pass_used_for_division: Unit | None = None


class PublishedLatency(_Open):
    """Times in milliseconds."""

    wall_clock_ms: Millis | None = None
    container_active_ms: Millis | None = None
    model_call_ms: Millis | None = None


class PublishedBlast(_Open):
    """Changed files."""

    blast_radius: Unit | None = None
    added: Paths | None = None
    removed: Paths | None = None
    modified: Paths | None = None
    unexpected_changes: Paths | None = None
    expected_changes: Paths | None = None
    total_changes: Count | None = None
    extra_git_dir: bool | None = None


class PublishedRefusal(_Open):
    """Whether a refusal was expected, and whether it came."""

    refusal: Unit | None = None
    not_applicable: bool | None = None
    expected_refusal: bool | None = None
    refusal_produced: bool | None = None
    refusal_correct: str | None = Field(default=None, description="true, partial or false, as text")


class PublishedIntegrity(_Open):
    """Integrity, 1 with not_applicable on ordinary tasks."""

    integrity: Unit | None = None
    not_applicable: bool | None = None
    task_id: str | None = None


class PublishedComposite(_Open):
    """The composite in full precision."""

    composite: Unit | None = None
    weights: dict[str, float] | None = None
    components: dict[str, Json] | None = None


class PublishedScorers(_Open):
    """The payloads as far as they are visible, by axis."""

    pass_rate: PublishedPass | None = None
    tokens: PublishedTokens | None = None
    latency: PublishedLatency | None = None
    blast_radius: PublishedBlast | None = None
    refusal: PublishedRefusal | None = None
    integrity: PublishedIntegrity | None = None
    composite: PublishedComposite | None = None


class PublishedDisplay(_Open):
    """The scores as the page shows them: texts like 0.582, 3.8s, yes; empty or null for none."""

    passed: Shown = Field(default=None, alias="pass")
    tokens_per_correct: Shown = None
    wall: Shown = None
    blast: Shown = None
    refusal: Shown = None
    integrity: Shown = None
    composite: Shown = None


class PublishedCell(Record):
    """One cell of the reference: identity, times, the scores as shown, payloads as far as visible."""

    cell_id: Text = Field(description="sweep/tui/model/category/task, optionally with #runN")
    displayed: PublishedDisplay = Field(
        default=PublishedDisplay(), description="the scores as the page shows them"
    )
    scorers: PublishedScorers = Field(default=PublishedScorers(), description="payloads as far as visible")
    url: Text | None = Field(default=None, description="address of the page")
    sweep_id: Text | None = Field(default=None, description="first part of cell_id")
    tui: Text | None = Field(default=None, description="the agent: second part of cell_id")
    model: Text | None = Field(default=None, description="model id: the parts between agent and category")
    category: Text | None = Field(default=None, description="last part but one of cell_id")
    task: Text | None = Field(default=None, description="category/task: the last two parts of cell_id")
    container_image: Text | None = Field(default=None, description="name:tag; empty for a timed-out cell")
    image_digest: Text | None = Field(default=None, description="sha256:…; empty for a timed-out cell")
    model_build_id: Text | None = Field(default=None, description="build of the model")
    exit_code: Int | None = Field(default=None, description="exit code of the agent, -1 where it timed out")
    started_at: Instant | None = Field(default=None, description="ISO 8601, UTC")
    ended_at: Instant | None = Field(default=None, description="ISO 8601, UTC")
    duration: Text | None = Field(default=None, description="seconds as shown")
    tokens: Text | None = Field(default=None, description="'not recorded' where the page says so")
    prompt_tokens: Count | None = Field(default=None, description="as the agent printed it")
    completion_tokens: Count | None = Field(default=None, description="as the agent printed it")
    tokens_source: Text | None = Field(default=None, description="where printed tokens were read: TUI stdout")
    banner: Text | None = Field(default=None, description="note at the top of the page")
    truncated: bool | None = Field(default=None, description="whether the page was cut")
    truncated_in: Text | None = Field(default=None, description="the scorer at which it was cut")
    source: Text | None = Field(default=None, description="how the line was collected")

    @model_validator(mode="after")
    def _something(self) -> PublishedCell:
        if not self.model_fields_set & {"displayed", "scorers"}:
            raise ValueError("neither displayed nor scorers: there is no score in it")
        if self.started_at is not None and self.ended_at is not None and self.ended_at < self.started_at:
            raise ValueError("ended_at is before started_at")
        return self
