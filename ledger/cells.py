"""Cells as people ask for them: one row a cell, with axes, composite under any policy, and standing."""

from __future__ import annotations

import difflib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchledger.ledger import heads
from benchledger.ledger.costs import Cost, Prices
from benchledger.ledger.queries import Scored, one_scored, scored
from benchledger.ledger.standing import Circumstances, standing_reasons
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput
from benchledger.schema.history import Selection
from benchledger.schema.ids import split_ref
from benchledger.schema.policy import Policy

__all__ = ["CellReader", "counted_attempt", "resolve_cell"]

_ATTEMPT = (
    "SELECT c.cell_id, c.origin, c.disputed, a.attempt, a.outcome, a.outcome_kind, a.mode, a.version, "
    "a.sandbox, coalesce(a.image_digest, a.image_id), a.harness, a.url, a.first_seq, a.last_seq, "
    "a.published_composite, "
    "EXISTS (SELECT 1 FROM rechecks r WHERE r.first_seq = a.first_seq AND r.agrees = 0) "
    "FROM attempts a JOIN cells c ON c.cell = a.cell WHERE a.ref = ?"
)
_NAMES = (
    "cell_id", "origin", "disputed", "attempt", "outcome", "outcome_kind", "mode", "version", "sandbox",
    "image", "harness", "url", "first_seq", "last_seq", "published_composite", "disagrees",
)  # fmt: skip
_SEARCHED = 20_000
_LISTED = 3


class _Plan(NamedTuple):
    """What one sweep.planned names, and where it stands."""

    agents: set[str]
    models: set[str]
    tasks: set[str]
    seq: int


class CellReader:
    """Reads attempts in the shape of `cells --json`: scores 0..1, tokens, milliseconds.

    `connection` holds the projections to read: the ledger's own, or those of an earlier head.
    """

    def __init__(self, ledger: Ledger, connection: sqlite3.Connection, policy: Policy) -> None:
        """Read once what every row needs: which cells were planned, and how far the ledger is verified."""
        self._ledger, self._connection, self._policy = ledger, connection, policy
        self._verified = heads.verified_up_to(ledger.ledger_id)
        self._prices = Prices(connection)
        self._plans: defaultdict[tuple[str, str], list[_Plan]] = defaultdict(list)
        query = "SELECT origin, sweep, agents, models, tasks, seq FROM sweeps"
        for origin, sweep, agents, models, tasks, seq in connection.execute(query):
            plan = _Plan(set(json.loads(agents)), set(json.loads(models)), set(json.loads(tasks)), seq)
            self._plans[origin or "", sweep].append(plan)

    def rows(self, selection: Selection) -> Iterator[dict[str, Any]]:
        """Yield the counted attempt of every cell of a selection."""
        for item in scored(self._connection, self._policy, selection):
            yield self.row(item)

    def row(self, item: Scored) -> dict[str, Any]:
        """Return one attempt."""
        found = dict(zip(_NAMES, self._connection.execute(_ATTEMPT, (item.ref,)).fetchone(), strict=True))
        imported = self._type_at(found["first_seq"]) == "record.received"
        reasons = self._reasons(item, found, imported=imported)
        composite, cost = item.composite, self._cost(item, found)
        return {
            "cell_id": found["cell_id"],
            "attempt": found["attempt"],
            "agent": item.key[0],
            "version": found["version"],
            "model": item.key[2],
            "task": item.task,
            "mode": found["mode"],
            "outcome": found["outcome"],
            "outcome_kind": found["outcome_kind"],
            "policy": self._policy.name,
            "composite": composite.value,
            "reason": composite.reason,
            "floor": composite.floor,
            "ceiling": composite.ceiling,
            "coverage": composite.coverage,
            "axes": self._axes(found["first_seq"]),
            "cost": cost.value,
            "currency": cost.currency,
            "published_composite": found["published_composite"],
            "adjudicated": item.adjudicated,
            "disputed": bool(found["disputed"]),
            "standing": "provisional" if reasons else "citable",
            "standing_reasons": reasons,
            "source": _source(found, imported=imported),
            "origin": found["origin"] or None,
        }

    def _reasons(self, item: Scored, found: dict[str, Any], *, imported: bool) -> list[str]:
        return standing_reasons(
            Circumstances(
                mode=found["mode"],
                imported=imported,
                sandbox=found["sandbox"],
                image=found["image"],
                version=found["version"],
                planned=self._planned(item, found),
                verified=found["last_seq"] <= self._verified,
                not_isolated=_not_isolated(item.condition),
                disagrees=bool(found["disagrees"]),
            )
        )

    def _planned(self, item: Scored, found: dict[str, Any]) -> bool:
        agent, model = item.key[0], item.key[2]
        return any(
            plan.seq < found["first_seq"]
            and agent in plan.agents
            and model in plan.models
            and item.task in plan.tasks
            for plan in self._plans[found["origin"] or "", item.sweep]
        )

    def _cost(self, item: Scored, found: dict[str, Any]) -> Cost:
        place = found["origin"] or "", item.sweep, item.key[2], found["first_seq"]
        used = item.inputs
        return self._prices.cost(place, (used.prompt_tokens, used.cached_tokens, used.completion_tokens))

    def _axes(self, first_seq: int) -> dict[str, dict[str, Any]]:
        query = "SELECT axis, value, state, reason FROM axes WHERE first_seq = ? ORDER BY axis"
        return {
            axis: {"value": value, "state": state, "reason": reason}
            for axis, value, state, reason in self._connection.execute(query, (first_seq,))
        }

    def _type_at(self, seq: int) -> str | None:
        query = "SELECT type FROM events WHERE seq = ?"
        found = self._ledger.connection.execute(query, (seq,)).fetchone()
        return None if found is None else str(found[0])


