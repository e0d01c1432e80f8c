"""A row is citable when each of its cells is, and only then."""

from __future__ import annotations

import pytest

from benchledger.ledger.cells import CellReader
from benchledger.ledger.leaderboard import leaderboard
from benchledger.ledger.store import Ledger
from benchledger.schema.events import AgentIdentity, CellRechecked, CellSetup, GraderRan
from benchledger.schema.history import Selection, SweepPlanned
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1
from tests.ledgers import closed

_IMAGE = "sha256:" + "ab" * 32


def _run(ledger: Ledger, task: str, **changed: object) -> None:
    agent = AgentIdentity(name="a", version="1", image_id=_IMAGE)
    cell = f"s/a/m/c/{task}#run1"
    fields: dict[str, object] = {"agent": agent, "mode": "live", "sandbox": "docker", **changed}
    setup = CellSetup(cell_id=cell, model="m", **fields)  # type: ignore[arg-type]
    ledger.emit_all([Draft(f"cell/{cell}@1", payload) for payload in closed(setup, GraderRan(exit_code=0))])


def _plan(ledger: Ledger) -> None:
    plan = SweepPlanned(sweep="s", agents=("a",), models=("m",), tasks=("c/one", "c/two"))
    ledger.emit(Draft("sweep/s", plan))


def _standing(ledger: Ledger, verified: int = 1 << 40, **selection: tuple[str, ...]) -> list[str]:
    board = leaderboard(ledger.connection, GATED_1, Selection(**selection), verified=verified)
    return [row.standing for row in board]


def test_a_planned_sealed_pinned_and_verified_row_is_citable(ledger: Ledger) -> None:
    _plan(ledger)
    _run(ledger, "one")
    _run(ledger, "two")
    assert _standing(ledger) == ["citable"]
    assert _standing(ledger, task=("c/one",)) == ["citable"]
    assert _standing(ledger, verified=3) == ["provisional"]


def test_a_row_of_run_cell_is_citable_where_all_was_isolated(ledger: Ledger) -> None:
    _plan(ledger)
    _run(ledger, "one", sandbox="run-cell", host={"cpus": 2})
    assert _standing(ledger) == ["citable"]
    reader = CellReader(ledger, ledger.connection, GATED_1)
    assert "network not isolated" not in next(reader.rows(Selection()))["standing_reasons"]
    _run(ledger, "two", sandbox="run-cell", host={"not_isolated": ["network"]})
    assert _standing(ledger) == ["provisional"]
    reasons = [row["standing_reasons"] for row in reader.rows(Selection(task=("c/two",)))]
    assert "network not isolated" in reasons[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"sandbox": "local"},
        {"sandbox": "run-cell", "host": {"not_isolated": ["network"]}},
        {"agent": AgentIdentity(name="a", version="1")},
        {"agent": AgentIdentity(name="a", image_id=_IMAGE)},
    ],
)
def test_one_cell_that_is_not_citable_makes_its_row_provisional(
    ledger: Ledger, changed: dict[str, object]
) -> None:
    _plan(ledger)
    _run(ledger, "one")
    _run(ledger, "two", **changed)
    assert "citable" not in _standing(ledger, task=("c/two",))
    if "agent" not in changed or changed["agent"].version:  # type: ignore[attr-defined]
        assert _standing(ledger) == ["provisional"]


def test_a_recheck_that_disagrees_makes_its_row_provisional(ledger: Ledger) -> None:
    _plan(ledger)
    _run(ledger, "one")
    _run(ledger, "two")
    stream = "cell/s/a/m/c/two#run1@1"
    ledger.emit(Draft(stream, CellRechecked(times=2, passed=2, agrees=True)))
    assert _standing(ledger) == ["citable"]
    ledger.emit(Draft(stream, CellRechecked(times=2, passed=1, agrees=False)))
    assert _standing(ledger) == ["provisional"]
    assert _standing(ledger, task=("c/one",)) == ["citable"]
    reader = CellReader(ledger, ledger.connection, GATED_1)
    reasons = {row["task"]: row["standing_reasons"] for row in reader.rows(Selection())}
    assert "recheck disagrees" in reasons["c/two"]
    assert "recheck disagrees" not in reasons["c/one"]


def test_what_was_not_planned_before_its_launch_is_provisional(ledger: Ledger) -> None:
    _run(ledger, "one")
    _plan(ledger)
    assert _standing(ledger, task=("c/one",)) == ["provisional"]
