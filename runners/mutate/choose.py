"""In which order mutants are tried: seeded, and spread over operators and files.

One file of many comparisons must not fill a suite with comparisons: the operators take turns, and
with each operator the files do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import TypeVar

from benchledger.runners.mutate.mutant import Mutant

__all__ = ["ordered"]

T = TypeVar("T")


def ordered(mutants: Mapping[str, Sequence[Mutant]], seed: int) -> list[tuple[str, Mutant]]:
    """Return (file, mutant) of all, in an order that is the same for the same seed and mutants."""
    by_operator: dict[str, dict[str, list[Mutant]]] = {}
    for path in sorted(mutants):
        for mutant in mutants[path]:
            by_operator.setdefault(mutant.operator, {}).setdefault(path, []).append(mutant)
    turns = []
    for operator, files in sorted(by_operator.items()):
        queues = [
            [(path, mutant) for mutant in _shuffled(found, f"{seed} {operator} {path}")]
            for path, found in files.items()
        ]
        turns.append(list(_in_turn(_shuffled(queues, f"{seed} {operator}"))))
    return list(_in_turn(_shuffled(turns, f"{seed}")))


def _shuffled(items: Iterable[T], seed: str) -> list[T]:
    found = list(items)
    Random(seed).shuffle(found)
    return found


def _in_turn(queues: Sequence[Sequence[T]]) -> Iterator[T]:
    for place in range(max(map(len, queues), default=0)):
        yield from (queue[place] for queue in queues if place < len(queue))
