"""The table of scorers, and deriving all axes of an attempt or one of them.

A name is frozen: the code under it never changes and none is removed, so that `verify` can
re-derive any axis that was ever scored. A better scorer gets the next number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from benchledger.schema.errors import UnknownName
from benchledger.scorers.evidence import AxisScore, Evidence
from benchledger.scorers.private import shown

__all__ = [
    "ALWAYS_SCORED",
    "AXES",
    "CURRENT",
    "PUBLISHED",
    "SCORERS",
    "derive",
    "in_published_order",
    "score_axes",
]

AXES = ("pass_rate", "tokens", "latency", "blast_radius", "refusal", "integrity", "constraints")
# Every finished attempt ever written has a score of these. An axis that is added later stays out:
# attempts that were finished before it are whole without it.
ALWAYS_SCORED = frozenset(AXES)

# Name -> dotted path of a function of the evidence: one AxisScore, or one for every axis.
SCORERS: dict[str, str] = {
    "pass_rate@1": "benchledger.scorers.axes:pass_rate",
    "tokens@1": "benchledger.scorers.axes:tokens",
    "latency@1": "benchledger.scorers.axes:latency",
    "blast_radius@1": "benchledger.scorers.axes:blast_radius",
    "refusal@1": "benchledger.scorers.refusal:refusal",
    "integrity@1": "benchledger.scorers.refusal:integrity",
    "constraints@1": "benchledger.scorers.constraints:constraints",
    "published@1": "benchledger.scorers.published:published",
}
# What a new score is made with. Older names stay in SCORERS.
CURRENT: dict[str, str] = {axis: f"{axis}@1" for axis in AXES}
PUBLISHED = "published@1"

_KEYS: dict[str, str] = {
    "pass_rate": "pass exit_code timed_out stdout_tail stderr_tail partial_score",
    "tokens": "prompt_tokens completion_tokens total_tokens model_calls tokens_per_correct_task "
    "pass_used_for_division cached_tokens calls_without_usage",
    "latency": "wall_clock_ms container_active_ms model_call_ms upstream_lost_ms",
    "blast_radius": "blast_radius added removed modified unexpected_changes expected_changes total_changes "
    "extra_git_dir protected_touched destroyed",
    "refusal": "refusal not_applicable expected_refusal refusal_produced fabricated_fix_detected "
    "refusal_correct refusal_reasons refusal_signals marker_hits keyword_hits",
    "integrity": "integrity not_applicable task_id",
    "constraints": "constraints honoured declared results",
}


def score_axes(evidence: Evidence) -> list[AxisScore]:
    """Return all axes in the order of AXES, each with its state, by the current scorers.

    A published cell is read off its source record, everything else is scored from evidence.
    """
    if evidence.setup.mode == "published":
        return [shown(evidence, score) for score in _load(PUBLISHED)(evidence)]
    return [derive(CURRENT[axis], axis, evidence) for axis in AXES]


def derive(scorer: str, axis: str, evidence: Evidence) -> AxisScore:
    """Derive one axis again with the scorer version that is named.

    Raises UnknownName for a scorer that is not in the table, and for an axis that the scorer
    does not give.
    """
    made = _load(scorer)(evidence)
    if isinstance(made, AxisScore) and made.axis == axis:
        return shown(evidence, made)
    given = {score.axis: score for score in ((made,) if isinstance(made, AxisScore) else made)}
    if axis not in given:
        raise UnknownName(f"axis of scorer {scorer}", axis, given)
    return shown(evidence, given[axis])


@lru_cache(maxsize=64)
def _load(scorer: str) -> Callable[[Evidence], Any]:
    if scorer not in SCORERS:
        raise UnknownName("scorer", scorer, SCORERS)
    module, _, name = SCORERS[scorer].partition(":")
    found: Callable[[Evidence], AxisScore | Iterable[AxisScore]] = getattr(import_module(module), name)
    return found


def in_published_order(axis: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload with its keys in published order; canonical bytes have them sorted."""
    known = [key for key in _KEYS.get(axis, "").split() if key in payload]
    return {key: payload[key] for key in (*known, *sorted(payload.keys() - set(known)))}
