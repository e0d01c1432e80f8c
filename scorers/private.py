"""Scores of private tasks: what stays readable when the rest of an attempt is withheld tells nothing of the task.

`axis.scored` is never redacted, so that a composite can be computed anew from it. Its numbers stay, and
how long a list is; names of files, patterns and references to texts do not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchledger.scorers.evidence import AxisScore, Evidence

__all__ = ["WITHHELD", "shown"]

WITHHELD = "(private)"
# What a scorer says in words of its own.
_OWN_WORDS = frozenset({"refusal_correct", "refusal_signals", "keyword_hits", "kind", "task_id"})


def shown(evidence: Evidence, score: AxisScore) -> AxisScore:
    """Return a score as it may be read by all: that of a private task without a word of the task."""
    if not evidence.setup.task.private:
        return score
    return replace(score, payload=_without_words(score.payload))


def _without_words(value: Any) -> Any:
    if isinstance(value, str):
        return WITHHELD
    if isinstance(value, list | tuple):
        return [_without_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"blob", "size"}:
        return None
    return {key: item if key in _OWN_WORDS else _without_words(item) for key, item in value.items()}
