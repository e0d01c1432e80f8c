"""What a mutant is: one piece of one file, replaced; every other byte stays as it was."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Edit", "Mutant"]


@dataclass(frozen=True, slots=True)
class Edit:
    """The bytes from `start` to `end` of a source become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """An edit of a source: which operator made it, on which line (from 1), what stood there and what does now."""

    operator: str
    line: int
    start: int
    end: int
    before: str
    after: str

    def applied(self, source: bytes) -> bytes:
        """Return the mutated source; raises ValueError where `source` is not the one it was found in."""
        if source[self.start : self.end] != self.before.encode():
            raise ValueError(f"{self.before!r} does not stand at byte {self.start}")
        return source[: self.start] + self.after.encode() + source[self.end :]
