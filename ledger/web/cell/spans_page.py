"""The trace on the page of a cell, and its further pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.web import paths
from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.page import attempt_of
from benchledger.ledger.web.cell.span_rows import SPANS_FIRST, count_spans, pages_of
from benchledger.ledger.web.cell.trace import trace
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.view import NotFound, View

__all__ = ["replay_section", "spans_page", "spans_places", "spans_section"]

_LONG = "SELECT cell, attempt, last_seq, ref FROM attempts WHERE last_seq - first_seq >= ? ORDER BY ref"
_LENGTH = "SELECT max(version) FROM events WHERE stream = ?"


def _folder(attempt: Attempt) -> str:
    return f"{paths.attempt_folder(attempt.cell_key)}/attempt-{attempt.number}"


def _ended(attempt: Attempt) -> bool:
    return attempt.row["outcome"] is not None


def replay_section(_view: View, attempt: Attempt) -> dict[str, Any]:
    """Return the first page of the trace; the section of spans shows its rows."""
    return trace(attempt) | {"ended": _ended(attempt)}


def spans_section(_view: View, attempt: Attempt) -> dict[str, Any]:
    """Return where the further pages lie; the rows are those of the section `replay`."""
    return {"folder": _folder(attempt), "ended": _ended(attempt)}


def spans_page(view: View, arguments: Arguments) -> Context:
    """Return one page of an attempt's trace; raises NotFound."""
    attempt, number = attempt_of(view, arguments), arguments["number"]
    pages = pages_of(attempt, count_spans(attempt))
    known = re.fullmatch(r"[1-9][0-9]{0,9}", number) is not None and int(number) <= pages
    if not known:
        raise NotFound(f"there is no page {number} of spans of {attempt.ref}")
    return {
        "title": f"Spans, page {number} of {pages}: {attempt.cell['agent']} · {attempt.cell['task']}",
        "cell": attempt.cell_key,
        "attempt": attempt.number,
        "ref": attempt.ref,
        "folder": _folder(attempt),
        "trace": trace(attempt, int(number)),
    }


def spans_places(view: View) -> Iterator[Made]:
    """Yield the pages of spans of every attempt that has more than one."""
    removed = view.connection.execute("SELECT max(seq) FROM redactions").fetchone()[0]
    for cell, number, last, ref in view.connection.execute(_LONG, (SPANS_FIRST,)).fetchall():
        length = view.connection.execute(_LENGTH, (stream_of(ref),)).fetchone()[0] or 0
        if length <= SPANS_FIRST:
            continue  # only others wrote in between
        attempt = Attempt(view, cell, number)
        pages = pages_of(attempt, count_spans(attempt))
        for page in range(1, pages + 1):
            path = f"{_folder(attempt)}/spans-{page}.html"
            yield Made(path, key_of("spans", attempt.ref, page, pages, last, removed))
