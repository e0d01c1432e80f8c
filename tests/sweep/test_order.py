"""The order of a sweep: recorded, balanced, and split over machines without a cell lost or doubled."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.runners.sweep.order import ordered, shard_of, tasks_named
from benchledger.schema.errors import UnknownName, UsageError

NAMES = [f"mutations/t{number}" for number in range(9)]
arms = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["m", "n/o"])), min_size=1, max_size=6, unique=True
)
tasks = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)


@given(arms, tasks, st.integers(1, 4), st.integers())
def test_every_cell_is_there_exactly_once(arms, tasks, repeats, seed):
    blocks = ordered("s", arms, tasks, repeats, seed)
    cells = Counter(cell for block in blocks for cell in block)
    wanted = {
        (agent, model, task, run) for agent, model in arms for task in tasks for run in range(1, repeats + 1)
    }
    assert {(cell.agent, cell.model, cell.task_id, cell.run) for cell in cells} == wanted
    assert set(cells.values()) == {1}


@given(arms, tasks, st.integers(1, 4), st.integers())
def test_a_seed_says_the_order_and_a_block_holds_all_arms_of_one_task(arms, tasks, repeats, seed):
    blocks = ordered("s", arms, tasks, repeats, seed)
    assert blocks == ordered("s", arms, tasks, repeats, seed)
    for block in blocks:
        assert len({(cell.task_id, cell.run) for cell in block}) == 1
        assert sorted((cell.agent, cell.model) for cell in block) == sorted(arms)


def test_another_seed_is_another_order():
    orders = {tuple(map(tuple, ordered("s", [("a", "m"), ("b", "m")], NAMES, 1, seed))) for seed in range(20)}
    assert len(orders) == 20


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_no_arm_goes_first_more_often_than_another(size):
    named = [(f"a{number}", "m") for number in range(size)]
    blocks = ordered("s", named, NAMES[:size] if size > 1 else NAMES, size, 7)
    for place in range(size):
        assert len(set(Counter(block[place].agent for block in blocks).values())) == 1


def test_all_tasks_are_run_once_before_any_is_run_again():
    blocks = ordered("s", [("a", "m")], NAMES, 3, 1)
    assert [block[0].run for block in blocks] == [1] * 9 + [2] * 9 + [3] * 9


@given(arms, tasks, st.integers(1, 5), st.integers(1, 7))
def test_shards_are_whole_blocks_and_together_the_whole(arms, tasks, repeats, machines):
    blocks = ordered("s", arms, tasks, repeats, 3)
    shards = [shard_of(blocks, f"{number}/{machines}") for number in range(1, machines + 1)]
    assert sorted(map(str, (block for shard in shards for block in shard))) == sorted(map(str, blocks))
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "", "1/2/3", "-1/2"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UsageError, match="write I/N"):
        shard_of([], text)


def test_globs_name_tasks_once_each():
    known = ["integrity/x", "mutations/a", "mutations/b"]
    assert tasks_named(["mutations/*", "mutations/a", "*/x"], known) == [
        "integrity/x",
        "mutations/a",
        "mutations/b",
    ]
    with pytest.raises(UnknownName, match="did you mean 'mutations/a'"):
        tasks_named(["mutations/aa"], known)
