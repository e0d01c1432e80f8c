"""Two agents compared by task."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.scorers.compare import compare_tasks, regression
from benchledger.scorers.statistics import NOISE, interval, resampled_means

runs = st.dictionaries(st.sampled_from("pqrstuv"), st.lists(st.floats(0, 1), max_size=4))


def test_differences_are_paired_by_task_and_the_rest_is_named():
    # p: (0.9 + 0.7) / 2 - 0.5 = 0.3, q: 0.2 - 0.6 = -0.4; mean -0.05
    a = {"q": [0.2], "p": [0.9, 0.7], "only a": [1.0]}
    b = {"p": [0.5], "q": [0.6], "only b": [0.0], "empty": []}
    found = compare_tasks(a, b)
    assert [task.task for task in found.tasks] == ["p", "q"]
    assert [task.difference for task in found.tasks] == pytest.approx([0.3, -0.4])
    assert found.difference == pytest.approx(-0.05)
    assert (found.unpaired_a, found.unpaired_b) == (("only a",), ("only b",))
    assert (found.low, found.high, found.repeats_needed) == (None, None, None)


def test_a_flip_is_a_task_that_one_alone_solved_in_most_of_its_runs():
    # half of the runs is not most of them, and partial credit is no pass
    passes_a = {"p": [1, 1, 0], "q": [1, 0], "r": [0.9], "s": [1], "t": [1]}
    passes_b = {"p": [0], "q": [1], "r": [1], "s": [1]}
    found = compare_tasks({}, {}, passes_a, passes_b)
    assert found.solved_by_a == ("p",)
    assert found.solved_by_b == ("q", "r")
    assert found.difference is None


def test_repeats_needed_follow_the_formula():
    # s2_a = 0.02, s2_b = 0 on each of 2 tasks; d = 0.1; 3.8415 * 0.02 / (2 * 0.01) = 3.84
    a = {"p": [0.5, 0.7], "q": [0.5, 0.7]}
    b = {"p": [0.5, 0.5], "q": [0.5, 0.5]}
    assert compare_tasks(a, b).repeats_needed == 4


def test_agents_whose_runs_never_vary_need_one_run():
    assert compare_tasks({"p": [1, 1]}, {"p": [0, 0]}).repeats_needed == 1


@pytest.mark.parametrize(
    ("a", "b"),
    [({"p": [1.0, 0.0]}, {"p": [0.5, 0.5]}), ({"p": [1.0]}, {"p": [0.0, 1.0]}), ({}, {"p": [0.0, 1.0]})],
    ids=["no difference", "no repeats of one", "no common task"],
)
def test_repeats_are_not_guessed_without_a_variance_and_a_difference(a, b):
    assert compare_tasks(a, b).repeats_needed is None


def test_the_interval_is_that_of_the_paired_differences():
    random = Random(2)
    a = {f"t{i}": [random.random()] for i in range(8)}
    b = {task: [values[0] - 0.1] for task, values in a.items()}
    found = compare_tasks(a, b)
    assert (found.low, found.high) == interval(resampled_means([[t.difference for t in found.tasks]])[0])
    # the difference is 0.1 on every task, however much tasks vary
    assert found.low == pytest.approx(0.1)
    assert found.high == pytest.approx(0.1)


@given(runs, runs)
@settings(max_examples=60, deadline=None)
def test_swapping_the_agents_swaps_every_sign(a, b):
    one, other = compare_tasks(a, b, a, b), compare_tasks(b, a, b, a)
    assert [-t.difference for t in one.tasks] == [t.difference for t in other.tasks]
    assert (one.solved_by_a, one.unpaired_a) == (other.solved_by_b, other.unpaired_b)
    assert one.repeats_needed == other.repeats_needed
    if one.low is not None:
        assert (one.low, one.high) == (-other.high, -other.low)
        assert one.low <= one.high


@given(runs, runs)
@settings(max_examples=60, deadline=None)
def test_the_interval_holds_the_difference_and_lies_within_those_of_single_tasks(a, b):
    found = compare_tasks(a, b)
    if found.low is not None:
        single = [task.difference for task in found.tasks]
        assert min(single) - NOISE <= found.low <= found.difference + NOISE
        assert found.difference - NOISE <= found.high <= max(single) + NOISE


@given(runs)
@settings(max_examples=30, deadline=None)
def test_a_side_against_itself_differs_in_nothing(a):
    found = compare_tasks(a, a, a, a)
    assert {task.difference for task in found.tasks} <= {0.0}
    assert (found.low, found.high) in ((None, None), (0.0, 0.0))
    assert not found.solved_by_a + found.solved_by_b + found.unpaired_a + found.unpaired_b
    assert found.repeats_needed is None
    assert not regression(found, a, a).found


def _six(*differences):
    b = {f"t{at}": [0.5] for at in range(len(differences))}
    a = {task: [values[0] + differences[at]] for at, (task, values) in enumerate(b.items())}
    return compare_tasks(a, b)


def test_from_five_tasks_on_a_regression_is_an_interval_below_zero_worst_task_first():
    worse = _six(-0.1, -0.3, -0.2, -0.25, -0.15, 0.01)
    assert worse.high < 0
    assert regression(worse, {}, {}) == (True, "interval", ("t1", "t3", "t2", "t4", "t0"))
    # more was lost than won, but chance could do that
    unsure = _six(-0.4, -0.4, 0.3, 0.3, -0.1, 0.0)
    assert unsure.low < 0 < unsure.high
    assert regression(unsure, {"t0": [0]}, {"t0": [1]}) == (False, "interval", ())
    assert not regression(_six(0.1, 0.3, 0.2, 0.25, 0.15), {}, {}).found


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        ([1], [0], True),
        ([1, 1, 1], [0, 0.9], True),
        ([1, 1, 0], [0, 0], False),
        ([1, 1], [0, 1], False),
        ([1, 1], [], False),
        ([], [0], False),
        ([0.9], [0], False),
    ],
)
def test_below_five_tasks_a_regression_is_a_task_solved_in_all_runs_and_now_in_none(before, now, lost):
    found = regression(compare_tasks({"p": [0.5]}, {"p": [0.5]}), {"p": now}, {"p": before})
    assert found == (lost, "solved", ("p",) if lost else ())
