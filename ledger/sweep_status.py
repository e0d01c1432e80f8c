"""How a sweep is doing, out of the ledger alone: what was planned, decided, lost, is at work and left."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from benchledger.ledger.costs import SweepCost, cost_of_sweep
from benchledger.ledger.queries import policy_by_id, scored
from benchledger.ledger.store import Ledger
from benchledger.ledger.sweep_cells import FoundAttempts, PlannedCell, cells_of, found_of, plans_of, state_in
from benchledger.ledger.sweeps import launchers_of
from benchledger.schema.errors import BadInput, UnknownName
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1

__all__ = ["ArmStatus", "SweepStatus", "status_of"]

_RECENT_S = 3600


@dataclass(frozen=True, slots=True)
class ArmStatus:
    """One agent x model: cells planned, graded, solved; attempts lost on the way; mean composite, median seconds."""

    agent: str
    model: str
    planned: int
    done: int
    solved: int
    lost_attempts: int
    composite: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class SweepStatus:
    """A sweep at the head. Times are Unix seconds; `lost` counts cells that used up their attempts.

    `faults`: lost attempts by outcome or kind of fault. `at_work`: attempts whose launcher lives;
    `abandoned`: open ones whose launcher is gone. `rate`: cells an hour, over the last hour or since
    the start. `unsolved`: tasks that nobody solved, of those that were tried by all arms.
    """

    sweep: str
    planned_at: float
    agents: int
    models: int
    tasks: int
    repeats: int
    policy: str
    cells: int
    done: int
    solved: int
    lost: int
    todo: int
    at_work: tuple[str, ...]
    abandoned: tuple[str, ...]
    faults: dict[str, int]
    first: float | None
    last: float | None
    rate: float | None
    cost: SweepCost
    arms: tuple[ArmStatus, ...]
    unsolved: tuple[str, ...]
    merged: int
    head: str

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `sweep status --json`."""
        cost = self.cost
        told = {name: getattr(self, name) for name in SweepStatus.__slots__ if name not in ("arms", "cost")}
        return {
            **told,
            "at_work": list(self.at_work),
            "abandoned": list(self.abandoned),
            "unsolved": list(self.unsolved),
            "cost": cost.cost.value,
            "currency": cost.cost.currency,
            "calls_without_usage": cost.without_usage,
            "arms": [asdict(arm) for arm in self.arms],
        }


def status_of(ledger: Ledger, name: str | None, is_gone: Callable[[object], bool]) -> SweepStatus:
    """Return how a sweep is doing, without a name the one that was planned last.

    Raises BadInput where none was planned, UnknownName for a name that is none.
    """
    connection = ledger.connection
    known = [row[0] for row in connection.execute("SELECT DISTINCT sweep FROM sweeps ORDER BY seq")]
    if not known:
        raise BadInput("no sweep was planned in this ledger", "begin one: `benchledger sweep --help`")
    if name is not None and name not in known:
        raise UnknownName("sweep", name, known)
    sweep = known[-1] if name is None else name
    plans = plans_of(connection, sweep)
    intended = dict.fromkeys(cell for plan in plans for cell in cells_of(plan))
    found = found_of(connection, sweep)
    retries = max(plan["infra_retries"] for plan in plans)
    states = {cell: state_in(found.get(cell, []), retries) for cell in {**intended, **dict.fromkeys(found)}}
    sure = [cell for cell, state in states.items() if state == "done"]
    solved = _solved(ledger, sweep)
    open_now = launchers_of(connection, sweep)
    first, last, recent = _times(connection, sweep)
    head = ledger.head()
    policy = policy_by_id(connection, plans[0]["policy_id"] or "") or GATED_1
    return SweepStatus(
        sweep=sweep,
        planned_at=plans[0]["at"] / 1e6,
        agents=len({agent for plan in plans for agent in plan["agents"]}),
        models=len({model for plan in plans for model in plan["models"]}),
        tasks=len({task for plan in plans for task in plan["tasks"]}),
        repeats=max(plan["repeats"] for plan in plans),
        policy=policy.name,
        cells=len(states),
        done=len(sure),
        solved=sum(cell in solved for cell in sure),
        lost=sum(state == "lost" for state in states.values()),
        todo=sum(state == "todo" for state in states.values()),
        at_work=tuple(ref for ref, launcher in open_now if not is_gone(launcher)),
        abandoned=tuple(ref for ref, launcher in open_now if is_gone(launcher)),
        faults=_faults(connection, sweep),
        first=first,
        last=last,
        rate=recent,
        cost=_cost(connection, sweep),
        arms=tuple(_arms(states, found, solved, _composites(ledger, sweep), connection, sweep)),
        unsolved=_unsolved(states, solved),
        merged=sum(any(origin for _, origin in attempts) for attempts in found.values()),
        head="none" if head is None else f"{head.seq}:{head.hash}",
    )


