"""Two agents, agent x model pairs or sweeps against each other, task by task.

What only one side fixes is held equal: `aider` against `opencode` pairs cells of the same model
and task, `aider/m1` against `aider/m2` pairs tasks. The unit that is resampled is the task.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from benchledger.ledger.leaderboard import default_modes
from benchledger.ledger.queries import scored
from benchledger.schema.errors import BadInput, UnknownName
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.compare import Comparison, compare_tasks
from benchledger.scorers.statistics import mean

__all__ = ["ComparisonReport", "Side", "compare", "side_of"]

# What stands beside the task in a pair: agent and model, as far as not both sides fix it.
_Beside = tuple[str, ...]


class Side(NamedTuple):
    """One side: as it was named, and which of agent, model, sweep that fixes."""

    name: str
    fixed: dict[str, str]


@dataclass(slots=True)
class _Cells:
    """The counted attempts of one side that have a value."""

    values: defaultdict[str, defaultdict[_Beside, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    passes: defaultdict[str, defaultdict[_Beside, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    conditions: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """What was compared, under which policy; every difference is a - b.

    `conditions_*`: version, mode and behaviour under which each side ran. `unpaired_*`: tasks,
    with the model or agent where a pair needs it, that the other side has no value on.
    """

    policy: Policy
    a: Side
    b: Side
    result: Comparison
    unpaired_a: list[str]
    unpaired_b: list[str]
    conditions_a: list[str]
    conditions_b: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `compare --json`."""
        return {
            **asdict(self.result),
            "tasks": [task._asdict() for task in self.result.tasks],
            "policy": self.policy.name,
            "a": self.a.name,
            "b": self.b.name,
            "unpaired_a": self.unpaired_a,
            "unpaired_b": self.unpaired_b,
            "conditions_a": self.conditions_a,
            "conditions_b": self.conditions_b,
        }


def side_of(connection: sqlite3.Connection, name: str) -> Side:
    """Return what `name` means: an agent, agent/model, or a sweep; raises UnknownName."""
    agent, mark, model = name.partition("/")
    tries = [{"agent": agent, "model": model}] if mark else [{"agent": name}, {"sweep": name}]
    for fixed in tries:
        where = " AND ".join(f"{column} = ?" for column in fixed)
        if connection.execute(f"SELECT 1 FROM cells WHERE {where} LIMIT 1", (*fixed.values(),)).fetchone():
            return Side(name, fixed)
    query = (
        "SELECT agent FROM cells UNION SELECT agent || '/' || model FROM cells UNION SELECT sweep FROM cells"
    )
    raise UnknownName("agent, agent/model or sweep", name, [row[0] for row in connection.execute(query)])


def compare(
    connection: sqlite3.Connection, policy: Policy, names: tuple[str, str], selection: Selection
) -> ComparisonReport:
    """Compare two sides by the counted attempts of a selection; raises BadInput where no task is common."""
    a, b = (side_of(connection, name) for name in names)
    beside = tuple(name for name in ("agent", "model") if not (name in a.fixed and name in b.fixed))
    chosen = default_modes(selection)
    cells_a, cells_b = (_collect(connection, policy, _narrowed(chosen, side), beside) for side in (a, b))
    pairs = {
        task: sorted(cells_a.values[task].keys() & cells_b.values[task].keys())
        for task in sorted(cells_a.values.keys() & cells_b.values.keys())
    }
    pairs = {task: kept for task, kept in pairs.items() if kept}
    if not pairs:
        raise BadInput(
            f"{a.name} and {b.name} have no task in common with a value on both sides",
            "compare sides that ran the same tasks: see `benchledger cells`",
        )
    # Several models a task are averaged first, each once: then their spread is no run-to-run noise.
    whole = all(len(kept) == 1 for kept in pairs.values())
    result = compare_tasks(
        *(_per_task(side.values, pairs, whole=whole) for side in (cells_a, cells_b)),
        *(_per_task(side.passes, pairs, whole=whole) for side in (cells_a, cells_b)),
    )
    return ComparisonReport(
        policy,
        a,
        b,
        result if whole else replace(result, repeats_needed=None),
        list(_unpaired(cells_a, pairs)),
        list(_unpaired(cells_b, pairs)),
        sorted(cells_a.conditions),
        sorted(cells_b.conditions),
    )


def _narrowed(selection: Selection, side: Side) -> Selection:
    for name, value in side.fixed.items():
        wanted = getattr(selection, name)
        if wanted and value not in wanted:
            raise BadInput(f"the filter leaves nothing of {side.name}", f"leave --{name} out")
    return selection.model_copy(update={name: (value,) for name, value in side.fixed.items()})


def _collect(
    connection: sqlite3.Connection, policy: Policy, selection: Selection, beside: tuple[str, ...]
) -> _Cells:
    cells = _Cells()
    for item in scored(connection, policy, selection):
        agent, version, model, mode, behavior = item.key
        cells.conditions.add(f"{version or 'no version'} {mode} {behavior}")
        if item.composite.value is None:
            continue
        named = {"agent": agent, "model": model}
        key = tuple(named[name] for name in beside)
        cells.values[item.task][key].append(item.composite.value)
        if item.inputs.pass_rate is not None:
            solved = 0.0 if item.adjudicated == "zero" else item.inputs.pass_rate
            cells.passes[item.task][key].append(solved)
    return cells


def _per_task(
    found: defaultdict[str, defaultdict[_Beside, list[float]]],
    pairs: dict[str, list[_Beside]],
    *,
    whole: bool,
) -> dict[str, list[float]]:
    runs = {task: [found[task][key] for key in kept if found[task][key]] for task, kept in pairs.items()}
    return {
        task: list(groups[0]) if whole and groups else [mean(group) for group in groups]
        for task, groups in runs.items()
    }


def _unpaired(cells: _Cells, pairs: dict[str, list[_Beside]]) -> Iterable[str]:
    for task in sorted(cells.values):
        for key in sorted(cells.values[task]):
            if cells.values[task][key] and key not in pairs.get(task, ()):
                yield f"{task} ({', '.join(key)})" if key else task
