"""The run record: how any other harness hands in a run (format `benchledger-run-1`).

Strict on purpose: an unknown field, a text where a number belongs or a contradiction is
refused with its field, because what is appended cannot be taken back. What was not watched
is left out; an empty list says that it was watched and that nothing happened.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from benchledger.schema.base import Count, Hex64, Int, Json, Millis, ModelId, Name, Record, Text
from benchledger.schema.canonical import MAX_INT
from benchledger.schema.events import AgentIdentity
from benchledger.schema.task import Expectations, Limits
from benchledger.schema.times import Instant, wall_between

__all__ = [
    "RUN_FORMAT",
    "RunCall",
    "RunExit",
    "RunFiles",
    "RunGrader",
    "RunRecord",
    "RunStreams",
    "RunTask",
    "RunTimings",
]

RUN_FORMAT = "benchledger-run-1"

_FOLDED = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)|\x00")


def _plain_path(path: str) -> str:
    # Globs are matched against the path as it is written, so it has one spelling only.
    if _FOLDED.search(path):
        raise ValueError(f"path {path[:100]!r} is not relative to the workdir, or not in its shortest form")
    return path


FilePath = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_plain_path)]


class RunTask(Record):
    """Which version of the task was run, by content; the digests are BLAKE3, 64 hex digits."""

    digest: Hex64 | None = Field(default=None, description="of the whole task")
    instruction_digest: Hex64 | None = Field(default=None, description="of the instruction text")
    workdir_digest: Hex64 | None = Field(default=None, description="of the files that the agent was given")
    checks_digest: Hex64 | None = Field(default=None, description="of the checks")
    language: Text | None = Field(default=None, description="programming language of the task")
    private: bool | None = Field(default=None, description="whether the task is kept from publication")


class RunTimings(Record):
    """When the attempt ran: from setup to the exit of the agent, without grading."""

    started_at: Instant | None = Field(
        default=None, description="ISO 8601 with a zone, or Unix time in microseconds"
    )
    ended_at: Instant | None = Field(default=None, description="as started_at; not before it")
    wall_ms: Millis | None = Field(
        default=None, description="milliseconds; where absent, ended_at less started_at"
    )
    active_ms: Millis | None = Field(
        default=None, description="milliseconds in which the agent's process ran"
    )

    @model_validator(mode="after")
    def _forwards(self) -> RunTimings:
        if self.started_at is not None and self.ended_at is not None and self.ended_at < self.started_at:
            raise ValueError("ended_at is before started_at")
        return self

    @property
    def wall(self) -> float | None:
        """Return wall_ms as stated, else as the two times give it, else None."""
        if self.wall_ms is not None or self.started_at is None or self.ended_at is None:
            return self.wall_ms
        return wall_between(self.started_at, self.ended_at)


class RunExit(Record):
    """How the agent's process ended; exit codes are no verdict."""

    exit_code: Int | None = Field(default=None, description="exit code of the agent's process")
    signal: Int | None = Field(default=None, description="number of the signal that ended it")
    timed_out: bool = Field(default=False, description="whether the limit of seconds ended it")
    oom: bool = Field(default=False, description="whether the kernel ended it for want of memory")
    limit_hit: Literal["seconds", "calls", "tokens", "money"] | None = Field(
        default=None, description="the limit that ended the attempt"
    )


class RunGrader(Record):
    """The task's own checks, run after the agent had ended."""

    command: tuple[Text, ...] = Field(default=(), description="argv of the checks")
    exit_code: Int | None = Field(default=None, description="exit code of the checks; 0 is a pass")
    timed_out: bool = Field(default=False, description="whether the checks ran into their own limit")
    checks_before: dict[str, bool] | None = Field(
        default=None, description="check → passed, before the agent ran"
    )
    checks_after: dict[str, bool] | None = Field(
        default=None, description="check → passed, after the agent ran"
    )
    stdout: str | None = Field(default=None, description="what the checks printed")
    stderr: str | None = Field(default=None, description="what the checks printed on standard error")
    checks_digest_before: Hex64 | None = Field(
        default=None, description="BLAKE3 of the checks before the agent ran"
    )
    checks_digest_after: Hex64 | None = Field(default=None, description="BLAKE3 of the checks that were run")
    duration_ms: Millis | None = Field(default=None, description="milliseconds that the checks took")


class RunFiles(Record):
    """Which files changed; POSIX paths relative to the workdir, without `.` and `..`."""

    added: tuple[FilePath, ...] = Field(default=(), description="files that were not there at the start")
    removed: tuple[FilePath, ...] = Field(default=(), description="files of the start that are gone")
    modified: tuple[FilePath, ...] = Field(default=(), description="files of the start with other content")
    emptied: tuple[FilePath, ...] = Field(default=(), description="those of `modified` that are now empty")

    @model_validator(mode="after")
    def _once(self) -> RunFiles:
        for path, times in Counter([*self.added, *self.removed, *self.modified]).items():
            if times > 1:
                raise ValueError(f"path {path!r} stands {times} times in added, removed and modified")
        for path in self.emptied:
            if path not in self.modified:
                raise ValueError(f"path {path!r} stands in emptied and not in modified")
        return self


class RunStreams(Record):
    """What the agent printed, as text."""

    stdout: str | None = Field(default=None, description="standard output of the agent")
    stderr: str | None = Field(default=None, description="standard error of the agent")
    recording: str | None = Field(default=None, description="terminal recording, asciicast version 2")


