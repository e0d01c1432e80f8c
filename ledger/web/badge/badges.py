"""What a badge says of a cell, of agent x model, and of a sweep: result, policy, and how far it can be trusted.

Never a bare percentage: a score stands beside its policy, a share as so many of so many.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

from benchledger.ledger.cells import CellReader
from benchledger.ledger.leaderboard import LeaderRow
from benchledger.ledger.queries import DEFAULT_MODES, one_scored, policy_by_id, selection_sql
from benchledger.ledger.standing import citable_rows
from benchledger.ledger.web.badge.svg import Badge
from benchledger.ledger.web.board.ranked import rows_under
from benchledger.ledger.web.says import SCORED, result_of, short_score
from benchledger.ledger.web.view import NotFound, View
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.leaderboard import RowKey

__all__ = ["agent_badge", "agent_models", "cell_badge", "sweep_badge", "sweep_names"]

_NOT_LIVE = ("replay", "scripted")
_VERIFIED = "not verified on this machine"


def cell_badge(view: View, ref: str, policy: Policy = GATED_1) -> Badge:
    """Return the badge of one attempt, `[origin:]cell_id@attempt`; raises NotFound."""
    item = one_scored(view.connection, policy, ref)
    if item is None:
        raise NotFound(f"there is no attempt {ref}")
    reader = view.cells() if policy is GATED_1 else CellReader(view.ledger, view.connection, policy)
    row = reader.row(item)
    value = row["composite"]
    said = result_of(row["outcome"], row["outcome_kind"], item.inputs.pass_rate, value)
    ruled = row["adjudicated"]
    if ruled in ("withdraw", "invalidate"):
        message, kind = f"no score: {_RULED[ruled]}", "none"
    elif said.result == "none":
        message, kind = f"no score: {said.said}", "none"
    else:
        zeroed = ruled == "zero"
        kind = "fail" if zeroed else "part" if said.said.startswith("part") else said.result
        what = "zeroed" if zeroed else said.said.partition(" · ")[0]
        message = f"{what} · {_score(row)}{policy.name}"
    marks = [*(("disputed",) if row["disputed"] else ()), *_mode(row["mode"])]
    marks += _standing(
        verified=_VERIFIED not in row["standing_reasons"], citable=row["standing"] == "citable"
    )
    label = f"{row['agent']} · {row['model']} · {row['task']}"
    whole = " · ".join([message, *marks])
    return Badge(label, whole, kind, f"{label}: {whole}")  # type: ignore[arg-type]


def _score(row: dict[str, Any]) -> str:
    """Return the composite before its policy's name: none of a failed cell, whose gate is zero."""
    value, floor = row["composite"], row["floor"]
    if value is None:
        return "" if not floor else f"at least {short_score(floor)} "
    return f"{short_score(value)} " if value else ""


_RULED = {"withdraw": "withdrawn", "invalidate": "declared invalid"}


def agent_models(view: View) -> list[tuple[str, str]]:
    """Return every (agent, model) that the ledger has a cell of."""
    query = "SELECT DISTINCT agent, model FROM cells ORDER BY agent, model"
    return [(agent, model) for agent, model in view.connection.execute(query)]


def agent_badge(view: View, agent: str, model: str, policy: Policy = GATED_1) -> Badge:
    """Return the badge of agent x model: its row of the leaderboard, of the version that ran last; raises NotFound.

    Live and published runs come before replayed and scripted ones, which met no model.
    """
    for modes in (DEFAULT_MODES, _NOT_LIVE):
        row = _last_row(view, (agent, model), policy, modes)
        if row is not None:
            return _of_row(row, policy, verified=_verified(view, "c.agent, c.model", (agent, model)))
    raise NotFound(f"there is no cell of {agent} with {model}")


def _last_row(view: View, pair: tuple[str, str], policy: Policy, modes: Sequence[str]) -> LeaderRow | None:
    key = view.kept(f"latest {' '.join(modes)}", lambda: _latest(view, modes)).get(pair)
    return None if key is None else rows_under(view, policy, modes).get(key)


def _latest(view: View, modes: Sequence[str]) -> dict[tuple[str, str], RowKey]:
    """Return (agent, model) -> the row of the leaderboard whose attempt began last; asked once for all of them."""
    # of a group SQLite gives the columns of the row that has the greatest value
    query = (
        "SELECT t.agent, t.version, t.model, t.mode, t.behavior, max(a.first_seq) FROM scores s"
        " JOIN settings t ON t.id = s.setting JOIN attempts a ON a.ref = s.ref"
        f" WHERE s.counted = 1 AND t.mode IN ({','.join('?' * len(modes))}) GROUP BY t.agent, t.model"
    )
    return {(row[0], row[2]): row[:5] for row in view.connection.execute(query, tuple(modes))}


