"""Two agents, task by task: paired differences, flips, and how many repeats a decision needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, fsum
from typing import NamedTuple

from benchledger.scorers.statistics import MIN_TASKS, NOISE, interval, mean, resampled_means

__all__ = ["Comparison", "Regression", "TaskDifference", "compare_tasks", "regression"]

_Z = 1.959963984540054  # 97.5% of the standard normal distribution lies below

_Runs = Mapping[str, Sequence[float]]


class TaskDifference(NamedTuple):
    """One task that both have: the mean over each one's runs, and a - b."""

    task: str
    a: float
    b: float
    difference: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two agents differ in; every difference is a - b, so above 0 `a` is ahead.

    difference: mean over the common tasks, None where there is none. low, high: its 95%
    interval over resampled tasks, paired, None below 5 common tasks. solved_by_a, solved_by_b:
    the flips, tasks that one alone solved. unpaired_a, unpaired_b: tasks that one alone has a
    value on; they enter no difference. repeats_needed: runs a task and agent, see
    `compare_tasks`. Tasks are sorted by name.
    """

    tasks: tuple[TaskDifference, ...]
    difference: float | None
    low: float | None
    high: float | None
    solved_by_a: tuple[str, ...]
    solved_by_b: tuple[str, ...]
    unpaired_a: tuple[str, ...]
    unpaired_b: tuple[str, ...]
    repeats_needed: int | None


class Regression(NamedTuple):
    """Whether `a`, the later side, is worse than `b`, by which rule, and in which tasks; see `regression`."""

    found: bool
    rule: str
    tasks: tuple[str, ...]


def regression(result: Comparison, passes_a: _Runs, passes_b: _Runs) -> Regression:
    """Judge whether `a` regressed against `b`.

    From 5 common tasks on by the interval: it lies below 0 as a whole. `tasks` are then those with
    a negative difference, worst first. Below 5 there is no interval: a task is lost where `b` passed
    all of its runs, one or more, and `a` none of its own, one or more; `tasks` are those, by name.
    Partial credit is no pass.
    """
    if result.high is not None:
        worse = sorted((task.difference, task.task) for task in result.tasks if task.difference < -NOISE)
        found = result.high < -NOISE
        return Regression(found, "interval", tuple(name for _, name in worse) if found else ())
    lost = [
        task
        for task in sorted(passes_a.keys() & passes_b.keys())
        if passes_a[task]
        and passes_b[task]
        and all(value == 1 for value in passes_b[task])
        and all(value != 1 for value in passes_a[task])
    ]
    return Regression(bool(lost), "solved", tuple(lost))


def compare_tasks(
    a: _Runs, b: _Runs, passes_a: _Runs | None = None, passes_b: _Runs | None = None
) -> Comparison:
    """Compare two agents by the values of their counted attempts, per task.

    `passes_*` are the pass_rate values of the same attempts. A task counts as solved where more
    than half of its runs passed in full (value 1); flips are read only where both have passes.

    repeats_needed = ceil(z^2 * (s2_a + s2_b) / (n * d^2)), at least 1, with z = 1.96, n common
    tasks, d the mean difference, s2 the unbiased variance between runs of a task, averaged over
    the tasks with 2 runs or more. With so many runs of each task, d as observed is 1.96 standard
    errors of run-to-run noise: the least at which these n tasks can decide at 95%. It says
    nothing of other tasks; only more tasks narrow `low`..`high` beyond that. None where either
    agent has no task with 2 runs, or d is 0.
    """
    a, b = _given(a), _given(b)
    common = sorted(a.keys() & b.keys())
    tasks = tuple(_task(task, a[task], b[task]) for task in common)
    differences = [task.difference for task in tasks]
    difference = mean(differences) if tasks else None
    band = interval(resampled_means([differences])[0]) if len(tasks) >= MIN_TASKS else None
    solved_a, solved_b = _solved(passes_a or {}), _solved(passes_b or {})
    both = solved_a.keys() & solved_b.keys()
    return Comparison(
        tasks=tasks,
        difference=difference,
        low=band.low if band else None,
        high=band.high if band else None,
        solved_by_a=tuple(sorted(task for task in both if solved_a[task] and not solved_b[task])),
        solved_by_b=tuple(sorted(task for task in both if solved_b[task] and not solved_a[task])),
        unpaired_a=tuple(sorted(a.keys() - b.keys())),
        unpaired_b=tuple(sorted(b.keys() - a.keys())),
        repeats_needed=_repeats_needed(
            [a[task] for task in common], [b[task] for task in common], difference
        ),
    )


def _given(runs: _Runs) -> dict[str, Sequence[float]]:
    return {task: values for task, values in runs.items() if values}


def _task(task: str, a: Sequence[float], b: Sequence[float]) -> TaskDifference:
    mean_a, mean_b = mean(a), mean(b)
    return TaskDifference(task, mean_a, mean_b, mean_a - mean_b)


def _solved(passes: _Runs) -> dict[str, bool]:
    return {task: 2 * sum(p == 1 for p in runs) > len(runs) for task, runs in passes.items() if runs}


def _repeats_needed(
    a: Sequence[Sequence[float]], b: Sequence[Sequence[float]], difference: float | None
) -> int | None:
    variance_a, variance_b = _variance_of_runs(a), _variance_of_runs(b)
    if variance_a is None or variance_b is None or difference is None or abs(difference) <= NOISE:
        return None
    return max(1, ceil(_Z**2 * (variance_a + variance_b) / (len(a) * difference**2)))


def _variance_of_runs(tasks: Sequence[Sequence[float]]) -> float | None:
    variances = [_variance(runs) for runs in tasks if len(runs) > 1]
    return mean(variances) if variances else None


def _variance(values: Sequence[float]) -> float:
    centre = mean(values)
    return fsum([(value - centre) ** 2 for value in values]) / (len(values) - 1)
