"""Every mutant of one source, in one order: that of their places, and at one place that of the table."""

from __future__ import annotations

from collections.abc import Collection

from benchledger.runners.mutate.mutant import Edit, Mutant
from benchledger.runners.mutate.operators import OPERATORS, READERS, load

__all__ = ["reads_on", "sites"]


def sites(source: bytes, language: str, operators: Collection[str] = tuple(OPERATORS)) -> list[Mutant]:
    """Return the mutants that `operators` make of a source; no two of them are equal in bytes.

    That a mutant can still be read is not yet said: `reads_on` tells.
    """
    reader = load(READERS[language])(source, language)
    asked = {
        name: load(operator.paths[language])
        for name, operator in OPERATORS.items()
        if name in operators and language in operator.paths
    }
    rank = {name: place for place, name in enumerate(OPERATORS)}
    found = sorted(reader.find(asked), key=lambda item: (item[1].start, item[1].end, rank[item[0]]))
    mutants: dict[tuple[int, int, str], Mutant] = {}
    for name, edit in found:
        mutant = _mutant(source, name, edit)
        if mutant.before != mutant.after:
            mutants.setdefault((mutant.start, mutant.end, mutant.after), mutant)
    return list(mutants.values())


def _mutant(source: bytes, name: str, edit: Edit) -> Mutant:
    before = source[edit.start : edit.end].decode()
    line = source.count(b"\n", 0, edit.start) + 1
    return Mutant(name, line, edit.start, edit.end, before, edit.text)


def reads_on(source: bytes, language: str, mutant: Mutant) -> bool:
    """Return whether the mutated source still compiles (Python), or reads as well as the source does."""
    answer: bool = load(READERS[language])(source, language).takes(mutant.applied(source))
    return answer
