"""How often the watch looks: seldom where nothing grows, in time where the cap comes near."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from benchledger.runners.sandboxes.watch import Watch
from benchledger.schema.task import Limits

MIB = 1 << 20
CAP = 48 * MIB
COST = 0.02


def watched(grown, seconds):
    """Watch files that hold `grown(seconds since the start)` bytes and take 20 ms of processor to count.

    Returns the breach, the seconds of processor that looks took, and those that passed.
    """
    started, spent = time.monotonic(), 0.0

    def used():
        nonlocal spent
        before = time.thread_time()
        while time.thread_time() - before < COST:
            pass
        spent += time.thread_time() - before
        return int(grown(time.monotonic() - started))

    watch, breach = Watch(Limits(seconds=seconds), CAP, used), None
    while breach is None:
        time.sleep(watch.wait_seconds())
        breach = watch.look()
    return breach, spent, time.monotonic() - started


@pytest.mark.parametrize("held", [0, CAP - MIB])
def test_where_nothing_grows_a_look_takes_a_twentieth_of_a_processor(held):
    breach, spent, passed = watched(lambda _: held, 3)
    assert breach == "seconds"
    # two looks come before it is known that nothing grows
    assert 2 * COST < spent < passed / 20 + 3 * COST


@pytest.mark.parametrize("rate", [10 * MIB, 100 * MIB, 400 * MIB])
def test_files_that_grow_steadily_are_seen_soon_after_they_reach_the_cap(rate):
    breach, spent, passed = watched(lambda seconds: seconds * rate, 30)
    assert breach == "disk"
    # alone for the first look it is too late at 400 MiB a second
    assert passed < max(CAP / rate, 0.1) + 0.5
    assert spent < passed


def test_files_that_begin_to_grow_late_are_seen_before_they_are_twice_the_cap():
    breach, _, passed = watched(lambda seconds: max(0.0, seconds - 1) * 60 * MIB, 30)
    assert breach == "disk"
    assert passed < 1 + 2 * CAP / (60 * MIB)


def test_a_look_that_others_work_for_is_billed_by_the_wall_clock():
    looks = []

    def used():
        looks.append(time.monotonic())
        time.sleep(COST)
        return 0

    watch = Watch(Limits(seconds=2), CAP, used, time.monotonic)
    while watch.look() is None:
        time.sleep(watch.wait_seconds())
    assert all(later - earlier > 20 * COST for earlier, later in pairwise(looks))
    assert len(looks) > 2
