"""The pages of one agent and of one model: what ran, under which conditions, how it did, task by task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.web.board.ranked import ASKED_FOR, ranked, row_names, task_results
from benchledger.ledger.web.lists.brief import Part, briefs, grouped, known, part_of
from benchledger.ledger.web.lists.part_keys import part_keys, rank_key
from benchledger.ledger.web.pages import Arguments, Context, Made
from benchledger.ledger.web.paths import named, unsegment
from benchledger.ledger.web.shell import benchledger, option
from benchledger.ledger.web.view import NotFound, View

__all__ = ["agent_page", "agent_places", "model_page", "model_places"]

_LINKS = 6  # cells of one result that are linked one by one
_RESULTS = 2_000
_LISTED = 400
_SCORED = "a.outcome IN ('finished', 'agent_error', 'timeout', 'budget')"


def agent_page(view: View, arguments: Arguments) -> Context:
    """Return what the ledger holds of one agent."""
    return _page(view, "agent", arguments["name"])


def model_page(view: View, arguments: Arguments) -> Context:
    """Return what the ledger holds of one model."""
    return _page(view, "model", arguments["name"])


def agent_places(view: View) -> Iterator[Made]:
    """Yield the page of every agent that ran or was planned."""
    return _places(view, "agent")


def model_places(view: View) -> Iterator[Made]:
    """Yield the page of every model."""
    return _places(view, "model")


def _places(view: View, kind: str) -> Iterator[Made]:
    for name in known(view, kind):
        ranks = rank_key(view, lambda key, name=name: _is_of(key, kind, name))  # type: ignore[misc]
        yield Made(f"{kind}s/{named(name)}.html", part_keys(view).of(kind, name, ranks))


def _page(view: View, kind: str, coded: str) -> Context:
    name = next((text for text in known(view, kind) if named(text) == coded), None)
    if name is None:
        texts = [unsegment(part) for part in coded.split("/")]
        raise NotFound(f"there is no {kind} {'/'.join(text or '?' for text in texts)}")
    return _context(view, kind, name)


def _context(view: View, kind: str, name: str) -> Context:
    part = part_of(view, **{kind: name})
    rows = [row for row in ranked(view) if _is_of(row.statistics.key, kind, name)]
    others = [row for row in ranked(view, ASKED_FOR) if _is_of(row.statistics.key, kind, name)]
    results, more = _results(view, part, [*rows, *others])
    return {
        "title": f"{kind.capitalize()} {name}",
        "kind": kind,
        "name": name,
        "rows": [row.to_json() | row_names(row) for row in rows],
        "asked_for": [row.to_json() | row_names(row) for row in others],
        "of_rows": len(ranked(view)),
        "versions": _versions(view, part),
        "conditions": _conditions(view, part),
        "results": results,
        "more_results": more,
        "outcomes": _outcomes(view, part),
        "sweeps": _sweeps(view, part),
        "days": _days(view, part),
        "beside": _beside(view, kind, part),
        "command": benchledger(view.settings.name, "leaderboard", option(f"--{kind}", name))
        if part.ranges
        else None,
    }


def _is_of(key: tuple[str, ...], kind: str, name: str) -> bool:
    return key[0 if kind == "agent" else 2] == name


def _versions(view: View, part: Part) -> list[dict[str, Any]]:
    columns = (
        "c.agent AS agent", "a.version AS version", "count(DISTINCT c.cell) AS cells", "count(*) AS attempts",
        "min(a.started_at) AS first", "max(a.started_at) AS last",
    )  # fmt: skip
    return grouped(view, part, columns, 2)


def _conditions(view: View, part: Part) -> list[dict[str, Any]]:
    """Return each condition: what was alike in some cells and not in others."""
    columns = (
        "a.version AS version", "m.behavior AS behavior", "a.mode AS mode", "m.condition AS condition",
        "count(DISTINCT c.cell) AS cells",
    )  # fmt: skip
    found = grouped(view, part, columns, 4)
    for each in found:
        said = json.loads(each.pop("condition") or "{}")
        each["condition"] = {name: value for name, value in said.items() if value not in (None, "")}
    return sorted(found, key=lambda each: -each["cells"])[:_LISTED]


def _outcomes(view: View, part: Part) -> list[dict[str, Any]]:
    columns = (
        "a.outcome AS outcome", "a.outcome_kind AS kind", "count(*) AS attempts", "sum(s.counted) AS counted",
        "coalesce(sum(s.counted AND s.pass_rate >= 1), 0) AS passed",
    )  # fmt: skip
    return grouped(view, part, columns, 2)


def _sweeps(view: View, part: Part) -> list[dict[str, Any]]:
    columns = (
        "c.sweep AS sweep", "count(DISTINCT c.cell) AS cells", "count(*) AS attempts",
        f"sum(s.counted AND {_SCORED}) AS graded", "min(a.started_at) AS first", "max(a.started_at) AS last",
    )  # fmt: skip
    found = grouped(view, part, columns, 1)
    return [each | {"href": f"sweeps/{named(each['sweep'])}.html"} for each in found][:_LISTED]


def _days(view: View, part: Part) -> list[dict[str, Any]]:
    """Return attempts by the UTC day of their start, the latest first; None where none is recorded."""
    columns = (
        "date(a.started_at / 1000000, 'unixepoch') AS day", "count(*) AS attempts",
        f"coalesce(sum(s.counted AND {_SCORED}), 0) AS graded",
        "coalesce(sum(s.counted AND s.pass_rate >= 1), 0) AS passed",
    )  # fmt: skip
    return grouped(view, part, columns, 1)[::-1][:_LISTED]


def _beside(view: View, kind: str, part: Part) -> list[dict[str, Any]]:
    """Return the models that an agent ran with, or the agents that a model ran under."""
    other = "model" if kind == "agent" else "agent"
    found = grouped(view, part, (f"c.{other} AS name", "count(DISTINCT c.cell) AS cells"), 1)
    return [each | {"href": f"{other}s/{named(each['name'])}.html"} for each in found][:_LISTED]


def _results(view: View, part: Part, rows: list[Any]) -> tuple[list[dict[str, Any]], bool]:
    """Return what each row made of each task, with links to its cells, and whether there is more."""
    cells: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    counts: dict[tuple[str, ...], int] = {}
    for cell in briefs(view, part):
        key = (
            cell["agent"],
            cell["version"] or "",
            cell["model"],
            cell["mode"],
            cell["behavior"],
            cell["task"],
        )
        counts[key] = counts.get(key, 0) + 1
        links = cells.setdefault(key, [])
        if len(links) < _LINKS:
            names = (
                "cell",
                "href",
                "sweep",
                "run",
                "outcome",
                "outcome_kind",
                "result",
                "said",
                "composite",
                "disputed",
            )
            links.append({name: cell[name] for name in (*names, "adjudicated")})
    found = []
    for row in rows:
        for task, result in task_results(row):
            key = (*row.statistics.key, task)
            found.append(
                row_names(row)
                | {"task": task, "task_href": f"tasks/{named(task)}.html"}
                | result
                | {"cells": counts.get(key, 0), "shown": cells.get(key, [])}
            )
    found.sort(key=lambda each: (each["task"], each["model"], each["agent"], each["version"] or ""))
    return found[:_RESULTS], len(found) > _RESULTS
