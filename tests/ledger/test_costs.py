"""What runs cost: of an attempt, of a row per solved task, of a sweep with all that was lost in it."""

from __future__ import annotations

from collections import defaultdict
from math import fsum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.ledger.costs import Price, Prices, cost_of_sweep, row_costs
from benchledger.ledger.exporters import export
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.leaderboard import LeaderRow, leaderboard
from benchledger.ledger.merge import restore_or_append
from benchledger.ledger.queries import as_of, scored
from benchledger.ledger.store import Ledger
from benchledger.schema.history import PriceDeclared, Selection
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.ledger.made import ran
from tests.ledgers import checked

MODEL = "lab/m"
PRICE = PriceDeclared(model=MODEL, prompt=2.0, completion=10.0, cached=0.5)
EVERYTHING = Selection()


def _declare(ledger: Ledger, sweep: str = "s", price: PriceDeclared = PRICE) -> None:
    ledger.emit(Draft(f"sweep/{sweep}", price))


def _rows(ledger: Ledger, policy: object = GATED_1) -> dict[str, dict[str, object]]:
    found: list[LeaderRow] = leaderboard(ledger.connection, policy, EVERYTHING)  # type: ignore[arg-type]
    return {str(row.to_json()["agent"]): row.to_json() for row in found}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_tokens_cost_by_their_kind(path: Path) -> None:
    # 600 fresh at 2, 400 cached at 0.5, 100 completion at 10: 1,200 + 200 + 1,000 in millionths
    with Ledger.create(path) as ledger:
        _declare(ledger)
        ran(ledger, "s/a/lab/m/c/t#run1", (1000, 100, 400))
        (row,) = leaderboard(ledger.connection, GATED_1, EVERYTHING)
        assert row.to_json()["cost_per_solved"] == pytest.approx(0.0024)
        assert row.to_json()["currency"] == "USD"
    checked(path, use_last_seen=False)


def test_cached_tokens_cost_as_others_do_where_no_price_names_them() -> None:
    assert Price(0, "USD", 2.0, 10.0, None).of(600, 400, 100) == Price(0, "USD", 2.0, 10.0, 2.0).of(
        600, 400, 100
    )


def test_a_row_is_charged_its_failures_but_not_what_the_infrastructure_lost(path: Path) -> None:
    with Ledger.create(path) as ledger:
        _declare(ledger)
        ran(ledger, "s/a/lab/m/c/t#run1", (1000, 0, 0), lost=True)
        ran(ledger, "s/a/lab/m/c/t#run1", (1000, 0, 0), attempt=2)
        ran(ledger, "s/a/lab/m/c/u#run1", (3000, 0, 0), passed=False)
        assert _rows(ledger)["a"]["cost_per_solved"] == pytest.approx(0.008)
        assert _rows(ledger, CAB_01)["a"]["cost_per_solved"] == pytest.approx(0.008)
        spent = cost_of_sweep(ledger.connection, "s")
        assert spent.cost == (pytest.approx(0.01), "USD")
        assert (spent.attempts, spent.calls, spent.complete) == (3, 3, True)
    checked(path, use_last_seen=False)


def test_a_cost_is_unknown_without_a_price_or_without_usage(path: Path) -> None:
    with Ledger.create(path) as ledger:
        _declare(ledger)
        ran(ledger, "s/blind/lab/m/c/t#run1", (1000, 0, 0), None, 429)
        ran(ledger, "s/other/lab/n/c/t#run1", (1000, 0, 0))
        ran(ledger, "s/part/lab/m/c/t#run1", (1000, 0, 0))
        ran(ledger, "unpriced/part/lab/m/c/t#run1", (1000, 0, 0))
        ran(ledger, "s/unsolved/lab/m/c/t#run1", (1000, 0, 0), passed=False)
        ran(ledger, "s/refused/lab/m/c/t#run1", (1000, 0, 0), 429)
        rows = _rows(ledger)
        for agent in ("blind", "other", "part"):
            assert rows[agent]["cost_per_solved"] is rows[agent]["currency"] is None, agent
        assert (rows["unsolved"]["cost_per_solved"], rows["unsolved"]["currency"]) == (None, "USD")
        assert rows["refused"]["cost_per_solved"] == pytest.approx(0.002)
        spent = cost_of_sweep(ledger.connection, "s")
        assert (spent.attempts, spent.calls, spent.without_usage, spent.without_price) == (5, 8, 1, 1)
        assert spent.cost == (pytest.approx(0.008), "USD")
        assert not spent.complete
        assert cost_of_sweep(ledger.connection, "unpriced").cost == (None, None)
        assert cost_of_sweep(ledger.connection, "nothing").attempts == 0
    checked(path, use_last_seen=False)


