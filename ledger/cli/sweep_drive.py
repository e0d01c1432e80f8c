"""The launcher of a sweep: hands cells to an engine, and the ledger says which are left.

    Board.take -> state_of (ledger) -> Engine.submit … Engine.next -> Told -> Board -> View, Notifier

Nothing of it is kept but in the ledger: whoever starts it again goes on with what is missing. It
launches nothing while a place is paused, which is an endpoint (by model), the engine or the disk.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from benchledger.ledger import runs
from benchledger.ledger.cli.sweep_places import Places
from benchledger.ledger.counting import GRADED
from benchledger.ledger.store import Ledger
from benchledger.ledger.sweeps import graded_elsewhere, state_of
from benchledger.runners.host import launcher_is_gone
from benchledger.runners.sweep.board import Board
from benchledger.runners.sweep.notify import Notifier
from benchledger.runners.sweep.port import Engine, Order, Told
from benchledger.schema.errors import DiskFull
from benchledger.schema.ids import CellId
from benchledger.schema.policy import Policy

__all__ = ["Driver", "Stops", "View"]

_TICK = 0.25
_LOOK_SECONDS = 1.0
_ELSEWHERE_SECONDS = 3.0


class View(Protocol):
    """Who sees a sweep at work."""

    def stage(self, cell: CellId, text: str) -> None: ...
    def ended(self, cell: CellId, attempt: int, data: Mapping[str, Any], done: int) -> None: ...
    def say(self, text: str) -> None: ...
    def refresh(self, driver: Driver) -> None: ...


@dataclass(frozen=True)
class Stops:
    """When nothing more is launched: from `until` on, and once `cost` says that `max_cost` is reached."""

    max_cost: float | None = None
    until: datetime | None = None
    cost: Callable[[], float | None] = lambda: None


@dataclass
class Driver:
    """Runs what is left of `cells` until all are decided, or a stop or an interrupt comes.

    `stopped` says why it ended before that. `began` is of a monotonic clock.
    """

    ledger: Ledger
    sweep: str
    policy: Policy
    engine: Engine
    board: Board
    places: Places
    stops: Stops
    view: View
    notifier: Notifier
    stopped: str | None = None
    ran: int = 0
    began: float = field(default_factory=time.monotonic)
    _looked: float = 0.0
    _asked: float = 0.0
    _waited: bool = False
    _elsewhere: set[CellId] = field(default_factory=set)

    def drive(self) -> None:
        """Run; returns when it is over. Raises KeyboardInterrupt once what was open is closed."""
        self._elsewhere = graded_elsewhere(self.ledger.connection, self.sweep)
        self._close_abandoned()
        self._sort_out()
        try:
            while not self._over():
                self._step()
        except KeyboardInterrupt:
            self.stopped = "interrupted"
            self.view.say("interrupted: closing what is open")
            self.engine.interrupt()
            while self.board.flying:
                self._step()
            raise

    def _step(self) -> None:
        if self.stopped is None:
            self._launch()
        told = self.engine.next(_TICK)
        while told is not None:
            self._take(told)
            told = self.engine.next(0.0)
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._look(now)
        self.view.refresh(self)

    def _over(self) -> bool:
        board = self.board
        return not board.flying and (self.stopped is not None or not (board.pending or board.waiting))

    def _sort_out(self) -> None:
        """Set aside what has a result already."""
        connection, board = self.ledger.connection, self.board
        done = {
            cell for cell in board.pending if cell in self._elsewhere or state_of(connection, cell).graded
        }
        board.done |= done
        board.pending = deque(cell for cell in board.pending if cell not in done)

    def _launch(self) -> None:
        while self.engine.free > 0 and not self._stop_due() and (cell := self.board.take()) is not None:
            state = state_of(self.ledger.connection, cell)
            if state.graded or cell in self._elsewhere:
                self.board.done.add(cell)
            elif state.open is not None:
                self.board.waiting.append(cell)
            elif state.infra > self.board.infra_retries:
                self.board.lost[cell] = f"{state.infra} attempts were lost to the infrastructure"
            else:
                self.board.flying.add(cell)
                self.engine.submit(Order(cell, state.next))

    def _take(self, told: Told) -> None:
        cell = told.order.cell
        if told.kind == "stage":
            self.view.stage(cell, told.text)
            return
        self.board.flying.discard(cell)
        if told.kind == "ended":
            self._ended(cell, told)
        elif told.kind == "taken":
            self.board.pending.append(cell)
        elif told.kind == "full":
            self.board.pending.append(cell)
            self._pause("disk", told.text)
        elif told.kind == "lacks" and (ill := self._ill(cell)) is not None:
            self.board.pending.appendleft(cell)
            self._pause(*ill)
        elif told.kind in ("died", "lacks"):
            self._close_abandoned()
            if self.stopped is None:
                self.view.say(f"{cell}: {told.text}")
                self.board.died(cell, told.text)
            else:
                self.board.pending.append(cell)
        else:
            self.board.broken[cell] = told.text
            self.view.say(f"{cell} cannot be run: {told.text}")

    def _ended(self, cell: CellId, told: Told) -> None:
        outcome, kind = told.data["outcome"], told.data.get("outcome_kind") or ""
        self.ran += 1
        if outcome in GRADED:
            self.board.done.add(cell)
            self.board.well(cell.model)
        self.view.ended(cell, told.order.attempt, told.data, len(self.board.done))
        self.notifier.tell("cell", self.sweep, cell_id=str(cell), attempt=told.order.attempt, outcome=outcome,
                           outcome_kind=kind or None, composite=told.data.get("composite"))  # fmt: skip
        if outcome == "infra_error":
            infra = state_of(self.ledger.connection, cell).infra
            due = self.board.fault(cell, kind, infra)
            place = kind if kind in ("engine", "disk") else f"model {cell.model}"
            if place in ("engine", "disk") or due:
                self._pause(place, f"{kind}: {told.data.get('verdict', '')}")
        elif outcome not in GRADED:
            self.board.pending.append(cell)

    def _ill(self, cell: CellId) -> tuple[str, str] | None:
        """Return which place that a cell needs is ill, and why."""
        for place in ("engine", f"model {cell.model}"):
            if (why := self.places.ill(place)) is not None:
                return place, why
        return None

    def _pause(self, place: str, reason: str) -> None:
        if not self.places.can_probe(place):
            return
        if self.board.pause(place, reason, time.monotonic(), self.places.first_wait(place)):
            self.view.say(f"paused, {place}: {reason}")
            self.notifier.tell("paused", self.sweep, place=place, reason=reason)

    def _look(self, now: float) -> None:
        if not self._stop_due() and (why := self.places.ill("disk")) is not None:
            self._pause("disk", why)
        for place, pause in list(self.board.pauses.items()):
            if now < pause.next_probe:
                continue
            answer = self.places.probed(place)
            if answer is None:
                continue
            if answer == "":
                del self.board.pauses[place]
                self.board.well(place.removeprefix("model "))
                self.view.say(f"goes on: {place} is well again after {now - pause.since:.0f} s")
                self.notifier.tell("resumed", self.sweep, place=place)
                self._close_abandoned()
            else:
                pause.later(now, answer)
        if self.board.waiting and now - self._asked >= _ELSEWHERE_SECONDS:
            self._asked = now
            self._close_abandoned()
            if not (self.board.flying or self.board.pending or self._waited):
                self._waited = True
                self.view.say(f"waits for {len(self.board.waiting)} cells that another launcher has begun")
            self.board.pending.extend(self.board.waiting)
            self.board.waiting.clear()

    def _stop_due(self) -> bool:
        """Whether nothing more is to be launched; says why when that begins."""
        if self.stopped is not None:
            return True
        stops = self.stops
        if stops.until is not None and datetime.now(UTC) >= stops.until:
            self.stopped = f"the time of --until, {stops.until:%Y-%m-%d %H:%M %Z}, has come"
        elif stops.max_cost is not None and (cost := stops.cost()) is not None and cost >= stops.max_cost:
            self.stopped = f"the cost so far, {cost:.4f} USD, has reached --max-cost {stops.max_cost:g}"
        if self.stopped is not None:
            self.view.say(f"stops: {self.stopped}; what runs is finished")
            self.notifier.tell("stopped", self.sweep, reason=self.stopped)
        return self.stopped is not None

    def _close_abandoned(self) -> None:
        try:
            closed = runs.close_abandoned(self.ledger, launcher_is_gone, self.policy, "sweep")
        except DiskFull as error:
            self._pause("disk", error.message)
            return
        for ref in closed:
            self.view.say(f"closed {ref} as aborted: its launcher was killed")
