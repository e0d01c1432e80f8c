"""Results in words: what a page says of an attempt in a few characters, everywhere the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["AXIS_NAMES", "Result", "axis_text", "result_of", "short_score"]

SCORED = ("finished", "agent_error", "timeout", "budget")
AXIS_NAMES = {
    "pass_rate": "Pass",
    "tokens": "Tokens per solved task",
    "latency": "Wall time",
    "blast_radius": "Blast radius",
    "refusal": "Refusal",
    "integrity": "Integrity",
    "constraints": "Constraints",
}


class Result(NamedTuple):
    """`result`: pass, fail, part or none, a class of the style sheet; `said`: the words."""

    result: str
    said: str


def short_score(value: float) -> str:
    """Return a score with two decimals and without its leading zero: `.92`, `1.00`, never a percentage."""
    text = f"{value:.2f}"
    return text.removeprefix("0")


def result_of(outcome: str | None, kind: str | None, pass_rate: float | None, value: float | None) -> Result:
    """Return the result of an attempt: passed with its composite, failed, or why it has no score."""
    if not outcome:
        return Result("none", "unfinished")
    if outcome not in SCORED:
        return Result("none", f"{outcome}{f' ({kind})' if kind else ''}")
    if pass_rate is None:
        return Result("none", "not graded")
    if pass_rate == 1:
        return Result("pass", "pass" if value is None else f"pass · {short_score(value)}")
    if pass_rate == 0:
        ended = "" if outcome == "finished" else f" ({kind or outcome})"
        return Result("fail", f"fail{ended}")
    return Result("fail", f"part {pass_rate:.2f}" + ("" if value is None else f" · {short_score(value)}"))


def axis_text(axis: str, score: Mapping[str, Any]) -> str | None:
    """Return an axis' value as people read it, None where there is no value."""
    value = score.get("value")
    if value is None:
        return None
    if axis == "pass_rate" and value in (0, 1):
        return "pass" if value else "fail"
    if axis == "refusal" and value in (0, 1):
        return "yes" if value else "no"
    if axis == "latency":
        return f"{value / 1000:,.1f} s"
    if axis == "tokens":
        return f"{value:,.0f}"
    return f"{value:.3f}"
