"""An attempt's spans and model calls on one clock, drawn on a timeline: times in ms since its start.

rows of a page -> clock, nesting, faults -> lanes and places in percent -> templates/trace.html, static/replay.js

A trace is what somebody's program recorded: parents may be missing or lead back to the span, ends may be
missing or lie before the start, clocks may go wrong. All of it is shown and named; none of it may hold a page up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.span_rows import (
    SPANS_A_PAGE,
    SPANS_FIRST,
    Call,
    Span,
    count_spans,
    pages_of,
    rows_of,
)
from benchledger.ledger.web.drawing import clock_text, draw
from benchledger.ledger.web.render import when

__all__ = ["trace"]

_BUDGET = 300_000  # characters of attributes on a page, after which little is shown of each
_MANY, _LONG = (20, 300), (4, 40)  # attributes of a span, before the budget is used up and after
_NOTHING: dict[str, Any] = {"spans": [], "above": [], "calls": [], "kinds": []}
_KINDS = {
    "task_setup": "setup",
    "adapter_run": "agent",
    "container": "agent",
    "tool_call": "tool",
    "model_call": "model",
    "proxy": "model",
    "drift": "model",
    "cleanup": "setup",
}


class _Clock(NamedTuple):
    """Where 0 ms is, in µs, and what says so."""

    start: int
    basis: str

    def ms(self, at: int) -> float:
        return (at - self.start) / 1000


def trace(attempt: Attempt, page: int | None = None) -> dict[str, Any]:
    """Return page `page`, from 1, of an attempt's trace, or as much of it as the cell's page shows.

    `state` is `none` where nothing has a time. `pages` is 0 where the cell's page shows all of it.
    """
    rows = rows_of(attempt, page or 1, SPANS_FIRST if page is None else SPANS_A_PAGE)
    total = count_spans(attempt)
    pages = pages_of(attempt, total)
    about = {
        "page": page,
        "pages": pages,
        "total": total,
        "spans_a_page": SPANS_A_PAGE,
        "order": "start" if total is not None else "recorded",
        "calls_left": rows.calls_left,
    }
    clock = _clock(attempt, rows.spans, rows.calls)
    if clock is None or not (rows.spans or rows.calls):
        return about | {"state": "none", "reason": _why_none(attempt), **_NOTHING}
    nesting = _Nesting([*rows.spans, *rows.above])
    budget = [_BUDGET]
    spans = [_span(span, clock, nesting, budget) | {"above": False} for span in rows.spans]
    above = [_span(span, clock, nesting, budget) | {"above": True} for span in rows.above]
    calls = [_call(call, clock) for call in rows.calls]
    drawn = draw(spans, above, calls, whole=not pages)
    return about | {
        "state": "recorded",
        "reason": None,
        "clock": {
            "start": clock.start,
            "start_text": when(clock.start, "microseconds"),
            "basis": clock.basis,
        },
        "spans": spans,
        "above": above,
        "calls": calls,
        "drawn": drawn,
        "kinds": _summary(spans),
    }


def _clock(attempt: Attempt, spans: Sequence[Span], calls: Sequence[Call]) -> _Clock | None:
    if attempt.row["started_at"] is not None:
        return _Clock(attempt.row["started_at"], "the recorded start of the attempt")
    firsts = [rows[0].started_at for rows in (spans, calls) if rows]
    return _Clock(min(firsts), "the first span or call, for no start was recorded") if firsts else None


def _why_none(attempt: Attempt) -> str:
    if attempt.one("record.received") is not None:
        return "The source recorded no spans and no timed model calls."
    if attempt.one("cell.finished") is None:
        return "Nothing was recorded yet: the attempt has not ended."
    return "No span was recorded."


class _Nesting:
    """Depths of spans below their parents, and which of them have no end of parents."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.spans = {span.span: span for span in spans}
        self.depth: dict[str, int] = {}
        self.cyclic: set[str] = set()
        for span in self.spans:
            self._climb(span)

    def _climb(self, span: str) -> None:
        path: dict[str, None] = {}
        at: str | None = span
        while at in self.spans and at not in self.depth and at not in path:
            path[at] = None
            at = self.spans[at].parent
        if at in path:
            ring = list(path)[list(path).index(at) :]
            self.cyclic.update(ring)
            self.depth |= dict.fromkeys(ring, 0)
        for each in reversed(path):
            if each not in self.depth:
                self.depth[each] = self.depth.get(self.spans[each].parent or "", -1) + 1

    def faults(self, span: Span, clock: _Clock) -> list[str]:
        """Return in words what is wrong with a span's times and parents."""
        parent = self.spans.get(span.parent or "")
        found = {
            "its parent was not recorded": span.parent is not None and parent is None,
            "its parents lead back to it": span.span in self.cyclic,
            "not finished": span.ended_at is None,
            "ends before it starts": span.ended_at is not None and span.ended_at < span.started_at,
            "starts before the attempt": span.started_at < clock.start,
            "starts before its parent": parent is not None and span.started_at < parent.started_at,
        }
        return [fault for fault, is_so in found.items() if is_so]


