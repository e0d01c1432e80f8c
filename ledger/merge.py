"""Take in an export or another ledger: restored where there is none, merged where there is one.

Into no ledger it restores the same ledger: id, salts, times, head hash. Into another one its
events are chained again under their ids, in streams that carry the ledger they came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchledger.ledger.append import AppendReport
from benchledger.ledger.chain import Prepared, prepare_restored
from benchledger.ledger.database import remove
from benchledger.ledger.exporters import Foreign, checked, opened, stored_events
from benchledger.ledger.importers.reader import Source
from benchledger.ledger.merge_streams import Streams
from benchledger.ledger.store import Ledger
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
    streams = Streams(ledger, origin)
    with ledger.writing():
        for batch in _batches(events):
            new = [item for item in batch if not _known(ledger, item, report, streams)]
            placed = [(item, stream) for item in new if (stream := streams.place(item)) is not None]
            fresh = [item for item, _ in placed]
            receipts = ledger.append_prepared([_moved(item, stream, actor) for item, stream in placed])
            named = [
                _redaction(receipt, origin, actor)
                for item, receipt in zip(fresh, receipts, strict=True)
                if item.row[5] is None
            ]
            ledger.emit_all(named)
            report.events += len(receipts) + len(named)
            report.cells += sum(f.meta["type"] == "cell.setup" for f in fresh)
    report.left = streams.left
    report.head = ledger.head()
    return report


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


def _known(ledger: Ledger, foreign: Foreign, report: AppendReport, streams: Streams) -> bool:
    """Whether the event is here: taken over before, or made here from the same source record."""
    known = ledger.by_id(foreign.meta["id"])
    if known is None:
        return False
    there = None if foreign.row[5] is None else json.loads(foreign.row[5])
    same = known.meta.type == foreign.meta["type"] and (
        known.payload == there or None in (known.payload, there)
    )
    if not same:
        reason = f"{foreign.meta['id']} is at seq {known.seq} with other content"
        raise RecordErrors([RecordError("export", foreign.line, "id", reason)])
    streams.known(foreign, known)
    report.already += foreign.meta["type"] == "cell.setup"
    return True


def _moved(foreign: Foreign, stream: str, actor: str) -> Prepared:
    item = prepare_restored(foreign.meta, foreign.row, foreign.blobs)
    return item._replace(stream=stream, actor=actor, expected=None, meta=None)


def _redaction(receipt: Receipt, origin: str, actor: str) -> Draft:
    # The event that explains it there names the place there; here the payload is missing at another one.
    payload = PayloadRedacted(seq=receipt.seq, reason=f"redacted in ledger {origin}")
    return Draft("ledger", payload, import_id("redaction", receipt.id.encode(), 0), actor)


def _batches(events: Iterator[Foreign]) -> Iterator[list[Foreign]]:
    batch: list[Foreign] = []
    for foreign in events:
        batch.append(foreign)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
