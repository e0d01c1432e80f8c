"""Verify: re-derive everything, name every defect, say how much could be proved.

one process     scores (models, axes, composites, outcomes), then pieces
the other one   definitions, spelling, projections folded again and compared, rescores; then pieces
pieces          ranges of the chain (hashes, links, payloads, root) · ids and streams · blobs · integrity ·
                chains of merged ledgers
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchledger.ledger import heads, verify_file
from benchledger.ledger.database import connect_read_only, translated
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify_chain import UNREADABLE, ChainResult, Defect, check_range, merge
from benchledger.ledger.verify_derived import Derived, tile_defects
from benchledger.ledger.verify_frames import Merged, frames_piece
from benchledger.ledger.verify_scores import ScoreCheck, guarded_scores, score_piece
from benchledger.ledger.verify_shared import Piece, shared
from benchledger.schema.canonical import MAX_INT
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.frame import TILE
from benchledger.schema.history import Head

__all__ = ["VerifyOptions", "VerifyReport", "verify"]

# Below this many events a second process costs more than it saves.
_PARALLEL = 20_000
# The chain is walked in so many pieces, so that the process that is done first can take some more.
_PIECES = 16
_LEAST = 32 * TILE
_LAST = "SELECT seq, hash FROM events WHERE seq BETWEEN 0 AND ? ORDER BY seq DESC LIMIT 1"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What to check. `heads` are positions that must be a prefix of this ledger."""

    chain_only: bool = False
    since: Head | None = None
    heads: tuple[Head, ...] = ()
    use_last_seen: bool = True
    processes: int = 2


