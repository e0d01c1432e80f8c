"""The board of a sweep: what is tried again, what is given up, and when a place is paused."""

import pytest

from benchledger.runners.sweep.board import Board
from benchledger.schema.ids import CellId


def cells(count, model="m"):
    return [CellId("s", "a", model, "c", f"t{number}") for number in range(count)]


def test_what_was_lost_is_tried_again_after_all_others():
    board, named = Board(2), cells(3)
    board.add(named)
    first = board.take()
    assert not board.fault(first, "rate_limit", 1)
    assert [board.take() for _ in range(4)] == [*named[1:], first, None]


def test_five_faults_of_one_kind_in_a_row_are_due_for_a_pause():
    board = Board(9)
    assert [board.fault(cell, "rate_limit", 1) for cell in cells(6)] == [False] * 4 + [True] * 2


@pytest.mark.parametrize("between", ["other", "answer"])
def test_an_answer_or_another_fault_begins_a_new_row(between):
    board, named = Board(9), cells(9)
    for cell in named[:4]:
        board.fault(cell, "rate_limit", 1)
    if between == "other":
        board.fault(named[4], "upstream", 1)
    else:
        board.well("m")
    assert not board.fault(named[5], "rate_limit", 1)


def test_rows_are_counted_by_model():
    board = Board(9)
    for cell, other in zip(cells(4, "m"), cells(4, "n"), strict=True):
        assert not board.fault(cell, "hang", 1)
        assert not board.fault(other, "hang", 1)


def test_a_faulty_sandbox_is_no_reason_to_ask_the_endpoint():
    board = Board(9)
    assert not any(board.fault(cell, "sandbox", 1) for cell in cells(8))


def test_before_its_last_try_a_cell_waits_for_a_look_at_the_endpoint():
    board = Board(2)
    (cell,) = cells(1)
    assert [board.fault(cell, "upstream", infra) for infra in (1, 2, 3)] == [False, True, False]
    assert board.lost == {cell: "upstream"}


def test_a_paused_model_holds_only_its_own_cells():
    board = Board(2)
    board.add([*cells(2, "m"), *cells(2, "n")])
    assert board.pause("model m", "429", 0.0)
    assert not board.pause("model m", "429 again", 1.0)
    assert [cell.model for cell in (board.take(), board.take())] == ["n", "n"]
    assert board.take() is None
    del board.pauses["model m"]
    assert board.take().model == "m"


@pytest.mark.parametrize("place", ["engine", "disk"])
def test_without_an_engine_or_room_nothing_is_launched(place):
    board = Board(2)
    board.add(cells(1))
    board.pause(place, "gone", 0.0)
    assert board.take() is None


def test_probes_become_rarer_up_to_a_bound():
    board = Board(2)
    board.pause("disk", "full", 0.0, first=2.0)
    pause = board.pauses["disk"]
    waits = []
    for _ in range(12):
        pause.later(100.0, "still full")
        waits.append(pause.next_probe - 100.0)
    assert waits == [4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300]


def test_a_cell_that_kills_its_worker_each_time_is_given_up():
    board = Board(2)
    (cell,) = cells(1)
    for _ in range(2):
        board.died(cell, "signal 9")
        assert board.take() == cell
    board.died(cell, "signal 9")
    assert board.take() is None
    assert board.broken == {cell: "signal 9"}
