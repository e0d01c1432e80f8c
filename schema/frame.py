"""The bytes that are hashed: frames, digests, genesis, Merkle leaves (format 1).

    frame          = u8 0x01 | u64be seq | prev[32] | payload_digest[32] | u64be payload_len | meta
    payload_digest = BLAKE3 derive_key "benchledger 2026-11 payload v1" (salt[16] | payload)
    event_hash     = BLAKE3 derive_key "benchledger 2026-11 event v1"   (frame)
    prev of seq 0  = BLAKE3 derive_key "benchledger 2026-11 genesis v1" (ledger_id[16])
    Merkle leaf    = SHA-256(0x00 | frame), node = SHA-256(0x01 | left | right)     (RFC 6962)

One field has a variable length and it stands last, so no two events share a frame.
Changing anything here changes every hash; schema/README.md is the normative text.
"""

from __future__ import annotations

import struct
from hashlib import sha256

from blake3 import blake3

__all__ = [
    "APPLICATION_ID",
    "FORMAT",
    "FRAME_PREFIX",
    "MAX_META",
    "SALT_BYTES",
    "TILE",
    "Frontier",
    "blob_digest",
    "event_hash",
    "event_hasher",
    "frame",
    "genesis",
    "leaf_hash",
    "node_hash",
    "payload_digest",
    "payload_hasher",
    "tile_root",
]

FORMAT = 1
APPLICATION_ID = 0x626C6467  # "bldg" in the SQLite header
MAX_META = 32 * 1024
SALT_BYTES = 16
TILE = 256
FRAME_PREFIX = struct.Struct(">BQ32s32sQ").pack

# Verification copies these; copying is three times as fast as building from the context.
payload_hasher = blake3(derive_key_context="benchledger 2026-11 payload v1")
event_hasher = blake3(derive_key_context="benchledger 2026-11 event v1")
_genesis = blake3(derive_key_context="benchledger 2026-11 genesis v1")


def genesis(ledger_id: str) -> bytes:
    """Return what stands for the previous hash of event 0 (32 bytes); `ledger_id` is 32 hex digits."""
    hasher = _genesis.copy()
    hasher.update(bytes.fromhex(ledger_id))
    return hasher.digest()


def payload_digest(salt: bytes, payload: bytes) -> bytes:
    """Return the salted digest (32 bytes) that binds `payload` to its frame."""
    hasher = payload_hasher.copy()
    hasher.update(salt + payload)
    return hasher.digest()


def frame(seq: int, prev: bytes, digest: bytes, payload_len: int, meta: bytes) -> bytes:
    """Return the frame of one event; `meta` is its canonical JSON, `prev` and `digest` are 32 bytes."""
    return FRAME_PREFIX(FORMAT, seq, prev, digest, payload_len) + meta


def event_hash(framed: bytes) -> bytes:
    """Return the hash (32 bytes) of a frame."""
    hasher = event_hasher.copy()
    hasher.update(framed)
    return hasher.digest()


def blob_digest(data: bytes) -> str:
    """Return the plain BLAKE3 of a blob's bytes as 64 hex digits: the name under which it is kept."""
    return blake3(data).hexdigest()


def leaf_hash(framed: bytes) -> bytes:
    """Return the RFC 6962 leaf hash of a frame."""
    return sha256(b"\x00" + framed).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the RFC 6962 hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def tile_root(leaves: list[bytes]) -> bytes:
    """Return the Merkle root (32 bytes) of one full tile: 256 leaf hashes, or any power of two."""
    while len(leaves) > 1:
        pairs = iter(leaves)
        leaves = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return leaves[0]


class Frontier:
    """The right edge of an RFC 6962 tree: adds leaves or full subtrees in order, gives the root.

    Memory is one hash a level. Tiles of 256 leaves may be added whole by `add(hash, level=8)`.
    """

    __slots__ = ("_stack", "size")

    def __init__(self) -> None:
        """Start with the empty tree."""
        self.size = 0
        self._stack: list[bytes] = []

    def add(self, digest: bytes, level: int = 0) -> None:
        """Add one leaf hash, or the root of a full subtree of 2**level leaves where the size allows it."""
        mark = self.size >> level
        if mark << level != self.size:
            raise ValueError(f"a subtree of 2**{level} leaves cannot start at leaf {self.size}")
        while mark & 1:
            digest = node_hash(self._stack.pop(), digest)
            mark >>= 1
        self._stack.append(digest)
        self.size += 1 << level

    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves so far (SHA-256 of nothing for the empty tree)."""
        if not self._stack:
            return sha256(b"").digest()
        root = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            root = node_hash(left, root)
        return root
