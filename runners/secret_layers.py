"""Decoded bytes that remember where they came from, so that what is found inside can be blanked outside."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Builder", "Layer", "Seen", "Segment", "Span"]

Span = tuple[int, int, str]
Seen = set[bytes] | None


@dataclass(frozen=True, slots=True)
class Segment:
    """Decoded bytes [decoded, decoded_end) came from [start, end); `exact` where both are as long."""

    decoded: int
    decoded_end: int
    start: int
    end: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """Decoded bytes and where they came from; segments are in order of `decoded`."""

    data: bytes
    segments: list[Segment]

    def outside(self, span: Span) -> Iterator[Span]:
        """Yield the ranges of the original bytes that hold `span` of the decoded ones."""
        first, last, label = span
        at = max(bisect_right(self.segments, first, key=lambda item: item.decoded) - 1, 0)
        joined: Span | None = None
        for segment in self.segments[at:]:
            if segment.decoded >= last:
                break
            if segment.decoded_end <= first:
                continue
            start, end = segment.start, segment.end
            if segment.exact:
                start += max(first - segment.decoded, 0)
                end -= max(segment.decoded_end - last, 0)
            if joined is not None and joined[1] == start:
                joined = (joined[0], end, label)
            else:
                if joined is not None:
                    yield joined
                joined = (start, end, label)
        if joined is not None:
            yield joined


class Builder:
    """Collects pieces of a layer; without positions where runs are only asked for."""

    def __init__(self, seen: Seen) -> None:
        self.placed = seen is None
        self.parts: list[bytes] = []
        self.segments: list[Segment] = []
        self.size = 0

    def add(self, piece: bytes, start: int, end: int, *, exact: bool) -> None:
        if piece:
            self.parts.append(piece)
            if self.placed:
                self.segments.append(Segment(self.size, self.size + len(piece), start, end, exact))
            self.size += len(piece)

    def gap(self) -> None:
        """Part two pieces, so that nothing is found across them."""
        self.parts.append(b"\0")
        self.size += 1

    def layer(self) -> Layer:
        return Layer(b"".join(self.parts), self.segments)