def _of_row(row: LeaderRow, policy: Policy, *, verified: bool) -> Badge:
    told = row.to_json()
    parts = [f"{told['passed']:,} of {told['cells']:,} passed"]
    if told["composite"] is None:
        parts.append("no score")
    else:
        low = told["floor"]
        floor = (
            f" (at least {short_score(low)})" if short_score(low) != short_score(told["composite"]) else ""
        )
        parts.insert(0, f"{short_score(told['composite'])} {policy.name}{floor}")
    parts += _mode(told["mode"])
    parts += _standing(verified=verified, citable=told["standing"] == "citable")
    name = " ".join(filter(None, (told["agent"], told["version"])))
    behavior = "" if told["behavior"] == "factory" else f" · {told['behavior']}"
    label, message = f"{name}{behavior} · {told['model']}", " · ".join(parts)
    return Badge(label, message, "none" if told["composite"] is None else "score", f"{label}: {message}")


def sweep_names(view: View) -> list[str]:
    """Return every sweep that was planned, or that has a cell."""
    query = "SELECT sweep FROM sweeps UNION SELECT sweep FROM cells ORDER BY 1"
    return [name for (name,) in view.connection.execute(query)]


def sweep_badge(view: View, sweep: str) -> Badge:
    """Return the badge of a sweep: how many of the planned cells were solved, and have a result; raises NotFound."""
    if sweep not in view.kept("sweep names", lambda: frozenset(sweep_names(view))):
        raise NotFound(f"there is no sweep {sweep}")
    planned = view.kept("plans", lambda: _plans(view)).get(sweep)
    ran = view.kept("counts", lambda: _counts(view)).get(sweep, {})
    cells = len({*ran, *(planned.cells if planned else ())})
    solved, done = (sum(flags[index] for flags in ran.values()) for index in (0, 1))
    chosen = selection_sql(Selection(sweep=(sweep,)))
    citable = sum(citable_rows(view.connection, view.verified, *chosen).values())
    parts = [f"{solved:,} of {cells:,} solved", f"{done:,} with a result"]
    parts += _standing(verified=_verified(view, "c.sweep", (sweep,)), citable=0 < cells == citable)
    parts.append(f"planned for {planned.policy}" if planned else "plan not recorded")
    label, message = f"sweep {sweep}", " · ".join(parts)
    return Badge(label, message, "score" if done else "none", f"{label}: {message}")


# (agent, model, task, run); merged ledgers may have run the same one
_Cell = tuple[str, str, str, int]


class _Plan(NamedTuple):
    """What the plans of a sweep name together, and the policy of the first of them."""

    cells: set[_Cell]
    policy: str


def _plans(view: View) -> dict[str, _Plan]:
    found: dict[str, _Plan] = {}
    query = "SELECT sweep, policy_id, agents, models, tasks, repeats FROM sweeps ORDER BY seq"
    for sweep, policy_id, *lists, repeats in view.connection.execute(query).fetchall():
        policy = policy_by_id(view.connection, policy_id or "") or GATED_1
        plan = found.setdefault(sweep, _Plan(set(), policy.name))
        plan.cells.update(product(*map(json.loads, lists), range(1, repeats + 1)))
    return found


def _counts(view: View) -> dict[str, dict[_Cell, tuple[bool, bool]]]:
    """Return sweep -> cell -> (solved, has a result), of the attempts that count."""
    found: defaultdict[str, dict[_Cell, tuple[bool, bool]]] = defaultdict(dict)
    query = (
        "SELECT c.sweep, c.agent, c.model, c.task, c.run, s.pass_rate, s.outcome, s.adjudicated FROM cells c"
        " LEFT JOIN scores s ON s.ref = c.cell || '@' || c.counted"
    )
    for sweep, *cell, pass_rate, outcome, ruled in view.connection.execute(query):
        done = outcome in SCORED and ruled not in _RULED
        solved = done and not ruled and (pass_rate or 0) >= 1
        before = found[sweep].get(tuple(cell), (False, False))
        found[sweep][tuple(cell)] = (before[0] or solved, before[1] or done)
    return found


def _verified(view: View, columns: str, names: tuple[str, ...]) -> bool:
    """Return whether a full verify on this machine covered every attempt of what is named."""
    query = f"SELECT {columns}, max(a.last_seq) FROM attempts a JOIN cells c ON c.cell = a.cell GROUP BY {columns}"
    last = view.kept(
        f"last {columns}", lambda: {tuple(row[:-1]): row[-1] for row in view.connection.execute(query)}
    )
    return names in last and last[names] <= view.verified


def _mode(mode: str) -> list[str]:
    return [] if mode == "live" else [mode]


def _standing(*, verified: bool, citable: bool) -> list[str]:
    return ["verified" if verified else "not verified", *(() if citable else ("provisional",))]
