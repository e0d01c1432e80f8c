"""compare with a baseline: what regressed comes first, and leaves with 1; at a terminal there is a picture."""

import json
import os
import pty
import subprocess

import pytest

from benchledger.ledger.cli.bars import Scale
from benchledger.ledger.store import Ledger
from tests.cli.calls import COMMAND, answer, call, refused
from tests.ledger.made import ran


@pytest.fixture
def nights(empty):
    """Three sweeps: the second loses one task of two for good, the third solves all again."""
    with Ledger.open(empty, write=True) as ledger:
        for sweep, solved in (("night-1", True), ("night-2", False), ("night-3", True)):
            for run in (1, 2):
                ran(ledger, f"{sweep}/aider/m/c/kept#run{run}", task="a")
                ran(ledger, f"{sweep}/aider/m/c/lost#run{run}", task="b", passed=solved)
    return empty


@pytest.fixture
def long_nights(empty):
    """Two sweeps over six tasks, of which the second loses five."""
    with Ledger.open(empty, write=True) as ledger:
        for sweep, solved in (("old", 6), ("new", 1)):
            for number in range(6):
                ran(
                    ledger, f"{sweep}/aider/m/c/t{number}#run1", task="abcdef"[number], passed=number < solved
                )
    return empty


def test_a_lost_task_of_few_is_a_regression_and_is_said_first(nights):
    said = call("compare", "--baseline", "night-1", "night-2", "--fail-on", "regression", code=1).stdout
    first, second, *_ = said.splitlines()
    assert first == (
        "regression of night-2 against night-1: night-1 solved in all runs, and night-2 in none: c/lost"
    )
    assert second == "policy gated-1; a = night-2 (current), b = night-1 (baseline)"
    assert "a - b" in said


def test_without_current_it_is_the_sweep_that_began_last(nights):
    args = ("compare", "--baseline", "night-1", "--fail-on", "regression", "--fail-on", "flip")
    assert "a = sweep:night-3 (current)" in call(*args).stdout
    assert "no sweep with a cell began after night-3" in refused("compare", "--baseline", "night-3", code=2)
    assert answer("compare", "--baseline", "night-2")["difference"] > 0


def test_a_flip_leaves_with_one_only_where_it_was_asked_for(nights):
    args = ("compare", "--baseline", "night-1", "night-2")
    assert answer(*args)["findings"] == []
    result = call(*args, "--json", "--fail-on", "flip", code=1)
    assert json.loads(result.stdout)["findings"] == ["flip"]
    assert result.stderr == "flip: solved by night-1, no more by night-2: c/lost\n"
    both = answer(*args, "--fail-on", "flip", "--fail-on", "regression", code=1)
    assert both["findings"] == ["regression", "flip"]
    assert both["regression"] == {"found": True, "rule": "solved", "tasks": ["c/lost"]}


def test_from_five_tasks_on_the_interval_decides(long_nights):
    said = call("compare", "--baseline", "old", "--fail-on", "regression", code=1).stdout.splitlines()[0]
    assert said.startswith("regression of sweep:new against old: -")
    assert "95% interval -" in said
    assert "worse on c/t1, c/t2, c/t3, c/t4, c/t5" in said
    call("compare", "--baseline", "new", "old", "--fail-on", "regression")
    assert answer("compare", "--baseline", "new", "old")["regression"]["rule"] == "interval"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("night-1", "night-2", "--fail-on", "flip"), "--baseline SWEEP [CURRENT]"),
        (("night-1",), "1 side given, two are compared"),
        (("night-1", "night-2", "night-3"), "3 sides given"),
        (("--baseline", "night-1", "night-2", "night-3"), "leave one of night-2 and night-3 out"),
        (("--baseline", "agent:aider"), "is not one sweep; name what is compared with it"),
        (("--baseline", "night"), "did you mean 'night-3'?"),
    ],
)
def test_sides_that_do_not_add_up_are_refused(args, said, nights):
    assert said in refused("compare", *args, code=2)


def test_what_was_left_out_and_in_what_sides_differ_is_told_in_words(nights):
    with Ledger.open(nights, write=True) as ledger:
        for number in range(10):
            ran(ledger, f"night-4/aider/m/c/new{number}#run1", task="c", sandbox="docker")
        ran(ledger, "night-4/aider/m/c/kept#run1", task="a", sandbox="docker")
        ran(ledger, "night-4/aider/m/c/lost#run1", task="c")
    said = call("compare", "night-4", "night-1").stdout
    assert "* left out of a, other task digest: c/lost (aider, m) (cccccccccccccccc here, bbbbbbbb" in said
    assert "* left out of a, the other side has no cell of it: c/new0 (aider, m), " in said
    assert " and 2 more" in said
    assert "* sandbox of a: docker; of b: not recorded" in said
    assert "over 1 task (1 against 2 cells)" in said
    assert "* 2 cells stand on both sides" in call("compare", "night-1", "night-1", "--task", "c/kept").stdout


def _at_a_terminal(width, *args):
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(width), "PYTHONIOENCODING": "utf-8", "TERM": "dumb"}
    with subprocess.Popen([*COMMAND, *args], stdout=theirs, env=environment):
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(ours)
    return shown.decode()


def test_at_a_terminal_differences_are_bars_around_zero_and_in_a_pipe_numbers_alone(long_nights):
    shown = _at_a_terminal(120, "compare", "old", "new")
    rows = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert "│████████████" in rows["c/t1"]
    assert "█" not in rows["c/t0"]
    assert "│" in rows["c/t0"]
    assert "●" in rows["mean,"]
    assert "█" not in _at_a_terminal(60, "compare", "old", "new")
    piped = call("compare", "old", "new").stdout
    assert not set("█│●") & set(piped)


@pytest.mark.parametrize(
    ("value", "drawn"),
    [(1, "    |####"), (-1, "####|    "), (0.5, "    |##  "), (-0.001, "   #|    "), (0, "    |    ")],
)
def test_bars_are_to_scale_and_no_difference_is_hidden(value, drawn):
    assert Scale(1.0, 4, blocks=False).bar(value) == drawn


def test_an_interval_is_a_line_that_may_leave_out_the_axis():
    scale = Scale(1.0, 4, blocks=False)
    assert scale.span(-0.5, 0.0, 0.5) == "  --o--  "
    assert scale.span(0.5, 0.75, 1.0) == "    | -o-"
    assert Scale(0.0, 4, blocks=False).span(0.0, 0.0, 0.0) == "    o    "
