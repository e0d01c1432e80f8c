"""The page of one task, over all agents and models that met it, and the matrix of a category."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.counting import GRADED
from benchledger.ledger.web.board.ranked import ASKED_FOR, ranked, row_names, task_results
from benchledger.ledger.web.lists.brief import Part, briefs, grouped, known, limited, part_of
from benchledger.ledger.web.lists.part_keys import part_keys
from benchledger.ledger.web.pages import Arguments, Context, Made
from benchledger.ledger.web.paths import named, segment, unsegment
from benchledger.ledger.web.shell import benchledger, option
from benchledger.ledger.web.view import NotFound, View
from benchledger.scorers.statistics import mean

__all__ = ["category_page", "category_places", "task_page", "task_places"]

_CELLS = 500
_LISTED = 200
_HEAD_OF_STREAM = 4  # a cell.setup is the first event of its stream, or follows the source record
_DIGESTS = ("digest", "instruction_digest", "workdir_digest", "checks_digest")


def task_page(view: View, arguments: Arguments) -> Context:
    """Return what the ledger holds of one task."""
    names = [unsegment(arguments[name]) for name in ("category", "task")]
    task = "/".join(name or "?" for name in names)
    if task not in _tasks(view):
        raise NotFound(f"there is no task {task}")
    return _task(view, task)


def task_places(view: View) -> Iterator[Made]:
    """Yield the page of every task that ran or was planned."""
    for task in _tasks(view):
        yield Made(f"tasks/{named(task)}.html", part_keys(view).of("task", task))


def category_page(view: View, arguments: Arguments) -> Context:
    """Return the matrix agent x task of one category."""
    category = unsegment(arguments["name"])
    if category is None or category not in _categories(view):
        raise NotFound(f"there is no category {category or arguments['name']}")
    return _category(view, category)


def category_places(view: View) -> Iterator[Made]:
    """Yield the page of every category."""
    for category in _categories(view):
        ranks = [
            (row.statistics.key, row.statistics.rank) for row in (*ranked(view), *ranked(view, ASKED_FOR))
        ]
        key = part_keys(view).of("category", category, ranks, _categories(view))
        yield Made(f"categories/{segment(category)}.html", key)


def _tasks(view: View) -> list[str]:
    # What is planned is free text until it runs.
    return [name for name in known(view, "task") if name.count("/") == 1]


def _categories(view: View) -> dict[str, list[str]]:
    def made() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for task in _tasks(view):
            found.setdefault(task.split("/")[0], []).append(task)
        return found

    return view.kept("known category", made)


def _task(view: View, task: str) -> Context:
    part = part_of(view, task=task)
    cells, more = limited(briefs(view, part), _CELLS)
    category, name = task.split("/")
    arms = _arms(cells)
    return {
        "title": f"Task {task}",
        "task": task,
        "category": category,
        "name": name,
        "category_href": f"categories/{segment(category)}.html",
        "identities": _identities(view, part),
        "cells": cells,
        "more_cells": more,
        "arms": arms,
        "separates": _separates(arms),
        "rechecks": _rechecks(view, part),
        "outcomes": grouped(
            view, part, ("a.outcome AS outcome", "a.outcome_kind AS kind", "count(*) AS attempts"), 2
        ),
        "command": benchledger(view.settings.name, "cells", option("--task", task)) if part.ranges else None,
    }


def _arms(cells: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what each agent with each model made of a task: counted cells, verdicts, mean composite and wall.

    Told apart by the digest of the task: two contents under one name are two tasks.
    """
    names = ("agent", "version", "model", "mode", "behavior", "task_digest")
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for cell in cells:
        found.setdefault(tuple(cell[name] for name in names), []).append(cell)
    arms = [dict(zip(names, key, strict=True)) | _summed(own) for key, own in found.items()]
    for arm in arms:
        arm["agent_href"], arm["model_href"] = (
            f"agents/{named(arm['agent'])}.html",
            f"models/{named(arm['model'])}.html",
        )
    order = ("composite", "pass_rate")
    return sorted(
        arms,
        key=lambda arm: (
            *(-(arm[n] if arm[n] is not None else -1) for n in order),
            arm["agent"],
            arm["model"],
        ),
    )


def _summed(cells: list[dict[str, Any]]) -> dict[str, Any]:
    passes = [verdict for verdict in map(_verdict, cells) if verdict is not None]
    values, walls, costs = (_known(cells, name) for name in ("composite", "wall_ms", "cost"))
    return {
        "cells": len(cells),
        "judged": len(passes),
        "passed": sum(value >= 1 for value in passes),
        "pass_rate": mean(passes) if passes else None,
        "composite": mean(values) if values else None,
        "wall_ms": mean(walls) if walls else None,
        "cost": mean(costs) if costs and len({cell["currency"] for cell in cells}) == 1 else None,
        "currency": cells[0]["currency"],
        "hrefs": [cell["href"] for cell in cells[:6]],
    }


