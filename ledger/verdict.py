"""One sentence about an attempt, made from its records alone."""

from __future__ import annotations

from collections.abc import Iterable

from benchledger.schema.events import CellFinished
from benchledger.schema.task import Expectations, matches
from benchledger.scorers.evidence import Evidence
from benchledger.scorers.reading import checks_silent, has_usage, passed

__all__ = ["verdict"]

_FAULTS = {
    "auth": "the endpoint refused the key",
    "rate_limit": "the endpoint answered 429 to the end",
    "upstream": "the endpoint failed the last calls",
    "unreachable": "the endpoint could not be reached",
    "no_call": "no model call was answered",
    "hang": "the endpoint left the last call without an answer",
    "sandbox": "the sandbox failed",
    "engine": "the Docker engine failed",
    "grader": "the checks could not be run",
    "disk": "the disk was full",
    "drift": "the replay drifted from what was recorded",
}
_ENDS = {
    "timeout": "ran into its time limit",
    "oom": "ran out of memory",
    "signal": "was killed",
    "quota": "filled its disk quota",
    "bad_request": "the endpoint refused its request",
    "calls": "used up its calls",
    "tokens": "used up its tokens",
    "money": "used up its money",
}
_SHOWN = 3


def verdict(evidence: Evidence, end: CellFinished, used: tuple[int, int | None] | None = None) -> str:
    """Return the sentence, without a full stop: verdict; how it ended; changes; model calls; time.

    `used` gives (model calls, their tokens or None) where the evidence was read without its many calls.
    """
    parts = [
        _judgement(evidence, end),
        *_ending(end),
        *_changes(evidence),
        *_calls(evidence, used or _counted(evidence)),
        *_time(evidence),
    ]
    return "; ".join(parts)


def _judgement(evidence: Evidence, end: CellFinished) -> str:
    if end.outcome == "infra_error":
        return f"Not scored: {_FAULTS.get(end.outcome_kind or '', end.outcome_kind or 'the infrastructure failed')}"
    if end.outcome == "aborted":
        return "Not scored: it was aborted"
    verdict, after = passed(evidence), None if evidence.grader is None else evidence.grader.checks_after
    if verdict is None:
        return "Not graded"
    if evidence.grader is not None and evidence.grader.exit_code == 0 and checks_silent(evidence.grader):
        return "Failed: the checks left with 0, and did not say of each one that it passed"
    if after:
        good = sum(after.values())
        if verdict:
            return f"Passed: {good} of {len(after)} checks"
        return (
            f"Failed: {len(after) - good} of {len(after)} checks"
            if good < len(after)
            else "Failed: the checks"
        )
    grader = evidence.grader
    if verdict or grader is None:
        return "Passed: the checks"
    return (
        "Failed: the checks ran into their limit"
        if grader.timed_out
        else f"Failed: exit code {grader.exit_code}"
    )


def _ending(end: CellFinished) -> Iterable[str]:
    if end.outcome in ("timeout", "agent_error", "budget"):
        yield _ENDS.get(end.outcome_kind or end.outcome, end.outcome_kind or end.outcome)


def _changes(evidence: Evidence) -> Iterable[str]:
    if evidence.workdir is None:
        return
    paths = evidence.workdir.changes.all
    expect = evidence.setup.task.expectations or Expectations()
    aside = (*expect.expected, *expect.refusal_documents)
    by_products = [path for path in paths if matches(path, expect.allowed) and not matches(path, aside)]
    named = [path for path in paths if path not in by_products]
    more = [f"{len(named) - _SHOWN} more"] if len(named) > _SHOWN else []
    if by_products:
        more.append(f"{len(by_products)} by-product{'' if len(by_products) == 1 else 's'}")
    if not named:
        yield f"changed {' and '.join(more) or 'nothing'}"
        return
    # what the task is about comes first
    named.sort(key=lambda path: (not matches(path, aside), path))
    yield " and ".join([f"changed {', '.join(named[:_SHOWN])}", *more])
    if evidence.workdir.protected_touched:
        yield f"touched protected {', '.join(evidence.workdir.protected_touched[:_SHOWN])}"


def _counted(evidence: Evidence) -> tuple[int, int | None]:
    known = [call for call in evidence.calls if has_usage(call)]
    tokens = sum((call.prompt_tokens or 0) + (call.completion_tokens or 0) for call in known)
    return len(evidence.calls), tokens if known else None


def _calls(evidence: Evidence, used: tuple[int, int | None]) -> Iterable[str]:
    if not evidence.setup.agent.uses_model:
        return
    calls, tokens = used
    if not calls:
        if evidence.calls_observed:
            yield "no model call"
        return
    plural = "" if calls == 1 else "s"
    yield f"{calls:,} model call{plural}" + (
        ", tokens not told" if tokens is None else f", {tokens:,} tokens"
    )


def _time(evidence: Evidence) -> Iterable[str]:
    if evidence.exited is not None and evidence.exited.wall_ms is not None:
        yield f"{evidence.exited.wall_ms / 1000:.1f} s"
