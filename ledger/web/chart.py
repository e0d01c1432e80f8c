"""Where the bars of a chart stand, in whole units of its view box: pages draw SVG with attributes alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["stacked"]

_WIDTH, _HEIGHT, _GROUPS = 720, 160, 7
_LABELS = 6
_PLACES = 24  # fewer bars would be as broad as the chart


def stacked(rows: Sequence[Mapping[str, Any]], order: Sequence[str], places: int) -> dict[str, Any]:
    """Return stacked bars: `rows` have `place`, `from`, `events` and `types`; there is room for `places` or more.

    The types that come first in `order` have a class of their own, `t0` to `t6`; all others are `t7`.
    """
    most = max(row["events"] for row in rows)
    places = max(places, _PLACES)
    named = list(order[:_GROUPS])
    legend = [{"class": f"t{at}", "type": kind} for at, kind in enumerate(named)]
    if len(order) > _GROUPS:
        legend.append({"class": f"t{_GROUPS}", "type": f"{len(order) - _GROUPS} other types"})
    bars = []
    for row in rows:
        left, right = row["place"] * _WIDTH // places, (row["place"] + 1) * _WIDTH // places
        width = max(1, right - left - (1 if places <= _WIDTH // 3 else 0))
        done = 0
        for at in range(len(legend)):
            events = _events(row["types"], named, at)
            # Both ends are rounded from the sum below them, so that bars lie on each other without a gap.
            low, high = done * _HEIGHT // most, (done + events) * _HEIGHT // most
            done += events
            if high > low:
                bar = {"x": left, "y": _HEIGHT - high, "width": width, "height": high - low}
                bars.append(
                    bar | {"class": f"t{at}", "title": f"{row['from']}: {events:,} {legend[at]['type']}"}
                )
    step = max(1, len(rows) // _LABELS)
    labels = [{"x": row["place"] * _WIDTH // places, "text": row["from"]} for row in rows[::step]]
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "most": most,
        "bars": bars,
        "legend": legend,
        "labels": labels,
    }


def _events(types: Mapping[str, int], named: Sequence[str], at: int) -> int:
    if at < len(named):
        return types.get(named[at], 0)
    return sum(events for kind, events in types.items() if kind not in named)
