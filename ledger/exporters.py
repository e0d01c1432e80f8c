"""Export a ledger as JSON Lines, and read such an export (or another ledger file) event by event.

{"format": "benchledger-export-1", "ledger_id": …, "head": {"seq": …, "hash": …}}
{"blob": <64 hex>, "encoding": "text" | "base64", "data": …}      before the first event that needs it
{"seq": n, "meta": {…}, "digest": …, "len": n, "salt": … | null, "payload": {…} | null, "hash": …}
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from benchledger.ledger.chain import Row
from benchledger.ledger.importers.reader import Source
from benchledger.ledger.store import Ledger
from benchledger.ledger.withhold import Withheld, undeclared, withheld
from benchledger.schema.canonical import canonical_bytes, parse_json
from benchledger.schema.errors import BadInput, BenchledgerError, RecordError, RecordErrors
from benchledger.schema.frame import blob_digest, event_hash, frame, genesis, payload_digest
from benchledger.schema.history import Head
from benchledger.schema.ids import is_ledger_id
from benchledger.schema.ports import blob_references

__all__ = ["FORMAT", "ExportReport", "Foreign", "Undeclared", "checked", "export", "opened", "stored_events"]

FORMAT = "benchledger-export-1"


@dataclass(slots=True)
class ExportReport:
    """How much was written."""

    events: int = 0
    blobs: int = 0
    head: Head | None = None
    withheld: list[Withheld] = field(default_factory=list)


class Foreign(NamedTuple):
    """One event of another file: where it stood there, its metadata and row, and the blobs it brings."""

    line: int
    meta: dict[str, Any]
    row: Row
    blobs: dict[str, bytes]


class Undeclared(Exception):
    """Something would have to be withheld that the chain does not declare so."""


def export(
    ledger: Ledger, out: BinaryIO, progress: Callable[[int], None] | None = None, *, public: bool = False
) -> ExportReport:
    """Write the whole ledger to `out`; a reader's snapshot, so appends may go on meanwhile.

    `public` leaves out what private tasks hold (`withhold`); raises Undeclared, before anything is written,
    where the chain does not say so yet.
    """
    report = ExportReport()
    ledger.connection.execute("BEGIN")
    try:
        if public and undeclared(ledger.connection):
            raise Undeclared
        report.withheld = list(withheld(ledger.connection)) if public else []
        left_out = {each.seq for each in report.withheld}
        head = report.head = ledger.head()
        first = {"format": FORMAT, "ledger_id": ledger.ledger_id, "head": head.to_json() if head else None}
        out.write(canonical_bytes(first) + b"\n")
        for foreign in stored_events(ledger, left_out):
            for digest, data in foreign.blobs.items():
                out.write(canonical_bytes({"blob": digest, **_blob_text(data)}) + b"\n")
                report.blobs += 1
            out.write(_event_line(foreign) + b"\n")
            report.events += 1
            if progress is not None:
                progress(1)
    finally:
        ledger.connection.execute("COMMIT")
    return report


def _blob_text(data: bytes) -> dict[str, str]:
    with contextlib.suppress(UnicodeDecodeError):
        return {"encoding": "text", "data": data.decode()}
    return {"encoding": "base64", "data": base64.b64encode(data).decode()}


def _event_line(foreign: Foreign) -> bytes:
    seq, _, digest, length, salt, payload, hashed = foreign.row
    return canonical_bytes(
        {
            "seq": seq,
            "meta": foreign.meta,
            "digest": digest.hex(),
            "len": length,
            "salt": None if salt is None else salt.hex(),
            "payload": None if payload is None else json.loads(payload),
            "hash": hashed.hex(),
        }
    )


def stored_events(ledger: Ledger, left_out: Container[int] = ()) -> Iterator[Foreign]:
    """Yield every event of a ledger with the blobs that no event before it needed.

    Those of `left_out` come as if they were redacted, without what only they refer to.
    """
    seen: set[str] = set()
    cursor = ledger.connection.execute(
        "SELECT seq, meta, payload_digest, payload_len, salt, payload, hash FROM events ORDER BY seq"
    )
    for stored in cursor:
        row = (*stored[:4], None, None, stored[6]) if stored[0] in left_out else stored
        found: dict[str, bytes] = {}
        if row[5] is not None and '"blob":' in row[5]:
            for digest, _ in blob_references(json.loads(row[5])):
                data = None if digest in seen else ledger.blob(digest)
                if data is not None:
                    found[digest] = data
                    seen.add(digest)
        yield Foreign(row[0], json.loads(row[1]), row, found)


def opened(source: Source) -> tuple[dict[str, Any], Iterator[Foreign]]:
    if source.kind == "ledger" and source.path is not None:
        other = Ledger.open(source.path)
        head = other.head()
        header = {"ledger_id": other.ledger_id, "head": head.to_json() if head else None}
        return header, _until_closed(other, checked(source.name, header, stored_events(other)))
    lines = source.lines()
    number, text = next(lines)
    header = _json_line(source.name, number, text)
    ledger_id = header.get("ledger_id")
    if not is_ledger_id(ledger_id) or not isinstance(header.get("head"), dict):
        raise BadInput(f"{source.name}:{number}: the first line of an export names ledger_id and head")
    return header, checked(source.name, header, exported_events(source.name, lines))


def _until_closed(other: Ledger, events: Iterator[Foreign]) -> Iterator[Foreign]:
    with other:
        yield from events


def _json_line(name: str, number: int, text: bytes) -> dict[str, Any]:
    try:
        value = parse_json(text)
    except BenchledgerError as error:
        raise RecordErrors([RecordError(name, number, "", error.message)]) from error
    if not isinstance(value, dict):
        raise RecordErrors([RecordError(name, number, "", "is no JSON object")])
    return value


def exported_events(name: str, lines: Iterator[tuple[int, bytes]]) -> Iterator[Foreign]:
    waiting: dict[str, bytes] = {}
    for number, text in lines:
        value = _json_line(name, number, text)
        try:
            if "blob" in value:
                waiting[value["blob"]] = _blob_data(value)
            else:
                yield Foreign(number, value["meta"], _row(value), waiting)
                waiting = {}
        except (KeyError, TypeError, ValueError) as error:
            reason = f"is no line of an export ({type(error).__name__}: {error})"
            raise RecordErrors([RecordError(name, number, "", reason)]) from error


def _blob_data(value: Mapping[str, Any]) -> bytes:
    text: str = value["data"]
    data = text.encode() if value["encoding"] == "text" else base64.b64decode(text, validate=True)
    if blob_digest(data) != value["blob"]:
        raise ValueError("the bytes of the blob are not what its digest says")
    return data


def _row(value: Mapping[str, Any]) -> Row:
    payload = None if value["payload"] is None else canonical_bytes(value["payload"])
    salt = None if value["salt"] is None else bytes.fromhex(value["salt"])
    return (
        int(value["seq"]),
        "",
        bytes.fromhex(value["digest"]),
        int(value["len"]),
        salt,
        None if payload is None else payload.decode(),
        bytes.fromhex(value["hash"]),
    )


def checked(name: str, header: Mapping[str, Any], events: Iterator[Foreign]) -> Iterator[Foreign]:
    """Check payloads, links and the end of a foreign chain while it is read."""
    prev, seq = genesis(header["ledger_id"]), 0
    for foreign in events:
        at, _, digest, length, salt, payload, hashed = foreign.row
        if payload is not None:
            data = payload.encode()
            if salt is None or len(data) != length or payload_digest(salt, data) != digest:
                raise RecordErrors(
                    [RecordError(name, foreign.line, "payload", "is not what its digest says")]
                )
        framed = frame(seq, prev, digest, length, canonical_bytes(foreign.meta))
        if at != seq or event_hash(framed) != hashed:
            reason = "is not the hash of this event at this place: the file was changed or lines are missing"
            raise RecordErrors([RecordError(name, foreign.line, "hash", reason)])
        prev, seq = hashed, seq + 1
        yield foreign
    if header["head"] != {"seq": seq - 1, "hash": prev.hex()}:
        raise BadInput(f"{name} ends before the head that it names", "the file is cut: export it again")
