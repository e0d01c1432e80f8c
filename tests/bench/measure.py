"""Ratios measured side by side: both ways take turns, so that a noisy machine slows down both."""

import gc
import json
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from os import cpu_count
from pathlib import Path
from statistics import median

from benchledger.ledger.store import Ledger
from tests.bench.synthetic import append_cells

__all__ = [
    "MILLION",
    "Bench",
    "Result",
    "machine",
    "peak_mib",
    "scan_axes",
    "scan_events",
    "seconds",
    "turns",
]

ROOT = Path(__file__).resolve().parents[2]
MILLION = 1_000_000
ENOUGH = 20_000  # cells; fewer say nothing about a bound that depends on the size


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table: `ratios` of all repetitions against a bound, which is a floor or a ceiling.

    Without a bound it is told and not judged.
    """

    name: str
    bound: float | None
    ratios: list[float]
    detail: str
    floor: bool = False
    judged: bool = True  # False: the bound is meant for another size

    @property
    def measured(self) -> float:
        return median(self.ratios)

    @property
    def ok(self) -> bool | None:
        if not self.judged or self.bound is None:
            return None
        return self.measured >= self.bound if self.floor else self.measured <= self.bound

    def to_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "floor" if self.floor else "ceiling": self.bound,
            "measured": self.measured,
            "min": min(self.ratios),
            "max": max(self.ratios),
            "ok": self.ok,
            "detail": self.detail,
        }


@dataclass
class Bench:
    """What rows need: a folder, sizes, how often to repeat, and synthetic ledgers made once.

    `given` is a ledger of `cells` cells that exists already.
    """

    folder: Path
    cells: int
    repetitions: int
    given: Path | None = None

    @cached_property
    def small(self) -> Path:
        return self._made(self.small_cells)

    @cached_property
    def large(self) -> Path:
        return self.given or self._made(self.cells)

    @property
    def small_cells(self) -> int:
        return 20_000 if self.cells >= MILLION else self.cells // 4

    def _made(self, cells: int) -> Path:
        path = self.folder / f"cells-{cells}.db"
        print(f"writing {cells:,} cells", file=sys.stderr, flush=True)
        with Ledger.create(path) as ledger:
            append_cells(ledger, cells, grouped=True)
        return path


@contextmanager
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes; the cyclic garbage collector stays out of it."""
    with _uncollected():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start


def turns(
    *ways: Callable[[], object], repetitions: int, before: Callable[[], object] = lambda: None
) -> list[list[float]]:
    """Return seconds[way][repetition]; the ways take turns, and `before` each turn is not timed."""
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(repetitions):
        before()
        for way, times in zip(ways, taken, strict=True):
            times.append(seconds(way))
    return taken


def scan_events(path: Path) -> None:
    """Read every stored column of every event into Python."""
    with _reading(path) as connection:
        for _ in connection.execute(
            "SELECT seq, meta, payload_digest, payload_len, salt, payload, hash FROM events ORDER BY seq"
        ):
            pass


def scan_axes(path: Path) -> None:
    """Read every axis row into Python."""
    with _reading(path) as connection:
        for _ in connection.execute("SELECT * FROM axes"):
            pass


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def peak_mib(work: str, path: Path) -> float:
    """Return the peak memory in MiB of `work` (see peak.py) over a ledger, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.peak", work, str(path)]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(json.loads(ended.stdout)["peak_mib"])


def machine() -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": cpu_count(),
        "processor": platform.machine(),
        "system": platform.system(),
    }