def _cost(connection: sqlite3.Connection, sweep: str) -> SweepCost:
    """Return what was spent on a sweep, in merged ledgers too."""
    origins = connection.execute("SELECT DISTINCT origin FROM cells WHERE sweep = ?", (sweep,)).fetchall()
    total = SweepCost()
    for (origin,) in origins:
        each = cost_of_sweep(connection, sweep, origin)
        spent = {
            name: total.spent.get(name, 0.0) + each.spent.get(name, 0.0)
            for name in {*total.spent, *each.spent}
        }
        names = ("attempts", "calls", "without_usage", "without_price")
        counts = {name: getattr(total, name) + getattr(each, name) for name in names}
        total = SweepCost(**counts, spent=spent)
    return total


def _solved(ledger: Ledger, sweep: str) -> set[PlannedCell]:
    """Return the cells whose counted attempt passed."""
    rows = ledger.connection.execute(
        "SELECT c.agent, c.model, c.task, c.run FROM cells c JOIN scores s ON s.ref = c.cell || '@' || c.counted"
        " WHERE c.sweep = ? AND s.pass_rate >= 1 AND coalesce(s.adjudicated, '') = ''",
        (sweep,),
    )
    return {tuple(row) for row in rows}


def _composites(ledger: Ledger, sweep: str) -> dict[tuple[str, str], list[float]]:
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for item in scored(ledger.connection, GATED_1, Selection(sweep=(sweep,))):
        if item.composite.value is not None:
            found[item.key[0], item.key[2]].append(item.composite.value)
    return dict(found)


def _times(connection: sqlite3.Connection, sweep: str) -> tuple[float | None, float | None, float | None]:
    """Return the first start and the last end, and how many cells an hour were graded at last."""
    ends = [
        row[0] / 1e6
        for row in connection.execute(
            "SELECT e.at FROM attempts a JOIN cells c ON c.cell = a.cell JOIN events e ON e.seq = a.last_seq"
            " WHERE c.sweep = ? AND a.outcome IN ('finished', 'agent_error', 'timeout', 'budget') ORDER BY e.at",
            (sweep,),
        )
    ]
    start = connection.execute(
        "SELECT min(e.at) FROM attempts a JOIN cells c ON c.cell = a.cell JOIN events e ON e.seq = a.first_seq"
        " WHERE c.sweep = ?",
        (sweep,),
    ).fetchone()[0]
    if start is None:
        return None, None, None
    start /= 1e6
    if not ends:
        return start, None, None
    since = max(start, ends[-1] - _RECENT_S)
    recent = sum(end >= since for end in ends)
    return start, ends[-1], recent / max(ends[-1] - since, 1.0) * 3600


def _faults(connection: sqlite3.Connection, sweep: str) -> dict[str, int]:
    rows = connection.execute(
        "SELECT CASE a.outcome WHEN 'infra_error' THEN coalesce(a.outcome_kind, 'infra_error') ELSE a.outcome END,"
        " count(*) FROM attempts a JOIN cells c ON c.cell = a.cell"
        " WHERE c.sweep = ? AND a.outcome IN ('infra_error', 'aborted') GROUP BY 1 ORDER BY 2 DESC, 1",
        (sweep,),
    )
    return dict(rows.fetchall())


def _arms(
    states: dict[PlannedCell, str],
    found: dict[PlannedCell, FoundAttempts],
    solved: set[PlannedCell],
    composites: dict[tuple[str, str], list[float]],
    connection: sqlite3.Connection,
    sweep: str,
) -> Iterator[ArmStatus]:
    seconds: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    query = (
        "SELECT c.agent, c.model, a.wall_ms / 1000 FROM attempts a JOIN cells c ON c.cell = a.cell"
        " WHERE c.sweep = ? AND a.wall_ms IS NOT NULL AND a.outcome NOT IN ('infra_error', 'aborted')"
    )
    for agent, model, each in connection.execute(query, (sweep,)):
        seconds[agent, model].append(each)
    lost = Counter(
        cell[:2]
        for cell, attempts in found.items()
        for item, _ in attempts
        if item[1] in ("infra_error", "aborted")
    )
    by_arm: defaultdict[tuple[str, str], list[PlannedCell]] = defaultdict(list)
    for cell in states:
        by_arm[cell[:2]].append(cell)
    for arm, own in sorted(by_arm.items()):
        values = composites.get(arm, [])
        yield ArmStatus(
            *arm,
            planned=len(own),
            done=sum(states[cell] == "done" for cell in own),
            solved=sum(cell in solved for cell in own),
            lost_attempts=lost[arm],
            composite=fmean(values) if values else None,
            seconds=median(seconds[arm]) if seconds[arm] else None,
        )


def _unsolved(states: dict[PlannedCell, str], solved: set[PlannedCell]) -> tuple[str, ...]:
    arms = {cell[:2] for cell in states}
    tried: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for cell, state in states.items():
        if state == "done":
            tried[cell[2]].add(cell[:2])
    won = {cell[2] for cell in solved}
    return tuple(sorted(task for task, by in tried.items() if by == arms and task not in won))
