"""What is derived from events and kept beside them: projections, rescores, tile roots."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchledger.ledger import verify_file
from benchledger.ledger.projected import other_version
from benchledger.ledger.queries import policy_by_id
from benchledger.ledger.rescore import evidence_head, table_digest
from benchledger.ledger.verify_chain import UNREADABLE, ChainResult, Defect, tiles_of
from benchledger.ledger.verify_projections import Refold, projection_defects, refolding
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.frame import TILE
from benchledger.schema.history import HistoryRescored

__all__ = ["Derived", "tile_defects"]


class Derived:
    """Definitions, the spelling of payloads, every projection and every rescore.

    Projections of another version are not compared: they say nothing, and nothing may read
    them. That is told in `unchecked`, and everything else is checked as ever.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """`connection` reads the ledger at `path`."""
        self.connection, self.path = connection, path
        self.defects: list[Defect] = []
        self.unchecked: list[Defect] = []
        self._stop = 0
        other = other_version(connection)
        self.comparable = other is None
        if other is not None:
            detail = f"the projections were {other}, so they are not compared: run `benchledger rebuild`"
            self.unchecked.append(Defect(None, "projection", detail))

    def run(self, stop: int, advance: Callable[[int], None] | None = None) -> None:
        """Check events up to seq `stop` - 1, and what is kept of them.

        Projections that were appended to meanwhile are compared with the events of that later moment.
        """
        self._stop = stop
        self.defects += verify_file.guarded(
            "definitions",
            lambda db: verify_file.ddl_defects(db, projections=self.comparable),
            self.connection,
        )
        try:
            with refolding(self.path, self._inspect) as refold:
                self._refold(refold, stop, advance)
        except (BenchledgerError, sqlite3.Error, *UNREADABLE) as error:
            self._unfoldable(error)

    def _refold(self, refold: Refold, stop: int, advance: Callable[[int], None] | None) -> None:
        try:
            # the first read of this connection: what it sees from here on is one state of the file
            (newest,) = refold.connection.execute("SELECT coalesce(max(seq), -1) FROM events").fetchone()
            refold.run(max(stop - 1, newest), advance)
        finally:
            self.defects += refold.misspelled
        if refold.failed is not None:
            # Payloads that were tampered with may not fold at all; the chain names them, this names the rest.
            self._unfoldable(refold.failed)
        elif self.comparable:
            self.defects += projection_defects(refold.connection)

    def _unfoldable(self, error: Exception) -> None:
        detail = f"events cannot be folded: {type(error).__name__}: {error}"
        self.defects.append(Defect(None, "projection", detail))

    def _inspect(self, folded: sqlite3.Connection, seq: int) -> None:
        if seq < self._stop:
            self.defects += _rescore_defects(self.connection, folded, seq)


def _rescore_defects(ledger: sqlite3.Connection, folded: sqlite3.Connection, seq: int) -> Iterator[Defect]:
    """Compute the table of a history.rescored again, from the projections as they were just before it."""
    stream, text = ledger.execute("SELECT stream, payload FROM events WHERE seq = ?", (seq,)).fetchone()
    if stream != "ledger" or text is None:
        return  # taken over from another ledger: it speaks of that one's cells
    payload = HistoryRescored.model_validate_json(text)
    policy = policy_by_id(folded, payload.policy_id)
    if policy is None:
        yield Defect(seq, "score", f"policy {payload.policy_id[:12]}… was never declared")
        return
    if evidence_head(ledger, seq) != payload.head:
        yield Defect(seq, "score", "the rescore names a head that is not the last evidence before it")
    if table_digest(folded, policy, payload.selection) != (payload.cells, payload.table_digest):
        yield Defect(seq, "score", "the table of the rescore is not what its policy gives at that head")


def tile_defects(chain: ChainResult) -> Callable[[sqlite3.Connection], Iterable[Defect]]:
    """Compare the kept tile roots with those that the walk over the chain made."""

    def check(connection: sqlite3.Connection) -> Iterator[Defect]:
        kept = tiles_of(connection)
        for index, root in enumerate(chain.tiles):
            if kept.pop(index, None) != root:
                detail = f"tiles: the root of tile {index} is not that of its events"
                yield Defect(index * TILE, "projection", detail)
        for index in kept:
            yield Defect(None, "projection", f"tiles: no events give the root of tile {index}")

    return check
