"""Judgements over results: counted results change, history does not."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from blake3 import blake3

from benchledger.ledger.queries import selection_sql
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput, UsageError
from benchledger.schema.history import CellAdjudicated, Selection
from benchledger.schema.ids import CellId, split_ref
from benchledger.schema.ports import Draft, Receipt

__all__ = ["ACTIONS", "Action", "AdjudicationReport", "Judgement", "adjudicate", "targets"]

Action = Literal["zero", "invalidate", "withdraw", "reinstate", "dispute", "answer"]
ACTIONS: dict[Action, str] = {
    "zero": "a proved hack: the cell counts as 0",
    "invalidate": "the result means nothing (a broken task, a wrong condition): no composite",
    "withdraw": "taken back by whoever ran it: the next graded attempt stands in, if there is one",
    "reinstate": "undo zero, invalidate and withdraw",
    "dispute": "mark as disputed; nothing else changes",
    "answer": "a dispute is answered; the mark goes",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is judged, why, by whom. Either `cell` (an id, with @attempt for withdraw) or `selection`."""

    action: Action
    reason: str
    author: str
    cell: str | None = None
    selection: Selection | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class AdjudicationReport:
    """Which cells a judgement reached, and where it stands."""

    cells: list[str]
    receipt: Receipt


def targets(connection: sqlite3.Connection, judgement: Judgement) -> list[str]:
    """Return the cells that a judgement reaches, in bytewise order; raises BadInput where it reaches none."""
    if (judgement.cell is None) == (judgement.selection is None):
        raise UsageError("name either one cell or a filter", "see `benchledger adjudicate --help`")
    if judgement.cell is not None:
        return [_known(connection, judgement.cell)]
    where, values = selection_sql((judgement.selection or Selection()).model_copy(update={"mode": ()}))
    found = [
        row[0] for row in connection.execute(f"SELECT cell FROM cells WHERE 1{where} ORDER BY cell", values)
    ]
    if not found:
        raise BadInput("the filter matches no cell", "list cells with `benchledger cells`")
    return found


def _known(connection: sqlite3.Connection, cell: str) -> str:
    name, _ = split_ref(cell)
    origin, mark, rest = name.partition(":")
    if not (mark and len(origin) == 32):
        name = str(CellId.parse(name))
    elif "#run" not in rest:
        name = f"{name}#run1"
    if connection.execute("SELECT 1 FROM cells WHERE cell = ?", (name,)).fetchone() is None:
        raise BadInput(f"there is no cell {name}", "list cells with `benchledger cells`")
    return name


def adjudicate(ledger: Ledger, judgement: Judgement) -> AdjudicationReport:
    """Append one cell.adjudicated; the list that a filter gave is bound by its digest."""
    if not judgement.reason.strip() or not judgement.author.strip():
        raise UsageError("a judgement needs a reason and an author", "give --reason and --author")
    with ledger.writing():
        ledger.projector.flush_rows()
        cells = targets(ledger.connection, judgement)
        one = judgement.cell is not None
        attempt = split_ref(judgement.cell)[1] if judgement.cell is not None else None
        lines = "".join(f"{cell}\n" for cell in cells)
        payload = CellAdjudicated(
            action=judgement.action,
            reason=judgement.reason,
            author=judgement.author,
            link=judgement.link,
            cell=cells[0] if one else None,
            attempt=attempt,
            selection=None if one else judgement.selection,
            count=None if one else len(cells),
            list_digest=None if one else blake3(lines.encode()).hexdigest(),
        )
        receipt = ledger.emit(Draft("ledger", payload, actor=judgement.author))
    return AdjudicationReport(cells, receipt)
