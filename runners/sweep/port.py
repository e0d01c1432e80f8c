"""The port of what runs the cells of a sweep, and a twin that runs them here and now."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from benchledger.schema.ids import CellId

__all__ = ["Engine", "Inline", "Order", "Told"]

# stage: a step of a cell; the others end the order.
#   ended: judged and closed          taken: another launcher has claimed the attempt
#   lacks: nothing was started, for the machine lacks something      broken: it cannot be run at all
#   full: the disk is full, the attempt may be open                  died: the worker did not survive it
Kind = Literal["stage", "ended", "taken", "lacks", "broken", "full", "died"]


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt to run; everything else about it is the same for the whole sweep."""

    cell: CellId
    attempt: int

    def to_json(self) -> dict[str, Any]:
        """Return what goes over a wire."""
        return {"cell": str(self.cell), "attempt": self.attempt}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Order:
        return cls(CellId.parse(value["cell"]), int(value["attempt"]))


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an order, or what it is doing. `text` is for people; `data` of `ended` is as in `run --json`."""

    kind: Kind
    order: Order
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Engine(Protocol):
    """What runs the cells of a sweep, several at a time."""

    @property
    def free(self) -> int:
        """How many orders `submit` takes now."""
        ...

    def submit(self, order: Order) -> None:
        """Begin an order. MUST be called only while `free` is above 0."""
        ...

    def next(self, seconds: float) -> Told | None:
        """Return what is told next, None where nothing came in that time.

        MUST tell, for every order that was submitted, exactly one kind that ends it, whatever happens
        to the worker.
        """
        ...

    def interrupt(self) -> None:
        """Ask every worker to close what it has open as aborted; `next` tells how that ended."""
        ...

    def close(self) -> None:
        """End all workers. MUST leave none behind. MAY be called at any time, and again."""
        ...


class Inline:
    """Runs each order when it is submitted, in this thread; for tests and for a single cell."""

    def __init__(self, run: Callable[[Order], Iterator[Told]]) -> None:
        """Take what runs an order and tells of it; what it raises is told as `died`."""
        self._run, self._told, self._open = run, deque[Told](), True

    @property
    def free(self) -> int:
        return int(self._open and not self._told)

    def submit(self, order: Order) -> None:
        try:
            for told in self._run(order):
                self._told.append(told)
        except Exception as error:  # noqa: BLE001 - a worker's end is told, whatever it was
            self._told.append(Told("died", order, f"{type(error).__name__}: {error}"))

    def next(self, seconds: float) -> Told | None:
        return self._told.popleft() if self._told else None

    def interrupt(self) -> None:
        """Nothing runs between two calls."""

    def close(self) -> None:
        self._open = False
