"""The input keys of pages that sum up cells: of an agent, a model, a task, a category, a sweep, a page of cells.

All that such a page says of a cell follows from the events of its attempts and from what was ruled over it. So a
digest of `last_seq` and rulings of its cells is the key of a part: read once a view, for all parts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from blake3 import blake3

from benchledger.ledger.web.board.ranked import ASKED_FOR, ranked
from benchledger.ledger.web.pages import key_of
from benchledger.ledger.web.view import View

__all__ = ["PartKeys", "part_keys", "rank_key"]


class PartKeys(NamedTuple):
    """Digests: `parts` by (kind, name), `cells` of each cell in order of their keys, `shared` by all pages."""

    parts: dict[tuple[str, str], str]
    cells: list[str]
    shared: str

    def of(self, kind: str, name: str, *more: object) -> str:
        """Return the key of the page of one part, which depends on `more` as well."""
        return key_of(self.shared, self.parts.get((kind, name)), *more)


def part_keys(view: View) -> PartKeys:
    """Return the digests of a view."""
    return view.kept("part keys", lambda: _read(view))


def rank_key(view: View, chosen: Callable[[tuple[str, ...]], bool]) -> str:
    """Return a digest of the leaderboard rows that are chosen by (agent, version, model, mode, behavior)."""
    rows = (*ranked(view), *ranked(view, ASKED_FOR))
    return key_of(len(rows), [row.to_json() for row in rows if chosen(row.statistics.key)])


def _read(view: View) -> PartKeys:
    last: defaultdict[str, list[int]] = defaultdict(list)
    for cell, seq in view.connection.execute("SELECT cell, last_seq FROM attempts ORDER BY ref"):
        last[cell].append(seq)
    hashers: defaultdict[tuple[str, str], Any] = defaultdict(blake3)
    cells = []
    query = "SELECT cell, sweep, agent, model, task, history, counted, adjudicated, disputed FROM cells ORDER BY cell"
    for row in view.connection.execute(query):
        text = json.dumps((*row, last[row[0]])).encode()
        cells.append(blake3(text).hexdigest(length=12))
        for part in _parts(*row[1:5]):
            hashers[part].update(text)
    parts = {part: hasher.hexdigest(length=12) for part, hasher in hashers.items()}
    return PartKeys(parts, cells, _shared(view))


def _parts(sweep: str, agent: str, model: str, task: str) -> Iterator[tuple[str, str]]:
    yield from (("sweep", sweep), ("agent", agent), ("model", model), ("task", task))
    yield "category", task.partition("/")[0]


def _shared(view: View) -> str:
    """Return a digest of what is rare and may touch any page: prices, redactions."""
    queries = ("SELECT * FROM prices ORDER BY seq", "SELECT * FROM redactions ORDER BY seq")
    return key_of([view.connection.execute(query).fetchall() for query in queries])
