"""Take in an export or another ledger: restored where there is none, merged where there is one.

Into no ledger it restores the same ledger: id, salts, times, head hash. Into another one its
events are chained again under their ids, in streams that carry the ledger they came from, and
what their own chain says of them is kept beside them (`frames`).
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchledger.ledger.append import AppendReport
from benchledger.ledger.chain import Prepared, prepare_restored
from benchledger.ledger.database import remove
from benchledger.ledger.exporters import Foreign, checked, opened, stored_events
from benchledger.ledger.frames import NOTE, Keeper
from benchledger.ledger.importers.reader import Source
from benchledger.ledger.merge_streams import Streams, owned
from benchledger.ledger.store import Ledger, StoredEvent
from benchledger.schema.errors import BadInput, RecordError, RecordErrors
from benchledger.schema.history import PayloadRedacted
from benchledger.schema.ids import import_id
from benchledger.schema.ports import Draft, Receipt

__all__ = ["append_ledger", "restore_or_append"]

_BATCH = 500


def restore_or_append(path: Path, source: Source, actor: str = "cli") -> AppendReport:
    """Take in an export or another ledger file: restore it where there is no ledger at `path`, else merge it.

    Raises BadInput or RecordErrors by line; then nothing is kept, and a ledger that was only
    begun is removed.
    """
    header, events = opened(source)
    if path.exists():
        with Ledger.open(path, write=True) as ledger:
            if ledger.head() is None:
                # A restore that was killed before its only transaction ended.
                return _restore(ledger.claim(header["ledger_id"]), header, events, source.name)
            return _merge(ledger, header, events, actor)
    ledger = Ledger.create(path, header["ledger_id"], seed=False)
    try:
        with ledger:
            return _restore(ledger, header, events, source.name)
    except BaseException:
        remove(path)
        raise


def append_ledger(ledger: Ledger, other: Ledger, actor: str = "cli") -> AppendReport:
    """Merge another open ledger into this one."""
    head = other.head()
    header = {"ledger_id": other.ledger_id, "head": head.to_json() if head else None}
    return _merge(ledger, header, checked(other.path.name, header, stored_events(other)), actor)


def _restore(ledger: Ledger, header: Mapping[str, Any], events: Iterator[Foreign], name: str) -> AppendReport:
    report = AppendReport()
    with ledger.writing():
        for batch in _batches(events):
            ledger.append_prepared([prepare_restored(f.meta, f.row, f.blobs) for f in batch])
            report.events += len(batch)
            report.cells += sum(f.meta["type"] == "cell.setup" for f in batch)
        report.head = ledger.head()
        if report.head is None or report.head.to_json() != header["head"]:
            raise BadInput(f"{name} did not restore to the head that it names", "please report this")
    return report


def _merge(ledger: Ledger, header: Mapping[str, Any], events: Iterator[Foreign], actor: str) -> AppendReport:
    """Chain foreign events again under their ids; what is here already, from there or from the same file, stays."""
    report = AppendReport()
    origin = str(header["ledger_id"])
    if origin == ledger.ledger_id:
        return _same_ledger(ledger, events, report)
    with ledger.writing():
        merge = _Merge(ledger, origin, actor, report)
        merge.frames.check_head(header["head"])
        for batch in _batches(events):
            merge.take(batch)
        merge.end()
    report.head = ledger.head()
    return report


class _Merge:
    """One merge in its transaction.

    A range of the other chain that holds nothing but our own events come back and notes of merges waits until
    more follows: else two ledgers that take each other over would have something new to say for ever.
    """

    def __init__(self, ledger: Ledger, origin: str, actor: str, report: AppendReport) -> None:
        self._ledger, self._origin, self._actor, self._report = ledger, origin, actor, report
        self._streams = Streams(ledger, origin)
        self.frames = Keeper(ledger, origin, actor)
        self._waiting: list[tuple[Foreign, str]] = []
        self._worth = False

    def take(self, batch: list[Foreign]) -> None:
        same: set[str] = set()
        new: list[Foreign] = []
        for item in batch:
            self.frames.follow(item)
            known = _known(self._ledger, item, self._report, self._streams)
            if known is None:
                new.append(item)
            elif self.frames.is_same(item, known.seq):
                same.add(item.meta["id"])
        placed = [(item, stream) for item in new if (stream := self._streams.place(item)) is not None]
        fresh = {item.meta["id"] for item, _ in placed}
        same |= fresh
        for item in batch:
            self._worth |= self._is_worth(item, fresh)
            self.frames.keep(item, same=item.meta["id"] in same)
        self._waiting += placed
        if self._worth or self.frames.full:
            self._append()
        if self.frames.full:
            self._report.events += self.frames.write()

    def end(self) -> None:
        if self._worth:
            self._append()
            self._report.events += self.frames.write()
        self._report.left = self._streams.left

    def _is_worth(self, item: Foreign, fresh: Container[str]) -> bool:
        if item.meta["type"] == NOTE:
            return False
        came_back = owned(self._origin, item.meta["stream"])[0] == self._ledger.ledger_id
        return item.meta["id"] in fresh or (item.row[0] >= self.frames.next and not came_back)

    def _append(self) -> None:
        items = [_moved(item, stream, self._actor) for item, stream in self._waiting]
        receipts = self._ledger.append_prepared(items)
        named = [
            _redaction(self._ledger.ledger_id, receipt, self._origin, self._actor)
            for (item, _), receipt in zip(self._waiting, receipts, strict=True)
            if item.row[5] is None
        ]
        if named:
            self._ledger.emit_all(named)
        self._report.events += len(receipts) + len(named)
        self._report.cells += sum(item.meta["type"] == "cell.setup" for item, _ in self._waiting)
        self._waiting.clear()


def _same_ledger(ledger: Ledger, events: Iterator[Foreign], report: AppendReport) -> AppendReport:
    """An export of this very ledger: every event must be here as it is there; then there is nothing to do."""
    for foreign in events:
        known = ledger.by_id(foreign.meta["id"])
        if known is None or known.hash != foreign.row[6]:
            raise BadInput(
                f"event {foreign.row[0]} of the export is not in this ledger, though both have one id",
                "one of the two was rolled back or forked: compare them with `benchledger verify --head SEQ:HASH`",
            )
        report.already += foreign.meta["type"] == "cell.setup"
    report.head = ledger.head()
    return report


def _known(ledger: Ledger, foreign: Foreign, report: AppendReport, streams: Streams) -> StoredEvent | None:
    """Return the event if it is here: taken over before, or made here from the same source record."""
    known = ledger.by_id(foreign.meta["id"])
    if known is None:
        return None
    there = None if foreign.row[5] is None else json.loads(foreign.row[5])
    same = known.meta.type == foreign.meta["type"] and (
        known.payload == there or None in (known.payload, there)
    )
    if not same:
        reason = f"{foreign.meta['id']} is at seq {known.seq} with other content"
        raise RecordErrors([RecordError("export", foreign.line, "id", reason)])
    streams.known(foreign, known)
    report.already += foreign.meta["type"] == "cell.setup"
    return known


def _moved(foreign: Foreign, stream: str, actor: str) -> Prepared:
    item = prepare_restored(foreign.meta, foreign.row, foreign.blobs)
    return item._replace(stream=stream, actor=actor, expected=None, meta=None)


def _redaction(here: str, receipt: Receipt, origin: str, actor: str) -> Draft:
    # The event that explains it there names the place there; here the payload is missing at another one.
    payload = PayloadRedacted(seq=receipt.seq, reason=f"redacted in ledger {origin}")
    # A third ledger may have taken over both: hence the id of this one.
    name = import_id("redaction", f"{here} {receipt.id}".encode(), 0)
    return Draft("ledger", payload, name, actor)


def _batches(events: Iterator[Foreign]) -> Iterator[list[Foreign]]:
    batch: list[Foreign] = []
    for foreign in events:
        batch.append(foreign)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
