"""The page of one sweep: planned, shown, lost with reasons; and the list of all sweeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.counting import GRADED
from benchledger.ledger.sweep_cells import FoundAttempts, PlannedCell, cells_of, found_of, plans_of, state_in
from benchledger.ledger.sweep_status import status_of
from benchledger.ledger.web.lists.brief import Part, briefs, grouped, limited, part_of
from benchledger.ledger.web.lists.part_keys import part_keys
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.paths import cell_path, named, segment, unsegment
from benchledger.ledger.web.shell import benchledger, option
from benchledger.ledger.web.view import NotFound, View

__all__ = ["sweep_page", "sweep_places", "sweeps_page", "sweeps_places"]

_CELLS = 500
_LOST = 1_000
_RETRIED = 500
_TASKS = 400
_WITHIN = (
    "(c.agent IN (SELECT value FROM json_each(p.agents)) AND c.model IN (SELECT value FROM json_each(p.models))"
    " AND c.task IN (SELECT value FROM json_each(p.tasks)))"
)
_RETRIES = 2  # what an unplanned sweep would have had


def sweep_page(view: View, arguments: Arguments) -> Context:
    """Return what the ledger holds of one sweep."""
    name = unsegment(arguments["name"])
    if name is None or name not in _known(view):
        raise NotFound(f"there is no sweep {name or arguments['name']}")
    return _sweep(view, name)


def sweep_places(view: View) -> Iterator[Made]:
    """Yield the page of every sweep."""
    for name in _known(view):
        plans = [[plan[key] for key in ("seq", "origin")] for plan in plans_of(view.connection, name)]
        yield Made(f"sweeps/{segment(name)}.html", part_keys(view).of("sweep", name, plans, _policies(view)))


def sweeps_page(view: View, _arguments: Arguments) -> Context:
    """Return all sweeps, the one with the latest cell first."""
    columns = (
        "c.sweep AS sweep", "count(DISTINCT c.cell) AS cells", "count(*) AS attempts",
        "coalesce(sum(s.counted AND a.outcome IN ('finished', 'agent_error', 'timeout', 'budget')), 0) AS graded",
        "coalesce(sum(s.counted AND s.pass_rate >= 1), 0) AS passed", "max(c.origin) AS origin",
        "min(a.started_at) AS first", "max(a.started_at) AS last",
    )  # fmt: skip
    ran = {
        each["sweep"]: each
        for name in _known(view)
        for each in grouped(view, part_of(view, sweep=name), columns, 1)
    }
    rows = []
    for name, planned in _known(view).items():
        row = {"sweep": name, "href": f"sweeps/{segment(name)}.html", "planned": planned}
        empty = {
            "cells": 0,
            "attempts": 0,
            "graded": 0,
            "passed": 0,
            "origin": "",
            "first": None,
            "last": None,
        }
        rows.append(row | {key: ran.get(name, empty)[key] for key in empty})
    return {"title": "Sweeps", "sweeps": sorted(rows, key=lambda row: (-(row["last"] or 0), row["sweep"]))}


def sweeps_places(view: View) -> Iterator[Made]:
    """Yield the list of sweeps."""
    yield Made("sweeps.html", key_of(sweeps_page(view, {})))


def _known(view: View) -> dict[str, int | None]:
    """Return every sweep with the cells that it planned, as the plans add up; None where none was planned."""

    def made() -> dict[str, int | None]:
        rows = view.connection.execute(
            "SELECT sweep, sum(planned) FROM (SELECT sweep, planned FROM sweeps UNION ALL"
            " SELECT DISTINCT sweep, NULL FROM settings) GROUP BY sweep ORDER BY sweep"
        )
        return dict(rows.fetchall())

    return view.kept("known sweep", made)


def _policies(view: View) -> list[Any]:
    return view.connection.execute("SELECT policy_id, name FROM policies ORDER BY policy_id").fetchall()


def _sweep(view: View, name: str) -> Context:
    part = part_of(view, sweep=name)
    plans = plans_of(view.connection, name)
    found = found_of(view.connection, name)
    intended = dict.fromkeys(cell for plan in plans for cell in cells_of(plan))
    retries = max((plan["infra_retries"] for plan in plans), default=_RETRIES)
    states = {cell: state_in(found.get(cell, []), retries) for cell in {**intended, **dict.fromkeys(found)}}
    cells, more = limited(briefs(view, part), _CELLS)
    lost = [
        _missing(name, cell, found.get(cell, []), state) for cell, state in states.items() if state != "done"
    ]
    status = status_of(view.ledger, name, lambda _: False).to_json() if plans else None
    return {
        "title": f"Sweep {name}",
        "sweep": name,
        "plans": [_plan(view, plan, part) for plan in plans],
        "status": None if status is None else _told(status),
        "states": dict(Counter(states.values())),
        "planned": len(intended),
        "unplanned": sum(cell not in intended for cell in found) if plans else len(found),
        "shown": sum(state == "done" for cell, state in states.items() if cell in intended),
        "matrix": _matrix(states),
        "missing": lost[:_LOST],
        "more_missing": max(0, len(lost) - _LOST),
        "faults": _faults(view, part),
        "retried": _retried(view, part),
        "cells": cells,
        "more_cells": more,
        "origins": grouped(view, part, ("c.origin AS origin", "count(DISTINCT c.cell) AS cells"), 1),
        "command": benchledger(view.settings.name, "sweep", "status", place=(name,)) if plans else None,
        "leaderboard": benchledger(view.settings.name, "leaderboard", option("--sweep", name)) if cells else None,
    }  # fmt: skip


def _told(status: dict[str, Any]) -> dict[str, Any]:
    """Return a status as a page can know it: whether a launcher still lives is known on its machine alone."""
    claimed = [*status["at_work"], *status["abandoned"]]
    left_out = ("at_work", "abandoned", "head", "merged")
    return {name: value for name, value in status.items() if name not in left_out} | {"claimed": claimed}


def _plan(view: View, plan: dict[str, Any], part: Part) -> dict[str, Any]:
    """Return one part of a plan, and whether it stands before all that ran of it."""
    query = "SELECT name FROM policies WHERE policy_id = ?"
    policy = view.connection.execute(query, (plan["policy_id"],)).fetchone()
    columns = (
        f"{_WITHIN} AS within",
        "coalesce(sum(a.first_seq < p.seq), 0) AS before",
        "count(*) AS attempts",
    )
    joins = f" JOIN sweeps p ON p.plan = {int(plan['seq'])} AND p.origin = c.origin"
    own = [each for each in grouped(view, part, columns, 1, joins=joins) if each["within"]]
    names = (
        "agents",
        "models",
        "tasks",
        "repeats",
        "seed",
        "ordering",
        "engine",
        "infra_retries",
        "origin",
        "seq",
    )
    return {name: plan[name] for name in (*names, "hash", "at", "actor", "policy_id")} | {
        "policy": policy[0] if policy else None,
        "launched_before": own[0]["before"] if own else 0,
        "attempts": own[0]["attempts"] if own else 0,
    }


def _missing(sweep: str, cell: PlannedCell, attempts: FoundAttempts, state: str) -> dict[str, Any]:
    """Return a cell without a result, and why it has none."""
    agent, model, task, run = cell
    said = [f"attempt {number}: {outcome or 'open'}" for (number, outcome, _), _ in attempts]
    reasons = {
        "todo": "never launched" if not attempts else "to be tried again",
        "open": "claimed and not closed: at work, or its launcher is gone",
        "lost": "every attempt was lost to the infrastructure, and the retries are used up",
    }
    origin = attempts[0][1] if attempts else ""
    key = f"{origin}:" * bool(origin) + f"{sweep}/{agent}/{model}/{task}#run{run}"
    return {
        "cell": key,
        "agent": agent,
        "model": model,
        "task": task,
        "run": run,
        "state": state,
        "why": reasons[state],
        "attempts": said,
        "href": cell_path(key) if attempts else None,
    }


def _matrix(states: dict[PlannedCell, str]) -> dict[str, Any]:
    """Return how many cells of each agent x model and task are in which state."""
    counts: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    for (agent, model, task, _), state in states.items():
        counts.setdefault((agent, model), {}).setdefault(task, Counter())[state] += 1
    tasks = sorted({task for row in counts.values() for task in row})
    return {
        "tasks": [{"task": task, "href": f"tasks/{named(task)}.html"} for task in tasks[:_TASKS]],
        "more_tasks": max(0, len(tasks) - _TASKS),
        "rows": [
            {
                "agent": agent,
                "model": model,
                "agent_href": f"agents/{named(agent)}.html",
                "model_href": f"models/{named(model)}.html",
                "states": {task: dict(row[task]) for task in tasks[:_TASKS] if task in row},
            }
            for (agent, model), row in sorted(counts.items())
        ],
    }


def _faults(view: View, part: Part) -> list[dict[str, Any]]:
    """Return the attempts that were not scored, by outcome and kind."""
    columns = ("a.outcome AS outcome", "a.outcome_kind AS kind", "count(*) AS attempts")
    found = grouped(view, part, columns, 2)
    return [each for each in found if each["outcome"] is not None and each["outcome"] not in GRADED]


def _retried(view: View, part: Part) -> dict[str, Any]:
    """Return attempts after which another one of the same cell followed."""
    query = (
        "a.ref AS ref", "c.cell AS cell", "a.attempt AS attempt", "a.outcome AS outcome", "a.outcome_kind AS kind",
        "c.counted AS counted",
    )  # fmt: skip
    found = grouped(view, part, query, 6, where="a.attempt < json_extract(c.history, '$[#-1][0]')")
    for each in found[:_RETRIED]:
        each["href"] = cell_path(each["cell"], each["attempt"])
    return {"attempts": found[:_RETRIED], "more": max(0, len(found) - _RETRIED)}
