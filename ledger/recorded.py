"""The model calls of one attempt, as the ledger keeps them, for a replay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.cells import resolve_cell
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput
from benchledger.schema.events import CellSetup, ModelCalled, SpanRecorded
from benchledger.schema.ids import CellId

__all__ = ["RecordedRun", "recorded_run"]


@dataclass(frozen=True)
class RecordedRun:
    """Calls in order, `get` for their blobs, and `places`: workdir, home and tmp as the agent saw them."""

    ref: str
    cell: CellId
    calls: tuple[ModelCalled, ...]
    get: Callable[[str], bytes]
    places: dict[str, str]


def recorded_run(ledger: Ledger, text: str) -> RecordedRun:
    """Return what `cell_id[@attempt]` recorded; raises BadInput where there is no such attempt."""
    name, attempt = resolve_cell(ledger.connection, text)
    if attempt is None:
        query = "SELECT counted FROM cells WHERE cell = ?"
        attempt = ledger.connection.execute(query, (name,)).fetchone()[0]
    ref = f"{name}@{attempt}"
    events = [event.decoded() for event in ledger.stream(stream_of(ref))]
    setup = next((event for event in events if isinstance(event, CellSetup)), None)
    if setup is None:
        raise BadInput(f"{ref} holds no cell.setup", "run `benchledger verify`")
    spans = [event for event in events if isinstance(event, SpanRecorded) and event.kind == "task_setup"]
    told = spans[0].attributes if spans else {}

    def get(digest: str) -> bytes:
        data = ledger.blob(digest)
        if data is None:
            raise BadInput(f"blob {digest[:12]}… of {ref} is gone", "a redacted call cannot be replayed")
        return data

    places: dict[str, str] = {key: str(told[key]) for key in ("home", "tmp", "workdir") if key in told}
    calls = tuple(event for event in events if isinstance(event, ModelCalled))
    return RecordedRun(ref, CellId.parse(setup.cell_id), calls, get, places)
