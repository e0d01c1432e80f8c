"""Rows: composite, floor and ceiling, intervals, shared ranks."""

from fractions import Fraction
from operator import sub
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.scorers.leaderboard import RowData, row_statistics
from benchledger.scorers.statistics import interval, mean, resampled_means

VIEW = [f"c/t{i}" for i in range(6)]


def row(key, runs):
    """A row from {task: [run, ...]}; a bare number is a run with all evidence, None one not scored."""
    data = RowData(key=(key,))
    for task, given_runs in runs.items():
        for run in given_runs:
            data.add(task, *(run if isinstance(run, tuple) else (run, run, run)))
    return data


def full(key, values):
    return row(key, {f"c/t{i}": [value] for i, value in enumerate(values)})


@st.composite
def scored(draw):
    value = draw(st.sampled_from([0.0, 0.25, 0.6, 0.9, 1.0]) | st.floats(0, 1))
    return draw(st.sampled_from([(value, value, value), (value, value / 2, (1 + value) / 2)]))


run = scored() | st.sampled_from([(None, 0.0, 1.0), (None, None, None)])
runs_of_row = st.dictionaries(st.sampled_from(VIEW), st.lists(run, max_size=4))
tables = st.lists(runs_of_row, min_size=1, max_size=5)


def rows_of(table):
    return [row(f"agent{i}", runs) for i, runs in enumerate(table)]


def test_a_composite_is_the_mean_of_task_means():
    # task a: (1 + 0) / 2 = 0.5, task b: 0.9; (0.5 + 0.9) / 2 = 0.7, not (1 + 0 + 0.9) / 3
    (found,) = row_statistics([row("x", {"a": [1.0, 0.0], "b": [0.9]})], ["a", "b"])
    assert found.composite == pytest.approx(0.7)
    assert (found.tasks, found.planned, found.rank, found.tied) == (2, 2, 1, False)


def test_a_task_without_a_value_counts_zero_in_the_floor_and_one_in_the_ceiling():
    # floor (0.6 + 0 + 0) / 3, ceiling (0.9 + 1 + 1) / 3: b has no value, c was not run
    rows = [row("x", {"a": [(0.8, 0.6, 0.9)], "b": [(None, 0.0, 0.0)]})]
    (found,) = row_statistics(rows, ["a", "b", "c"])
    assert found.composite == 0.8
    assert found.floor == pytest.approx(0.2)
    assert found.ceiling == pytest.approx(2.9 / 3)
    assert (found.tasks, found.planned) == (1, 3)


def test_judges_that_disagree_count_in_the_bounds_and_not_in_the_composite():
    # floor (0.8 + 0) / 2, ceiling (0.8 + 1) / 2; the run that was not scored counts nowhere
    runs = {"a": [0.8, (None, 0.0, 1.0), (None, None, None)]}
    (found,) = row_statistics([row("x", runs)], ["a"])
    assert (found.composite, found.floor, found.ceiling) == (0.8, 0.4, 0.9)


def test_an_empty_view_says_nothing():
    (found,) = row_statistics([row("x", {"a": [1.0]})], [])
    assert (found.composite, found.floor, found.ceiling, found.planned) == (None, 0.0, 1.0, 0)
    assert row_statistics([], ["a"]) == []


def test_intervals_need_five_tasks_and_three_runs_of_each():
    four = row("x", {task: [0.5, 0.6, 0.7] for task in VIEW[:4]})
    five = row("y", {task: [0.5, 0.6] for task in VIEW[:5]})
    by_key = {found.key: found for found in row_statistics([four, five], VIEW)}
    assert by_key[("x",)].low is None
    assert by_key[("x",)].run_low is not None
    assert by_key[("y",)].low is not None
    assert by_key[("y",)].run_low is None


def test_a_row_of_equal_tasks_has_an_interval_of_no_width():
    (found,) = row_statistics([full("x", [0.5] * 6)], VIEW)
    assert (found.low, found.composite, found.high) == (0.5, 0.5, 0.5)


def test_ranks_below_five_tasks_are_shared_only_by_equal_floors():
    rows = [full("a", [0.9, 0.1]), full("b", [0.1, 0.9]), full("c", [0.9, 0.0]), full("d", [0.1, 0.1])]
    found = row_statistics(rows, ["c/t0", "c/t1"])
    assert [(r.key[0], r.rank, r.tied) for r in found] == [
        ("a", 1, True),
        ("b", 1, True),
        ("c", 3, False),
        ("d", 4, False),
    ]


def test_floors_that_differ_by_rounding_alone_share_a_rank():
    found = row_statistics([row("a", {"t": [0.1 + 0.2]}), row("b", {"t": [0.3]})], ["t"])
    assert [r.rank for r in found] == [1, 1]


def test_rows_that_differ_on_every_task_do_not_share_a_rank():
    found = row_statistics([full("a", [0.5] * 6), full("b", [0.6] * 6)], VIEW)
    assert [(r.key[0], r.rank, r.tied) for r in found] == [("b", 1, False), ("a", 2, False)]


def test_one_task_of_six_is_too_little_to_part_two_rows():
    # resamples without that task: (5/6)^6 = 33%, far more than 2.5% have difference 0
    found = row_statistics([full("a", [0.5] * 6), full("b", [0.5] * 5 + [0.9])], VIEW)
    assert [(r.key[0], r.rank, r.tied) for r in found] == [("b", 1, True), ("a", 1, True)]


def test_a_group_is_compared_with_its_leader_and_not_from_neighbour_to_neighbour():
    # b differs from a on one task, c from b on another, c from a on all six
    a = full("a", [0.9] * 6)
    b = full("b", [0.9] * 3 + [0.5] + [0.9] * 2)
    c = full("c", [0.8] * 6)
    assert [r.rank for r in row_statistics([a, b], VIEW)] == [1, 1]
    assert [r.rank for r in row_statistics([b, c], VIEW)] == [1, 1]
    assert [r.rank for r in row_statistics([a, b, c], VIEW)] == [1, 1, 3]


