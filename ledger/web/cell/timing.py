"""When an attempt ran, and where its time went."""

from __future__ import annotations

from typing import Any

from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.drawing import clock_text
from benchledger.ledger.web.render import when
from benchledger.ledger.web.view import View
from benchledger.schema.times import wall_between

__all__ = ["timing"]

_NOT = "not recorded"


def timing(_view: View, attempt: Attempt) -> dict[str, Any]:
    """Return the facts on the times of an attempt: value or None, and why there is none; milliseconds raw."""
    row = attempt.row
    ended = attempt.one("cell.exited") is not None or attempt.one("cell.finished") is not None
    # of an attempt that ended, what is missing was not recorded; of another, it has not happened
    why = _NOT if ended else "the attempt has not ended"
    started_at, ended_at = row["started_at"], row["ended_at"]
    lasted = None if None in (started_at, ended_at) else wall_between(started_at, ended_at)
    latency = _latency(attempt)
    grader = attempt.payload("grader.ran")
    watched = "model_calls" in attempt.observed
    unasked = why if watched or not ended else "not recorded: the source did not watch the model calls"
    ungraded = why if attempt.one("grader.ran") is None else _NOT
    facts = [
        _moment("started at", started_at, _NOT),
        _moment("ended at", ended_at, why),
        _span("duration", lasted, why, "from the one to the other"),
        _span("wall time", row["wall_ms"], why, "from setup to the agent's exit, grading left out"),
        _span("active", row["active_ms"], why, "in which the agent's process ran"),
        _span("model time", latency.get("model_call_ms"), unasked, "sum over all calls"),
        _span(
            "lost upstream",
            latency.get("upstream_lost_ms"),
            unasked,
            "a call was open that the upstream failed",
        ),
        _span("grading", grader.get("duration_ms"), ungraded, "the task's own checks"),
    ]
    return {"facts": facts, "events": _events(attempt), "ended": row["outcome"] is not None}


def _latency(attempt: Attempt) -> dict[str, Any]:
    """Return the payload of the axis that measures time, as it was last scored."""
    scored = [e.payload for e in attempt.all("axis.scored") if e.payload and e.payload["axis"] == "latency"]
    found: dict[str, Any] = scored[-1]["payload"] if scored else {}
    return found


def _moment(name: str, at: int | None, why: str) -> dict[str, Any]:
    text = None if at is None else when(at, "microseconds")
    return {"name": name, "value": text, "why": why, "raw": at, "href": None, "code": False, "note": None}


def _span(name: str, ms: float | None, why: str, note: str) -> dict[str, Any]:
    text = None if ms is None else clock_text(ms)
    return {"name": name, "value": text, "why": why, "raw": ms, "href": None, "code": False, "note": note}


def _events(attempt: Attempt) -> list[dict[str, Any]]:
    kinds = ("cell.setup", "cell.exited", "grader.ran")
    return [place for place in map(attempt.place, kinds) if place is not None]
