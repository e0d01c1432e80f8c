"""The cells of one side of a comparison, in units that can be paired, and why others cannot be."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchledger.ledger.queries import Scored, as_of, scored, selection_sql
from benchledger.ledger.sides import Side
from benchledger.ledger.store import Ledger
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy

__all__ = ["Cells", "LeftOut", "Runs", "Unit", "conditions_of", "gather", "left_out"]

_Condition = tuple[str, str, str, str]  # version, mode, behavior, the rest as JSON


class Unit(NamedTuple):
    """What is paired with its like: a task at a digest ("" where none is recorded), and what stands beside it.

    `beside`: agent and model, as far as not both sides fix it.
    """

    task: str
    digest: str
    beside: tuple[str, ...]

    def named(self, task: str) -> str:
        """Return `task (agent, model)`."""
        return f"{task} ({', '.join(self.beside)})" if self.beside else task


@dataclass(slots=True)
class Runs:
    """The counted attempts of one unit: those with a value, and the reasons of those without."""

    values: list[float] = field(default_factory=list)
    passes: list[float] = field(default_factory=list)
    refs: set[str] = field(default_factory=set)
    without: Counter[str] = field(default_factory=Counter)
    conditions: set[_Condition] = field(default_factory=set)

    def add(self, item: Scored) -> None:
        """Take one attempt."""
        if item.composite.value is None:
            self.without[item.composite.reason or "no reason"] += 1
            return
        self.values.append(item.composite.value)
        self.refs.add(item.ref)
        _, version, _, mode, behavior = item.key
        self.conditions.add((version, mode, behavior, item.condition))
        if item.inputs.pass_rate is not None:
            self.passes.append(0.0 if item.adjudicated == "zero" else item.inputs.pass_rate)


@dataclass(slots=True)
class Cells:
    """All of one side. undated: attempts that no range of days can take; modes: of all its runs, chosen or not."""

    units: dict[Unit, Runs] = field(default_factory=dict)
    undated: Counter[Unit] = field(default_factory=Counter)
    modes: set[str] = field(default_factory=set)

    def valued(self) -> set[Unit]:
        """Return the units with a value."""
        return {key for key, runs in self.units.items() if runs.values}


class LeftOut(NamedTuple):
    """Cells of one unit that entered no difference, and why.

    reason: `missing` (the other side has no cell of the task), `no_value` (these have none; `detail`
    says why), `no_value_there` (those of the other side have none), `other_digest` (the other side ran
    another content of the task), `other_condition` (it ran the task with another agent or model alone),
    `no_start` (no range of days can take them).
    """

    side: str
    label: str
    task: str
    task_digest: str | None
    cells: int
    reason: str
    detail: str | None


def gather(
    ledger: Ledger, policy: Policy, selection: Selection, side: Side, beside: tuple[str, ...]
) -> Cells:
    """Read the counted attempts of one side, as the ledger is or as it was then."""
    found = Cells()
    with as_of(ledger, side.seq) as connection:
        any_mode, values = selection_sql(selection.model_copy(update={"mode": ()}))
        query = f"SELECT DISTINCT mode FROM settings WHERE 1{any_mode}"
        found.modes = {row[0] for row in connection.execute(query, values)}
        starts = _starts(connection, side)
        for item in scored(connection, policy, selection):
            agent, version, model, _, _ = item.key
            if side.version not in (None, version) or (side.dated and item.ref not in starts):
                continue
            named = {"agent": agent, "model": model}
            key = Unit(item.task, item.task_digest, tuple(named[name] for name in beside))
            if side.dated and starts[item.ref] is None:
                found.undated[key] += 1
                continue
            runs = found.units.get(key)
            if runs is None:
                runs = found.units[key] = Runs()
            runs.add(item)
    return found


def _starts(connection: sqlite3.Connection, side: Side) -> dict[str, int | None]:
    """Return the attempts that started on the days of a side, and those of which the start is not recorded."""
    if not side.dated:
        return {}
    last = "" if side.until is None else " AND started_at < ?"
    values = (side.since or 0,) if side.until is None else (side.since or 0, side.until)
    query = f"SELECT ref, started_at FROM attempts WHERE started_at IS NULL OR (started_at >= ?{last})"
    return dict(connection.execute(query, values))


def left_out(side: str, own: Cells, other: Cells, pairs: Collection[Unit]) -> Iterator[LeftOut]:
    """Yield what of `own` entered no difference, sorted by task."""
    paired, there = set(pairs), _by_task(other.units)
    for key in sorted({*own.units, *own.undated}):
        runs = own.units.get(key, Runs())
        place = side, key.named(key.task), key.task, key.digest or None
        if runs.values and key not in paired:
            yield LeftOut(*place, len(runs.values), *_why(key, other, there.get(key.task, [])))
        for reason, cells in sorted(runs.without.items()):
            yield LeftOut(*place, cells, "no_value", reason)
        if own.undated[key]:
            yield LeftOut(*place, own.undated[key], "no_start", None)


def _by_task(units: Iterable[Unit]) -> dict[str, list[Unit]]:
    found: defaultdict[str, list[Unit]] = defaultdict(list)
    for key in units:
        found[key.task].append(key)
    return found


def _why(key: Unit, other: Cells, there: Sequence[Unit]) -> tuple[str, str | None]:
    """Return (reason, detail) why a unit with a value has no pair among the units `there` of its task."""
    if key in other.units:
        return "no_value_there", ", ".join(sorted(other.units[key].without))
    digests = sorted({_digest(unit) for unit in there if unit.beside == key.beside})
    if digests:
        return "other_digest", f"{_digest(key)} here, {', '.join(digests)} there"
    if there:
        return "other_condition", "; ".join(sorted({", ".join(unit.beside) for unit in there})) + " there"
    return "missing", None


def _digest(key: Unit) -> str:
    return key.digest or "no digest"


def conditions_of(a: Sequence[Runs], b: Sequence[Runs]) -> dict[str, tuple[list[str], list[str]]]:
    """Return the conditions in which the attempts of two sides are not all alike, with their values."""
    values_a, values_b = _values(a), _values(b)
    return {
        name: (sorted(values_a[name]), sorted(values_b[name]))
        for name in dict.fromkeys([*values_a, *values_b])
        if len(values_a[name] | values_b[name]) > 1
    }


def _values(units: Sequence[Runs]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for version, mode, behavior, rest in sorted({one for unit in units for one in unit.conditions}):
        parts = {"version": version, "mode": mode, "behavior": behavior, **(json.loads(rest) if rest else {})}
        for name, value in parts.items():
            text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            found[name].add("not recorded" if value in (None, "") else text)
    return found
