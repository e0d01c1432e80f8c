"""Means, resampling intervals and pass@k: exact sums, fixed seeds, the same numbers on every machine.

Sums are `math.fsum`: correctly rounded, so no order of runs, tasks or rows shows in a result,
and built-in `sum` (compensated since Python 3.12) does not make two Pythons disagree.

**Intervals** are 95% percentile intervals: of the RESAMPLES sorted values the 50 lowest and the 50
highest are cut, the interval is the lowest and the highest of the 1,900 that stay. Draws come
from `random.Random(int).random()`, the one sequence that Python promises to keep.

Sources: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile
interval); Chen et al., Evaluating Large Language Models Trained on Code, 2021 (pass@k).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import comb, frexp, fsum, ldexp
from operator import itemgetter
from random import Random
from struct import Struct
from typing import NamedTuple

__all__ = [
    "MIN_RUNS",
    "MIN_TASKS",
    "NOISE",
    "RESAMPLES",
    "SEED",
    "Interval",
    "PassAtK",
    "RunningSum",
    "includes_zero",
    "interval",
    "mean",
    "mean_pass_at_k",
    "pass_at_k",
    "rerun_means",
    "resampled_means",
]

RESAMPLES = 2000
SEED = 1
MIN_TASKS = 5  # below, resampled tasks say next to nothing, so there is no interval
MIN_RUNS = 3  # a task, before runs can say what another run would give
# Scores lie in 0..1: a difference this small comes from rounding.
NOISE = 1e-12

_PARTS = 32  # values that a RunningSum holds before it shortens them to two

# Index tuples are made, used for all rows and dropped in blocks of at most this many indices,
# so that memory does not grow with the number of tasks.
_BLOCK = 1_000_000


class Interval(NamedTuple):
    """A 95% interval on the scale of the score, both ends included."""

    low: float
    high: float


class PassAtK(NamedTuple):
    """pass@k of a row: the mean over its `tasks` tasks with at least k runs, None where no task has."""

    value: float | None
    tasks: int


def mean(values: Sequence[float]) -> float:
    """Return fsum(values) / len(values); raises ZeroDivisionError where there are none."""
    return fsum(values) / len(values)


class RunningSum:
    """`fsum` over values that come in pieces, in little memory: neither order nor pieces show."""

    __slots__ = ("_parts", "count")

    def __init__(self) -> None:
        """Start with nothing."""
        self.count = 0
        self._parts: list[float] = []

    def extend(self, values: Sequence[float]) -> None:
        """Take values."""
        self.count += len(values)
        parts = self._parts
        parts += values
        if len(parts) > _PARTS:
            # The sum, and what it rounds off: 106 bits stand for all the values.
            first = fsum(parts)
            parts.append(-first)
            self._parts = [first, fsum(parts)]

    def total(self) -> float:
        """Return the sum of all values so far."""
        return fsum(self._parts)

    def mean(self) -> float:
        """Return the total over the count; raises ZeroDivisionError where there are no values."""
        return self.total() / self.count


def interval(samples: Iterable[float]) -> Interval:
    """Return the central 95% of the samples: 1/40 of them, rounded down, cut at each end."""
    ordered = sorted(samples)
    cut = len(ordered) // 40
    return Interval(ordered[cut], ordered[-1 - cut])


def includes_zero(differences: Iterable[float]) -> bool:
    """Return whether the interval of the resampled differences holds 0, give or take NOISE."""
    low, high = interval(differences)
    return low <= NOISE and high >= -NOISE


def resampled_means(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return for each row RESAMPLES means of its items, drawn with replacement.

    Rows have one length n, at least 2. All rows share the resamples, which depend on n alone:
    so the difference of two rows' means is the mean of their paired differences. Items are
    taken to 53 binary places (fewer where n > 2047 or an item is above 1) and then summed
    exactly.
    """
    if not rows:
        return []
    n = len(rows[0])
    # The i-th items of all rows lie side by side in one integer, 64 bits each and none below 0:
    # one addition adds all rows, and is exact. n items of a lane never reach 2**64.
    least, most = min(map(min, rows)), max(map(max, rows))
    places = 64 - n.bit_length() - max(frexp(most)[1], frexp(least)[1], 1) - (least < 0)
    items = [[round(ldexp(value, places)) for value in row] for row in rows]
    base = min(0, *map(min, items))
    lanes = Struct(f"<{len(rows)}Q")
    columns = [
        int.from_bytes(lanes.pack(*[item - base for item in column]), "little")
        for column in zip(*items, strict=True)
    ]
    sums = [
        lanes.unpack(sum(pick(columns)).to_bytes(lanes.size, "little"))
        for block in _resamples(n)
        for pick in block
    ]
    return [
        [ldexp(float(total + n * base), -places) / n for total in column]
        for column in zip(*sums, strict=True)
    ]


def _resamples(n: int) -> Iterator[list[itemgetter[object]]]:
    """Yield RESAMPLES itemgetters of n random indices below n, in blocks."""
    random = Random(SEED + n).random
    size = max(1, _BLOCK // n)
    for start in range(0, RESAMPLES, size):
        count = min(size, RESAMPLES - start)
        yield [itemgetter(*[int(random() * n) for _ in range(n)]) for _ in range(count)]


def rerun_means(tasks: Sequence[Sequence[float]]) -> list[float]:
    """Return RESAMPLES means over the tasks of one run drawn from each: what another sweep could give.

    `tasks` holds the values of each task's runs. Runs of a task are exchangeable, so they are
    sorted first: their order cannot show.
    """
    columns = [_run_draws(slot, len(runs))(sorted(runs)) for slot, runs in enumerate(tasks)]
    return [fsum(drawn) / len(tasks) for drawn in zip(*columns, strict=True)]


@lru_cache(maxsize=1024)  # 16 KiB each
def _run_draws(slot: int, runs: int) -> itemgetter[object]:
    random = Random(SEED + (slot << 32) + runs).random
    return itemgetter(*[int(random() * runs) for _ in range(RESAMPLES)])


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased estimate that one of k runs passes, c of n runs having passed.

    1 - C(n-c, k) / C(n, k), as one correctly rounded division of integers: no overflow and no
    cancellation for any n. Raises ValueError unless 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n, not n={n}, c={c}, k={k}")
    total = comb(n, k)
    return (total - comb(n - c, k)) / total


def mean_pass_at_k(tasks: Mapping[str, tuple[int, int]], k: int) -> PassAtK:
    """Return pass@k over tasks, each (runs, runs that passed); those with fewer than k runs are left out."""
    values = [pass_at_k(n, c, k) for n, c in tasks.values() if n >= k]
    return PassAtK(mean(values) if values else None, len(values))
