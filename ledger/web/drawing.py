"""Where spans, calls and ticks lie on a timeline: lanes from the top, percent from the left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["clock_text", "draw"]

_BAND = 60  # lanes; what finds no room is drawn over others in the last one
_CALL_LANES = 6
_DEEPEST = 30
_LANE = 18  # height of a lane in the units of the drawing
_TOP = 24  # where the lanes begin


def draw(
    spans: list[dict[str, Any]], above: list[dict[str, Any]], calls: list[dict[str, Any]], *, whole: bool
) -> dict[str, Any]:
    """Give every span and call its lane and place in percent; return the drawing's range, size and ticks."""
    starts = [item["start_ms"] for item in (*spans, *calls)]
    ends = [item["end_ms"] for item in (*spans, *calls) if item["end_ms"] is not None]
    low = min([*starts, 0.0]) if whole else min(starts)
    high = max([*starts, *ends])
    high = high if high > low else low + 1.0
    for item in (*spans, *above, *calls):
        end = high if item["end_ms"] is None else max(item["end_ms"], item["start_ms"])
        item["x"] = round(_percent(item["start_ms"], low, high), 3)
        item["width"] = max(0.05, round(_percent(end, low, high) - item["x"], 3))
    call_lanes = _lanes(calls, _CALL_LANES)
    depths: dict[int, list[dict[str, Any]]] = {}
    for item in sorted((*above, *spans), key=lambda item: item["start_ms"]):
        depths.setdefault(min(item["depth"], _DEEPEST), []).append(item)
    lanes, crowded = 0, False
    for depth in sorted(depths):
        room = max(1, _BAND - lanes - (len(depths) - depth))
        used = _lanes(depths[depth], room, lanes)
        crowded |= used == room
        lanes += used
    for item in (*spans, *above):
        item["y"] = _TOP + (call_lanes + item["lane"]) * _LANE
    for item in calls:
        item["y"] = _TOP + item["lane"] * _LANE
    return {
        "from_ms": low,
        "to_ms": high,
        "height": _TOP + (lanes + call_lanes) * _LANE + 4,
        "calls_height": call_lanes * _LANE,
        "crowded": crowded,
        "ticks": _ticks(low, high),
    }


def _percent(at: float, low: float, high: float) -> float:
    return min(100.0, max(0.0, (at - low) / (high - low) * 100))


def _lanes(items: Iterable[dict[str, Any]], most: int, first: int = 0) -> int:
    """Give items that are sorted by start the first lane that is free; return how many lanes are used."""
    free: list[float] = []
    for item in items:
        lane = next((lane for lane, until in enumerate(free) if until <= item["x"]), len(free))
        if lane == most:
            lane -= 1
        if lane == len(free):
            free.append(0.0)
        free[lane] = max(free[lane], item["x"] + item["width"])
        item["lane"] = first + lane
    return len(free)


def _ticks(low: float, high: float) -> list[dict[str, Any]]:
    """Return about five round times within the range."""
    rough = (high - low) / 5
    unit = 10.0 ** (len(f"{rough:.0f}") - 1) if rough >= 1 else 10.0 ** -len(f"{1 / rough:.0f}")
    step = next(unit * factor for factor in (1, 2, 5, 10, 20, 50, 100) if unit * factor >= rough)
    first = int(low // step) + (low % step > 0)
    found = []
    for number in range(first, first + 7):
        at = number * step
        if low <= at <= high:
            x = round(_percent(at, low, high), 3)
            found.append({"x": x, "text": clock_text(at), "end": x > 90})
    return found


def clock_text(ms: float) -> str:
    """Return milliseconds in the unit that is short: µs, ms or s."""
    size = abs(ms)
    if size < 1:
        return f"{ms * 1000:.0f} µs" if ms else "0 s"
    return f"{ms:.1f} ms" if size < 1000 else f"{ms / 1000:,.3f} s"
