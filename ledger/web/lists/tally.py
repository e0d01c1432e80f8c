"""Events by type and hour. An event never changes its type or time, so what was counted once stays counted.

The counts of one ledger are kept by the process, up to an event that is told by its hash: a page
then counts only what came after. Where that event is another one now, all is counted again.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchledger.ledger.web.view import View

__all__ = ["Tally", "tally"]

_HOUR_US = 3_600_000_000
_KEPT = 8


class Tally(NamedTuple):
    """How many events of each (type, hour since 1970) there are up to event `seq`, and the first of each type."""

    seq: int
    hash: str
    counts: Counter[tuple[str, int]]
    first: dict[str, int]

    def by_type(self) -> Counter[str]:
        """Return how many events of each type there are."""
        found = Counter[str]()
        for (kind, _), events in self.counts.items():
            found[kind] += events
        return found


_known: dict[Path, Tally] = {}
_lock = threading.Lock()


def tally(view: View) -> Tally:
    """Return the counts at the head of a view."""
    return view.kept("tally", lambda: _counted(view))


def _counted(view: View) -> Tally:
    head, path = view.head, view.ledger.path.resolve()
    if head is None:
        return Tally(-1, "", Counter(), {})
    with _lock:
        before = _known.get(path)
    if before is None or not _holds(view, before):
        before = Tally(-1, "", Counter(), {})
    counts, first = before.counts.copy(), dict(before.first)
    query = f"SELECT type, at / {_HOUR_US}, count(*), min(seq) FROM events WHERE seq > ? AND seq <= ? GROUP BY 1, 2"
    for kind, hour, events, seq in view.connection.execute(query, (before.seq, head.seq)):
        counts[kind, hour] += events
        first[kind] = min(seq, first.get(kind, seq))
    found = Tally(head.seq, head.hash, counts, first)
    with _lock:
        _known[path] = found
        while len(_known) > _KEPT:
            del _known[next(iter(_known))]
    return found


def _holds(view: View, before: Tally) -> bool:
    row = view.connection.execute("SELECT hash FROM events WHERE seq = ?", (before.seq,)).fetchone()
    return row is not None and row[0].hex() == before.hash
