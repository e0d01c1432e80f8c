"""Edits of events, blobs and the chain. Each returns the (seq, kind) pairs that `verify` must name."""

import json
import zlib

from blake3 import blake3

from tests.attacks.registry import attack
from tests.attacks.tools import spelled
from tests.schema.standalone_verify import derive, frame

STRANGER = "ffffffff-ffff-8fff-bfff-ffffffffffff"


@attack("payload")
def payload_changed(it):
    """The text of a payload is edited."""
    seq = it.seq("grader.ran")
    it.set(seq, payload=it.rows[seq].payload.replace("timed_out", "timed_0ut"))
    return {(seq, "payload")}


@attack("payload")
def salt_changed(it):
    """The salt of a payload is replaced."""
    seq = it.seq("cell.setup")
    it.set(seq, salt=b"\xff" * 16)
    return {(seq, "payload")}


@attack("payload", "event_hash", "link")
def payload_rewritten_with_its_digest(it):
    """A payload is edited and its length and digest are made to fit."""
    seq = it.seq("cell.finished", 3)
    it.rewrite(seq, outcome="aborted")
    it.set(seq, payload_len=it.rows[seq].payload_len)
    return {(seq, "payload"), (seq, "event_hash"), (seq, "link")}


@attack("payload", "event_hash", "link")
def payload_length_changed(it):
    """The stored length of a payload is changed."""
    seq = it.seq("cell.exited", 2)
    it.set(seq, payload_len=it.rows[seq].payload_len + 1)
    return {(seq, "payload"), (seq, "event_hash"), (seq, "link")}


@attack("payload")
def payload_nulled(it):
    """A payload and its salt are removed without an event that says so."""
    seq = it.seq("workdir.captured")
    it.set(seq, payload=None, salt=None)
    return {(seq, "payload")}


@attack("payload")
def payload_nulled_but_not_its_salt(it):
    """A payload is removed and its salt stays."""
    seq = it.seq("record.received")
    it.set(seq, payload=None)
    return {(seq, "payload")}


@attack("payload")
def score_redacted(it):
    """A score is removed; a redaction event names it, but scores cannot be redacted."""
    seq, last = it.seq("axis.scored"), it.seq("payload.redacted")
    it.rewrite(last, seq=seq)
    it.rechain(last)
    it.set(seq, payload=None, salt=None)
    it.refold()
    return {(seq, "payload")}


@attack("payload")
def redaction_unreadable(it):
    """The event that explains a redaction is itself made unreadable."""
    seq = it.seq("payload.redacted")
    it.set(seq, payload="{")
    return {(seq, "payload"), (it.seq("price.declared"), "payload")}


@attack("event_hash", "link")
def metadata_changed(it):
    """The name of the writer in the metadata of an event is changed."""
    seq = it.seq("grader.ran", 5)
    it.rewrite_meta(seq, actor="nobody")
    return {(seq, "event_hash"), (seq, "link")}


@attack("event_hash", "link")
def hash_changed(it):
    """The stored hash of an event is overwritten."""
    it.set(100, hash=b"\x00" * 32)
    return {(100, "event_hash"), (100, "link")}


@attack("link")
def one_hash_recomputed(it):
    """An event in the middle is edited and its own hash is computed anew."""
    seq = it.seq("cell.finished", 7)
    it.rewrite(seq, outcome="aborted")
    row = it.db.execute(
        "SELECT seq, meta, payload_digest, payload_len FROM events WHERE seq = ?", (seq,)
    ).fetchone()
    framed = frame((row[0], row[1].encode(), *row[2:]), it.rows[seq - 1].hash)
    it.set(seq, hash=derive("event", framed))
    return {(seq + 1, "link")}


@attack("gap")
def row_deleted(it):
    """An event in the middle is deleted."""
    it.db.execute("DELETE FROM events WHERE seq = 300")
    return {(300, "gap")}


@attack("link")
def rows_deleted_and_closed_up(it):
    """An event is deleted and all later ones move up by one place."""
    it.db.execute("DELETE FROM events WHERE seq = 300")
    it.db.execute("UPDATE events SET seq = -seq WHERE seq > 300")
    it.db.execute("UPDATE events SET seq = -seq - 1 WHERE seq < 0")
    return {(300, "link")}


@attack("event_hash", "link")
def rows_swapped(it):
    """Two neighbouring events change places."""
    for old, new in ((400, -1), (401, 400), (-1, 401)):
        it.db.execute("UPDATE events SET seq = ? WHERE seq = ?", (new, old))
    return {(400, "event_hash"), (401, "link"), (402, "link")}


@attack("link", "event_hash")
def row_inserted(it):
    """An invented event is put in the middle; the later ones move down by one place."""
    it.db.execute("UPDATE events SET seq = -seq - 1 WHERE seq >= 200")
    it.db.execute("UPDATE events SET seq = -seq WHERE seq < 0")
    row = it.rows[200]
    meta = json.loads(row.meta) | {"id": STRANGER, "version": 999}
    it.db.execute("INSERT INTO events VALUES(?,?,?,?,?,?,?)", row._replace(meta=spelled(meta)))
    return {(200, "event_hash"), (201, "link")}


@attack("gap")
def row_before_the_first(it):
    """An event is put before the first one, at a negative place."""
    row = it.rows[5]
    meta = json.loads(row.meta) | {"id": STRANGER, "stream": "sweep/none", "version": 1}
    it.db.execute("INSERT INTO events VALUES(?,?,?,?,?,?,?)", row._replace(seq=-1, meta=spelled(meta)))
    return {(-1, "gap")}


