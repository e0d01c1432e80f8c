"""What commands about one attempt are made from: a few of its events, whatever else its stream holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchledger.ledger.costs import Price, Prices
from benchledger.ledger.reading import StoredEvent
from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.schema.ids import CellId

__all__ = ["AttemptFacts", "Number", "facts_of"]

_FIRST = 16  # events of a stream among which the span of the set-up is


@dataclass(frozen=True, slots=True)
class Number:
    """A number of an attempt, and the event that says it."""

    name: str
    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class AttemptFacts:
    """One attempt, `ref` = [origin:]cell_id@attempt, of a ledger file that a reader calls `ledger`.

    `record` is what an importer received, None for a run of our own. `workdir` is what was captured, empty
    where nothing was or it was removed. `script` is the variant, and the fault, that a scripted model
    played, None where that was not recorded. `replay_of` is the attempt that was replayed. `policy` is
    the name of the policy that it was scored by. `last` is its last event.
    """

    ref: str
    ledger: str
    cell: CellId
    setup: Mapping[str, Any]
    launched: Mapping[str, Any]
    record: Mapping[str, Any] | None
    workdir: Mapping[str, Any]
    calls: int
    script: Mapping[str, Any] | None
    replay_of: str | None
    price: Price | None
    policy: str | None
    last: Number
    numbers: tuple[Number, ...]

    @property
    def agent(self) -> Mapping[str, Any]:
        """Return the identity of the agent."""
        found: Mapping[str, Any] = self.setup["agent"]
        return found


def facts_of(attempt: Attempt) -> AttemptFacts:
    """Return the facts of an attempt; costs the same however long its stream is."""
    view, row = attempt.view, attempt.row
    setup = attempt.payload("cell.setup")
    told = _setup_span(attempt)
    place = (attempt.cell["origin"] or "", attempt.cell["sweep"], attempt.cell["model"], attempt.first_seq)
    return AttemptFacts(
        ref=attempt.ref,
        ledger=view.settings.name,
        cell=CellId.parse(setup["cell_id"]),
        setup=setup,
        launched=attempt.payload("cell.launched"),
        record=None if attempt.one("record.received") is None else attempt.payload("record.received"),
        workdir=attempt.payload("workdir.captured"),
        calls=int(row["calls"] or 0),
        # attributes are free JSON, and may be another harness's
        script=told["script"] if isinstance(told.get("script"), dict) else None,
        replay_of=told["replay_of"] if isinstance(told.get("replay_of"), str) else None,
        price=view.kept("prices", lambda: Prices(view.connection)).at(*place),
        policy=_policy(attempt),
        last=Number("the whole attempt", attempt.last_seq, attempt.last_hash),
        numbers=_numbers(attempt),
    )


def _setup_span(attempt: Attempt) -> dict[str, Any]:
    """Return the attributes of the span of the set-up, which say what of a script or a record is played."""
    query = "SELECT payload FROM events WHERE stream = ? AND version <= ? AND type = 'span.recorded' ORDER BY version"
    for (text,) in attempt.view.connection.execute(query, (attempt.stream, _FIRST)):
        payload = {} if text is None else json.loads(text)
        if payload.get("kind") == "task_setup":
            return dict(payload["attributes"])
    return {}


def _policy(attempt: Attempt) -> str | None:
    query = "SELECT name FROM policies WHERE policy_id = ?"
    row = attempt.view.connection.execute(query, (attempt.row["policy_id"],)).fetchone()
    return None if row is None else str(row[0])


def _numbers(attempt: Attempt) -> tuple[Number, ...]:
    """Return each axis as it was last scored, and the composite."""
    axes: dict[str, StoredEvent] = {}
    for event in attempt.all("axis.scored"):
        if event.payload is not None:
            axes[event.payload["axis"]] = event
    found = dict(sorted(axes.items()))
    composite = attempt.one("composite.scored")
    if composite is not None:
        found["composite"] = composite
    return tuple(Number(name, event.seq, event.hash.hex()) for name, event in found.items())
