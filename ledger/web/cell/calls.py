"""The model calls of an attempt, in pages of 50, each with its request and its response.

model_calls (numbers, times, tokens) + the event's blobs -> rows -> templates/cell/calls.html
"""

from __future__ import annotations

import json
from typing import Any

from benchledger.ledger.web.cell.answers import TEXT, pretty, read_answer
from benchledger.ledger.web.cell.parts import Parts
from benchledger.ledger.web.cell.requests import Budget, read_blob_text, read_request

__all__ = ["CALLS_A_PAGE", "call_rows"]

CALLS_A_PAGE = 50
_RESPONSE = 1 << 16  # bytes of a response that are read
_COLUMNS = (
    *("number", "protocol", "model_asked", "model_answered", "system_fingerprint", "request_hash"),
    *("prompt_tokens", "cached_tokens", "completion_tokens", "latency_ms", "first_token_ms", "status"),
    *("finish_reason", "error", "started_at", "seq"),
)
_QUERY = (
    f"SELECT {', '.join('c.' + name for name in _COLUMNS)}, e.hash, e.payload FROM"
    " (SELECT * FROM model_calls WHERE first_seq = ? ORDER BY number LIMIT ? OFFSET ?) c"
    " JOIN events e ON e.seq = c.seq ORDER BY c.number"
)


def call_rows(
    parts: Parts, first_seq: int, page: int, began: int | None, characters: int
) -> list[dict[str, Any]]:
    """Return the calls of page `page`, from 1, of the attempt whose first event is `first_seq`.

    `began` is the start of the attempt in µs, of which `clock_ms` counts; at most about so many
    `characters` of requests and responses are shown, in the order of the calls. With 0 they are not read,
    and stand as the references of the event.
    """
    values = (first_seq, CALLS_A_PAGE, (page - 1) * CALLS_A_PAGE)
    budget = Budget(characters) if characters else None
    rows = parts.connection.execute(_QUERY, values).fetchall()
    return [_row(parts, row, began, budget) for row in rows]


def _row(parts: Parts, row: tuple[Any, ...], began: int | None, budget: Budget | None) -> dict[str, Any]:
    made: dict[str, Any] = dict(zip(_COLUMNS, row, strict=False))
    started = made["started_at"]
    made["clock_ms"] = None if None in (began, started) else (started - (began or 0)) / 1000
    payload = None if row[-1] is None else json.loads(row[-1])
    made |= {"hash": row[-2].hex(), "redacted": payload is None}
    payload = payload or {}
    if budget is None:
        return made | {"request": payload.get("request"), "response": payload.get("response")}
    new = frozenset(part["blob"] for part in payload.get("parts") or ())
    made["request"] = read_request(parts, payload.get("request"), new, budget)
    made["response"] = _response(parts, payload.get("response"), budget)
    return made


def _response(parts: Parts, ref: dict[str, Any] | None, budget: Budget) -> dict[str, Any]:
    """Return what the model answered: `said`, and the `text` itself where nothing of it is understood."""
    found = read_blob_text(parts, ref, _RESPONSE)
    data = found.pop("data")
    made = found | {"kind": None, "items": [], "text": None}
    if found["state"] != "kept" or budget.left <= 0:
        return made
    answer = read_answer(data)
    made |= {"kind": answer["kind"], "items": budget.grant(answer["said"])}
    if not answer["said"]:
        text, cut = data.decode(errors="replace"), not found["whole"]
        if answer["kind"] == "json":
            text, cut = pretty(json.loads(data))
        made["text"] = budget.grant([{"text": text[:TEXT], "cut": cut or len(text) > TEXT}])[0]
    return made
