"""Rows reduced to their terms give what cell-by-cell evaluation gives, under any weights."""

from math import fsum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.schema.policy import FORMULA_TERMS
from benchledger.scorers.composite import (
    NA_CONSTRAINTS,
    NA_COST,
    NA_INTEGRITY,
    NA_REFUSAL,
    SHIPPED_POLICIES,
    Inputs,
    evaluate,
)
from benchledger.scorers.leaderboard import RowData, row_statistics
from benchledger.scorers.stability import RowTerms, explain_move, rank_stability

VIEW = ["c/a", "c/b", "c/c"]

unit = st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1)
amount = st.none() | st.floats(0, 1e7)
inputs = st.builds(
    Inputs,
    outcome=st.sampled_from(["finished", "timeout", "infra_error"]),
    pass_rate=st.none() | unit,
    integrity=st.none() | unit,
    tokens_per_correct=amount,
    prompt_tokens=amount,
    cached_tokens=st.just(0.0),
    completion_tokens=amount,
    wall_ms=amount,
    lost_ms=st.just(0.0),
    blast_radius=st.none() | unit,
    constraints=st.none() | unit,
    refusal=st.none() | unit,
    refusal_produced=st.sampled_from([None, 0, 1]),
    protected_touched=st.sampled_from([None, 0, 1]),
    destroyed=st.sampled_from([None, 0, 2]),
    foreign_judge=st.sampled_from([None, 0, 1]),
    not_applicable=st.sets(st.sampled_from([NA_INTEGRITY, NA_COST, NA_REFUSAL, NA_CONSTRAINTS])).map(sum),
)
cells = st.lists(st.tuples(st.sampled_from(VIEW), inputs), max_size=12)
weight = st.just(0.0) | st.floats(0.01, 10)


@st.composite
def reweighted(draw):
    """A shipped policy and the same formula under other weights."""
    base = draw(st.sampled_from(sorted(SHIPPED_POLICIES.values(), key=lambda policy: policy.name)))
    weights = {term: draw(weight) for term in FORMULA_TERMS[base.formula]}
    if not any(weights.values()):
        weights["latency"] = 1.0
    return base, base.model_copy(update={"weights": weights})


def reduced(policy, cells):
    terms = RowTerms(policy.formula)
    for task, x in cells:
        composite = evaluate(policy, x)
        if composite.floor is not None:
            terms.add(task, composite.g, composite.components, unseen(policy, x))
    return terms


def unseen(policy, x):
    """What the floor takes off for invisible evidence, read off where nothing else parts it from g."""
    if policy.formula == "cab-0.1":
        return 1.0
    bare = evaluate(policy.model_copy(update={"weights": {"pass_rate": 1.0}}), x)
    return bare.floor / bare.g if bare.g else 1.0


@given(reweighted(), cells)
@settings(max_examples=150, deadline=None)
def test_reduced_rows_agree_with_evaluating_every_cell(policies, cells):
    base, other = policies
    data = RowData(key=("x",))
    for task, x in cells:
        composite = evaluate(other, x)
        data.add(task, composite.value, composite.floor, composite.ceiling)
    (expected,) = row_statistics([data], VIEW)
    terms = reduced(base, cells)
    composite = terms.composite(other.weights)
    assert (composite is None) == (expected.composite is None)
    if composite is not None:
        assert composite == pytest.approx(expected.composite, rel=1e-9, abs=1e-9)
    assert terms.floor(other.weights, len(VIEW)) == pytest.approx(expected.floor, rel=1e-9, abs=1e-9)


def test_contributions_of_a_worked_row():
    # task a: g = 1, pass_rate and latency of equal weight: 0.5*1 + 0.5*0.4 = 0.7
    # task b: latency not recorded: pass_rate alone, 1 * 0.5 (g); mean over 2 tasks
    terms = RowTerms("gated-1")
    terms.add("a", 1.0, {"pass_rate": 1.0, "latency": 0.4})
    terms.add("b", 0.5, {"pass_rate": 1.0, "latency": None})
    weights = {"pass_rate": 2.0, "latency": 2.0}
    assert terms.contributions(weights) == pytest.approx({"pass_rate": 0.5, "latency": 0.1})
    assert terms.composite(weights) == pytest.approx(0.6)
    # floor over 4 tasks: (0.7 + 0.5 * 0.5 + 0 + 0) / 4
    assert terms.floor(weights, 4) == pytest.approx(0.2375)


