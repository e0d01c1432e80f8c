"""Which attempt stands for its cell, and what adjudications do to it.

The lowest-numbered graded attempt that was not withdrawn counts; where there is none, the
last one, which then has no composite.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from benchledger.ledger.rows import Rows, json_text

__all__ = ["GRADED", "count_unknown", "history_of", "note_attempt", "rule", "selected_cells"]

GRADED = frozenset({"finished", "agent_error", "timeout", "budget"})


@lru_cache(maxsize=4096)
def history_of(text: str) -> tuple[tuple[int, str, int], ...]:
    """Return the attempts of a cell as (number, outcome or "", withdrawn), by number."""
    return tuple((number, outcome, withdrawn) for number, outcome, withdrawn in json.loads(text))


@lru_cache(maxsize=4096)
def _spelled(attempts: tuple[tuple[int, str, int], ...]) -> str:
    return json_text(attempts) or "[]"


def note_attempt(rows: Rows, cell: str, number: int, **state: Any) -> None:
    """Set the outcome or the withdrawn flag of one attempt and choose again which attempt counts."""
    row = rows["cells"].get(cell)
    if row is None:
        return
    attempts = {item[0]: item for item in history_of(row["history"])}
    _, outcome, withdrawn = attempts.get(number, (number, "", 0))
    attempts[number] = number, state.get("outcome", outcome), state.get("withdrawn", withdrawn)
    ordered = [attempts[key] for key in sorted(attempts)]
    row["history"] = _spelled(tuple(ordered))
    standing = [item[0] for item in ordered if item[1] in GRADED and not item[2]]
    _count(rows, row, standing[0] if standing else ordered[-1][0])


def _count(rows: Rows, cell: dict[str, Any], number: int) -> None:
    before, cell["counted"] = cell.get("counted"), number
    if before is not None and before != number:
        old = rows["scores"].get(f"{cell['cell']}@{before}")
        if old is not None:
            old["counted"] = 0
    score = rows["scores"].get(f"{cell['cell']}@{number}")
    if score is not None:
        score["counted"] = 1
        score["adjudicated"] = _ruling(cell, number)


def _ruling(cell: Mapping[str, Any], number: int) -> str | None:
    # A withdrawn attempt that stands only because it is the last one still has no composite.
    withdrawn = any(item[0] == number and item[2] for item in history_of(cell["history"]))
    return "withdraw" if withdrawn else cell.get("adjudicated")


def selected_cells(rows: Rows, selection: Mapping[str, Any]) -> list[str]:
    """Return the cells (with their origin) that a selection names, in bytewise order."""
    return rows["cells"].select("cell", selection, ("sweep", "agent", "model", "task"))


def rule(rows: Rows, cell: str, attempt: int | None, action: str) -> None:
    row = rows["cells"].get(cell)
    if row is None:
        return
    if action in ("dispute", "answer"):
        row["disputed"] = int(action == "dispute")
        return
    numbers = [item[0] for item in history_of(row["history"])]
    if action in ("zero", "invalidate"):
        row["adjudicated"] = action
    elif action == "reinstate":
        row["adjudicated"] = None
    withdrawn = {"withdraw": 1, "reinstate": 0}.get(action)
    for number in numbers if attempt is None else [attempt]:
        if number in numbers:
            state = {} if withdrawn is None else {"withdrawn": withdrawn}
            note_attempt(rows, cell, number, **state)


def count_unknown(rows: Rows, event_type: str, schema: int) -> None:
    """Count an event whose type or schema number this version does not know."""
    table = rows["unknown_types"]
    key = event_type, schema
    row = table.get(key) or table.make({"type": event_type, "schema": schema, "events": 0}, key)
    row["events"] += 1
