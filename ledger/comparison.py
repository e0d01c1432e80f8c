"""Two sides against each other, task by task: what pairs, what does not and why.

A pair has the same task at the same digest, and whatever of agent and model not both sides fix:
`aider` against `opencode` pairs cells of the same model and task, `aider/m1` against `aider/m2`
pairs tasks. Where neither side recorded a digest (published cells) the id of the task pairs, and
the report says so. The unit that is resampled is the task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchledger.ledger.compared import Cells, LeftOut, Unit, conditions_of, gather, left_out
from benchledger.ledger.leaderboard import default_modes
from benchledger.ledger.sides import Side, side_of
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.compare import Comparison, Regression, compare_tasks, regression
from benchledger.scorers.statistics import mean

__all__ = ["ComparisonReport", "compare"]

_Runs = Mapping[str, list[float]]


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """What was compared, under which policy; every difference is a - b.

    left_out: every cell that entered no difference, by unit and reason. differs: the conditions in
    which the paired cells are not alike, with their values on either side. by_id: tasks of which
    no digest is recorded. cells_*: how many entered the differences. shared: those that stand on
    both sides. regression: what got worse from b to a. Flips and lost tasks are told by agent and
    model where several share a task.
    """

    policy: Policy
    a: Side
    b: Side
    result: Comparison
    regression: Regression
    left_out: tuple[LeftOut, ...]
    differs: dict[str, tuple[list[str], list[str]]]
    by_id: tuple[str, ...]
    cells_a: int
    cells_b: int
    shared: int

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `compare --json`."""
        return {
            **asdict(self.result),
            "tasks": [task._asdict() for task in self.result.tasks],
            "policy": self.policy.name,
            "a": self.a.name,
            "b": self.b.name,
            "unpaired_a": self.unpaired("a"),
            "unpaired_b": self.unpaired("b"),
            "left_out": [item._asdict() for item in self.left_out],
            "differs": {name: {"a": a, "b": b} for name, (a, b) in self.differs.items()},
            "paired_by_id": list(self.by_id),
            "cells_a": self.cells_a,
            "cells_b": self.cells_b,
            "shared": self.shared,
            "regression": self.regression._asdict(),
        }

    def unpaired(self, side: str) -> list[str]:
        """Return the tasks of a side, with model or agent where a pair needs it, that have a value and no pair."""
        return [item.label for item in self.left_out if item.side == side and item.reason in _UNPAIRED]


# Reasons for which a unit with a value on its side has no pair.
_UNPAIRED = ("missing", "no_value_there", "other_digest", "other_condition")


def compare(ledger: Ledger, policy: Policy, names: tuple[str, str], selection: Selection) -> ComparisonReport:
    """Compare two sides by the counted attempts of a selection; raises BadInput where no task is common."""
    a, b = (side_of(ledger.connection, name) for name in names)
    beside = tuple(name for name in ("agent", "model") if not (getattr(a, name) and getattr(b, name)))
    chosen = default_modes(selection)
    cells_a, cells_b = (gather(ledger, policy, _narrowed(chosen, side), side, beside) for side in (a, b))
    pairs = sorted(cells_a.valued() & cells_b.valued())
    if not pairs:
        raise BadInput(_nothing_common(a, b, cells_a, cells_b), _hint(chosen, cells_a, cells_b))
    units = [(key, cells_a.units[key], cells_b.units[key]) for key in pairs]
    labels = _labels(pairs)
    # Several models a task are averaged first, each once: then their spread is no run-to-run noise.
    whole = len(set(labels.values())) == len(labels)
    values_a, values_b = (_values(labels, units, at, whole=whole) for at in (1, 2))
    passes_a, passes_b = (_passes(labels, units, at, whole=whole) for at in (1, 2))
    result = compare_tasks(values_a, values_b, passes_a, passes_b)
    return ComparisonReport(
        policy=policy,
        a=a,
        b=b,
        result=result if whole else replace(result, repeats_needed=None),
        regression=regression(result, passes_a, passes_b),
        left_out=(*left_out("a", cells_a, cells_b, pairs), *left_out("b", cells_b, cells_a, pairs)),
        differs=conditions_of([one for _, one, _ in units], [other for _, _, other in units]),
        by_id=tuple(sorted({labels[key] for key in pairs if not key.digest})),
        cells_a=sum(len(one.values) for _, one, _ in units),
        cells_b=sum(len(other.values) for _, _, other in units),
        shared=sum(len(one.refs & other.refs) for _, one, other in units),
    )


def _narrowed(selection: Selection, side: Side) -> Selection:
    update: dict[str, tuple[str, ...]] = {}
    for name, values in (("agent", side.agent), ("model", side.model), ("sweep", side.sweeps)):
        mine = (values,) if isinstance(values, str) else values
        if not mine:
            continue
        wanted = getattr(selection, name)
        update[name] = tuple(value for value in mine if not wanted or value in wanted)
        if not update[name]:
            raise BadInput(f"the filter leaves nothing of {side.name}", f"leave --{name} out")
    return selection.model_copy(update=update)


def _labels(pairs: Iterable[Unit]) -> dict[Unit, str]:
    """Return what each unit is called: its task, with the digest where the task pairs at several."""
    digests: dict[str, set[str]] = {}
    pairs = list(pairs)
    for key in pairs:
        digests.setdefault(key.task, set()).add(key.digest)
    return {
        key: key.task if len(digests[key.task]) == 1 else f"{key.task}@{key.digest[:8] or 'no digest'}"
        for key in pairs
    }


def _values(labels: Mapping[Unit, str], units: list[Any], at: int, *, whole: bool) -> _Runs:
    found: dict[str, list[float]] = {}
    for unit in units:
        runs = unit[at].values
        found.setdefault(labels[unit[0]], []).extend(runs if whole else [mean(runs)])
    return found


def _passes(labels: Mapping[Unit, str], units: list[Any], at: int, *, whole: bool) -> _Runs:
    """Return the passes of each pair by itself: a flip is that of one agent with one model."""
    return {labels[unit[0]] if whole else unit[0].named(labels[unit[0]]): unit[at].passes for unit in units}


def _nothing_common(a: Side, b: Side, cells_a: Cells, cells_b: Cells) -> str:
    for side, cells in ((a, cells_a), (b, cells_b)):
        if not cells.units:
            undated = sum(cells.undated.values())
            more = f"; of {undated} the start is not recorded" if undated else ""
            return f"{side.name} has no cell that counts here{more}"
    common = {key.task for key in cells_a.units} & {key.task for key in cells_b.units}
    if not common:
        return f"{a.name} and {b.name} have no task in common"
    reasons = sorted({item.reason for item in left_out("a", cells_a, cells_b, []) if item.task in common})
    why = ", ".join(reason.replace("_", " ") for reason in reasons)
    return f"{a.name} and {b.name} have no task in common with a value on both sides ({why})"


def _hint(selection: Selection, *sides: Cells) -> str:
    other = sorted({mode for cells in sides for mode in cells.modes if mode not in selection.mode})
    if other and not all(cells.units for cells in sides):
        return (
            f"they have {' and '.join(other)} runs, which count where they are asked for: --mode {other[0]}"
        )
    return "compare sides that ran the same tasks: see `benchledger cells`"
