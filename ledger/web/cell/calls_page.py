"""The section of model calls, and its pages of 50 where an attempt has more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.web import paths
from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.calls import CALLS_A_PAGE, call_rows
from benchledger.ledger.web.cell.evidence import parts_of
from benchledger.ledger.web.cell.page import attempt_of
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.view import NotFound, View

__all__ = ["calls_page", "calls_places", "calls_section"]

# Characters of requests and responses; none on the cell's own page where pages of calls show them.
_SECTION, _PAGE = 200_000, 400_000
_SUMS = ("prompt_tokens", "cached_tokens", "completion_tokens")


def calls_section(view: View, attempt: Attempt) -> dict[str, Any]:
    """Return the first 50 calls of an attempt with what the whole attempt used, or why there is none."""
    many = int(attempt.row["calls"] or 0) > CALLS_A_PAGE
    made = _calls(view, attempt, 1, 0 if many else _SECTION)
    inputs, row = attempt.scored.inputs, attempt.row
    made["used"] = {name: getattr(inputs, name) for name in _SUMS}
    made["printed"] = {"prompt": row["prompt_printed"], "completion": row["completion_printed"]}
    return made


def calls_page(view: View, arguments: Arguments) -> Context:
    """Return one page of calls; raises NotFound."""
    attempt = attempt_of(view, arguments)
    number = arguments["number"]
    if not re.fullmatch(r"[1-9][0-9]{0,9}", number):
        raise NotFound(f"there is no page {number} of model calls")
    made = _calls(view, attempt, int(number), _PAGE)
    if made["pages"] < 2 or int(number) > made["pages"]:
        raise NotFound(f"there is no page {number} of model calls of {attempt.ref}")
    setup = attempt.cell
    return {
        "title": f"Model calls, page {number} of {made['pages']}: {setup['agent']} · {setup['task']}",
        "cell": attempt.cell_key,
        "attempt": attempt.number,
        "ref": attempt.ref,
        "calls": made,
    }


def _calls(view: View, attempt: Attempt, page: int, characters: int) -> dict[str, Any]:
    count = int(attempt.row["calls"] or 0)
    why = _why(attempt, count)
    began = attempt.row["started_at"]
    rows = [] if why else call_rows(parts_of(view), attempt.first_seq, page, began, characters)
    return {
        "why": why,
        "ended": attempt.row["outcome"] is not None,
        "count": count,
        "page": page,
        "pages": -(-count // CALLS_A_PAGE),
        "folder": f"{paths.attempt_folder(attempt.cell_key)}/attempt-{attempt.number}",
        "rows": rows,
    }


def _why(attempt: Attempt, count: int) -> str | None:
    if count:
        return None
    if not attempt.row["uses_model"]:
        return "Not applicable: this agent uses no model."
    if attempt.row["outcome"] is None:
        return "No model call so far."
    if "model_calls" in attempt.observed:
        return "Nothing happened: the agent made no model call."
    return "Not recorded by the source: model calls."


def calls_places(view: View) -> Iterator[Made]:
    """Yield the pages of calls of every attempt that has more than one."""
    query = "SELECT cell, attempt, calls, ref FROM attempts WHERE calls > ? ORDER BY ref"
    removed = view.connection.execute("SELECT max(seq) FROM redactions").fetchone()[0]
    for cell, attempt, calls, ref in view.connection.execute(query, (CALLS_A_PAGE,)).fetchall():
        folder = f"{paths.attempt_folder(cell)}/attempt-{attempt}"
        for number in range(1, -(-calls // CALLS_A_PAGE) + 1):
            yield Made(f"{folder}/calls-{number}.html", key_of("calls", ref, number, calls, removed))
