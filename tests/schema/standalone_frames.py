"""A second check of merged ledgers, written from section 13 of schema/README.md alone: no line of benchledger."""

import json
import sqlite3
import zlib

from tests.schema.standalone_verify import derive, frame


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def plain(db, digest):
    """Return the bytes of a blob."""
    encoding, data = db.execute("SELECT encoding, data FROM blobs WHERE digest = ?", (digest,)).fetchone()
    return data if encoding == "raw" else zlib.decompress(data)


def merged(path):
    """Return {origin: (events, head)} of a ledger; raises AssertionError where a chain does not fit."""
    db, chains = sqlite3.connect(path), {}
    query = "SELECT meta, payload FROM events ORDER BY seq"
    for text, payload in db.execute(query).fetchall():
        meta = json.loads(text)
        if (meta["type"], meta["stream"]) != ("frames.kept", "ledger"):
            continue
        kept = json.loads(payload)
        first = (0, derive("genesis", bytes.fromhex(kept["origin"])).hex())
        at, prev = chains.get(kept["origin"], first)
        assert kept["first"] == at
        lines = plain(db, bytes.fromhex(kept["frames"]["blob"])).split(b"\n")
        assert lines.pop() == b""
        for line in lines:
            prev = hash_of(db, at, prev, json.loads(line))
            at += 1
        assert (at - 1, prev) == (kept["head"]["seq"], kept["head"]["hash"])
        chains[kept["origin"]] = (at, prev)
    db.close()
    return chains


def hash_of(db, seq, prev, line):
    if "digest" in line:
        digest, length = bytes.fromhex(line["digest"]), line["len"]
    else:
        query = "SELECT payload_digest, payload_len FROM events WHERE id = ?"
        digest, length = db.execute(query, (line["meta"]["id"],)).fetchone()
    hashed = derive("event", frame((seq, canonical(line["meta"]), digest, length), bytes.fromhex(prev))).hex()
    assert hashed.startswith(line["hash"])
    return hashed
