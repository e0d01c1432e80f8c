"""A second verifier of format 1, written from schema/README.md alone: `verify --chain` without benchledger.

python standalone_verify.py LEDGER.db|VECTOR.json [SEQ:HASH …]
"""

import json
import re
import sqlite3
import sys
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from blake3 import blake3

KEPT = {"ledger.created", "policy.declared", "cell.setup", "axis.scored", "composite.scored"}
KEPT |= {"history.rescored", "payload.redacted", "frames.kept"}
COLUMNS = ("seq", "meta", "payload_digest", "payload_len", "salt", "payload", "hash")
HEX = ("payload_digest", "salt", "hash")


def derive(context, data):
    return blake3(data, derive_key_context=f"benchledger 2026-11 {context} v1").digest()


def read(path):
    """Return rows as they are stored: texts as UTF-8 bytes, in the order of seq."""
    if Path(path).suffix == ".json":
        return [vector_row(row) for row in json.loads(Path(path).read_text("utf-8"))["rows"]]
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    connection.text_factory = bytes
    header = connection.execute("SELECT * FROM pragma_application_id, pragma_user_version").fetchone()
    if header != (0x626C6467, 1):
        sys.exit(f"{path} is no ledger of format 1")
    rows = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM events ORDER BY seq").fetchall()
    connection.close()
    return rows


def vector_row(row):
    digest, salt, stored = (row[name] and bytes.fromhex(row[name]) for name in HEX)
    payload = None if row["payload"] is None else row["payload"].encode()
    return row["seq"], row["meta"].encode(), digest, row["payload_len"], salt, payload, stored


def parsed(text):
    try:
        value = json.loads(text or b"null")
    except (ValueError, RecursionError):
        value = {}
    return value if isinstance(value, dict) else {}


def first_prev(rows):
    name = next((parsed(row[5]).get("ledger_id") for row in rows if row[0] == 0), None)
    readable = isinstance(name, str) and re.fullmatch("[0-9a-f]{32}", name)
    return derive("genesis", bytes.fromhex(name)) if readable else bytes(32)


def frame(row, prev):
    seq, meta, digest, length = row[:4]
    if length < 0 or len(digest) != 32 or len(prev) != 32:
        return b""
    return b"\x01" + seq.to_bytes(8, "big") + prev + digest + length.to_bytes(8, "big") + meta


def event_hash(framed):
    return derive("event", framed) if framed else None


def whole(row):
    digest, length, salt, payload = row[2:6]
    there = payload is not None and salt is not None and len(salt) == 16 and len(payload) == length
    return there and derive("payload", salt + payload) == digest


def walk(rows):
    """Return (defects, leaves, seqs without payload and salt)."""
    found, leaves, empty = [], [], []
    expected, prev, suspect = 0, first_prev(rows), None
    for row in rows:
        seq, stored = row[0], row[6]
        if not 0 <= seq < 2**53:
            found.append((seq, "gap"))
            continue
        if seq != expected:
            found.append((expected, "gap"))
        if row[4] is None and row[5] is None and len(row[2]) == 32:
            empty.append(seq)
        elif not whole(row):
            found.append((seq, "payload"))
        framed = frame(row, prev)
        computed, before, suspect = event_hash(framed), suspect, None
        if seq == expected and computed != stored:
            again = framed if before is None else frame(row, before)
            if event_hash(again) == stored:
                framed = again
            else:
                found += [(seq, "event_hash")] if before is None else []
                found += [(seq, "link")] if seq > 0 else []
                suspect = computed or b""
        leaves.append(sha256(b"\x00" + framed).digest())
        expected, prev = seq + 1, stored
    return found, leaves, empty


def tree(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def unexplained(rows, empty):
    """Return those seqs whose payload is missing without a payload.redacted event that may remove it."""
    named = set()
    for row in rows:
        meta = parsed(row[1])
        if meta.get("type") == "payload.redacted" and meta.get("stream") == "ledger":
            target = parsed(row[5]).get("seq")
            if type(target) is int and target < row[0]:
                named.add(target)
    kinds = {row[0]: parsed(row[1]).get("type") for row in rows}
    return [seq for seq in empty if seq not in named or kinds[seq] in KEPT]


def verify(rows, heads=()):
    """Return what `verify --chain` says of these rows."""
    defects, leaves, empty = walk(rows)
    wrong = unexplained(rows, empty)
    defects += [(seq, "payload") for seq in wrong]
    stored = {row[0]: row[6] for row in rows if 0 <= row[0] < 2**53}
    defects += [] if stored else [(0, "truncated")]
    for seq, wanted in heads:
        if stored.get(seq) != bytes.fromhex(wanted):
            defects.append((seq, "fork" if seq in stored else "truncated"))
    return {
        "ok": not defects,
        "defects": [{"seq": seq, "kind": kind} for seq, kind in sorted(defects)],
        "redacted": [seq for seq in empty if seq not in wrong],
        "root": tree(leaves).hex(),
        "head": {"seq": max(stored), "hash": stored[max(stored)].hex()} if stored else None,
    }


if __name__ == "__main__":
    report = verify(read(sys.argv[1]), [(int(n), h) for n, h in (head.split(":") for head in sys.argv[2:])])
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    sys.exit(not report["ok"])