def test_evidence_that_is_not_visible_lowers_the_floor_alone():
    terms = RowTerms("gated-1")
    terms.add("a", 1.0, {"pass_rate": 1.0}, unseen=0.5)
    terms.add("a", 1.0, {"pass_rate": 1.0})
    assert terms.composite({"pass_rate": 1.0}) == 1.0
    assert terms.floor({"pass_rate": 1.0}, 1) == 0.75


def test_a_graded_cell_without_a_value_lowers_the_floor_alone():
    terms = RowTerms("gated-1")
    terms.add("a", 1.0, {"pass_rate": 1.0})
    terms.add("a", None, {})
    assert terms.composite({"pass_rate": 1.0}) == 1.0
    assert terms.floor({"pass_rate": 1.0}, 1) == 0.5


@given(cells)
@settings(max_examples=40, deadline=None)
def test_contributions_sum_to_the_composite(cells):
    base = SHIPPED_POLICIES["gated-1"]
    terms = reduced(base, cells)
    contributions = terms.contributions(base.weights)
    assert fsum(contributions.values()) == (terms.composite(base.weights) or 0.0)


def one_cell(pass_rate, latency):
    terms = RowTerms("cab-0.1")
    terms.add("a", 1.0, {"pass_rate": pass_rate, "latency": latency})
    return terms


def test_a_row_that_is_better_in_every_term_is_always_first():
    rows = {("a",): one_cell(0.5, 0.5), ("b",): one_cell(0.9, 0.9), ("c",): RowTerms("cab-0.1")}
    found = rank_stability(rows, {"pass_rate": 1.0, "latency": 1.0}, 1, draws=50)
    assert found[("b",)] == (1.0, 1, 1)
    assert found[("a",)] == (0.0, 2, 2)
    assert found[("c",)] == (0.0, 3, 3)


def test_rows_that_are_even_at_equal_weights_lead_in_half_of_the_draws():
    rows = {("a",): one_cell(1.0, 0.0), ("b",): one_cell(0.0, 1.0)}
    found = rank_stability(rows, {"pass_rate": 1.0, "latency": 1.0}, 1)
    assert found[("a",)].first == pytest.approx(0.5, abs=0.05)
    assert found[("a",)].first + found[("b",)].first == pytest.approx(1.0)
    assert found[("a",)][1:] == found[("b",)][1:] == (1, 2)


def test_nearby_weights_stay_within_a_factor_of_two():
    # a leads where w_pass > 4.1 w_latency: from equal weights the ratio reaches at most 2 / 0.5 = 4
    rows = {("a",): one_cell(1.0, 0.0), ("b",): one_cell(0.0, 4.1)}
    assert rank_stability(rows, {"pass_rate": 1.0, "latency": 1.0}, 1)[("a",)] == (0.0, 2, 2)
    rows[("b",)] = one_cell(0.0, 3.0)
    assert 0 < rank_stability(rows, {"pass_rate": 1.0, "latency": 1.0}, 1)[("a",)].first < 0.1


def test_equal_rows_are_first_together():
    rows = {("a",): one_cell(0.3, 0.6), ("b",): one_cell(0.3, 0.6)}
    found = rank_stability(rows, {"pass_rate": 0.7, "latency": 0.1}, 1, draws=20)
    assert set(found.values()) == {(1.0, 1, 1)}


@given(st.lists(cells, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_does_not_show_in_their_stability(table, random):
    base = SHIPPED_POLICIES["gated-1"]
    rows = {(f"r{i}",): reduced(base, row) for i, row in enumerate(table)}
    shuffled = dict(random.sample(list(rows.items()), len(rows)))
    found = rank_stability(rows, base.weights, len(VIEW), draws=20)
    assert rank_stability(shuffled, base.weights, len(VIEW), draws=20) == found
    assert all(1 <= row.best <= row.worst <= len(rows) for row in found.values())


def test_the_term_that_changed_most_explains_a_move():
    before, after = {"pass_rate": 0.4, "latency": 0.2, "cost": 0.1}, {"pass_rate": 0.45, "latency": 0.05}
    assert explain_move(before, after) == ("latency", pytest.approx(-0.15))


def test_equal_changes_are_named_in_the_order_of_terms_and_none_is_no_move():
    assert explain_move({}, {"latency": 0.25, "pass_rate": -0.25}) == ("pass_rate", -0.25)
    assert explain_move({"cost": 0.1}, {"cost": 0.1}) is None
