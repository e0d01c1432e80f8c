"""Where the points of a scatter stand: a score against what it costs, and the front that nothing beats.

Pages draw it as SVG with attributes alone. `static/board.js` moves the points along the same scales.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil, floor, log10
from typing import Any, NamedTuple

__all__ = ["Point", "scatter"]

_WIDTH, _HEIGHT = 720, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 700, 14, 296
_LOG = 30  # a range wider than this is told apart on a logarithmic scale
_LETTER, _LINE = 6.4, 13  # a letter of a label is about so wide and high, in units of the view box
_LONGEST = 30
_TICKS = 6


class Point(NamedTuple):
    """One row: its place among the rows, its name, its score and what it costs, both None where not known."""

    row: int
    name: str
    score: float | None
    cost: float | None


class _Scale(NamedTuple):
    """From a value to its place: linear from 0, or logarithmic."""

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float:
        if self.log:
            share = log10(value / self.low) / log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(_LEFT + (_RIGHT - _LEFT) * share, 1)

    def ticks(self) -> Iterator[float]:
        if not self.log:
            yield from _even(self.high)
            return
        decades = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        steps = (1, 2, 5) if len(decades) <= 3 else (1,)
        for tick in (step * 10.0**decade for decade in decades for step in steps):
            if self.low <= tick <= self.high:
                yield tick


def scatter(points: Sequence[Point], said: Callable[[float], str]) -> dict[str, Any] | None:
    """Return the drawing: scales with ticks, points, front and labels; `said` writes a cost as text.

    Points without a score or a cost are named in `missing`. None where fewer than two can be drawn.
    """
    shown = [point for point in points if point.score is not None and point.cost is not None]
    if len(shown) < 2:
        return None
    scale = _scale([point.cost or 0.0 for point in shown])
    most = max(1.0, *(point.score or 0.0 for point in shown))
    front = _front(shown)
    drawn = [
        {
            "row": point.row,
            "name": point.name,
            "score": point.score,
            "cost": point.cost,
            "said": said(point.cost or 0.0),
            "cx": scale.place(point.cost or 0.0),
            "cy": _height(point.score or 0.0, most),
            "front": point.row in front,
        }
        for point in shown
    ]
    _label(drawn)
    names = {point.row for point in shown}
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "frame": {"left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM},
        "scale": {"low": scale.low, "high": scale.high, "log": scale.log, "most": most},
        "x_ticks": [{"at": scale.place(tick), "text": said(tick)} for tick in scale.ticks()],
        "y_ticks": [{"at": _height(tick, most), "text": f"{tick:.1f}"} for tick in _even(most)],
        "points": drawn,
        "front": _path([point for point in drawn if point["front"]]),
        "missing": [point.name for point in points if point.row not in names],
    }


def _scale(costs: Sequence[float]) -> _Scale:
    low, high = min(costs), max(costs)
    if low > 0 and high / low > _LOG:
        return _Scale(low / 1.3, high * 1.3, log=True)
    return _Scale(0.0, high * 1.08 or 1.0, log=False)


def _height(score: float, most: float) -> float:
    return round(_BOTTOM - (_BOTTOM - _TOP) * score / most, 1)


def _even(high: float) -> Iterator[float]:
    """Yield round numbers from 0 to `high`, about six."""
    rough = high / _TICKS
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * size for size in (1, 2, 5, 10) if unit * size >= rough)
    for number in range(int(high / step + 1e-9) + 1):
        yield round(number * step, 12)


def _front(points: Sequence[Point]) -> set[int]:
    """Return the rows that no other row beats in one and equals in the other."""
    found: set[int] = set()
    best, at = -1.0, 0.0
    for point in sorted(points, key=lambda point: (point.cost or 0.0, -(point.score or 0.0))):
        score, cost = point.score or 0.0, point.cost or 0.0
        if score > best or (score == best and cost == at):
            best, at = score, cost
            found.add(point.row)
    return found


def _path(points: Sequence[dict[str, Any]]) -> str:
    """Return the front as steps: between two points, what the cheaper one reaches is what can be had."""
    along = sorted(points, key=lambda point: (point["cx"], -point["cy"]))
    first, *rest = along
    steps = "".join(f"H{point['cx']}V{point['cy']}" for point in rest)
    return f"M{first['cx']} {_BOTTOM}V{first['cy']}{steps}H{_RIGHT}"


_Box = tuple[float, float, float, float]


def _label(points: Sequence[dict[str, Any]]) -> None:
    """Give each point a label beside it, the front first; one that would lie on others has none."""
    taken: list[_Box] = [
        (point["cx"] - 5, point["cy"] - 5, point["cx"] + 5, point["cy"] + 5) for point in points
    ]
    for point in sorted(points, key=lambda point: (not point["front"], -point["score"], point["row"])):
        name = point["name"]
        text = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
        point["label"] = None
        for anchor, x, y in _beside(point["cx"], point["cy"]):
            box = _box(anchor, x, y, len(text) * _LETTER)
            inside = box[0] >= _LEFT and box[2] <= _WIDTH and box[1] >= _TOP - 8 and box[3] <= _BOTTOM
            own = (point["cx"] - 5, point["cy"] - 5, point["cx"] + 5, point["cy"] + 5)
            if inside and not any(_overlap(box, other) for other in taken if other != own):
                point["label"] = {"text": text, "x": x, "y": y, "anchor": anchor}
                taken.append(box)
                break


def _beside(cx: float, cy: float) -> Iterator[tuple[str, float, float]]:
    yield "start", round(cx + 8, 1), round(cy + 4, 1)
    yield "end", round(cx - 8, 1), round(cy + 4, 1)
    yield "middle", cx, round(cy - 9, 1)
    yield "middle", cx, round(cy + 18, 1)


def _box(anchor: str, x: float, y: float, width: float) -> _Box:
    left = {"start": x, "end": x - width, "middle": x - width / 2}[anchor]
    return (left, y - _LINE + 3, left + width, y + 3)


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
