"""A sweep as people see it: a live table on a terminal, a line for each attempt in a pipe."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import click

from benchledger.ledger.cli.render import NONE, clean, number
from benchledger.ledger.counting import GRADED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from benchledger.ledger.cli.sweep_drive import Driver
    from benchledger.runners.sweep.order import Arm
    from benchledger.schema.ids import CellId

__all__ = ["Lines", "Screen", "span_text", "view_of"]

_REFRESH_S = 0.25
_MOST_ARMS = 20


def span_text(seconds: float | None) -> str:
    """Return `45 s`, `12 min`, `3.4 h`."""
    if seconds is None:
        return NONE
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def view_of(total: int, arms: Mapping[Arm, int], cost: Callable[[], float | None], *, as_json: bool) -> Lines:
    """Return the view that fits where the output goes; `total` and `arms` count cells."""
    if not as_json and sys.stderr.isatty():
        return Screen(total, arms, cost)
    return Lines(total, quiet=as_json)


class Lines:
    """One line for each attempt that ended; what else happens is said on standard error."""

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        """Take how many cells there are."""
        self._total, self._quiet = total, quiet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is left to clear."""

    def stage(self, cell: CellId, text: str) -> None:
        """Steps are not shown."""

    def ended(self, cell: CellId, attempt: int, data: Mapping[str, Any], done: int) -> None:
        if not self._quiet:
            click.echo(f"{done}/{self._total}  {_line(cell, attempt, data)}")

    def say(self, text: str) -> None:
        click.echo(clean(text), err=True)

    def refresh(self, driver: Driver) -> None:
        """Nothing moves."""


class Screen(Lines):
    """A table of arms that moves, the cells at work below it, and what happened scrolling by above."""

    def __init__(self, total: int, arms: Mapping[Arm, int], cost: Callable[[], float | None]) -> None:
        """Take the cells of each arm, and what says the cost so far."""
        super().__init__(total)
        self._arms, self._cost = arms, cost
        self._seen: defaultdict[Arm, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._at_work: dict[CellId, str] = {}
        self._shown = 0.0
        self._console, self._live = _live()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    def stage(self, cell: CellId, text: str) -> None:
        self._at_work[cell] = text

    def ended(self, cell: CellId, attempt: int, data: Mapping[str, Any], done: int) -> None:
        self._at_work.pop(cell, None)
        seen = self._seen[cell.agent, cell.model]
        seen["solved"] += (data["axes"].get("pass_rate", {}).get("value") or 0) >= 1
        seen["lost"] += data["outcome"] not in GRADED
        self._print(f"{done}/{self._total}  {_line(cell, attempt, data)}")

    def say(self, text: str) -> None:
        self._print(clean(text), style="yellow")

    def refresh(self, driver: Driver) -> None:
        now = time.monotonic()
        if now - self._shown < _REFRESH_S:
            return
        self._shown = now
        for cell in [cell for cell in self._at_work if cell not in driver.board.flying]:
            del self._at_work[cell]
        self._live.update(self._drawn(driver, now), refresh=True)

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(text, markup=False, highlight=False, style=style, soft_wrap=True)

    def _drawn(self, driver: Driver, now: float) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        board = driver.board
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title, right in (
            ("agent x model", False),
            ("done", True),
            ("solved", True),
            ("lost on the way", True),
        ):
            table.add_column(title, justify="right" if right else "left", header_style="bold")
        done: defaultdict[Arm, int] = defaultdict(int)
        for cell in board.done:
            done[cell.agent, cell.model] += 1
        for arm, cells in list(self._arms.items())[:_MOST_ARMS]:
            seen = self._seen[arm]
            row = (f"{arm[0]} x {arm[1]}", f"{done[arm]}/{cells}", str(seen["solved"]), str(seen["lost"]))
            table.add_row(*map(Text, row))
        decided = len(board.done) + len(board.lost) + len(board.broken)
        elapsed = now - driver.began
        left = elapsed / driver.ran * (self._total - decided) if driver.ran else None
        cost = self._cost()
        head = (
            f"{driver.sweep}  {decided}/{self._total}  {span_text(elapsed)} so far, {span_text(left)} left, "
            f"cost {'not known' if cost is None else f'{cost:.4f} USD'}"
        )
        lines = [Text(f"  {cell}: {clean(text)}"[:200], style="dim") for cell, text in self._at_work.items()]
        paused = [
            Text(
                f"paused, {pause.place}: {clean(pause.reason)}; next look in {max(0, pause.next_probe - now):.0f} s"
            )
            for pause in board.pauses.values()
        ]
        return Group(Text(head, style="bold"), table, *lines, *paused)


def _live() -> tuple[Console, Live]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    return console, Live(console=console, auto_refresh=False, transient=True)


def _line(cell: CellId, attempt: int, data: Mapping[str, Any]) -> str:
    kind = f" ({data['outcome_kind']})" if data.get("outcome_kind") else ""
    scored = f"  composite {number(data['composite'])}" if data["outcome"] in GRADED else ", not scored"
    return clean(f"{cell}@{attempt}  {data['outcome']}{kind}{scored}  {data['verdict']}")
