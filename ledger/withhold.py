"""What a public export leaves out: the content of private tasks, and all of an attempt that shows it.

A payload is left out as a redaction: digest, length and hashes stay, and an event `payload.redacted`
says so in the chain itself, before the export. The ledger at home keeps the payload.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from benchledger.ledger.rows import split_stream
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify_file import redactions
from benchledger.schema.catalogue import EVENT_TYPES
from benchledger.schema.errors import BadInput
from benchledger.schema.history import PayloadRedacted
from benchledger.schema.ports import Draft

__all__ = ["Withheld", "declare_withheld", "undeclared", "withheld"]

# Say how an attempt ended and what became of its score, and nothing of the task: remarks stand in cell.noted.
_KEPT = frozenset({"cell.finished", "cell.adjudicated"})
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Withheld:
    """One event whose payload stays at home."""

    seq: int
    type: str
    stream: str
    reason: str


def withheld(connection: sqlite3.Connection) -> Iterator[Withheld]:
    """Yield what a public export leaves out, in the order of seq.

    Raises BadInput for an attempt whose setup itself tells what the task expects: it cannot be withheld.
    """
    private = dict(_private(connection))
    if not private:
        return
    cursor = connection.execute("SELECT seq, type, stream FROM events WHERE payload IS NOT NULL ORDER BY seq")
    for seq, name, stream in cursor:
        if stream in private and _may_go(name):
            yield Withheld(seq, name, stream, f"task {private[stream]} is private")


def undeclared(connection: sqlite3.Connection) -> list[Withheld]:
    """Return what of it no event of the chain declares so far."""
    found = list(withheld(connection))
    declared = redactions(connection)[0] if found else {}
    return [each for each in found if each.seq not in declared]


def declare_withheld(ledger: Ledger, actor: str = "export") -> int:
    """Append a `payload.redacted` for each that has none yet; return how many. Nothing is removed here."""
    with ledger.writing():
        lacking = undeclared(ledger.connection)
        for start in range(0, len(lacking), _BATCH):
            ledger.emit_all(
                [
                    Draft("ledger", PayloadRedacted(seq=each.seq, reason=each.reason), actor=actor)
                    for each in lacking[start : start + _BATCH]
                ]
            )
    return len(lacking)


def _may_go(name: str) -> bool:
    model = EVENT_TYPES.get(name)
    # a type of a later version may show anything
    return name not in _KEPT and (model is None or model.redactable)


def _private(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield (stream, task) of every attempt at a private task."""
    cursor = connection.execute(
        "SELECT stream, payload FROM events WHERE type = 'cell.setup' AND payload LIKE '%\"private\":true%'"
    )
    for stream, text in cursor:
        task = json.loads(text).get("task", {})
        parts = split_stream(stream)
        if task.get("private") is not True or parts is None:
            continue
        name = "/".join(parts[1].rpartition("#run")[0].split("/")[-2:])
        if task.get("expectations") is not None:
            raise BadInput(
                f"{stream} says in its cell.setup, which is never withheld, what its private task expects",
                "append its record again, with this version, to another ledger",
            )
        yield stream, name
