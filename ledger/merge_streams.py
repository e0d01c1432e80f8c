"""Where the events of a foreign ledger go, stream by stream, and which scores of theirs do not come along.

Both ledgers may have gone on with an attempt after they parted: a regrade appends scores to the stream that it
reads. A score names by version what it supersedes, and the versions mean the same here as there only as long as
both streams are the same up to it.

    theirs  1 2 … 14 | 15 latency, supersedes 9
    ours    1 2 … 14                              same so far: 15 is taken over, as version 15
    ours    1 2 … 14 | 15 the same score          its id is known: nothing to do
    ours    1 2 … 14 | 15 another event           parted: their scores from here on are left there

What is left is no evidence. A regrade derives it here, from the same evidence by the scorers that it names;
their rechecks, which refer to no version, are evidence and come.
"""

from __future__ import annotations

import re

from benchledger.ledger.exporters import Foreign
from benchledger.ledger.rows import split_stream
from benchledger.ledger.store import Ledger, StoredEvent

__all__ = ["SCORES", "Streams", "owned"]

SCORES = frozenset({"axis.scored", "composite.scored"})
_through = re.compile("([0-9a-f]{32}):").match


def owned(ledger: str, stream: str) -> tuple[str, str]:
    """Return which ledger first had a stream, and its name there; `ledger` is the one that has it as `stream`."""
    while (through := _through(stream)) is not None:
        ledger, stream = through[1], stream[through.end() :]
    return ledger, stream


class Streams:
    """Follows the streams of one merge; sees every foreign event in its order."""

    def __init__(self, ledger: Ledger, origin: str) -> None:
        """`origin` is the id of the ledger that the events come from."""
        self._ledger, self._origin = ledger, origin
        self._placed: dict[str, str] = {}  # streams of theirs that are here under another name
        self._parted: set[str] = set()  # streams of theirs that went on otherwise than here
        self._next: dict[str, int] = {}
        self.left = 0

    def known(self, foreign: Foreign, here: StoredEvent) -> None:
        """Note an event that is here already: made from the same source, taken over before, or taken from here."""
        theirs, ours = foreign.meta["stream"], here.meta.stream
        if split_stream(theirs) is None:
            return  # of other streams one event here says nothing of the next: both declare the same policies
        if ours != self._carried(theirs):
            self._placed[theirs] = ours
        if here.meta.version != foreign.meta["version"]:
            self._parted.add(theirs)

    def place(self, foreign: Foreign) -> str | None:
        """Return the stream that a new event goes to, None where it is a score that stays there."""
        theirs, version = foreign.meta["stream"], foreign.meta["version"]
        stream = self._placed.get(theirs) or self._carried(theirs)
        if split_stream(theirs) is None:
            return stream
        if version > 1 and theirs not in self._parted and self._ahead(stream) != version:
            self._parted.add(theirs)
        if theirs in self._parted and foreign.meta["type"] in SCORES:
            self.left += 1
            return None
        self._next[stream] = self._ahead(stream) + 1
        return stream

    def _ahead(self, stream: str) -> int:
        """Return the version that the next event of a stream of ours gets."""
        if stream not in self._next:
            query = "SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream = ?"
            self._next[stream] = int(self._ledger.connection.execute(query, (stream,)).fetchone()[0])
        return self._next[stream]

    def _carried(self, stream: str) -> str:
        parts = split_stream(stream)
        if parts is None or not parts[0]:
            return f"{self._origin}:{stream}"
        # A stream that came from a third ledger keeps that origin: identity is (first ledger, cell).
        return stream.removeprefix(f"{self._ledger.ledger_id}:")  # and what was ours comes home
