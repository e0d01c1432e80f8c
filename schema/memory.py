"""Plain in-memory twins of ports: the same contract without a file, for tests and for harnesses."""

from __future__ import annotations

from collections.abc import Sequence

from blake3 import blake3

from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import BadInput, Conflict
from benchledger.schema.ports import Draft, Receipt, blob_references

__all__ = ["FixedClock", "MemorySink"]


class FixedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, now_us: int = 1_767_225_600_000_000) -> None:
        """Start at `now_us`, Unix time in microseconds."""
        self.at = now_us

    def now_us(self) -> int:
        """Return the time that was set."""
        return self.at


class MemorySink:
    """A Sink that keeps drafts in a list; receipts carry a hash over content, not a chain."""

    def __init__(self) -> None:
        """Start empty."""
        self.drafts: list[Draft] = []
        self.blobs: dict[str, bytes] = {}
        self._receipts: dict[str, tuple[bytes, Receipt]] = {}
        self._versions: dict[str, int] = {}

    def emit(self, draft: Draft) -> Receipt:
        """Append one event; see `ports.Sink`."""
        return self.emit_all([draft])[0]

    def emit_all(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Append several events, all or none; see `ports.Sink`."""
        kept = len(self.drafts), dict(self.blobs), dict(self._receipts), dict(self._versions)
        try:
            return [self._add(draft) for draft in drafts]
        except BaseException:
            del self.drafts[kept[0] :]
            _, self.blobs, self._receipts, self._versions = kept
            raise

    def _add(self, draft: Draft) -> Receipt:
        payload = draft.payload
        content = canonical_bytes(
            [payload.event_type, payload.schema_number, draft.stream, draft.actor, payload.to_json()]
        )
        if draft.id in self._receipts:
            known, receipt = self._receipts[draft.id]
            if known != content:
                raise Conflict(
                    f"event id {draft.id} exists with other content", "give the new event a new id"
                )
            return Receipt(
                receipt.seq, receipt.hash, receipt.id, receipt.stream, receipt.version, already=True
            )
        version = self._versions.get(draft.stream, 0) + 1
        if draft.version not in (None, version):
            raise Conflict(f"stream {draft.stream} is at version {version - 1}", "read the stream again")
        self._keep_blobs(draft)
        receipt = Receipt(len(self.drafts), blake3(content).hexdigest(), draft.id, draft.stream, version)
        self.drafts.append(draft)
        self._versions[draft.stream] = version
        self._receipts[draft.id] = content, receipt
        return receipt

    def _keep_blobs(self, draft: Draft) -> None:
        for digest, size in blob_references(draft.payload.to_json()):
            data = self.blobs.get(digest, draft.blobs.get(digest))
            if data is None or len(data) != size or blake3(data).hexdigest() != digest:
                raise BadInput(f"blob {digest[:12]}… is referred to and was not given", "give its bytes")
            self.blobs[digest] = data
