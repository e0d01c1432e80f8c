"""What is left of a sweep: who has which cell, what was lost, and which places are paused."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchledger.schema.ids import CellId

__all__ = ["ENDPOINT_KINDS", "Board", "Pause"]

# Infrastructure faults that the endpoint of a model is asked about, rather than this machine.
ENDPOINT_KINDS = frozenset({"auth", "rate_limit", "upstream", "unreachable", "no_call", "hang"})
IN_A_ROW = 5
FIRST_WAIT, LONGEST_WAIT = 5.0, 300.0  # seconds between two probes of a place that is paused


@dataclass
class Pause:
    """A place where nothing is launched until a probe finds it well. Times are of a monotonic clock."""

    place: str
    reason: str
    since: float
    next_probe: float
    wait: float = FIRST_WAIT

    def later(self, now: float, reason: str) -> None:
        """Note that a probe failed; the next one comes after twice the time."""
        self.reason = reason
        self.wait = min(self.wait * 2, LONGEST_WAIT)
        self.next_probe = now + self.wait


@dataclass
class Board:
    """The cells of one launcher. `lost` and `broken`: cell -> why; `waiting` are in the hands of another launcher."""

    infra_retries: int
    pending: deque[CellId] = field(default_factory=deque)
    flying: set[CellId] = field(default_factory=set)
    waiting: list[CellId] = field(default_factory=list)
    done: set[CellId] = field(default_factory=set)
    lost: dict[CellId, str] = field(default_factory=dict)
    broken: dict[CellId, str] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    _streaks: dict[str, tuple[str, int]] = field(default_factory=dict)
    _died: dict[CellId, int] = field(default_factory=dict)

    def add(self, cells: Iterable[CellId]) -> None:
        """Queue cells, in order."""
        self.pending.extend(cells)

    def take(self) -> CellId | None:
        """Return the next cell whose place is not paused; None where there is none now."""
        if any(not place.startswith("model ") for place in self.pauses):
            return None
        for cell in self.pending:
            if f"model {cell.model}" not in self.pauses:
                self.pending.remove(cell)
                return cell
        return None

    def fault(self, cell: CellId, kind: str, infra: int) -> bool:
        """Note that an attempt was lost to `kind`, the `infra`-th of its cell.

        Returns whether its endpoint is due for a pause: after five faults of one kind in a row, and
        before a cell's last try, for a cell must not use up its tries against an endpoint that is ill.
        """
        before = self._streaks.get(cell.model)
        count = before[1] + 1 if before and before[0] == kind else 1
        self._streaks[cell.model] = (kind, count)
        if infra > self.infra_retries:
            self.lost[cell] = kind
        else:
            self.pending.append(cell)
        return kind in ENDPOINT_KINDS and (count >= IN_A_ROW or infra == self.infra_retries)

    def well(self, model: str) -> None:
        """Note that the endpoint of a model answered."""
        self._streaks.pop(model, None)

    def died(self, cell: CellId, why: str) -> None:
        """Note that a cell came to no attempt, or its worker died; it is tried again as after any fault."""
        self._died[cell] = self._died.get(cell, 0) + 1
        if self._died[cell] > self.infra_retries:
            self.broken[cell] = why
        else:
            self.pending.append(cell)

    def pause(self, place: str, reason: str, now: float, first: float = FIRST_WAIT) -> bool:
        """Pause a place; return whether it was not paused before."""
        if place in self.pauses:
            self.pauses[place].reason = reason
            return False
        self.pauses[place] = Pause(place, reason, now, now + first, first)
        return True

    @property
    def left(self) -> Sequence[CellId]:
        """The cells that are not yet decided, those in flight included."""
        return [*self.flying, *self.waiting, *self.pending]
