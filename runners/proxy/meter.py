"""Counts calls, tokens and money, and says when a limit is reached."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from benchledger.runners.proxy.config import Prices
from benchledger.runners.proxy.reading import Answer
from benchledger.runners.proxy.record import Drift, LimitHit, Note, Stats
from benchledger.schema.task import Limits

MAX_NOTES = 200
MAX_DRIFTS = 20


@dataclass(slots=True)
class _Totals:
    calls: int = 0
    answered: int = 0
    failed: int = 0
    open: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    money: float = 0.0
    unmetered: int = 0
    helpers: int = 0
    limit_hit: LimitHit | None = None


class Meter:
    """Running totals; safe to read from any thread."""

    def __init__(self, limits: Limits, prices: Prices | None) -> None:
        """Start the clock of the limit of seconds."""
        self._limits, self._prices = limits, prices
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._total = _Totals()
        self._notes: OrderedDict[tuple[str, str], Note] = OrderedDict()
        self._drifts: list[Drift] = []

    def admit(self) -> int | LimitHit:
        """Return the number of the next call, or the limit that forbids it."""
        with self._lock:
            if hit := self._reached():
                self._total.limit_hit = self._total.limit_hit or hit
                return hit
            self._total.calls += 1
            self._total.open += 1
            return self._total.calls

    def _reached(self) -> LimitHit | None:
        total, limits = self._total, self._limits
        if limits.calls is not None and total.calls >= limits.calls:
            return "calls"
        if limits.tokens is not None and total.prompt_tokens + total.completion_tokens >= limits.tokens:
            return "tokens"
        if limits.money is not None and self._prices is not None and total.money >= limits.money:
            return "money"
        if limits.seconds is not None and time.monotonic() - self._began >= limits.seconds:
            return "seconds"
        return None

    def settle(self, answer: Answer, *, failed: bool) -> float | None:
        """Count a call that ended; return what it cost."""
        counts = answer.prompt, answer.completion, answer.cached
        cost = None if self._prices is None else self._prices.cost(*counts)
        with self._lock:
            total = self._total
            total.open -= 1
            total.failed += failed
            total.answered += not failed
            total.prompt_tokens += answer.prompt or 0
            total.completion_tokens += answer.completion or 0
            total.cached_tokens += answer.cached or 0
            total.money += cost or 0.0
            total.unmetered += not failed and (answer.prompt is None or answer.completion is None)
        return cost

    def void(self) -> None:
        """Take back a call that never reached a model: drift is a refusal of our own."""
        with self._lock:
            self._total.open -= 1

    def helper(self) -> None:
        """Count a request that is no model call, such as the list of models."""
        with self._lock:
            self._total.helpers += 1

    def note(self, kind: str, text: str) -> None:
        """Keep a note; the same one again is counted, and a flood of others ends at 200."""
        key = kind, text[:500]
        with self._lock:
            known = self._notes.get(key)
            if known is None and len(self._notes) >= MAX_NOTES:
                key = "more", "further notes"
                known = self._notes.get(key)
            at = known.at if known else time.time_ns() // 1000
            self._notes[key] = Note(at, *key, times=known.times + 1 if known else 1)

    def drift(self, drift: Drift) -> None:
        """Keep a drift; what follows the first ones follows from them."""
        with self._lock:
            if len(self._drifts) < MAX_DRIFTS:
                self._drifts.append(drift)

    def stats(self) -> Stats:
        """Return the totals of this moment."""
        with self._lock:
            names = _Totals.__slots__
            values = {name: getattr(self._total, name) for name in names}
            return Stats(**values, drifts=tuple(self._drifts), notes=tuple(self._notes.values()))
