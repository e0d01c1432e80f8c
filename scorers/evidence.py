"""What a scorer may look at: the recorded evidence of one attempt and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchledger.schema.events import (
    AxisState,
    CellExited,
    CellLaunched,
    CellSetup,
    GraderRan,
    ModelCalled,
    RecordReceived,
    WorkdirCaptured,
)

__all__ = ["AxisScore", "Evidence", "no_blob"]


def no_blob(_digest: str) -> bytes | None:
    """Return None: no blob can be read (redacted, or not given)."""
    return None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence events of one attempt, in the order of its stream.

    `versions` are the stream versions of the events by type, so that a score can say what it
    was derived from. `blob` reads a blob's plain bytes by digest, None where it is gone.
    """

    setup: CellSetup
    launched: CellLaunched | None = None
    calls: tuple[ModelCalled, ...] = ()
    exited: CellExited | None = None
    workdir: WorkdirCaptured | None = None
    grader: GraderRan | None = None
    record: RecordReceived | None = None
    versions: dict[str, tuple[int, ...]] = field(default_factory=dict)
    blob: Callable[[str], bytes | None] = no_blob

    @property
    def calls_observed(self) -> bool:
        """Return whether model calls were watched, so that no call means that none was made."""
        return bool(self.calls) or "model_calls" in self.setup.observed

    def seen(self, *types: str) -> tuple[int, ...]:
        """Return the stream versions of all events of the given types, ascending."""
        versions = self.versions
        return tuple(sorted([version for name in types for version in versions.get(name, ())]))


@dataclass(frozen=True, slots=True)
class AxisScore:
    """One axis as a scorer derived it; the fields are those of `axis.scored`."""

    axis: str
    scorer: str
    value: float | None
    state: AxisState
    reason: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[int, ...] = ()