@dataclass(slots=True)
class VerifyReport:
    """What verify found. `unchecked` is what could not be checked; it is neither sound nor tampered."""

    level: str = "chain"
    checked: str = "full"
    events: int = 0
    head: Head | None = None
    root: str | None = None
    defects: list[Defect] = field(default_factory=list)
    redacted: list[int] = field(default_factory=list)
    redacted_blobs: list[str] = field(default_factory=list)
    unchecked: list[Defect] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    merged: list[Merged] = field(default_factory=list)
    compared: bool = True  # False: the projections were made by another version, and nobody can say

    @property
    def ok(self) -> bool:
        """Return whether no defect was found."""
        return not self.defects

    @property
    def whole(self) -> bool:
        """Return whether projections were compared and every score derived: without a scorer none is vouched for."""
        return self.compared and not any(item.kind == "scorer" for item in self.unchecked)

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape of `verify --json`."""
        return {
            "ok": self.ok,
            "level": self.level,
            "checked": self.checked,
            "events": self.events,
            "head": None if self.head is None else self.head.to_json(),
            "root": self.root,
            "defects": [defect._asdict() for defect in self.defects],
            "redacted": self.redacted,
            "redacted_blobs": self.redacted_blobs,
            "unchecked": [defect._asdict() for defect in self.unchecked],
            "unknown": self.unknown,
            "merged": [each.to_json() for each in self.merged],
        }


def verify(
    path: Path, options: VerifyOptions = VerifyOptions(), progress: Progress | None = None
) -> VerifyReport:
    """Check a ledger file; never writes to it. Raises only where the file cannot be opened at all."""
    report = VerifyReport()
    with translated(path), Ledger.open(path) as ledger:
        # One state of the file throughout, for others may append meanwhile. Each further connection keeps
        # to one of its own; what is compared with each other lies within one of them, or before `stop`.
        ledger.connection.execute("BEGIN")
        stop = _take_head(ledger.connection, report)
        _check_heads(ledger, options, report)
        if options.since is not None:
            _since(ledger, options.since, stop, report)
        elif options.chain_only:
            _chain_only(ledger, stop, options, report, progress)
        else:
            _full(ledger, stop, options, report, progress)
    report.defects.sort(key=lambda d: (d.seq is None, d.seq or 0, d.kind))
    return report


def _take_head(connection: sqlite3.Connection, report: VerifyReport) -> int:
    """Note the last event and return the place behind it; a damaged file is a finding, not a failure."""
    try:
        row = connection.execute(_LAST, (MAX_INT,)).fetchone()
    except sqlite3.DatabaseError as error:
        report.defects.append(Defect(None, "database", f"the last event cannot be read: {error}"))
        return 0
    if row is None:
        report.defects.append(Defect(0, "truncated", "the ledger has no event, not even ledger.created"))
        return 0
    if isinstance(row[1], bytes) and len(row[1]) == 32:
        report.head = Head(seq=row[0], hash=row[1].hex())
    return int(row[0]) + 1


def _check_heads(ledger: Ledger, options: VerifyOptions, report: VerifyReport) -> None:
    for head in options.heads:
        _prefix(ledger.connection, head, "the head that was given", report)
    if options.heads and report.ok:
        report.level = "last-seen"
    try:
        known = heads.last_seen(ledger.ledger_id) if options.use_last_seen else None
    except (BenchledgerError, *UNREADABLE):
        known = None  # no readable first event: the chain check names that
    if known is not None:
        before = len(report.defects)
        _prefix(ledger.connection, known.head, "the head last seen on this machine", report)
        if len(report.defects) == before:
            report.level = "last-seen"


def _prefix(connection: sqlite3.Connection, head: Head, whose: str, report: VerifyReport) -> None:
    report.defects += verify_file.guarded(whose, lambda db: _differs(db, head, whose), connection)


def _differs(connection: sqlite3.Connection, head: Head, whose: str) -> Iterator[Defect]:
    row = connection.execute("SELECT hash FROM events WHERE seq = ?", (head.seq,)).fetchone()
    if row is None:
        detail = (
            f"{whose} is event {head.seq}, which is not there: the end was cut off or the file rolled back"
        )
        yield Defect(head.seq, "truncated", detail)
    elif row[0] != bytes.fromhex(head.hash):
        detail = f"{whose} has another hash at event {head.seq}: this is another history"
        yield Defect(head.seq, "fork", detail)


def _chain_only(
    ledger: Ledger, stop: int, options: VerifyOptions, report: VerifyReport, progress: Progress | None
) -> None:
    report.checked = "chain"
    parallel = options.processes > 1 and stop > _PARALLEL
    pieces = _ranges(ledger, stop)
    done = None if progress is None else lambda count: progress(stop * count // len(pieces), stop)
    parts, _ = shared(pieces, lambda: None, parallel=parallel, done=done)
    _take_chain(ledger, merge(parts), _redactions(ledger.connection, report.defects), report)


def _ranges(ledger: Ledger, stop: int) -> list[Piece]:
    """Return the walk over the chain in pieces, all but the last a number of whole tiles."""
    path, width = ledger.path, max(-(-stop // (_PIECES * TILE)) * TILE, _LEAST)
    if not _dense(path, stop):
        width = max(stop, 1)  # a gap is named from its first place to its last, which may lie in two pieces
    starts = range(0, max(stop, 1), width)
    return [Piece(check_range, (path, start, min(start + width, stop))) for start in starts]


def _dense(path: Path, stop: int) -> bool:
    """Return whether as many events are there as have a place before `stop`."""
    connection = connect_read_only(path)
    try:
        connection.execute("PRAGMA cache_size=-512")  # every page is read once; none is worth keeping
        return bool(connection.execute("SELECT count(*) = ? FROM events", (stop,)).fetchone()[0])
    except sqlite3.DatabaseError:
        return False  # the walk names what is damaged
    finally:
        connection.close()


def _take_chain(
    ledger: Ledger, chain: ChainResult, redacted: tuple[dict[int, int], dict[str, int]], report: VerifyReport
) -> None:
    report.defects += chain.defects
    report.events = chain.events
    report.root = chain.root().hex()
    named, blobs = redacted
    wrong = verify_file.unexplained(ledger.connection, chain.empty, named)
    for seq in chain.empty:
        if seq in wrong:
            detail = "the payload is missing and no payload.redacted event may remove it"
            report.defects.append(Defect(seq, "payload", detail))
        else:
            report.redacted.append(seq)
    report.redacted_blobs = sorted(blobs)


def _redactions(connection: sqlite3.Connection, found: list[Defect]) -> tuple[dict[int, int], dict[str, int]]:
    try:
        return verify_file.redactions(connection)
    except sqlite3.DatabaseError as error:
        found.append(Defect(None, "database", f"redactions cannot be read: {error}"))
        return {}, {}


def _since(ledger: Ledger, since: Head, stop: int, report: VerifyReport) -> None:
    report.checked = "since"
    _prefix(ledger.connection, since, "the head that was given", report)
    chain = check_range(ledger.path, since.seq + 1, stop)
    report.defects += chain.defects
    report.events = chain.events
    _named, blobs = _redactions(ledger.connection, report.defects)
    scores = ScoreCheck(ledger.connection, blobs)
    report.defects += guarded_scores(scores, since.seq + 1, stop)
    _take_scores(scores, report)
    for seq in chain.empty:
        report.defects.append(
            Defect(seq, "payload", "the payload is missing (a full verify says whether by redaction)")
        )


def _take_scores(scores: ScoreCheck, report: VerifyReport) -> None:
    report.defects += scores.defects
    report.unchecked += scores.unchecked
    report.unknown = scores.unknown


def _file_piece(
    path: Path, what: str, check: Callable[[sqlite3.Connection], Iterable[Defect]]
) -> list[Defect]:
    connection = connect_read_only(path)
    try:
        connection.execute("BEGIN")
        return verify_file.guarded(what, check, connection)
    finally:
        connection.close()


def _full(
    ledger: Ledger, stop: int, options: VerifyOptions, report: VerifyReport, progress: Progress | None
) -> None:
    advance = None if progress is None else (lambda seq: progress(seq + 1, stop))
    path, derived = ledger.path, Derived(ledger.connection, ledger.path)
    redacted = _redactions(ledger.connection, report.defects)
    blobs = partial(verify_file.blob_defects, redacted=redacted[1])
    pieces = [
        Piece(score_piece, (path, stop, redacted[1])),
        Piece(_file_piece, (path, "the file", verify_file.database_defects)),
        Piece(_file_piece, (path, "blobs", blobs)),
        Piece(_file_piece, (path, "ids and streams", verify_file.identity_defects)),
        Piece(frames_piece, (path, stop, redacted[1])),
        *_ranges(ledger, stop),
    ]
    parallel = options.processes > 1 and stop > _PARALLEL
    results, _ = shared(pieces, lambda: derived.run(stop, advance), parallel=parallel)
    scores, file, stored, names, frames, *parts = results
    chain = merge(parts)
    _take_chain(ledger, chain, redacted, report)
    report.defects += scores[0] + file + stored + names + frames.defects + derived.defects
    if derived.comparable:
        report.defects += verify_file.guarded("tiles", tile_defects(chain), ledger.connection)
    report.unchecked += scores[1] + frames.unchecked + derived.unchecked
    report.merged = frames.merged
    report.compared = derived.comparable
    report.unknown = scores[2]
