"""The cells of a plan, in the order in which they are launched, and which of them a shard takes.

All arms (agent x model) meet a task one after the other, so that two that are compared ran at nearly
the same time; which of them comes first changes from task to task by a Latin square, so that none
always pays for the cold cache. All of it follows from the seed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from random import Random

from benchledger.schema.errors import UnknownName, UsageError
from benchledger.schema.ids import CellId

__all__ = ["Arm", "ordered", "shard_of", "tasks_named"]

Arm = tuple[str, str]  # agent, model
Block = list[CellId]  # one run of one task, by every arm


def tasks_named(patterns: Iterable[str], known: Sequence[str]) -> list[str]:
    """Return the ids that names and globs mean, each once, sorted; raises UnknownName for one that means none."""
    found: set[str] = set()
    for pattern in patterns:
        same = [name for name in known if fnmatchcase(name, pattern)]
        if not same:
            raise UnknownName("task", pattern, known)
        found.update(same)
    return sorted(found)


def ordered(sweep: str, arms: Sequence[Arm], tasks: Sequence[str], repeats: int, seed: int) -> list[Block]:
    """Return blocks of cells: all tasks once, in a seeded order, then all of them again for each further run."""
    random = Random(seed)
    blocks: list[Block] = []
    rows: Iterator[list[Arm]] = iter(())
    for run in range(1, repeats + 1):
        names = list(tasks)
        random.shuffle(names)
        for name in names:
            row = next(rows, None)
            if row is None:
                rows = iter(_square(arms, random))
                row = next(rows)
            category, _, task = name.partition("/")
            blocks.append([CellId(sweep, agent, model, category, task, run) for agent, model in row])
    return blocks


def _square(arms: Sequence[Arm], random: Random) -> list[list[Arm]]:
    """Return a Latin square of the arms: each comes first once, second once, and so on."""
    named = list(arms)
    random.shuffle(named)
    rows = [named[at:] + named[:at] for at in range(len(named))]
    random.shuffle(rows)
    return rows


def shard_of(blocks: Sequence[Block], text: str | None) -> list[Block]:
    """Return the blocks of shard `i/n`: whole ones, so that what is compared ran on one machine.

    Raises UsageError where `text` is no i/n with 1 <= i <= n.
    """
    if text is None:
        return list(blocks)
    found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise UsageError(f"{text!r} is no shard", "write I/N, such as 1/4 for the first of four")
    return list(blocks[int(found[1]) - 1 :: int(found[2])])
