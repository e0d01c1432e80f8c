"""Would other weights rank otherwise? Rows under many nearby weightings, and what moved a row.

A composite is not linear in the weights: gated-1 divides by the weight of what is recorded, and
cells miss different axes. It is linear among cells of one *pattern* (which terms apply, which are
recorded, what the floor takes off), so `RowTerms` keeps sums of g*v by task and pattern. From
these, composite and floor under any weights follow without going back to the cells: what
`composite.evaluate` and `leaderboard.row_statistics` give, within 1e-9.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import fsum
from operator import mul
from random import Random
from typing import NamedTuple

from benchledger.schema.policy import FORMULA_TERMS, TERMS
from benchledger.scorers.leaderboard import RowKey
from benchledger.scorers.statistics import NOISE, SEED

__all__ = ["Move", "Part", "RowTerms", "Stability", "explain_move", "rank_stability"]

_Terms = tuple[str, ...]
Part = tuple[_Terms, str]  # the terms that apply, sorted, and one of them
_Pattern = tuple[_Terms, _Terms, float]  # terms that apply, terms that are recorded, `unseen`
# Formulas whose composite is divided by the weight of what is recorded.
_DIVIDED = frozenset({"gated-1"})


class Stability(NamedTuple):
    """A row under nearby weights: share of draws in which it is first, best and worst rank."""

    first: float
    best: int
    worst: int


class Move(NamedTuple):
    """The term whose contribution to a composite changed most, and by how much (after - before)."""

    term: str
    delta: float


class _Group:
    """Cells of one task and pattern: how many, and the sum of g*v of each recorded term."""

    __slots__ = ("cells", "sums")

    def __init__(self, recorded: _Terms) -> None:
        self.cells = 0
        self.sums = dict.fromkeys(recorded, 0.0)


class RowTerms:
    """One row, reduced so that any weights can be tried on it. Formula: a name of `FORMULA_TERMS`."""

    __slots__ = ("_graded", "_groups", "formula")

    def __init__(self, formula: str) -> None:
        self.formula = formula
        self._groups: defaultdict[str, dict[_Pattern, _Group]] = defaultdict(dict)
        self._graded: Counter[str] = Counter()

    def add(
        self, task: str, g: float | None, components: Mapping[str, float | None], unseen: float = 1.0
    ) -> None:
        """Take one counted attempt that has a floor, with `g` and `components` of its Composite.

        A term that is absent does not apply, None is not recorded. g None: graded, but without a
        value. unseen: the factor that the floor has beside g, for evidence that is not visible.
        Attempts without a floor (infra_error) are not added: they count nowhere.
        """
        self._graded[task] += 1
        if g is None:
            return
        recorded = tuple([term for term, v in components.items() if v is not None])
        group = self._group(task, (tuple(components), recorded, unseen))
        group.cells += 1
        sums = group.sums
        for term in recorded:
            sums[term] += g * components[term]  # type: ignore[operator]  # recorded: not None

    def add_unvalued(self, task: str, cells: int) -> None:
        """Take counted attempts that were graded and have no g."""
        self._graded[task] += cells

    def add_alike(self, task: str, pattern: _Pattern, products: Sequence[Sequence[float]]) -> None:
        """Take counted attempts of one pattern: g*v of all of them, a column a term of the formula."""
        cells = len(products[0])
        self._graded[task] += cells
        group = self._group(task, pattern)
        group.cells += cells
        sums = group.sums
        for term, column in zip(FORMULA_TERMS[self.formula], products, strict=True):
            if term in sums:
                sums[term] += fsum(column)

    def _group(self, task: str, pattern: _Pattern) -> _Group:
        groups = self._groups[task]
        group = groups.get(pattern)
        if group is None:
            group = groups[pattern] = _Group(pattern[1])
        return group

    def contributions(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return what each weighted term adds to the row's composite; empty where it has no value."""
        tasks = []
        for groups in self._groups.values():
            # evaluate gives no value where nothing that is recorded has weight
            valued = [(group, _divisor(self.formula, group.sums, weights)) for group in groups.values()]
            valued = [(group, divisor) for group, divisor in valued if divisor > 0]
            cells = sum(group.cells for group, _ in valued)
            if cells:
                tasks.append([(group.sums, divisor * cells) for group, divisor in valued])
        if not tasks:
            return {}
        return {
            term: weight
            / len(tasks)
            * fsum(sums.get(term, 0.0) / divisor for task in tasks for sums, divisor in task)
            for term, weight in _weighted(self.formula, weights)
        }

    def composite(self, weights: Mapping[str, float]) -> float | None:
        """Return the row's composite under the weights, None where it has no value."""
        contributions = self.contributions(weights)
        return fsum(contributions.values()) if contributions else None

    def floor(self, weights: Mapping[str, float], planned: int) -> float:
        """Return the row's floor over the `planned` tasks of the view, of which its own are some."""
        parts = self.floor_parts(planned)
        units = _units(self.formula, parts, weights)
        return fsum(units[part] * mean for part, mean in parts.items())

    def floor_parts(self, planned: int) -> dict[Part, float]:
        """Return what the floor is linear in: per (applicable terms, term) the mean of g*v over the view."""
        parts: dict[Part, float] = {}
        for task, groups in self._groups.items():
            share = 1 / (self._graded[task] * planned)
            for (applicable, _, unseen), group in groups.items():
                terms = tuple(sorted(applicable))
                for term, total in group.sums.items():
                    parts[terms, term] = parts.get((terms, term), 0.0) + total * unseen * share
        return parts


