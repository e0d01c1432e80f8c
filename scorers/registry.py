"""The table of scorers, and deriving all axes of an attempt or one of them.

A name is frozen: the code under it never changes and none is removed, so that `verify` can
re-derive any axis that was ever scored. A better scorer gets the next number.

    AXIS@N          of this table
    AXIS@N+NAME     of a package, by the entry point group `benchledger.scorers`

A package's own scorer stands between AXIS@N and AXIS@N+1. Its label keeps it apart from every
number of this table, those of later versions included: no package can replace a shipped name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from benchledger.schema.errors import UnknownName, UsageError
from benchledger.scorers.evidence import AxisScore, Evidence
from benchledger.scorers.private import shown

__all__ = [
    "ALWAYS_SCORED",
    "AXES",
    "CURRENT",
    "ENTRY_POINTS",
    "PUBLISHED",
    "SCORERS",
    "current_scorers",
    "derive",
    "in_published_order",
    "is_known_scorer",
    "misnamed_scorers",
    "score_axes",
    "scorer_version",
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
ENTRY_POINTS = "benchledger.scorers"

_NAME = re.compile(r"([A-Za-z0-9._-]{1,64})@([1-9][0-9]{0,5})(?:\+([a-z0-9][a-z0-9._-]{0,63}))?")

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


def scorer_version(name: str) -> tuple[str, int, str] | None:
    """Return (axis, number, label or "") of a scorer's name, None for what is no such name.

    Of two scorers of one axis the one with the larger (number, label) is the later.
    """
    found = _NAME.fullmatch(name)
    return None if found is None else (found[1], int(found[2]), found[3] or "")


def current_scorers() -> dict[str, str]:
    """Return axis -> the scorer that a new score is made with: the latest that this installation has.

    In the order of AXES; axes that only a package scores come last.
    """
    latest = dict(CURRENT)
    for name in sorted(_plugged()):
        axis, *version = scorer_version(name) or ("", 0, "")
        known = scorer_version(latest[axis]) if axis in latest else None
        if known is None or tuple(version) > known[1:]:
            latest[axis] = name
    return latest


def is_known_scorer(name: str) -> bool:
    """Return whether this installation has a scorer, so that its scores can be derived again."""
    return name in SCORERS or name in _plugged()


def misnamed_scorers() -> list[str]:
    """Return the names of plugged scorers that are not used: they bear no label, so they are not a package's."""
    return sorted(point.name for point in entry_points(group=ENTRY_POINTS) if not _is_plug(point.name))


def _is_plug(name: str) -> bool:
    version = scorer_version(name)
    return version is not None and bool(version[2])


@lru_cache(maxsize=1)
def _plugged() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if _is_plug(point.name)}


def score_axes(evidence: Evidence) -> list[AxisScore]:
    """Return all axes in the order of AXES, each with its state, by the current scorers.

    A published cell is read off its source record, everything else is scored from evidence.
    """
    if evidence.setup.mode == "published":
        return [shown(evidence, score) for score in _load(PUBLISHED)(evidence)]
    scores = (_scored(axis, scorer, evidence) for axis, scorer in current_scorers().items())
    return [score for score in scores if score is not None]


def _scored(axis: str, scorer: str, evidence: Evidence) -> AxisScore | None:
    """Return an axis by a scorer; where one of a package fails, by the shipped one, None where there is none.

    An attempt is not lost for it, and a regrade names what failed.
    """
    shipped = CURRENT.get(axis)
    if scorer == shipped:
        return derive(scorer, axis, evidence)
    try:
        return derive(scorer, axis, evidence)
    except Exception:  # noqa: BLE001 - foreign code, over evidence that it may never have met
        return None if shipped is None else derive(shipped, axis, evidence)


def derive(scorer: str, axis: str, evidence: Evidence) -> AxisScore:
    """Derive one axis again with the scorer version that is named.

    Raises UnknownName for a scorer that is not in the table, and for an axis that the scorer
    does not give.
    """
    made = _load(scorer)(evidence)
    if isinstance(made, AxisScore) and made.axis == axis:
        # a function may be kept under several names, and a package may know its own by another
        return shown(evidence, made if made.scorer == scorer else replace(made, scorer=scorer))
    given = {score.axis: score for score in ((made,) if isinstance(made, AxisScore) else made)}
    if axis not in given:
        raise UnknownName(f"axis of scorer {scorer}", axis, given)
    return shown(evidence, given[axis])


@lru_cache(maxsize=64)
def _load(scorer: str) -> Callable[[Evidence], Any]:
    found: Callable[[Evidence], AxisScore | Iterable[AxisScore]]
    if scorer in SCORERS:
        module, _, name = SCORERS[scorer].partition(":")
        found = getattr(import_module(module), name)
        return found
    plugged = _plugged()
    if scorer not in plugged:
        raise UnknownName("scorer", scorer, [*SCORERS, *plugged])
    point = plugged[scorer]
    try:
        found = point.load()
    except Exception as error:  # whatever a plug-in does at import is its own
        raise UsageError(
            f"scorer {scorer!r} ({point.value}) cannot be loaded: {error}", "update or remove its package"
        ) from error
    return found


def in_published_order(axis: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload with its keys in published order; canonical bytes have them sorted."""
    known = [key for key in _KEYS.get(axis, "").split() if key in payload]
    return {key: payload[key] for key in (*known, *sorted(payload.keys() - set(known)))}