def test_a_row_without_any_value_is_last_and_ties_with_no_measured_row():
    nothing = row("nothing", {task: [None] for task in VIEW})
    failed = full("failed", [0.0] * 6)
    found = row_statistics([nothing, row("absent", {}), failed], VIEW)
    assert [(r.key[0], r.rank, r.tied, r.composite) for r in found] == [
        ("failed", 1, False, 0.0),
        ("absent", 2, True, None),
        ("nothing", 2, True, None),
    ]


def test_common_ranks_over_tasks_that_all_rows_have():
    # all have t1 only; the row with no value at all does not empty the view for the others
    rows = [row("a", {"t1": [0.2], "t2": [1.0]}), row("b", {"t1": [0.3]}), row("c", {})]
    found = row_statistics(rows, ["t1", "t2", "t3"], common=True)
    assert [(r.key[0], r.rank, r.floor, r.planned) for r in found] == [
        ("b", 1, 0.3, 1),
        ("a", 2, 0.2, 1),
        ("c", 3, 0.0, 1),
    ]


@given(tables)
@settings(max_examples=40, deadline=None)
def test_composite_floor_and_ceiling_equal_those_of_exact_arithmetic(table):
    found = {r.key[0]: r for r in row_statistics(rows_of(table), VIEW)}
    for i, runs in enumerate(table):
        values, floors, ceilings = [], [], []
        for task in VIEW:
            graded = [r for r in runs.get(task, []) if r[1] is not None]
            valued = [Fraction(r[0]) for r in graded if r[0] is not None]
            if valued:
                values.append(sum(valued) / len(valued))
            floors.append(sum(Fraction(r[1]) for r in graded) / len(graded) if valued else 0)
            ceilings.append(sum(Fraction(r[2]) for r in graded) / len(graded) if valued else 1)
        row = found[f"agent{i}"]
        assert row.composite == (pytest.approx(float(sum(values) / len(values))) if values else None)
        assert row.floor == pytest.approx(float(sum(floors) / len(VIEW)))
        assert row.ceiling == pytest.approx(float(sum(ceilings) / len(VIEW)))
        assert row.floor <= (row.composite or 0) + 1e-12
        assert (row.composite or 0) <= row.ceiling + 1e-12


@given(tables, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_no_order_of_rows_tasks_or_runs_shows(table, random):
    shuffled = [
        row(
            f"agent{i}",
            {t: random.sample(runs[t], len(runs[t])) for t in random.sample(list(runs), len(runs))},
        )
        for i, runs in enumerate(table)
    ]
    random.shuffle(shuffled)
    view = random.sample(VIEW, len(VIEW)) + VIEW[:2]
    assert row_statistics(shuffled, view) == row_statistics(rows_of(table), VIEW)


@given(tables)
@settings(max_examples=25, deadline=None)
def test_ranks_are_competition_ranks_and_ends_of_intervals_are_in_order(table):
    found = row_statistics(rows_of(table), VIEW)
    ranks = [r.rank for r in found]
    assert len(found) == len(table)
    assert all(
        rank in (number, ranks[number - 2]) for number, rank in enumerate(ranks, start=1) if number > 1
    )
    assert ranks[0] == 1
    for r in found:
        assert r.tied == (ranks.count(r.rank) > 1)
        assert r.low is None or 0 <= r.low <= r.high <= 1
        assert r.run_low is None or 0 <= r.run_low <= r.run_high <= 1


@given(tables)
@settings(max_examples=25, deadline=None)
def test_the_same_row_twice_shares_a_rank(table):
    found = row_statistics([*rows_of(table), row("twin", table[0])], VIEW)
    by_key = {r.key[0]: r for r in found}
    assert by_key["twin"].rank == by_key["agent0"].rank
    assert by_key["twin"].tied


@given(runs_of_row, st.data())
@settings(max_examples=40, deadline=None)
def test_a_value_that_is_taken_away_never_raises_the_floor(runs, data):
    (before,) = row_statistics([row("x", runs)], VIEW)
    places = [(t, i) for t in runs for i, r in enumerate(runs[t]) if r[0] is not None]
    if places:
        task, place = data.draw(st.sampled_from(places))
        less = {t: list(r) for t, r in runs.items()}
        less[task][place] = (None, 0.0, 1.0)
        (after,) = row_statistics([row("x", less)], VIEW)
        assert after.floor <= before.floor + 1e-12
        assert after.ceiling >= before.ceiling - 1e-12


def test_twenty_thousand_cells_agree_with_the_naive_way():
    random = Random(5)
    view = [f"c/t{i:02}" for i in range(20)]
    table = {
        f"agent{a:02}": {task: [random.random() ** (1 + a / 10) for _ in range(50)] for task in view}
        for a in range(20)
    }
    found = row_statistics([row(key, runs) for key, runs in table.items()], view)
    means = {key: [mean(runs[task]) for task in view] for key, runs in table.items()}
    resampled = {key: resampled_means([values])[0] for key, values in means.items()}
    leader, rank = None, 0
    for number, r in enumerate(found, start=1):
        key = r.key[0]
        assert r.composite == mean(means[key])
        assert (r.low, r.high) == interval(resampled[key])
        if leader is None or interval(map(sub, resampled[leader], resampled[key])).low > 0:
            leader, rank = key, number
        assert r.rank == rank
    assert [r.floor for r in found] == sorted((r.floor for r in found), reverse=True)
    assert 1 < rank < 20
