"""The events of one attempt on their way out: in order, from any thread, and kept for the judge."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchledger.runners.host import undisturbed
from benchledger.schema.base import BlobRef, Payload
from benchledger.schema.events import SpanRecorded
from benchledger.schema.ids import live_id
from benchledger.schema.ports import Clock, Draft, Sink, blob_ref

__all__ = ["Journal", "Span", "new_span"]


def new_span() -> str:
    """Return a new span id, 32 hex digits."""
    return live_id().replace("-", "")


@dataclass(slots=True)
class Span:
    """A span that is open; what is put into `attributes` and `error` is recorded at its end."""

    id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


class Journal:
    """Writes one stream to a Sink. Each event takes the next version, so that no other writer can slip in."""

    def __init__(self, sink: Sink, stream: str, actor: str, clock: Clock) -> None:
        """Start with an empty stream; the first `write` is the claim."""
        self.stream = stream
        self.payloads: list[Payload] = []
        self._sink, self._actor, self._clock = sink, actor, clock
        self._blobs: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def write(self, *payloads: Payload, blobs: Mapping[str, bytes] | None = None) -> None:
        """Append events, all or none; raises what the Sink raises, Conflict where the stream is taken.

        `blobs` are bytes that no judge asks for, such as the messages of a call: they are not kept here,
        for an agent may make thousands of calls.
        """
        # the count of events would be off by one where Ctrl-C came between the commit and the next line
        with undisturbed(), self._lock:
            given = self._blobs if blobs is None else blobs
            first = len(self.payloads) + 1
            self._sink.emit_all(
                [
                    Draft(self.stream, payload, actor=self._actor, version=first + at, blobs=given)
                    for at, payload in enumerate(payloads)
                ]
            )
            self.payloads += payloads

    def keep(self, data: bytes | None) -> BlobRef | None:
        """Return a reference to bytes that the next `write` stores; None for None."""
        if data is None:
            return None
        ref = blob_ref(data)
        with self._lock:
            self._blobs[ref.blob] = data
        return ref

    def blob(self, digest: str) -> bytes | None:
        """Return bytes that this journal wrote."""
        return self._blobs.get(digest)

    @contextmanager
    def span(
        self, kind: str, name: str, parent: str | None = None, span_id: str | None = None, **attributes: Any
    ) -> Iterator[Span]:
        """Record a span around the body, an exception's type as its error."""
        span, started = Span(span_id or new_span(), attributes), self._clock.now_us()
        try:
            yield span
        except BaseException as error:
            span.error = span.error or type(error).__name__
            raise
        finally:
            self.write(self._recorded(span, kind, name, parent, started))

    def _recorded(self, span: Span, kind: str, name: str, parent: str | None, started: int) -> SpanRecorded:
        return SpanRecorded(
            span=span.id,
            parent=parent,
            kind=kind,
            name=name,
            started_at=started,
            ended_at=self._clock.now_us(),
            attributes=span.attributes,
            error=span.error,
        )
