"""Two rows of the leaderboard against each other, task by task; and the index of such pairs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from benchledger.ledger.comparison import compare
from benchledger.ledger.leaderboard import LeaderRow
from benchledger.ledger.sides import Side, side_of
from benchledger.ledger.web.board.ranked import ranked, row_names
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.paths import named, segment, unsegment
from benchledger.ledger.web.shell import benchledger
from benchledger.ledger.web.view import NotFound, View
from benchledger.schema.errors import BadInput, UnknownName, UsageError
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1

__all__ = [
    "compare_index",
    "compare_index_places",
    "compare_page",
    "compare_places",
    "pair_path",
    "side_name",
]

_FIRST = 12  # rows whose pairs a written site has
_BETWEEN = "--vs--"
_SEPARATING = 10


def pair_path(a: str, b: str) -> str:
    """Return where two sides are compared."""
    return f"compare/{segment(a)}{_BETWEEN}{segment(b)}.html"


def compare_page(view: View, arguments: Arguments) -> Context:
    """Return the comparison of two sides, as `compare --json` has it, and what belongs beside it."""
    return _compared(view, *_sides(view, arguments["pair"]))


def compare_places(view: View) -> Iterator[Made]:
    """Yield the pairs of the first rows."""
    digests = {}
    for name, row in _named_rows(view):
        agent, _, model, _, _ = row.statistics.key
        # Without a version a side takes all rows of its agent and model.
        own = [each for each in ranked(view) if each.statistics.key[::2][:2] == (agent, model)]
        digests[name] = key_of([_digest(each) for each in own])
    for a, b in combinations(digests, 2):
        yield Made(pair_path(a, b), key_of(a, b, digests[a], digests[b]))


def compare_index(view: View, _arguments: Arguments) -> Context:
    """Return the first rows of the leaderboard, each of which can be compared with each other."""
    rows = [
        row_names(row)
        | {"side": name, "rank": row.statistics.rank, "tied": row.statistics.tied}
        | {n: getattr(row.statistics, n) for n in ("composite", "floor", "low", "high", "tasks", "planned")}
        for name, row in _named_rows(view)
    ]
    return {
        "title": "Compare",
        "rows": rows,
        "pairs": {
            f"{a['side']}{_BETWEEN}{b['side']}": pair_path(a["side"], b["side"])
            for a, b in combinations(rows, 2)
        },
        "more_rows": max(0, len(ranked(view)) - len(rows)),
        "command": benchledger(view.settings.name, "compare", "A", "B"),
    }


def compare_index_places(view: View) -> Iterator[Made]:
    """Yield the index of pairs."""
    yield Made("compare.html", key_of(compare_index(view, {})))


def side_name(row: LeaderRow, *, alone: bool) -> str:
    """Return what `compare` calls a row; `alone`: no other row has its agent and model."""
    agent, version, model, _, _ = row.statistics.key
    return f"{agent}/{model}" if alone or not version else f"{agent}@{version}/{model}"


def _named_rows(view: View) -> list[tuple[str, LeaderRow]]:
    """Return the first rows by the names of their sides; rows that `compare` cannot tell apart share one."""
    seen: dict[tuple[str, str], int] = {}
    for row in ranked(view):
        agent, _, model, _, _ = row.statistics.key
        seen[agent, model] = seen.get((agent, model), 0) + 1
    found: dict[str, LeaderRow] = {}
    for row in ranked(view):
        agent, _, model, _, _ = row.statistics.key
        if row.statistics.tasks:
            found.setdefault(side_name(row, alone=seen[agent, model] == 1), row)
    return list(found.items())[:_FIRST]


def _digest(row: LeaderRow) -> Any:
    """Return all that a row gives to a comparison."""
    totals = row.totals
    tasks = {
        task: [list(data.runs or ()), data.unvalued, sorted(totals.digests[task])]
        for task, data in sorted(totals.data.tasks.items())
    }
    passes = {
        task: [passes.count, passes.mean() if passes.count else None]
        for task, passes in sorted(totals.passes.items())
    }
    return [list(row.statistics.key), tasks, passes, sorted(totals.conditions), totals.withdrawn]


def _sides(view: View, coded: str) -> tuple[str, str]:
    """Return the names of the two sides of a path; raises NotFound."""
    parts = coded.split(_BETWEEN)
    for at in range(1, len(parts)):
        # A name may hold the mark between them, so each place is tried.
        a, b = unsegment(_BETWEEN.join(parts[:at])), unsegment(_BETWEEN.join(parts[at:]))
        if a and b and _is_side(view, a) and _is_side(view, b):
            return a, b
    raise NotFound(f"{coded} names no two sides: write compare/A{_BETWEEN}B.html")


def _is_side(view: View, name: str) -> bool:
    try:
        side_of(view.connection, name)
    except (UsageError, UnknownName, BadInput):
        return False
    return True


def _compared(view: View, a: str, b: str) -> Context:
    context: Context = {
        "title": f"{a} against {b}",
        "a": a,
        "b": b,
        "policy": GATED_1.name,
        "command": benchledger(view.settings.name, "compare", place=(a, b)),
        "swapped": pair_path(b, a) if view.settings.live else None,
        "sides": {at: _side(side_of(view.connection, name)) for at, name in (("a", a), ("b", b))},
    }
    try:
        report = compare(view.ledger, GATED_1, (a, b), Selection())
    except BadInput as error:
        return context | {"nothing": error.message, "hint": error.hint}
    said = report.to_json()
    tasks = [task | {"href": _task_href(task["task"])} for task in said["tasks"]]
    separating = sorted(
        (task for task in tasks if task["difference"]), key=lambda task: -abs(task["difference"])
    )
    return context | said | {
        "nothing": None,
        "tasks": tasks,
        "scale": max((abs(task["difference"]) for task in tasks), default=0.0),
        "separating": separating[:_SEPARATING],
        "sure": said["low"] is not None and not said["low"] <= 0 <= said["high"],
        "left_out": [item | {"href": _task_href(item["task"])} for item in said["left_out"]],
    }  # fmt: skip


def _side(side: Side) -> dict[str, Any]:
    names = {"agent": side.agent, "version": side.version, "model": side.model}
    return names | {
        "agent_href": f"agents/{named(side.agent)}.html" if side.agent else None,
        "model_href": f"models/{named(side.model)}.html" if side.model else None,
    }


def _task_href(label: str) -> str:
    """Return the page of a task; one that pairs at several digests is called `task@digest`."""
    return f"tasks/{named(label.partition('@')[0])}.html"