def _divisor(formula: str, terms: Iterable[str], weights: Mapping[str, float]) -> float:
    return fsum([weights.get(term, 0.0) for term in terms]) if formula in _DIVIDED else 1.0


def _units(formula: str, parts: Iterable[Part], weights: Mapping[str, float]) -> dict[Part, float]:
    """Return by what each part of a floor is multiplied under the weights."""
    parts = list(parts)
    divisors = {terms: _divisor(formula, terms, weights) for terms in {terms for terms, _ in parts}}
    return {
        (terms, term): weights.get(term, 0.0) / divisors[terms] if divisors[terms] else 0.0
        for terms, term in parts
    }


def _weighted(formula: str, weights: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(term, weights[term]) for term in FORMULA_TERMS[formula] if weights.get(term)]


def rank_stability(
    rows: Mapping[RowKey, RowTerms],
    weights: Mapping[str, float],
    planned: int,
    *,
    draws: int = 1000,
    seed: int = SEED,
) -> dict[RowKey, Stability]:
    """Return how the ranks of rows of one formula stand up to nearby weights.

    Nearby: each weight times a factor of its own, log-uniform between 1/2 and 2; a weight of 0
    stays 0. Ranks are those of the floors alone, 1 + the number of rows with a higher one: so
    rows that are equal in a draw are first together, and no interval ties the rest. Rows without
    a value are ranked after all others. `planned`: tasks of the view.
    """
    factors = Random(seed)
    measured = [key for key in sorted(rows) if rows[key].contributions(weights)]
    means = [rows[key].floor_parts(planned) for key in measured]
    parts = sorted({part for row in means for part in row})
    matrix = [[row.get(part, 0.0) for part in parts] for row in means]
    ranks: list[list[int]] = [[] for _ in measured]
    for _ in range(draws if measured else 0):
        drawn = {term: weights.get(term, 0.0) * 4 ** (factors.random() - 0.5) for term in TERMS}
        units = list(_units(rows[measured[0]].formula, parts, drawn).values())
        floors = [fsum(map(mul, units, row)) for row in matrix]
        for seen, rank in zip(ranks, _ranks(floors), strict=True):
            seen.append(rank)
    last = Stability(0.0, len(measured) + 1, len(measured) + 1)
    found = {
        key: Stability(seen.count(1) / draws, min(seen), max(seen))
        for key, seen in zip(measured, ranks, strict=True)
    }
    return {key: found.get(key, last) for key in rows}


def _ranks(scores: Sequence[float]) -> list[int]:
    ordered = sorted(scores)
    return [1 + len(ordered) - bisect_right(ordered, score + NOISE) for score in scores]


def explain_move(before: Mapping[str, float], after: Mapping[str, float]) -> Move | None:
    """Return the term whose contribution changed most between two `RowTerms.contributions`.

    A term that one side lacks contributes 0 there. Of equal changes the first in the order of
    `TERMS` is named; None where no contribution changed.
    """
    moves = [Move(term, after.get(term, 0.0) - before.get(term, 0.0)) for term in TERMS]
    move = max(moves, key=lambda move: abs(move.delta))
    return move if abs(move.delta) > NOISE else None
