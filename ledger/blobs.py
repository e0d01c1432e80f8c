"""Blobs: large or free text beside the events, named by the BLAKE3 of its plain bytes."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping

from blake3 import blake3

from benchledger.schema.errors import BadInput, Tampered

__all__ = ["blob_defect", "insert_blobs", "read_blob"]

_SMALL = 128


def insert_blobs(
    connection: sqlite3.Connection, needed: Mapping[str, int], given: Mapping[str, bytes]
) -> None:
    """Store the blobs that a transaction refers to; `needed` is digest -> size.

    Raises BadInput where a blob is neither given nor stored, or is not what its reference says.
    """
    for digest, size in needed.items():
        row = connection.execute(
            "SELECT size FROM blobs WHERE digest = ?", (bytes.fromhex(digest),)
        ).fetchone()
        data = given.get(digest)
        if row is not None:
            if row[0] != size:
                raise BadInput(f"blob {digest[:12]}… has {row[0]} bytes and is referred to with {size}")
            continue
        if data is None:
            raise BadInput(f"blob {digest[:12]}… is referred to and was not given")
        if len(data) != size or blake3(data).hexdigest() != digest:
            raise BadInput(f"blob {digest[:12]}… is not what its reference says")
        connection.execute("INSERT INTO blobs VALUES(?,?,?,?,?)", _row(digest, data))


def _row(digest: str, data: bytes) -> tuple[bytes, int, str, bytes, bytes]:
    packed = zlib.compress(data, 6) if len(data) > _SMALL else data
    encoding, stored = ("zlib", packed) if len(packed) < len(data) else ("raw", data)
    return bytes.fromhex(digest), len(data), encoding, blake3(stored).digest(), stored


def read_blob(connection: sqlite3.Connection, digest: str) -> bytes | None:
    """Return a blob's plain bytes, checked; None where it is not stored; raises Tampered where it is damaged."""
    row = connection.execute(
        "SELECT digest, size, encoding, stored_digest, data FROM blobs WHERE digest = ?",
        (bytes.fromhex(digest),),
    ).fetchone()
    if row is None:
        return None
    plain, defect = _unpack(row)
    if defect is not None:
        raise Tampered(f"blob {digest[:12]}… {defect}")
    return plain


def blob_defect(row: tuple[bytes, int, bytes | str, bytes, bytes]) -> str | None:
    """Return what is wrong with a stored blob row, None where it is whole."""
    return _unpack(row)[1]


def _unpack(row: tuple[bytes, int, bytes | str, bytes, bytes]) -> tuple[bytes, str | None]:
    digest, size, encoding, stored_digest, data = row
    name = encoding.decode() if isinstance(encoding, bytes) else encoding
    # The stored bytes are checked first: some flipped bits in zlib data unpack to the same text.
    if blake3(data).digest() != stored_digest:
        return b"", "stored bytes do not match stored_digest"
    if name == "zlib":
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(data, size + 1)
        except zlib.error as error:
            return b"", f"cannot be unpacked: {error}"
        if not unpacker.eof or unpacker.unused_data or unpacker.unconsumed_tail:
            return b"", "has bytes left over after unpacking"
    elif name == "raw":
        plain = data
    else:
        return b"", f"has the unknown encoding {name!r}"
    if len(plain) != size:
        return b"", f"has {len(plain)} bytes where its row says {size}"
    if blake3(plain).digest() != digest:
        return b"", "plain bytes do not match digest"
    return plain, None
