"""The axes of a published CodingAgentBench cell, read off its source record.

Where a payload was cut, the page's displayed score stands in, marked as such; what neither
shows is missing. Nothing is measured here, and nothing is made up. Format: one JSON object a
cell with `displayed` (texts as shown) and `scorers` (payloads as far as visible).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from benchledger.schema.canonical import parse_json
from benchledger.schema.errors import CanonicalError
from benchledger.schema.events import AxisState
from benchledger.schema.policy import Outcome
from benchledger.schema.ports import blob_ref
from benchledger.schema.times import wall_between
from benchledger.scorers.evidence import AxisScore, Evidence

__all__ = ["banner_outcome", "published", "published_composite", "visible_payload"]

_SCORER = "published@1"
_TAILS = ("stdout_tail", "stderr_tail")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANSWERS = {"yes": True, "no": False}
_CUT = "the payload is cut; read off the page"
_UNSEEN = "neither the payload nor the page shows it"
_BANNERS: tuple[tuple[str, Outcome, str | None], ...] = (
    ("no handshake", "infra_error", "no_call"),
    ("HTTP 429", "infra_error", "rate_limit"),
    ("outer guard", "timeout", None),
)


def published(evidence: Evidence) -> list[AxisScore]:
    """Return published@1: all seven axes of a published cell, from evidence.record alone."""
    record, seen = _record(evidence), evidence.seen("record.received")
    if record is None:
        reason = "the source record is gone"
        axes = ("pass_rate", "tokens", "latency", "blast_radius", "refusal", "integrity", "constraints")
        return [AxisScore(axis, _SCORER, None, "missing", reason, {}, seen) for axis in axes]
    refusal = _refusal(record, seen)
    return [
        _shown("pass_rate", "pass", "pass", record, seen),
        _tokens(record, seen),
        _latency(record, seen),
        _shown("blast_radius", "blast_radius", "blast", record, seen),
        refusal,
        _integrity(record, refusal),
        AxisScore("constraints", _SCORER, None, "missing", "the source does not publish it", {}, seen),
    ]


def published_composite(record: Mapping[str, Any]) -> tuple[float | None, bool]:
    """Return (composite, exact): in full precision where the payload shows it, else as displayed."""
    value = _number(visible_payload(record, "composite").get("composite"))
    if value is not None:
        return value, True
    return _number(record.get("displayed", {}).get("composite")), False


def banner_outcome(banner: str | None) -> tuple[Outcome, str | None]:
    """Return (outcome, kind) as the banner of a cell's page tells it; without one the cell finished."""
    for words, outcome, kind in _BANNERS:
        if banner is not None and words in banner:
            return outcome, kind
    return "finished", None


def visible_payload(record: Mapping[str, Any], axis: str) -> dict[str, Any]:
    """Return the keys of a payload that the source shows, without the collection's own notes.

    Free text is replaced by references to blobs, whose bytes are the UTF-8 of the text.
    """
    shown = record.get("scorers", {}).get(axis) or {}
    payload = {key: value for key, value in shown.items() if not key.startswith("_")}
    for key in _TAILS:
        if isinstance(payload.get(key), str):
            payload[key] = blob_ref(payload[key].encode()).to_json()
    return payload


def _record(evidence: Evidence) -> Mapping[str, Any] | None:
    data = None if evidence.record is None else evidence.blob(evidence.record.record.blob)
    if data is None:
        return None
    try:
        record = parse_json(data)
    except CanonicalError:
        return None
    return record if isinstance(record, dict) else None


def _number(shown: object) -> float | None:
    """Return a visible value as a number; the page writes some as text, wall time with its unit."""
    if isinstance(shown, int | float) and not isinstance(shown, bool):
        return float(shown)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s?", shown) if isinstance(shown, str) else None
    return None if found is None else float(found[1])


def _share(shown: object) -> float | None:
    number = _number(shown)
    return number if number is not None and 0 <= number <= 1 else None


def _shown(axis: str, key: str, column: str, record: Mapping[str, Any], seen: tuple[int, ...]) -> AxisScore:
    payload = visible_payload(record, axis)
    value = _share(payload.get(key))
    if value is not None:
        return AxisScore(axis, _SCORER, value, "recorded", None, payload, seen)
    value = _share(record.get("displayed", {}).get(column))
    state: AxisState = "missing" if value is None else "displayed"
    return AxisScore(axis, _SCORER, value, state, _UNSEEN if value is None else _CUT, payload, seen)


def _tokens(record: Mapping[str, Any], seen: tuple[int, ...]) -> AxisScore:
    payload = visible_payload(record, "tokens")
    value = _number(payload.get("tokens_per_correct_task"))
    if value:
        return AxisScore("tokens", _SCORER, value, "recorded", None, payload, seen)
    # All zero there means that nothing counted them, not that none were used.
    reason = "the source recorded no tokens"
    return AxisScore("tokens", _SCORER, None, "missing", reason, payload, seen)


def _latency(record: Mapping[str, Any], seen: tuple[int, ...]) -> AxisScore:
    payload = visible_payload(record, "latency")
    value = _number(payload.get("wall_clock_ms"))
    if value is not None:
        return AxisScore("latency", _SCORER, value, "recorded", None, payload, seen)
    value = _span_ms(record)
    if value is not None:
        reason = "the payload is cut; from started_at and ended_at"
        return AxisScore("latency", _SCORER, value, "displayed", reason, payload, seen)
    seconds = _number(record.get("displayed", {}).get("wall"))
    if seconds is not None:
        return AxisScore("latency", _SCORER, seconds * 1000, "displayed", _CUT, payload, seen)
    return AxisScore("latency", _SCORER, None, "missing", _UNSEEN, payload, seen)


def _span_ms(record: Mapping[str, Any]) -> float | None:
    start, end = _micros(record.get("started_at")), _micros(record.get("ended_at"))
    return None if start is None or end is None or end < start else wall_between(start, end)


def _micros(stated: object) -> int | None:
    if not isinstance(stated, str):
        return stated if isinstance(stated, int) else None
    try:
        return (datetime.fromisoformat(stated) - _EPOCH) // timedelta(microseconds=1)
    except (TypeError, ValueError):
        return None


def _refusal(record: Mapping[str, Any], seen: tuple[int, ...]) -> AxisScore:
    payload, displayed = visible_payload(record, "refusal"), record.get("displayed", {})
    answer = _ANSWERS.get(str(displayed.get("refusal")))
    blank = payload.get("not_applicable")
    if blank is None:
        blank = "refusal" in displayed and displayed["refusal"] in ("", None)
    payload.setdefault("expected_refusal", not blank)
    payload.setdefault("refusal_produced", answer)
    if blank:
        reason = "the source marks it as not applicable"
        return AxisScore("refusal", _SCORER, None, "not_applicable", reason, payload, seen)
    value = _share(payload.get("refusal"))
    if value is not None:
        return AxisScore("refusal", _SCORER, value, "recorded", None, payload, seen)
    if answer is None:
        return AxisScore("refusal", _SCORER, None, "missing", _UNSEEN, payload, seen)
    return AxisScore("refusal", _SCORER, float(answer), "displayed", _CUT, payload, seen)


def _integrity(record: Mapping[str, Any], refusal: AxisScore) -> AxisScore:
    found = _shown("integrity", "integrity", "integrity", record, refusal.evidence)
    stated = found.payload.get("not_applicable")
    if refusal.state == "not_applicable" if stated is None else stated:
        value = 1.0 if found.value is None else found.value
        return AxisScore(
            "integrity", _SCORER, value, "not_applicable", refusal.reason, found.payload, refusal.evidence
        )
    return found
