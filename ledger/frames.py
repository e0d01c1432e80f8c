"""The frames of ledgers that were merged into this one: what their own chains say of the events that came.

A merge chains foreign events again, so their metadata, places and hashes are no longer in `events`. One event
`frames.kept` keeps them for a range of the other chain, in lines of canonical JSON:

    {"hash": <8 hex>, "meta": {…}}                                    the event here has the digest that it had there
    {"digest": <64 hex>, "hash": <8 hex>, "len": n, "meta": {…}}      it has another one here, or was left there

frame = version | seq | prev | digest | len | meta, so every hash of the range can be computed again.
`hash` is the beginning of the event's own: it tells which event is another one.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchledger.ledger.exporters import Foreign
from benchledger.ledger.metadata import PATTERN
from benchledger.ledger.store import Ledger
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import BadInput
from benchledger.schema.history import FramesKept, Head
from benchledger.schema.ids import import_id
from benchledger.schema.ports import Draft, blob_ref

__all__ = ["NOTE", "Keeper", "Line", "Note", "notes_in", "read_line"]

NOTE = FramesKept.event_type
MARK = 8  # hex digits of a hash
# So many lines are kept by one event at most: a merge and a verify hold no more of them in memory.
_LINES = 10_000
_is_line = re.compile(
    rb'\{(?:"digest":"([0-9a-f]{64})",)?"hash":"([0-9a-f]{8})",(?:"len":(0|[1-9][0-9]{0,15}),)?"meta":(\{.*\})\}'
).fullmatch


class Line(NamedTuple):
    """The frame of one event; `digest` is None where the event here says it, with its length."""

    digest: bytes | None
    length: int
    mark: str
    meta: bytes
    id: str
    stream: str
    type: str
    schema: int
    version: int


class Note(NamedTuple):
    """One event `frames.kept` and the place where it stands in the file."""

    seq: int
    kept: FramesKept


def line_of(meta: bytes, mark: str, other: tuple[bytes, int] | None) -> bytes:
    """Return the line of an event; `other` are digest and length where the event here does not hold them."""
    if other is None:
        return b'{"hash":"%s","meta":%s}\n' % (mark.encode(), meta)
    digest, length = other
    return b'{"digest":"%s","hash":"%s","len":%d,"meta":%s}\n' % (
        digest.hex().encode(),
        mark.encode(),
        length,
        meta,
    )


def read_line(text: bytes) -> Line | None:
    """Return a line without its LF as what it says, None where it is none."""
    found = _is_line(text)
    if found is None:
        return None
    digest, mark, length, meta = found.groups()
    if (digest is None) != (length is None):
        return None
    try:
        said = PATTERN.fullmatch(meta.decode())
    except UnicodeDecodeError:
        return None
    if said is None:
        return None
    _actor, _at, event_id, schema, stream, event_type, version = said.groups()
    if "\\" in stream:
        stream = json.loads(f'"{stream}"')
    other = None if digest is None else bytes.fromhex(digest.decode())
    return Line(
        other, int(length or 0), mark.decode(), meta, event_id, stream, event_type, int(schema), int(version)
    )


def notes_in(connection: sqlite3.Connection, stream: str, stop: int = 1 << 62) -> Iterator[Note]:
    """Yield the events `frames.kept` of one stream that can be read, in their order."""
    query = "SELECT seq, payload FROM events WHERE stream = ? AND type = ? AND seq < ? ORDER BY version"
    for seq, payload in connection.execute(query, (stream, NOTE, stop)):
        if payload is not None:
            try:
                yield Note(seq, FramesKept.model_validate_json(payload))
            except ValueError:
                continue  # the schema check names it


class Keeper:
    """Keeps the frames of one merge; sees every foreign event in its order, first `follow`, then `keep`.

    What was kept before is the measure: another ledger may only have grown since.
    """

    def __init__(self, ledger: Ledger, origin: str, actor: str) -> None:
        """`origin` is the id of the ledger that the events come from; read under the lock of the merge."""
        self._ledger, self._origin, self._actor = ledger, origin, actor
        self._kept = [
            note.kept for note in notes_in(ledger.connection, "ledger") if note.kept.origin == origin
        ]
        self.next = self._kept[-1].head.seq + 1 if self._kept else 0
        self._marks = self._kept_marks()
        self._first, self._lines = self.next, list[bytes]()
        self._last: Foreign | None = None

    def check_head(self, head: Mapping[str, Any] | None) -> None:
        """Raise BadInput where the other ledger ends before what was taken over from it."""
        seq = -1 if head is None else head.get("seq")
        if (
            isinstance(seq, int) and seq < self.next - 1
        ):  # what is no head at all does not fit the events either
            raise BadInput(
                f"ledger {self._origin} was taken over up to event {self.next - 1}, and ends at event {seq} now:"
                " this is an older state of it, or it was rolled back",
                "append its newest state",
            )

    def follow(self, foreign: Foreign) -> None:
        """Raise BadInput where an event is another one than the one that was taken over from its place."""
        seq, hashed = foreign.row[0], foreign.row[6].hex()
        if seq >= self.next:
            return
        mark = next(self._marks)
        if not hashed.startswith(mark):
            raise BadInput(
                f"event {seq} of ledger {self._origin} is another one than the one that was taken over before:"
                " it was rolled back or forked there",
                f"nothing was appended: find out which history holds; `benchledger verify --head {seq}:HASH`"
                " tells in which file an event has that hash",
            )

    def keep(self, foreign: Foreign, *, same: bool) -> None:
        """Keep the frame of an event; `same`: the event here has its payload's digest and length."""
        if foreign.row[0] < self.next:
            return
        _, _, digest, length, _, _, hashed = foreign.row
        meta, mark = canonical_bytes(foreign.meta), hashed.hex()[:MARK]
        self._lines.append(line_of(meta, mark, None if same else (digest, length)))
        self._last = foreign

    def is_same(self, foreign: Foreign, seq: int) -> bool:
        """Return whether event `seq` of this ledger holds the payload's digest and length of that one."""
        if foreign.row[0] < self.next:
            return True
        query = "SELECT payload_digest, payload_len FROM events WHERE seq = ?"
        return bool(self._ledger.connection.execute(query, (seq,)).fetchone() == foreign.row[2:4])

    @property
    def full(self) -> bool:
        """Return whether one event should not hold more."""
        return len(self._lines) >= _LINES

    def write(self) -> int:
        """Append what was kept since the last time; return how many events that took."""
        if self._last is None:
            return 0
        data = b"".join(self._lines)
        head = Head(seq=self._last.row[0], hash=self._last.row[6].hex())
        ref = blob_ref(data)
        payload = FramesKept(origin=self._origin, first=self._first, head=head, frames=ref)
        # Two ledgers may keep the same range in the same words, each for itself: hence the own id.
        said = bytes.fromhex(self._ledger.ledger_id) + payload.payload_bytes()
        name = import_id("frames", said, 0)
        self._ledger.emit(Draft("ledger", payload, name, self._actor, blobs={ref.blob: data}))
        self._first, self._last = head.seq + 1, None
        self._lines.clear()
        return 1

    def _kept_marks(self) -> Iterator[str]:
        """Yield the beginning of the hash of every event that was taken over, all of it for the last of a range."""
        for kept in self._kept:
            data = self._ledger.blob(kept.frames.blob)
            lines = iter(() if data is None else data.split(b"\n"))
            for _ in range(kept.first, kept.head.seq):
                line = _is_line(next(lines, b""))
                yield "" if line is None else line[2].decode()  # redacted: the end of the range still tells
            yield kept.head.hash
