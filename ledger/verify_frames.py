"""The chains of merged ledgers, computed again from the frames that were kept and the events that are here.

    frames.kept (origin, first, head) -> lines + digests of the events here -> hashes -> head

From the genesis of each origin, range by range. What stands here under an id of theirs has to be what their chain
says. An event `frames.kept` that came along with a merge was written by the other ledger and speaks of events as it
held them: where one is here otherwise, the frames of that other ledger say how.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchledger.ledger.blobs import read_blob
from benchledger.ledger.database import connect_read_only
from benchledger.ledger.frames import Line, Note, notes_in, read_line
from benchledger.ledger.merge_streams import owned
from benchledger.ledger.reading import Reader
from benchledger.ledger.verify_chain import Defect, listed
from benchledger.ledger.verify_file import guarded
from benchledger.ledger.verify_placed import Here, Places, found_here
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.frame import event_hash, frame, genesis
from benchledger.schema.history import Head

__all__ = ["FramesResult", "Merged", "frames_piece"]

_BATCH = 500
_OWN = "ledger"


@dataclass(frozen=True, slots=True)
class Merged:
    """A ledger that was merged into this one, and how far its own chain was proved."""

    ledger: str
    head: Head

    def to_json(self) -> dict[str, Any]:
        """Return the documented shape, one of `merged` in `verify --json`."""
        return {"ledger": self.ledger, "events": self.head.seq + 1, "head": self.head.to_json()}


@dataclass(slots=True)
class FramesResult:
    """What was found; `merged` are the ledgers of which everything was computed again and fits."""

    defects: list[Defect] = field(default_factory=list)
    unchecked: list[Defect] = field(default_factory=list)
    merged: list[Merged] = field(default_factory=list)


def frames_piece(path: Path, stop: int, redacted_blobs: Container[str]) -> FramesResult:
    """Check the chains of all ledgers that were merged before event `stop`; `redacted_blobs` may be gone."""
    result = FramesResult()
    connection, kept = connect_read_only(path), sqlite3.connect("", isolation_level=None)  # a temporary file
    try:
        connection.execute("BEGIN")
        kept.execute("BEGIN")
        check = _Check(Reader(path, connection), kept, stop, redacted_blobs, result)
        result.defects += guarded(
            "chains of merged ledgers", lambda _: listed(check.run(), "defects of merged ledgers"), connection
        )
    finally:
        connection.close()
        kept.close()
    return result


class _Check:
    """One pass over the ranges that this ledger kept, and one over those that came along."""

    def __init__(
        self,
        reader: Reader,
        kept: sqlite3.Connection,
        stop: int,
        redacted: Container[str],
        result: FramesResult,
    ) -> None:
        self._reader, self._db, self._kept, self._stop = reader, reader.connection, kept, stop
        self._redacted, self._result = redacted, result
        self._lost = False
        kept.execute("CREATE TABLE others(id TEXT, digest BLOB, length INTEGER, UNIQUE(id, digest, length))")

    def run(self) -> Iterator[Defect]:
        own = self._by_origin(_OWN)
        if not own:
            return
        came = self._came_along()
        if came:
            self._note_others(own, came)
        places = Places(self._reader.ledger_id, self._kept)
        for origin, notes in own.items():
            before = len(self._result.unchecked)
            sound = True
            for defect in self._chain(origin, notes, places):
                sound = False
                yield defect
            if sound and before == len(self._result.unchecked):
                self._result.merged.append(Merged(origin, notes[-1].kept.head))
        for held in came:
            for origin, notes in held.items():
                yield from self._chain(origin, notes, None)

    def _by_origin(self, stream: str) -> dict[str, list[Note]]:
        found: dict[str, list[Note]] = {}
        for note in notes_in(self._db, stream, self._stop):
            found.setdefault(note.kept.origin, []).append(note)
        return found

    def _came_along(self) -> list[dict[str, list[Note]]]:
        """Return what each ledger that was merged, directly or with another, had kept itself."""
        query = "SELECT DISTINCT stream FROM events WHERE stream GLOB ?"
        held: dict[str, dict[str, list[Note]]] = {}
        for (stream,) in self._db.execute(query, (f"*:{_OWN}",)).fetchall():
            holder, name = owned(self._reader.ledger_id, stream)
            if name == _OWN:
                for origin, notes in self._by_origin(stream).items():
                    held.setdefault(holder, {}).setdefault(origin, []).extend(notes)
        for notes in (notes for chains in held.values() for notes in chains.values()):
            notes.sort(key=lambda note: note.kept.first)  # a part may have come through a third ledger
        return list(held.values())

    def _note_others(self, own: dict[str, list[Note]], came: list[dict[str, list[Note]]]) -> None:
        """Collect the digests that events have elsewhere and not here."""
        for notes in (notes for held in (own, *came) for notes in held.values()):
            for note in notes:
                lines = map(read_line, self._lines(note) or ())
                self._kept.executemany(
                    "INSERT OR IGNORE INTO others VALUES(?,?,?)",
                    ((line.id, line.digest, line.length) for line in lines if line and line.digest),
                )

    def _lines(self, note: Note) -> list[bytes] | None:
        """Return the lines of a range, None where they are gone or damaged; the check of blobs names damage."""
        digest = note.kept.frames.blob
        try:
            data = read_blob(self._db, digest)
        except BenchledgerError:
            return None
        if data is None:
            self._lost |= digest in self._redacted
            return None
        lines = data.split(b"\n")
        return lines if lines.pop() == b"" else None

    def _chain(self, origin: str, notes: list[Note], places: Places | None) -> Iterator[Defect]:
        expected, prev = 0, genesis(origin)
        for note in notes:
            kept = note.kept
            if kept.first == expected and kept.head.seq >= expected:
                yield from self._range(note, prev, places)
            else:
                detail = f"the frames of ledger {origin} go on at event {kept.first}, not at {expected}"
                yield Defect(note.seq, "gap", detail)
            expected, prev = kept.head.seq + 1, bytes.fromhex(kept.head.hash)

    def _range(self, note: Note, prev: bytes, places: Places | None) -> Iterator[Defect]:
        kept, lines = note.kept, self._lines(note)
        if lines is None:
            if places is not None:
                places.lost.add(kept.origin)
            yield from self._gone(note)
            return
        if len(lines) != kept.head.seq - kept.first + 1:
            said = f"{kept.first} to {kept.head.seq} of ledger {kept.origin}"
            yield Defect(note.seq, "gap", f"the frames of events {said} are {len(lines)}")
            return
        for start in range(0, len(lines), _BATCH):
            read = [read_line(text) for text in lines[start : start + _BATCH]]
            here = found_here(self._db, [line.id for line in read if line is not None])
            for place, line in enumerate(read, kept.first + start):
                if line is None:
                    yield Defect(
                        note.seq, "schema", f"the frame of event {place} of ledger {kept.origin} is none"
                    )
                    return
                found = here.get(line.id)
                if places is not None:
                    wrong = places.defect(kept.origin, place, line, found, note.seq)
                    if wrong is not None:
                        yield wrong
                hashed = self._hash(line, place, prev, found, strict=places is not None)
                if hashed is None:
                    yield from self._other(note, place, line, found, strict=places is not None)
                    return
                prev = hashed
        if prev.hex() != kept.head.hash:
            detail = (
                f"the frames of ledger {kept.origin} do not lead to the head {kept.head.seq} that is named"
            )
            yield Defect(note.seq, "link", detail)

    def _gone(self, note: Note) -> Iterator[Defect]:
        kept = note.kept
        said = f"frames of events {kept.first} to {kept.head.seq} of ledger {kept.origin}"
        if kept.frames.blob in self._redacted:
            self._result.unchecked.append(Defect(note.seq, "redacted", f"{said} were redacted"))
        else:
            yield Defect(note.seq, "blob", f"{said} cannot be read")

    def _hash(self, line: Line, place: int, prev: bytes, here: Here | None, *, strict: bool) -> bytes | None:
        """Return the hash of the event, with the digest that makes it the one that the line begins to tell."""
        for digest, length in self._digests(line, here, strict=strict):
            try:
                hashed = event_hash(frame(place, prev, digest, length, line.meta))
            except (struct.error, TypeError):
                continue  # nothing that a frame can hold: the chain check names it
            if hashed.hex().startswith(line.mark):
                return hashed
        return None

    def _digests(self, line: Line, here: Here | None, *, strict: bool) -> Iterator[tuple[bytes, int]]:
        if line.digest is not None:
            yield line.digest, line.length
            return
        if here is not None:
            yield here.digest, here.length
        if not strict:
            yield from self._kept.execute("SELECT digest, length FROM others WHERE id = ?", (line.id,))

    def _other(
        self, note: Note, place: int, line: Line, here: Here | None, *, strict: bool
    ) -> Iterator[Defect]:
        if here is None and line.digest is None and strict:
            return  # named as missing
        which = f"event {place} of ledger {note.kept.origin}"
        if not strict and self._lost:
            detail = f"{which} could not be held against its frame: frames that came with it were redacted"
            self._result.unchecked.append(Defect(note.seq, "redacted", detail))
            return
        seq = note.seq if here is None or line.digest is not None else here.seq
        yield Defect(
            seq, "event_hash", f"{which} is not what that ledger hashed: it was changed here, or its frame"
        )
