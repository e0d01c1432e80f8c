"""--fail-under: what falls short leaves with 1 and is named; no value is no pass; a wrong call is told at once."""

import json

import pytest

from tests.cells.parts import PYTHON, agent_file
from tests.cli.calls import answer, call, refused

NOP = ("--agent", "nop", "--task", PYTHON)
ORACLE = ("--agent", "oracle", "--task", PYTHON)


def told(result):
    return [line for line in result.stderr.splitlines() if line.startswith("fell short: ")]


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_cell_below_the_threshold_is_named(command, empty):
    result = call(command, *NOP, "--fail-under", "composite=0.5", "--fail-under", "pass_rate=1", code=1)
    composite, passes = told(result)
    assert f"nop/none/{PYTHON}#run1" in composite
    assert "composite 0 is below 0.5" in composite
    assert "pass_rate 0 is below 1" in passes
    assert "composite 0.000 under gated-1" in result.stdout


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_cell_that_reaches_it_leaves_with_zero(command, empty):
    assert told(call(command, *ORACLE, "--fail-under", "composite=0.95", "--fail-under", "pass_rate=1")) == []


def test_one_of_several_runs_is_enough_to_fall_short(empty):
    result = call("run", *NOP, "--repeat", 2, "--json", "--fail-under", "pass_rate=0.5", code=1)
    assert [name in told(result)[at] for at, name in enumerate(("#run1@1", "#run2@1"))] == [True, True]
    assert len(json.loads(result.stdout)["cells"]) == 2


def test_a_value_that_is_not_there_is_no_pass(empty, tmp_path):
    lost = (
        *("run", "--agent-file", agent_file(tmp_path), "--agent", "tiny", "--model", "m/1", "--task", PYTHON),
        *("--scripted", "--fault", "429", "--limit", "seconds=20"),
    )
    result = call(*lost, "--fail-under", "composite=0", code=1)
    (line,) = told(result)
    assert "has no composite (excluded:infra_error), and no value is no pass" in line
    (line,) = told(call("check", *ORACLE, "--fail-under", "tokens=0", code=1))
    assert "has no tokens (not applicable: the agent uses no model)" in line


def test_each_row_that_is_shown_is_judged(filled):
    rows = answer("leaderboard")
    best = max(row["composite"] for row in rows if row["composite"] is not None)
    result = call("leaderboard", "--json", "--fail-under", f"composite={best}", code=1)
    assert json.loads(result.stdout) == rows
    assert len(told(result)) == sum(row["composite"] is None or row["composite"] < best for row in rows)
    one = next(row for row in rows if row["composite"] == best)
    only = ("leaderboard", "--agent", one["agent"], "--model", one["model"])
    assert told(call(*only, "--fail-under", f"composite={best}", "--fail-under", "pass_rate=0")) == []


def test_a_row_ranked_by_its_floor_is_judged_by_its_composite_unless_the_floor_is_named(filled):
    only = ("leaderboard", "--agent", "example-agent")
    (row,) = answer(*only)
    assert row["floor"] < row["composite"]
    middle = (row["floor"] + row["composite"]) / 2
    call(*only, "--fail-under", f"composite={middle}")
    assert "floor" in told(call(*only, "--fail-under", f"floor={middle}", code=1))[0]


def test_a_row_without_a_value_and_a_table_without_a_row_are_no_pass(filled):
    row = next(row for row in answer("leaderboard") if row["low"] is None)
    only = ("leaderboard", "--agent", row["agent"], "--model", row["model"])
    assert "has no low" in told(call(*only, "--fail-under", "low=0", code=1))[0]
    nothing = call("leaderboard", "--mode", "replay", "--fail-under", "composite=0", code=1)
    assert "nothing to judge" in told(nothing)[0]


@pytest.mark.parametrize("command", [("run", *NOP), ("check", *NOP), ("leaderboard",)])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("composit=1", "did you mean 'composite'?"),
        ("speed=1", "choices: "),
        ("composite", "write AXIS=X"),
        ("composite=", "is no number"),
        ("composite=much", "is no number"),
        ("composite=nan", "is no number"),
        ("composite=inf", "is no number"),
    ],
)
def test_a_threshold_that_cannot_be_meant_is_refused_before_anything_runs(command, text, said, empty):
    assert said in refused(*command, "--fail-under", text, code=2)
    assert answer("cells") == []


def test_of_an_axis_of_which_less_is_better_this_is_said(empty):
    result = call("check", *ORACLE, "--fail-under", "blast_radius=0")
    assert "note: of blast_radius less is better" in result.stderr
