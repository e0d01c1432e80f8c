"""Differences as bars around 0, for people at a terminal."""

from __future__ import annotations

import shutil
import sys

__all__ = ["Scale"]

_WIDE, _NARROW = 100, 72
_HALF = {True: 12, False: 7}


class Scale:
    """Draws bars of one table to the same scale; `half` columns on each side of 0."""

    def __init__(self, largest: float, half: int, *, blocks: bool = True) -> None:
        """Let the longest bar be that of `largest`; without `blocks` in ASCII."""
        self._largest, self._half = largest, half
        self._full, self._left, self._right = "█▐▌" if blocks else "###"
        self._line, self._point, self._axis = "─●│" if blocks else "-o|"

    @classmethod
    def for_terminal(cls, largest: float) -> Scale | None:
        """Return the scale that fits the terminal; None in a pipe, and where there is no room."""
        width = shutil.get_terminal_size().columns
        if not sys.stdout.isatty() or width < _NARROW:
            return None
        blocks = "utf" in (sys.stdout.encoding or "").lower()
        return cls(largest, _HALF[width >= _WIDE], blocks=blocks)

    def bar(self, value: float) -> str:
        """Return a bar from 0 to `value`, in steps of half a column; what is not 0 is at least one step."""
        steps = round(2 * self._half * min(1.0, abs(value) / self._largest)) if self._largest else 0
        if value and not steps:
            steps = 1
        full, odd = divmod(steps, 2)
        left = (self._left * odd + self._full * full) if value < 0 else ""
        right = (self._full * full + self._right * odd) if value > 0 else ""
        return f"{left:>{self._half}}{self._axis}{right:<{self._half}}"

    def span(self, low: float, middle: float, high: float) -> str:
        """Return an interval as a line with its middle, and the axis where it leaves it open."""
        cells = [" "] * self._half + [self._axis] + [" "] * self._half
        start, point, stop = map(self._column, (low, middle, high))
        cells[start : stop + 1] = self._line * (stop + 1 - start)
        cells[point] = self._point
        return "".join(cells)

    def _column(self, value: float) -> int:
        share = max(-1.0, min(1.0, value / self._largest)) if self._largest else 0.0
        return self._half + round(self._half * share)
