"""From counted attempts to ranked rows: composite, floor, ceiling, intervals, rank.

A row's **composite** is the mean over its tasks with a value of the mean over that task's
counted attempts with a value. **Floor** and **ceiling** are means over all N tasks of the view:
a task without a value counts 0 and 1. Within a task, an attempt that was graded and has no value
(judges that disagree) counts 0 and 1 as well, because what is not recorded must never beat what
is; an attempt that was not scored at all (infra_error) is left out.

**Ranks** go by the floor. A row shares the rank of the group above it where the paired interval
between it and the group's first row, the leader, includes 0. "Cannot be told apart" is not
transitive (A~B and B~C, yet A beats C), so chains of neighbours would tie rows that differ
clearly; against the leader, every row of a group has been compared with the same one. The next
rank is 1 + the number of rows before it (1, 1, 3).

Source: design section 5, "Rows".
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from operator import sub

from benchledger.scorers.statistics import (
    MIN_RUNS,
    MIN_TASKS,
    Interval,
    RunningSum,
    includes_zero,
    interval,
    mean,
    rerun_means,
    resampled_means,
)

__all__ = ["RowData", "RowKey", "RowStatistics", "Run", "TaskData", "row_statistics"]

RowKey = tuple[str, ...]
# value, floor, ceiling of one counted attempt. A value comes with both bounds; without a value,
# an attempt that has a floor was graded, one that has none was not scored.
Run = tuple[float | None, float | None, float | None]


class TaskData:
    """The counted attempts of one task in one row, summed up; their values only where runs are kept."""

    __slots__ = ("_ceilings", "_floors", "_values", "runs", "unvalued")

    def __init__(self, *, keep_runs: bool) -> None:
        """`keep_runs`: keep each value, 8 bytes, for the interval of another run."""
        self.unvalued = 0  # attempts that were graded and have no value
        self.runs = array("d") if keep_runs else None
        self._values, self._floors, self._ceilings = RunningSum(), RunningSum(), RunningSum()

    @property
    def count(self) -> int:
        """Return the number of attempts with a value."""
        return self._values.count

    def extend(self, runs: Iterable[Run]) -> None:
        """Take counted attempts."""
        runs = list(runs)
        valued = [run for run in runs if run[0] is not None]
        if len(valued) < len(runs):
            self.unvalued += sum([run[0] is None and run[1] is not None for run in runs])
        if valued:
            values, floors, ceilings = zip(*valued, strict=True)
            self.extend_valued(values, floors, ceilings)

    def extend_valued(
        self, values: Sequence[float], floors: Sequence[float], ceilings: Sequence[float]
    ) -> None:
        """Take attempts that all have a value, as columns."""
        self._values.extend(values)
        self._floors.extend(floors)
        self._ceilings.extend(ceilings)
        if self.runs is not None:
            self.runs.extend(values)

    def means(self) -> tuple[float, float, float]:
        """Return the means of value, floor and ceiling; raises ZeroDivisionError where none has a value."""
        graded = self.count + self.unvalued
        ceilings = fsum([self._ceilings.total(), self.unvalued])
        return self._values.mean(), self._floors.total() / graded, ceilings / graded


class RowData:
    """The counted attempts of one row, task by task. Memory grows with its tasks, not with its attempts.

    Unless `keep_runs`: then each value is kept, which `run_low` and `run_high` need.
    """

    __slots__ = ("keep_runs", "key", "tasks")

    def __init__(self, key: RowKey, *, keep_runs: bool = True) -> None:
        """Start with no attempt."""
        self.key, self.keep_runs = key, keep_runs
        self.tasks: dict[str, TaskData] = {}

    def task(self, name: str) -> TaskData:
        """Return what the row has of one task, for taking attempts."""
        found = self.tasks.get(name)
        if found is None:
            found = self.tasks[name] = TaskData(keep_runs=self.keep_runs)
        return found

    def add(self, task: str, value: float | None, floor: float | None, ceiling: float | None) -> None:
        """Take one counted attempt."""
        self.task(task).extend([(value, floor, ceiling)])


@dataclass(frozen=True, slots=True)
class RowStatistics:
    """One ranked row; scores in 0..1.

    composite: None where no task has a value. low, high: 95% interval of the composite over
    resampled tasks, None below 5 tasks with a value. run_low, run_high: 95% interval of the
    composite of another single run of the same tasks, None unless each has 3 runs with a value and
    the rows keep them.
    tasks of planned: tasks with a value, tasks of the view. tied: the rank is shared.
    """

    key: RowKey
    rank: int
    tied: bool
    composite: float | None
    floor: float
    ceiling: float
    low: float | None
    high: float | None
    run_low: float | None
    run_high: float | None
    tasks: int
    planned: int


@dataclass(slots=True)
class _Summary:
    """A row reduced to its tasks: `values` and `runs` of those with a value, bounds of all."""

    key: RowKey
    values: list[float]
    runs: list[Sequence[float]]
    floors: list[float]
    ceilings: list[float]
    composite: float | None = None
    floor: float = 0.0
    tasks_interval: Interval | None = None
    resampled_floors: Sequence[float] = ()


def row_statistics(
    rows: Iterable[RowData], tasks_of_view: Collection[str], *, common: bool = False
) -> list[RowStatistics]:
    """Return one RowStatistics a row, best first.

    Attempts at tasks outside the view are not looked at. Order: floor descending (to 12
    decimals: the rest is rounding), then composite, then key. Rows without any value come last,
    never tied with a measured one. Below 5 tasks in the view there is no paired interval: rows
    share a rank only where their floors are equal. With `common` the view is cut to the tasks
    on which every row has a value (rows with no value at all aside).
    """
    rows = list(rows)
    tasks = _common(rows, tasks_of_view) if common else sorted(set(tasks_of_view))
    summaries = [_summary(row, tasks) for row in rows]
    _resample(summaries, len(tasks))
    summaries.sort(key=_order)
    ranks = _ranks(summaries)
    shared = Counter(ranks)
    return [_statistics(row, rank, tied=shared[rank] > 1) for row, rank in zip(summaries, ranks, strict=True)]


def _common(rows: Iterable[RowData], tasks: Iterable[str]) -> list[str]:
    having = [{name for name, task in row.tasks.items() if task.count} for row in rows]
    return sorted(set(tasks).intersection(*filter(None, having)))


def _summary(row: RowData, tasks: Sequence[str]) -> _Summary:
    out = _Summary(row.key, [], [], [], [])
    for name in tasks:
        task = row.tasks.get(name)
        if task is None or not task.count:
            out.floors.append(0.0)
            out.ceilings.append(1.0)
            continue
        value, floor, ceiling = task.means()
        out.values.append(value)
        out.floors.append(floor)
        out.ceilings.append(ceiling)
        if task.runs is not None:
            out.runs.append(task.runs)
    if out.values:
        out.composite = mean(out.values)
        out.floor = mean(out.floors)
    return out


def _resample(rows: Sequence[_Summary], planned: int) -> None:
    """Give rows their interval over tasks and their resampled floors; rows of a length share the draws."""
    lengths: defaultdict[int, list[_Summary]] = defaultdict(list)
    for row in rows:
        lengths[len(row.values)].append(row)
    for n, group in lengths.items():
        if n >= MIN_TASKS:
            for row, means in zip(group, resampled_means([row.values for row in group]), strict=True):
                row.tasks_interval = interval(means)
                if row.floors == row.values:
                    row.resampled_floors = means
    if planned >= MIN_TASKS:
        rest = [row for row in rows if not row.resampled_floors]
        for row, means in zip(rest, resampled_means([row.floors for row in rest]), strict=True):
            row.resampled_floors = means


def _order(row: _Summary) -> tuple[bool, float, float, RowKey]:
    return (row.composite is None, -round(row.floor, 12), -(row.composite or 0.0), row.key)


def _ranks(rows: Sequence[_Summary]) -> list[int]:
    ranks: list[int] = []
    leader, rank = None, 0
    for number, row in enumerate(rows, start=1):
        if leader is None or not _alike(leader, row):
            leader, rank = row, number
        ranks.append(rank)
    return ranks


def _alike(leader: _Summary, row: _Summary) -> bool:
    if (leader.composite is None) != (row.composite is None):
        return False
    if round(leader.floor, 12) == round(row.floor, 12):
        return True
    if not leader.resampled_floors:
        return False
    return includes_zero(map(sub, leader.resampled_floors, row.resampled_floors))


def _statistics(row: _Summary, rank: int, *, tied: bool) -> RowStatistics:
    over_tasks, rerun = row.tasks_interval, None
    if row.runs and min(map(len, row.runs)) >= MIN_RUNS:
        rerun = interval(rerun_means(row.runs))
    return RowStatistics(
        key=row.key,
        rank=rank,
        tied=tied,
        composite=row.composite,
        floor=row.floor,
        ceiling=mean(row.ceilings) if row.ceilings else 1.0,
        low=over_tasks.low if over_tasks else None,
        high=over_tasks.high if over_tasks else None,
        run_low=rerun.low if rerun else None,
        run_high=rerun.high if rerun else None,
        tasks=len(row.values),
        planned=len(row.floors),
    )
