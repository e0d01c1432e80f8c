"""Leaderboard rows as pages need them: ranked once a view, and what each row made of each task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchledger.ledger.leaderboard import LeaderRow, leaderboard
from benchledger.ledger.queries import DEFAULT_MODES
from benchledger.ledger.web.paths import named
from benchledger.ledger.web.view import View
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.leaderboard import RowKey

__all__ = ["ASKED_FOR", "ranked", "row_names", "rows_under", "task_results"]

# Runs of these modes met no model: they are ranked among themselves, apart from all others.
ASKED_FOR = ("replay", "scripted")


def rows_under(view: View, policy: Policy, modes: Sequence[str]) -> dict[RowKey, LeaderRow]:
    """Return all rows of the runs of some modes under a policy, ranked once a view; the best row comes first."""

    def made() -> dict[RowKey, LeaderRow]:
        selection = Selection(mode=tuple(modes))
        rows = leaderboard(view.connection, policy, selection, verified=view.verified)
        return {row.statistics.key: row for row in rows}

    return view.kept(f"rows {policy.policy_id} {' '.join(modes)}", made)


def ranked(view: View, modes: tuple[str, ...] = DEFAULT_MODES) -> list[LeaderRow]:
    """Return all rows under the default policy, as `leaderboard --json` without a filter has them."""
    rows = list(rows_under(view, GATED_1, modes).values())
    # A plan of which nothing ran stands once, among the rows that count by default.
    return rows if modes == DEFAULT_MODES else [row for row in rows if row.totals.cells or row.totals.retried]


def row_names(row: LeaderRow) -> dict[str, Any]:
    """Return what a row is called, as `leaderboard --json` has it, and where its agent and model are shown."""
    agent, version, model, mode, behavior = row.statistics.key
    return {
        "agent": agent,
        "version": version or None,
        "model": model,
        "mode": mode,
        "behavior": behavior,
        "agent_href": f"agents/{named(agent)}.html",
        "model_href": f"models/{named(model)}.html",
    }


def task_results(row: LeaderRow) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (task, result) of a row: counted cells, those with a value, passes, and the mean composite.

    `composite` is what enters the row's mean; None where no cell of the task has a value.
    """
    totals = row.totals
    for task, data in sorted(totals.data.tasks.items()):
        passes = totals.passes.get(task)
        yield (
            task,
            {
                "valued": data.count,
                "unvalued": data.unvalued,
                "composite": data.means()[0] if data.count else None,
                "pass_rate": passes.mean() if passes is not None and passes.count else None,
                "judged": passes.count if passes is not None else 0,
            },
        )