def _verdict(cell: dict[str, Any]) -> float | None:
    """Return the verdict that a row of the leaderboard reads of a cell, None for none."""
    if cell["outcome"] not in GRADED or cell["adjudicated"] in ("withdraw", "invalidate"):
        return None
    verdict: float | None = cell["passed"]
    return 0.0 if cell["adjudicated"] == "zero" and verdict is not None else verdict


def _known(cells: list[dict[str, Any]], name: str) -> list[float]:
    return [cell[name] for cell in cells if cell[name] is not None]


def _separates(arms: list[dict[str, Any]]) -> dict[str, Any]:
    """Return who solved a task in all runs, in some and in none: that is what a task tells of two agents."""
    judged = [arm for arm in arms if arm["judged"]]

    def some(holds: Any) -> list[dict[str, Any]]:
        names = ("agent", "version", "model", "mode", "passed", "judged", "composite")
        return [{name: arm[name] for name in names} for arm in judged if holds(arm)][:_LISTED]

    always = some(lambda arm: arm["passed"] == arm["judged"])
    never = some(lambda arm: arm["passed"] == 0)
    values = [arm["composite"] for arm in judged if arm["composite"] is not None]
    return {
        "arms": len(judged),
        "always": always,
        "sometimes": some(lambda arm: 0 < arm["passed"] < arm["judged"]),
        "never": never,
        "decides": bool(always and never),
        "spread": max(values) - min(values) if len(values) > 1 else None,
    }


def _identities(view: View, part: Part) -> list[dict[str, Any]]:
    """Return each content that ran under this name, with the event that says so."""
    columns = ("a.task_digest AS digest", "count(DISTINCT c.cell) AS cells", "min(a.ref) AS ref")
    found = grouped(view, part, columns, 1)
    return [_identity(view, each) for each in found][:_LISTED]


def _identity(view: View, group: dict[str, Any]) -> dict[str, Any]:
    query = "SELECT seq, hash, payload FROM events WHERE stream = ? AND version <= ? AND type = 'cell.setup'"
    row = view.connection.execute(query, (stream_of(group.pop("ref")), _HEAD_OF_STREAM)).fetchone()
    said = json.loads(row[2])["task"] if row is not None and row[2] is not None else {}
    return (
        group
        | {name: said.get(name) for name in (*_DIGESTS, "language", "private", "expectations")}
        | {"digest": group["digest"], "seq": row[0] if row else None, "hash": row[1].hex() if row else None}
    )


def _rechecks(view: View, part: Part) -> list[dict[str, Any]]:
    """Return each recheck of an attempt at a task, those that disagree first."""
    columns = (
        "r.seq AS seq", "c.cell AS cell", "a.attempt AS attempt", "r.times AS times", "r.passed AS passed",
        "r.agrees AS agrees", "s.pass_rate AS recorded",
    )  # fmt: skip
    joins = " JOIN rechecks r ON r.first_seq = a.first_seq"
    found = grouped(view, part, columns, 7, joins=joins)
    for each in found:
        each["agrees"] = bool(each["agrees"])
        each["flaky"] = 0 < each["passed"] < each["times"]
    return sorted(found, key=lambda each: (each["agrees"] and not each["flaky"], each["seq"]))[:_LISTED]


def _category(view: View, category: str) -> Context:
    tasks = _categories(view)[category]
    wanted = set(tasks)
    rows = []
    for row in (*ranked(view), *ranked(view, ASKED_FOR)):
        results = {task: result for task, result in task_results(row) if task in wanted}
        if results:
            rows.append(row_names(row) | {"rank": row.statistics.rank, "results": results})
    return {
        "title": f"Category {category}",
        "category": category,
        "tasks": [
            {"task": task, "name": task.split("/")[1], "href": f"tasks/{named(task)}.html"} for task in tasks
        ],
        "rows": rows,
        "solved": {task: _solved(rows, task) for task in tasks},
        "categories": [
            {"name": name, "href": f"categories/{segment(name)}.html", "tasks": len(own)}
            for name, own in _categories(view).items()
        ],
    }


def _solved(rows: list[dict[str, Any]], task: str) -> dict[str, int]:
    """Return how many rows have a verdict on a task, and how many passed in all of their runs."""
    rates = [row["results"][task]["pass_rate"] for row in rows if task in row["results"]]
    judged = [rate for rate in rates if rate is not None]
    return {"rows": len(judged), "passed": sum(rate >= 1 for rate in judged)}