@attack("gap")
def row_far_behind_the_last(it):
    """An event is put at the highest place that SQLite knows."""
    it.db.execute("UPDATE events SET seq = ? WHERE seq = ?", (2**63 - 1, len(it.rows) - 1))
    return {(2**63 - 1, "gap")}


@attack("gap")
def row_far_away(it):
    """The newest event is moved far away, so that whoever counts up to it never ends."""
    it.db.execute("UPDATE events SET seq = ? WHERE seq = ?", (2**53 - 1, len(it.rows) - 1))
    return {(len(it.rows) - 1, "gap")}


@attack("truncated", head=True)
def last_row_deleted(it):
    """The newest event is deleted and the projections are made to fit; a head kept elsewhere shows it."""
    it.db.execute("DELETE FROM events WHERE seq = ?", (len(it.rows) - 1,))
    it.refold()
    return {(len(it.rows) - 1, "truncated")}


@attack("truncated")
def everything_deleted(it):
    """All events are deleted."""
    it.db.execute("DELETE FROM events")
    it.db.execute("DELETE FROM blobs")
    it.refold()
    return {(0, "truncated")}


@attack("fork", head=True)
def chain_recomputed(it):
    """An outcome is edited, every later hash is computed anew, the projections are made to fit."""
    seq = it.seq("cell.adjudicated")
    it.rewrite(seq, reason="a fair run")
    it.forge(seq)
    it.refold()
    return {(len(it.rows) - 1, "fork")}


@attack("fork", head=True)
def other_ledger_id(it):
    """The ledger is given another id and the whole chain is computed anew."""
    it.rewrite(0, ledger_id="f" * 32)
    it.forge(0)
    it.refold()
    return {(len(it.rows) - 1, "fork")}


@attack("event_hash")
def ledger_id_changed_alone(it):
    """The ledger is given another id, and the chain stays."""
    it.rewrite(0, ledger_id="f" * 32)
    return {(0, "event_hash")}


def _blob(it, encoding):
    return it.db.execute(
        "SELECT digest, data FROM blobs WHERE encoding = ? ORDER BY digest", (encoding,)
    ).fetchone()


@attack("blob")
def blob_data_changed(it):
    """One bit of a stored blob is flipped."""
    digest, data = _blob(it, "zlib")
    it.db.execute("UPDATE blobs SET data = ? WHERE digest = ?", (data[:-1] + bytes([data[-1] ^ 1]), digest))
    return {(None, "blob")}


@attack("blob")
def blob_replaced(it):
    """A blob is replaced, and the digest of the stored bytes with it."""
    digest, _ = _blob(it, "raw")
    made = b"all tests passed"
    it.db.execute(
        "UPDATE blobs SET data = ?, size = ?, stored_digest = ? WHERE digest = ?",
        (made, len(made), blake3(made).digest(), digest),
    )
    return {(None, "blob")}


@attack("blob")
def blob_with_bytes_left_over(it):
    """Bytes are hidden behind the compressed data of a blob, and the stored digest is made to fit."""
    digest, data = _blob(it, "zlib")
    made = data + b"hidden"
    it.db.execute(
        "UPDATE blobs SET data = ?, stored_digest = ? WHERE digest = ?", (made, blake3(made).digest(), digest)
    )
    return {(None, "blob")}


@attack("blob")
def blob_size_changed(it):
    """The size of a blob is changed."""
    it.db.execute("UPDATE blobs SET size = size + 1 WHERE digest = ?", (_blob(it, "zlib")[0],))
    return {(None, "blob")}


@attack("blob")
def blob_encoding_changed(it):
    """A blob says that it is stored in another encoding."""
    it.db.execute("UPDATE blobs SET encoding = 'raw' WHERE digest = ?", (_blob(it, "zlib")[0],))
    return {(None, "blob")}


@attack("blob")
def blob_encoding_unknown(it):
    """A blob says that it is stored in an encoding that format 1 does not have."""
    it.db.execute("UPDATE blobs SET encoding = 'rot13' WHERE digest = ?", (_blob(it, "raw")[0],))
    return {(None, "blob")}


@attack("blob")
def blob_stored_digest_changed(it):
    """The digest of a blob's stored bytes is changed."""
    it.db.execute("UPDATE blobs SET stored_digest = zeroblob(32) WHERE digest = ?", (_blob(it, "raw")[0],))
    return {(None, "blob")}


@attack("blob", "orphan")
def blob_renamed(it):
    """A blob is kept under another digest."""
    it.db.execute("UPDATE blobs SET digest = zeroblob(32) WHERE digest = ?", (_blob(it, "raw")[0],))
    return {(None, "blob"), (None, "orphan")}


@attack("blob")
def blob_missing(it):
    """A blob is deleted without an event that says so."""
    it.db.execute("DELETE FROM blobs WHERE digest = ?", (_blob(it, "zlib")[0],))
    return {("any", "blob")}


@attack("orphan")
def blob_orphaned(it):
    """A blob is added that no event refers to."""
    data = zlib.compress(b"x" * 500)
    row = (blake3(b"x" * 500).digest(), 500, "zlib", blake3(data).digest(), data)
    it.db.execute("INSERT INTO blobs VALUES(?,?,?,?,?)", row)
    return {(None, "orphan")}
