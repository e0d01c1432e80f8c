"""What is derived from events and kept beside them: identities, projections, rescores, tile roots."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchledger.ledger import verify_file
from benchledger.ledger.queries import policy_by_id
from benchledger.ledger.rescore import evidence_head, table_digest
from benchledger.ledger.verify_chain import UNREADABLE, ChainResult, Defect, tiles_of
from benchledger.ledger.verify_projections import projection_defects, refolded
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.frame import TILE
from benchledger.schema.history import HistoryRescored

__all__ = ["derived_defects", "tile_defects"]


def derived_defects(
    connection: sqlite3.Connection, path: Path, stop: int, advance: Callable[[int], None] | None = None
) -> list[Defect]:
    """Check definitions, ids, streams, the spelling of payloads, every projection and every rescore."""
    found = verify_file.guarded("definitions", verify_file.ddl_defects, connection)
    found += verify_file.guarded("ids and streams", verify_file.identity_defects, connection)
    found += verify_file.guarded("payloads", verify_file.spelling_defects, connection)
    return found + _projections(connection, path, stop, advance)


def _projections(
    connection: sqlite3.Connection, path: Path, stop: int, advance: Callable[[int], None] | None
) -> list[Defect]:
    found: list[Defect] = []

    def inspect(folded: sqlite3.Connection, seq: int) -> None:
        found.extend(_rescore_defects(connection, folded, seq))

    try:
        with refolded(path, stop - 1, advance, inspect) as folded:
            found += projection_defects(folded)
    except (BenchledgerError, sqlite3.Error, *UNREADABLE) as error:
        # Payloads that were tampered with may not fold at all; the chain names them, this names the rest.
        found.append(Defect(None, "projection", f"events cannot be folded: {type(error).__name__}: {error}"))
    return found


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
    """Compare the kept tile roots with those of the walk; a second pair of eyes beside the rebuild."""

    def check(connection: sqlite3.Connection) -> Iterator[Defect]:
        kept = tiles_of(connection)
        for index, root in enumerate(chain.tiles):
            if kept.get(index) != root:
                detail = f"tiles: the root of tile {index} is not that of its events"
                yield Defect(index * TILE, "projection", detail)

    return check