def _not_isolated(condition: str) -> tuple[str, ...]:
    found = json.loads(condition).get("not_isolated") if condition else None
    return tuple(map(str, found)) if isinstance(found, list) else (str(found),) if found else ()


def _source(found: dict[str, Any], *, imported: bool) -> str:
    """Return where a cell comes from: a page, another harness, or our own runner."""
    if found["url"]:
        return str(found["url"])
    return str(found["harness"] or "run record") if imported else "benchledger"


def counted_attempt(
    connection: sqlite3.Connection, cell: str, policy: Policy, attempt: int | None = None
) -> Scored:
    """Return one attempt of a cell with its composite, by default the one that counts."""
    counted = connection.execute("SELECT counted FROM cells WHERE cell = ?", (cell,)).fetchone()[0]
    item = one_scored(connection, policy, f"{cell}@{attempt or counted}")
    if item is not None:
        return item
    raise BadInput(f"{cell} holds no cell.setup", "run `benchledger verify`")


def resolve_cell(connection: sqlite3.Connection, text: str) -> tuple[str, int | None]:
    """Return ([origin:]cell_id, attempt or None) that `cell_id[@attempt]` names.

    `#run1` may be left out, and so may the origin of a cell that was taken over from one other
    ledger. Raises BadInput with the nearest cells.
    """
    name, attempt = split_ref(text)
    spelled = name if "#run" in name else f"{name}#run1"
    query = "SELECT cell FROM cells WHERE cell = ?"
    if connection.execute(query, (spelled,)).fetchone() is None:
        spelled = _elsewhere(connection, spelled)
    if attempt is not None:
        ref = f"{spelled}@{attempt}"
        if connection.execute("SELECT 1 FROM attempts WHERE ref = ?", (ref,)).fetchone() is None:
            raise BadInput(f"{spelled} has no attempt {attempt}", "see them with `benchledger show CELL`")
    return spelled, attempt


def _elsewhere(connection: sqlite3.Connection, name: str) -> str:
    """Return the one cell of another ledger with that id."""
    rows = connection.execute("SELECT cell FROM cells WHERE cell_id = ? ORDER BY cell", (name,)).fetchall()
    if len(rows) == 1:
        return str(rows[0][0])
    if rows:
        raise BadInput(
            f"{name} came from several ledgers", f"name one of {', '.join(row[0] for row in rows)}"
        )
    known = [row[0] for row in connection.execute("SELECT cell FROM cells LIMIT ?", (_SEARCHED,))]
    near = difflib.get_close_matches(name, known, n=_LISTED, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "list cells with `benchledger cells`"
    raise BadInput(f"there is no cell {name}", hint)
