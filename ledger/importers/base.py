"""What every importer gives: one source record as the evidence events of one attempt.

Importers are pure: bytes in, payloads out. They assign no attempt number, no stream and no
id, judge nothing and write nothing; `ledger/append.py` does that for all of them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchledger.schema.base import Payload
from benchledger.schema.events import CellSetup
from benchledger.schema.ids import CellId
from benchledger.schema.policy import Outcome

__all__ = ["ParsedRun"]


@dataclass(frozen=True, slots=True)
class ParsedRun:
    """One attempt as its source tells it.

    `canonical` are the canonical bytes of the source record, from which event ids are made.
    `payloads` are in stream order: record.received first, then cell.setup and the evidence;
    no score and no cell.finished. `attempt` is the number that the source states, None where
    it states none. `outcome` and `outcome_kind` are what the source itself says of the end
    (a banner, an aborted run), None where the evidence is to be classified.
    """

    format: str
    cell: CellId
    canonical: bytes
    payloads: tuple[Payload, ...]
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    attempt: int | None = None
    outcome: Outcome | None = None
    outcome_kind: str | None = None

    @property
    def setup(self) -> CellSetup:
        """Return the cell.setup payload."""
        return next(payload for payload in self.payloads if isinstance(payload, CellSetup))
