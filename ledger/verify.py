"""Verify: re-derive everything, name every defect, say how much could be proved.

worker    chain (hashes, links, payloads, root) · scores (models, axes, composites) · blobs · integrity
main      projections folded again and compared · definitions · ids and streams · rescores
"""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchledger.ledger import heads, verify_file
from benchledger.ledger.database import connect_read_only, translated
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify_chain import UNREADABLE, ChainResult, Defect, check_range, merge
from benchledger.ledger.verify_derived import derived_defects, tile_defects
from benchledger.ledger.verify_scores import ScoreCheck
from benchledger.schema.canonical import MAX_INT
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.frame import TILE
from benchledger.schema.history import Head

__all__ = ["VerifyOptions", "VerifyReport", "verify"]

# Below this many events a second process costs more than it saves.
_PARALLEL = 20_000
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

    @property
    def ok(self) -> bool:
        """Return whether no defect was found."""
        return not self.defects

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
        }


def verify(
    path: Path, options: VerifyOptions = VerifyOptions(), progress: Progress | None = None
) -> VerifyReport:
    """Check a ledger file; never writes to it. Raises only where the file cannot be opened at all."""
    report = VerifyReport()
    with translated(path), Ledger.open(path) as ledger:
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
    if parallel:
        middle = stop // 2 - (stop // 2) % TILE
        with _pool() as pool:
            later = pool.submit(check_range, ledger.path, middle, stop)
            parts = [check_range(ledger.path, 0, middle, _counter(progress, stop)), later.result()]
    else:
        parts = [check_range(ledger.path, 0, stop, _counter(progress, stop))]
    _take_chain(ledger, merge(parts), report)


def _counter(progress: Progress | None, total: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    return count


def _pool() -> ProcessPoolExecutor:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    return ProcessPoolExecutor(1, mp_context=context)


def _take_chain(ledger: Ledger, chain: ChainResult, report: VerifyReport) -> None:
    report.defects += chain.defects
    report.events = chain.events
    report.root = chain.root().hex()
    named, blobs = _redactions(ledger.connection, report.defects)
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
    report.defects += _scores(scores, ledger.connection, since.seq + 1, stop)
    _take_scores(scores, report)
    for seq in chain.empty:
        report.defects.append(
            Defect(seq, "payload", "the payload is missing (a full verify says whether by redaction)")
        )


def _scores(scores: ScoreCheck, connection: sqlite3.Connection, start: int, stop: int) -> list[Defect]:
    def run(_connection: sqlite3.Connection) -> list[Defect]:
        scores.run(start, stop)
        return []

    return verify_file.guarded("scores", run, connection)


def _take_scores(scores: ScoreCheck, report: VerifyReport) -> None:
    report.defects += scores.defects
    report.unchecked += scores.unchecked
    report.unknown = scores.unknown


def _evidence(
    path: Path, stop: int, progress: Callable[[int], None] | None = None
) -> tuple[ChainResult, Any, Any]:
    """Run in the worker: everything that reads events and blobs and needs no projection."""
    chain = check_range(path, 0, stop, progress)
    connection = connect_read_only(path)
    rest: list[Defect] = []
    try:
        _named, blobs = _redactions(connection, rest)
        scores = ScoreCheck(connection, blobs)
        rest += _scores(scores, connection, 0, stop)
        rest += verify_file.guarded("blobs", lambda db: verify_file.blob_defects(db, blobs), connection)
        rest += verify_file.database_defects(connection)
    finally:
        connection.close()
    return chain, (scores.defects, scores.unchecked, scores.unknown), rest


def _full(
    ledger: Ledger, stop: int, options: VerifyOptions, report: VerifyReport, progress: Progress | None
) -> None:
    advance = None if progress is None else (lambda seq: progress(seq + 1, stop))
    if options.processes > 1 and stop > _PARALLEL:
        with _pool() as pool:
            later = pool.submit(_evidence, ledger.path, stop)
            here = derived_defects(ledger.connection, ledger.path, stop, advance)
            chain, scores, rest = later.result()
    else:
        chain, scores, rest = _evidence(ledger.path, stop)
        here = derived_defects(ledger.connection, ledger.path, stop, advance)
    _take_chain(ledger, chain, report)
    report.defects += scores[0] + rest + here
    report.defects += verify_file.guarded("tiles", tile_defects(chain), ledger.connection)
    report.unchecked += scores[1]
    report.unknown = scores[2]
