"""Sweeps in a ledger: what was planned, how far each cell is, and what earlier cells say of the time to come.

    plan_sweep (sweep.planned, once) -> state_of each cell -> claims (cell.setup) -> state_of …

The ledger is the only memory of a sweep: whoever starts it again reads here what is missing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from benchledger.ledger.append import declare
from benchledger.ledger.counting import GRADED, history_of
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import Conflict, UsageError
from benchledger.schema.history import SweepPlanned
from benchledger.schema.ids import CellId
from benchledger.schema.policy import Policy
from benchledger.schema.ports import Draft

__all__ = ["CellState", "graded_elsewhere", "launchers_of", "plan_sweep", "seconds_of", "state_of"]


@dataclass(frozen=True, slots=True)
class CellState:
    """The attempts of one cell as (number, outcome or "" where it is open), by number."""

    attempts: tuple[tuple[int, str], ...] = ()

    @property
    def graded(self) -> bool:
        """Whether an attempt was graded: then no other one follows."""
        return any(outcome in GRADED for _, outcome in self.attempts)

    @property
    def open(self) -> int | None:
        """The attempt that somebody has claimed and not closed."""
        return next((number for number, outcome in self.attempts if not outcome), None)

    @property
    def infra(self) -> int:
        """How many attempts were lost to the infrastructure; those that somebody aborted are no fault of it."""
        return sum(outcome == "infra_error" for _, outcome in self.attempts)

    @property
    def next(self) -> int:
        """The number of the attempt that comes next."""
        return self.attempts[-1][0] + 1 if self.attempts else 1


def state_of(connection: sqlite3.Connection, cell: CellId) -> CellState:
    """Return how far a cell of this ledger's own is."""
    row = connection.execute("SELECT history FROM cells WHERE cell = ?", (str(cell),)).fetchone()
    return CellState() if row is None else CellState(tuple(item[:2] for item in history_of(row[0])))


def graded_elsewhere(connection: sqlite3.Connection, sweep: str) -> set[CellId]:
    """Return the cells of a sweep that were graded in another ledger, whose events are merged into this one."""
    rows = connection.execute(
        "SELECT cell_id, history FROM cells WHERE sweep = ? AND origin <> ''", (sweep,)
    ).fetchall()
    return {
        CellId.parse(name) for name, history in rows if any(item[1] in GRADED for item in history_of(history))
    }


def launchers_of(connection: sqlite3.Connection, sweep: str) -> list[tuple[str, object]]:
    """Return (ref, launcher) of every attempt of a sweep that is open, as its cell.setup names it."""
    return connection.execute(
        "SELECT a.ref, json_extract(e.payload, '$.host.launcher') FROM cells c JOIN attempts a ON a.cell = c.cell"
        " JOIN events e ON e.seq = a.first_seq WHERE c.sweep = ? AND c.origin = '' AND a.outcome IS NULL"
        " ORDER BY a.first_seq",
        (sweep,),
    ).fetchall()


def plan_sweep(
    ledger: Ledger, parts: Sequence[SweepPlanned], policy: Policy, actor: str, *, extend: bool = False
) -> bool:
    """Append what a sweep intends, before anything of it is launched; return whether it was new.

    The same plan again appends nothing. Raises UsageError, with what differs, for another plan of
    that name, unless `extend` says that it is to be added to what was planned.
    """
    declare(ledger, policy, actor)
    stream = f"sweep/{parts[0].sweep}"
    for _ in range(3):
        known = [event.decoded() for event in ledger.stream(stream)]
        planned = [each for each in known if isinstance(each, SweepPlanned)]
        if all(part in planned for part in parts):
            return False
        if planned and not extend:
            raise UsageError(
                f"the sweep {parts[0].sweep} was planned with other {_differing(planned, parts)}",
                "give the plan another name, or add it to that sweep with --extend",
            )
        try:
            fresh = [part for part in parts if part not in planned]
            version = len(known) + 1
            ledger.emit_all(
                [Draft(stream, part, actor=actor, version=version + at) for at, part in enumerate(fresh)]
            )
        except Conflict:
            continue  # another launcher planned it at the same moment
        return True
    raise Conflict(f"the stream {stream} changes faster than it can be read", "try again")


def _differing(planned: Sequence[SweepPlanned], parts: Sequence[SweepPlanned]) -> str:
    names = [
        name
        for name in SweepPlanned.model_fields
        if {str(getattr(part, name)) for part in parts} != {str(getattr(each, name)) for each in planned}
    ]
    return ", ".join(names) or "parts"


def seconds_of(
    connection: sqlite3.Connection,
) -> Callable[[str, str, str], float | None]:
    """Return what estimates the seconds of a cell (agent, model, task) by the median of graded ones.

    Of the same cell where there are any, else of that agent and model, else of that agent.
    """
    rows = connection.execute(
        "SELECT c.agent, c.model, c.task, a.wall_ms / 1000 FROM attempts a JOIN cells c ON c.cell = a.cell"
        " WHERE a.wall_ms IS NOT NULL AND a.outcome IN ('finished', 'agent_error', 'timeout', 'budget')"
        " AND c.agent IS NOT NULL"
    )
    seen: dict[tuple[str, ...], list[float]] = {}
    for agent, model, task, seconds in rows:
        for key in ((agent, model, task), (agent, model), (agent,)):
            seen.setdefault(key, []).append(seconds)
    middle = {key: median(values) for key, values in seen.items()}

    def estimate(agent: str, model: str, task: str) -> float | None:
        keys = ((agent, model, task), (agent, model), (agent,))
        return next((middle[key] for key in keys if key in middle), None)

    return estimate