def test_each_attempt_has_the_price_under_which_it_began(path: Path) -> None:
    with Ledger.create(path) as ledger:
        _declare(ledger)
        ran(ledger, "s/a/lab/m/c/t#run1", (1000, 0, 0))
        _declare(ledger, price=PRICE.model_copy(update={"prompt": 4.0}))
        ran(ledger, "s/a/lab/m/c/t#run2", (1000, 0, 0))
        assert _rows(ledger)["a"]["cost_per_solved"] == pytest.approx(0.003)
        assert cost_of_sweep(ledger.connection, "s").cost.value == pytest.approx(0.006)
        head = ledger.head()
        assert head is not None
        ran(ledger, "late/a/lab/m/c/t#run1", (1000, 0, 0))
        _declare(ledger, "late")
        assert _rows(ledger)["a"]["cost_per_solved"] is None
        with as_of(ledger, head.seq) as then:
            costs = row_costs(then, EVERYTHING)
            assert [cost.value for cost in costs.values()] == [pytest.approx(0.006)]
    checked(path, use_last_seen=False)


def test_amounts_in_several_currencies_are_not_added(path: Path) -> None:
    with Ledger.create(path) as ledger:
        _declare(ledger)
        _declare(ledger, "other", PRICE.model_copy(update={"currency": "EUR"}))
        ran(ledger, "s/a/lab/m/c/t#run1", (1000, 0, 0))
        ran(ledger, "other/a/lab/m/c/t#run1", (1000, 0, 0))
        assert _rows(ledger)["a"]["cost_per_solved"] is None
        only = leaderboard(ledger.connection, GATED_1, Selection(sweep=("other",)))
        assert only[0].to_json()["currency"] == "EUR"
    checked(path, use_last_seen=False)


def test_prices_of_another_ledger_hold_for_its_own_sweep_alone(tmp_path: Path, path: Path) -> None:
    with Ledger.create(path) as ledger:
        _declare(ledger)
        ran(ledger, "s/a/lab/m/c/t#run1", (1000, 0, 0))
        origin = ledger.ledger_id
        with (tmp_path / "export.jsonl").open("wb") as out:
            export(ledger, out)
    other = tmp_path / "b.db"
    with Ledger.create(other) as ledger:
        ran(ledger, "s/b/lab/m/c/t#run1", (1000, 0, 0))
    with open_source(str(tmp_path / "export.jsonl")) as source:
        restore_or_append(other, source)
    with Ledger.open(other) as ledger:
        rows = _rows(ledger)
        assert rows["a"]["cost_per_solved"] == pytest.approx(0.002)
        assert rows["b"]["cost_per_solved"] is None
        assert cost_of_sweep(ledger.connection, "s").cost == (None, None)
        assert cost_of_sweep(ledger.connection, "s", origin).cost == (pytest.approx(0.002), "USD")
    checked(other, use_last_seen=False)


_calls = st.lists(
    st.one_of(
        st.none(), st.just(429), st.tuples(st.integers(0, 9000), st.integers(0, 900), st.integers(0, 9000))
    ),
    max_size=3,
)
_steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ab"), _calls, st.booleans(), st.booleans()),
        st.tuples(st.floats(0, 9), st.one_of(st.none(), st.floats(0, 9))),
    ),
    max_size=8,
)


@given(steps=_steps)
@settings(max_examples=25, deadline=None)
def test_sums_in_sql_are_those_of_the_attempts_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[object, ...]]
) -> None:
    path = tmp_path_factory.mktemp("costs") / "a.db"
    with Ledger.create(path) as ledger:
        for number, step in enumerate(steps, 1):
            if len(step) == 2:
                prompt, cached = step
                _declare(
                    ledger, price=PriceDeclared(model=MODEL, prompt=prompt, completion=3.0, cached=cached)
                )
            else:
                agent, calls, passed, lost = step
                cell = f"s/{agent}/lab/m/c/t{number % 2}#run{number}"
                ran(ledger, cell, *calls, passed=bool(passed), lost=bool(lost))  # type: ignore[misc]
        prices, expected = Prices(ledger.connection), defaultdict(list)
        for item in scored(ledger.connection, GATED_1, EVERYTHING):
            query = "SELECT first_seq FROM attempts WHERE ref = ?"
            (seq,) = ledger.connection.execute(query, (item.ref,)).fetchone()
            used = item.inputs
            if used.outcome != "infra_error":
                tokens = used.prompt_tokens, used.cached_tokens, used.completion_tokens
                expected[item.key].append(prices.cost(("", "s", MODEL, seq), tokens).value)
        found = row_costs(ledger.connection, EVERYTHING)
        for key, costs in expected.items() if prices else ():
            known = [cost for cost in costs if cost is not None]
            assert found[key].value == (pytest.approx(fsum(known)) if len(known) == len(costs) else None)
        assert bool(prices) or not found
    checked(path, use_last_seen=False)
