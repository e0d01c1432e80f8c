"""Means, intervals and pass@k against worked examples and against the naive way."""

from fractions import Fraction
from itertools import combinations
from math import comb
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.scorers.statistics import (
    RESAMPLES,
    SEED,
    includes_zero,
    interval,
    mean,
    mean_pass_at_k,
    pass_at_k,
    rerun_means,
    resampled_means,
)

unit = st.floats(0, 1)


@given(st.lists(unit, min_size=1), st.randoms(use_true_random=False))
def test_the_order_of_values_does_not_show_in_a_mean(values, random):
    shuffled = random.sample(values, len(values))
    assert mean(shuffled) == mean(values)
    assert abs(Fraction(mean(values)) - sum(map(Fraction, values)) / len(values)) < Fraction(1, 10**15)


def test_an_interval_leaves_fifty_of_two_thousand_on_each_side():
    # 0..1999 shuffled: 0..49 and 1950..1999 are cut
    samples = Random(4).sample(range(RESAMPLES), RESAMPLES)
    assert interval(samples) == (50, 1949)


def test_zero_is_in_an_interval_when_fewer_than_2_5_percent_lie_on_one_side():
    # position 50 of the sorted values decides: 51 zeros reach it, 50 do not
    assert includes_zero([0.0] * 51 + [1.0] * 1949)
    assert not includes_zero([0.0] * 50 + [1.0] * 1950)
    assert includes_zero([-1.0] * 1949 + [0.0] * 51)
    assert not includes_zero([-1.0] * 1950 + [0.0] * 50)


def test_a_difference_made_by_rounding_is_zero():
    assert includes_zero([0.1 + 0.2 - 0.3] * RESAMPLES)


@pytest.mark.parametrize("n", [5, 7, 600])
def test_shared_resamples_equal_those_drawn_one_by_one(n):
    rows = [[Random(row * 1000 + i).random() for i in range(n)] for row in range(3)]
    random = Random(SEED + n).random
    drawn = [[int(random() * n) for _ in range(n)] for _ in range(RESAMPLES)]
    assert resampled_means(rows) == [[mean([row[i] for i in indices]) for indices in drawn] for row in rows]


def test_blocks_of_resamples_do_not_show_in_the_numbers(monkeypatch):
    rows = [[i / 9 for i in range(9)], [0.5] * 9]
    whole = resampled_means(rows)
    monkeypatch.setattr("benchledger.scorers.statistics._BLOCK", 40)
    assert resampled_means(rows) == whole


def test_no_rows_have_no_resamples():
    assert resampled_means([]) == []


def test_resampled_means_have_the_textbook_spread():
    # 0/1 with p = 1/2 over 100 items: standard error 0.05, so 95% lie within 0.5 +- 0.098
    low, high = interval(resampled_means([[0.0, 1.0] * 50])[0])
    assert low == pytest.approx(0.402, abs=0.011)
    assert high == pytest.approx(0.598, abs=0.011)


@given(st.lists(st.lists(unit, min_size=1, max_size=4), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_another_run_lies_between_the_worst_and_the_best_run_of_each_task(tasks):
    drawn = rerun_means(tasks)
    assert len(drawn) == RESAMPLES
    assert min(drawn) >= mean([min(runs) for runs in tasks])
    assert max(drawn) <= mean([max(runs) for runs in tasks])
    assert rerun_means([runs[::-1] for runs in tasks]) == drawn


def test_runs_of_different_tasks_are_drawn_independently():
    # two tasks of 0 and 1: means 0, 1/2, 1 in the ratio 1 : 2 : 1
    drawn = rerun_means([[0.0, 1.0], [0.0, 1.0]])
    assert drawn.count(0.5) == pytest.approx(1000, abs=90)
    assert drawn.count(0.0) == pytest.approx(500, abs=80)


def test_pass_at_k_of_the_worked_example():
    # 5 runs, 2 passed, k = 2: 1 - C(3,2)/C(5,2) = 1 - 3/10
    assert pass_at_k(5, 2, 2) == 0.7
    assert pass_at_k(10, 3, 1) == 0.3


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_subsets_with_a_pass(sizes):
    n, c, k = sizes
    subsets = list(combinations(range(n), k))
    assert pass_at_k(n, c, k) == sum(min(subset) < c for subset in subsets) / len(subsets)


def test_pass_at_k_of_many_runs_neither_overflows_nor_rounds_off():
    exact = 1 - Fraction(comb(4990, 2500), comb(5000, 2500))
    assert pass_at_k(5000, 10, 2500) == float(exact)
    assert pass_at_k(10**6, 1, 1) == 1e-06


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_pass_at_k_refuses_counts_that_cannot_be(n, c, k):
    with pytest.raises(ValueError, match="pass@k needs"):
        pass_at_k(n, c, k)


def test_a_row_leaves_out_tasks_with_fewer_than_k_runs():
    # a: 1 - C(2,2)/C(4,2) = 5/6; b: 0; c has one run
    row = mean_pass_at_k({"a": (4, 2), "b": (2, 0), "c": (1, 1)}, 2)
    assert row.value == pytest.approx(5 / 12)
    assert row.tasks == 2
    assert mean_pass_at_k({"c": (1, 1)}, 2) == (None, 0)
