"""The plugs between the layers. Docstrings say what an implementation MUST and MAY do.

A port that only runners plug into stands there: sandboxes in `runners/sandboxes/port.py`, engines of sweeps
in `runners/sweep/port.py`. An agent is a file of data (`runners/agents/spec.py`), not code.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

from benchledger.schema.base import BlobRef, Payload
from benchledger.schema.canonical import MAX_INT
from benchledger.schema.frame import blob_digest
from benchledger.schema.ids import live_id

__all__ = ["Clock", "Draft", "Receipt", "Sink", "SystemClock", "blob_ref", "blob_references"]

_DIGEST = re.compile("[0-9a-f]{64}")
_NONE: Mapping[str, bytes] = MappingProxyType({})


class _Draft(NamedTuple):
    stream: str
    payload: Payload
    id: str
    actor: str
    version: int | None
    blobs: Mapping[str, bytes]


class Draft(_Draft):
    """An event that is not yet in a ledger; without an id it gets one of its own.

    `blobs` are bytes that the payload refers to, by digest; they commit with the event.
    `version` is the expected stream version, None where the writer does not care.
    """

    __slots__ = ()

    def __new__(
        cls,
        stream: str,
        payload: Payload,
        id: str | None = None,
        actor: str = "cli",
        version: int | None = None,
        blobs: Mapping[str, bytes] = _NONE,
    ) -> Self:
        """Fill in what is left out."""
        return tuple.__new__(cls, (stream, payload, live_id() if id is None else id, actor, version, blobs))


class Receipt(NamedTuple):
    """Proof that an event is durable: its place and hash (64 hex digits).

    `already` says that an equal event was there before and nothing was written.
    """

    seq: int
    hash: str
    id: str
    stream: str
    version: int
    already: bool = False


@runtime_checkable
class Clock(Protocol):
    """Where times come from."""

    def now_us(self) -> int:
        """Return Unix time in microseconds. It MUST NOT go back by more than the system's clock does."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Return Unix time in microseconds."""
        return time.time_ns() // 1000


@runtime_checkable
class Sink(Protocol):
    """Where events go."""

    def emit(self, draft: Draft) -> Receipt:
        """Append one event.

        MUST return only after the event and its blobs are durable. MUST be idempotent by id: an
        equal event gives the old receipt, another one under the same id raises Conflict. MUST
        raise Conflict where `draft.version` is given and is not the next of its stream. MUST
        refuse a payload that refers to a blob that is neither given nor known.
        """
        ...

    def emit_all(self, drafts: Sequence[Draft]) -> list[Receipt]:
        """Append several events, all or none, in order. The rest as in `emit`."""
        ...


def blob_ref(data: bytes) -> BlobRef:
    """Return the reference under which `data` is kept."""
    return BlobRef(blob=blob_digest(data), size=len(data))


def blob_references(value: Any) -> Iterator[tuple[str, int]]:
    """Yield (digest, size) of every blob reference inside a payload, whatever its type."""
    if isinstance(value, dict):
        found = _reference(value) if len(value) == 2 else None
        if found is not None:
            yield found
        else:
            for item in value.values():
                yield from blob_references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from blob_references(item)


def _reference(value: Mapping[str, Any]) -> tuple[str, int] | None:
    digest, size = value.get("blob"), value.get("size")
    if not isinstance(digest, str) or type(size) is not int or not 0 <= size <= MAX_INT:
        return None
    return (digest, size) if _DIGEST.fullmatch(digest) else None