def _span(span: Span, clock: _Clock, nesting: _Nesting, budget: list[int]) -> dict[str, Any]:
    start = clock.ms(span.started_at)
    end = None if span.ended_at is None else clock.ms(span.ended_at)
    return {
        "id": span.span,
        "parent": span.parent,
        "kind": span.kind,
        "look": _KINDS.get(span.kind, "other"),
        "name": span.name,
        "start_ms": start,
        "end_ms": end,
        "start_text": clock_text(start),
        "duration_text": None
        if span.ended_at is None
        else clock_text((span.ended_at - span.started_at) / 1000),
        "started_at": when(span.started_at, "microseconds"),
        "ended_at": None if span.ended_at is None else when(span.ended_at, "microseconds"),
        "depth": nesting.depth[span.span],
        "attributes": _attributes(span, budget),
        "error": span.error,
        "faults": nesting.faults(span, clock),
        "seq": span.seq,
    }


def _attributes(span: Span, budget: list[int]) -> dict[str, Any]:
    """Return {pairs: [[key, text]…], left: how many more}; what is long is cut, and says by how much."""
    if span.attributes is None:
        return {"pairs": [], "left": 0, "size": span.attributes_size}
    items = json.loads(span.attributes)
    many, long = _MANY if budget[0] > 0 else _LONG
    pairs = []
    for key, value in list(items.items())[:many]:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = text if len(text) <= long else f"{text[:long]}… ({len(text) - long:,} more)"
        pairs.append([key[:100], shown])
        budget[0] -= len(shown) + 20
    return {"pairs": pairs, "left": len(items) - len(pairs), "size": span.attributes_size}


def _call(call: Call, clock: _Clock) -> dict[str, Any]:
    start = clock.ms(call.started_at)
    answered = call.status is not None and 200 <= call.status < 300 and call.error is None
    return {
        "number": call.number,
        "start_ms": start,
        "end_ms": None if call.latency_ms is None else start + call.latency_ms,
        "start_text": clock_text(start),
        "latency_text": None if call.latency_ms is None else clock_text(call.latency_ms),
        "started_at": when(call.started_at, "microseconds"),
        "model": call.model,
        "status": call.status,
        "finish_reason": call.finish_reason,
        "error": None if call.error is None else call.error[:300],
        "failed": not answered,
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "seq": call.seq,
    }


def _summary(spans: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each kind of span with its number, time and errors, those that took longest first."""
    found: dict[str, dict[str, Any]] = {}
    for span in spans:
        kind = found.setdefault(span["kind"], {"kind": span["kind"], "count": 0, "ms": 0.0, "errors": 0})
        kind["count"] += 1
        kind["ms"] += max(0.0, (span["end_ms"] or span["start_ms"]) - span["start_ms"])
        kind["errors"] += span["error"] is not None
    ordered = sorted(found.values(), key=lambda kind: (-kind["ms"], kind["kind"]))[:50]
    return [kind | {"text": clock_text(kind["ms"])} for kind in ordered]