class RunCall(Record):
    """One call to the model as seen on the wire; what the wire did not say is left out."""

    status: Annotated[int, Field(ge=100, le=599)] | None = Field(
        default=None, description="HTTP status; absent where no answer came"
    )
    prompt_tokens: Count | None = Field(default=None, description="tokens sent, the cached ones included")
    completion_tokens: Count | None = Field(default=None, description="tokens answered")
    cached_tokens: Count | None = Field(default=None, description="those of prompt_tokens read from a cache")
    latency_ms: Millis | None = Field(default=None, description="milliseconds from request to last byte")
    first_token_ms: Millis | None = Field(
        default=None, description="milliseconds from request to first token"
    )
    protocol: Text | None = Field(default=None, description="openai-chat, anthropic-messages, …")
    model_asked: Text | None = Field(default=None, description="model named in the request")
    model_answered: Text | None = Field(default=None, description="model named in the answer")
    system_fingerprint: Text | None = Field(default=None, description="fingerprint in the answer")
    request_hash: Hex64 | None = Field(default=None, description="BLAKE3 of the request, 64 hex digits")
    finish_reason: Text | None = Field(default=None, description="why the model stopped, as it said")
    error: Text | None = Field(default=None, description="what failed, without secrets")
    request: str | None = Field(default=None, description="body of the request as text, without secrets")
    response: str | None = Field(default=None, description="body of the answer as text, without secrets")
    started_at: Instant | None = Field(
        default=None, description="ISO 8601 with a zone, or Unix time in microseconds"
    )

    @model_validator(mode="after")
    def _cached_is_part(self) -> RunCall:
        if (self.cached_tokens or 0) > (MAX_INT if self.prompt_tokens is None else self.prompt_tokens):
            raise ValueError("cached_tokens is more than prompt_tokens, which counts the cached ones too")
        return self


class RunRecord(Record):
    """One attempt at one task, as another harness saw it."""

    format: Literal["benchledger-run-1"] = Field(description="names this format and its version")
    sweep: Name = Field(description="name of the sweep: letters, digits, '.', '_', '-'")
    agent: AgentIdentity = Field(description="the coding agent that ran, with its version and image")
    model: ModelId = Field(description="model id; may hold '/', no space and no '#'")
    task: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}/[A-Za-z0-9._-]{1,128}$")] = Field(
        description="category/name"
    )
    run: Annotated[int, Field(ge=1, le=999_999_999)] = Field(default=1, description="repeat of the cell")
    attempt: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="execution of this run; absent: the next one"
    )
    mode: Literal["live", "replay", "scripted"] = Field(
        default="live", description="where the model's answers came from"
    )
    harness: Text | None = Field(default=None, description="what ran the attempt, with its version")
    model_build_id: Text | None = Field(default=None, description="build of the model, where it is known")
    endpoint_origin: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://[^/@?#\s]{1,500}$")] | None = Field(
        default=None, description="scheme://host[:port] of the model's endpoint, without path or credentials"
    )
    protocol: Text | None = Field(default=None, description="protocol between agent and endpoint")
    request_parameters: dict[str, Json] | None = Field(
        default=None, description="temperature and the like, as set for every call"
    )
    plugin_stack: tuple[Text, ...] = Field(default=(), description="plugins in the order of their use")
    behavior_mode: Text = Field(default="factory", description="'factory' where the agent was not tuned")
    overlays: dict[str, Json] | None = Field(default=None, description="what was tuned")
    sandbox: Text | None = Field(default=None, description="where the agent ran: docker, local, …")
    limits: Limits | None = Field(default=None, description="limits of the attempt")
    host: dict[str, Json] | None = Field(default=None, description="facts about the machine")
    task_identity: RunTask | None = Field(default=None, description="digests of the task")
    expectations: Expectations | None = Field(
        default=None, description="what the task declares about files, refusal and constraints"
    )
    timings: RunTimings | None = Field(default=None, description="when the attempt ran, and for how long")
    exit: RunExit | None = Field(default=None, description="how the agent's process ended")
    grader: RunGrader | None = Field(default=None, description="result of the checks")
    files: RunFiles | None = Field(
        default=None, description="changed files; absent: not watched, empty: none changed"
    )
    patch: str | None = Field(default=None, description="unified diff of the workdir")
    new_commits: Count | None = Field(default=None, description="commits that the agent made")
    git_changes: bool | None = Field(default=None, description="whether files under .git changed otherwise")
    streams: RunStreams | None = Field(default=None, description="what the agent printed")
    model_calls: tuple[RunCall, ...] | None = Field(
        default=None, description="every call, in order; absent: not watched, empty: none was made"
    )
    outcome: Literal["infra_error", "aborted"] | None = Field(
        default=None, description="only what the evidence cannot tell: all else is derived from it"
    )
    outcome_kind: Literal["sandbox", "engine", "grader", "disk"] | None = Field(
        default=None, description="which part of the harness failed; with infra_error only"
    )

    @model_validator(mode="after")
    def _consistent(self) -> RunRecord:
        if (self.outcome == "infra_error") != (self.outcome_kind is not None):
            raise ValueError("outcome_kind stands with outcome infra_error, and always with it")
        if self.files is None:
            for field in ("patch", "new_commits", "git_changes"):
                if getattr(self, field) is not None:
                    raise ValueError(f"{field} without files: say which files changed, or leave it out")
        return self
