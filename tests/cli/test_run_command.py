"""run: names, sources and limits are checked before anything is claimed; what it prints; its exit codes."""

import json
import os
import pty
import signal
import subprocess
import time

import pytest

from benchledger.ledger.costs import cost_of_sweep
from benchledger.ledger.store import Ledger
from tests.cells.parts import PYTHON, agent_file
from tests.cli.calls import COMMAND, answer, call, head, refused
from tests.cli.test_shapes import HEAD, TEXT, holds

NOP = ("run", "--agent", "nop", "--task", PYTHON)
CELL = {
    "cell_id": str, "attempt": int, "agent": str, "version": str, "model": str, "mode": str, "sandbox": str,
    "outcome": str, "verdict": str, "composite": float, "floor": float, "ceiling": float, "coverage": float,
    "axes": dict, "model_calls": int, "notes": list, "drifts": int,
}  # fmt: skip


@pytest.fixture
def tiny(tmp_path):
    return (
        "run",
        "--agent-file",
        agent_file(tmp_path),
        "--agent",
        "tiny",
        "--model",
        "m/1",
        "--task",
        PYTHON,
    )


def test_a_run_says_a_sentence_and_the_scores_and_where_the_ledger_stands(empty):
    said = call(*NOP).stdout
    assert "Failed: 2 of 6 checks; changed nothing" in said
    assert "composite 0.000 under gated-1" in said
    assert f"ledger {empty}, head " in said


def test_a_run_has_a_documented_shape(empty, tiny):
    told = answer(*tiny, "--scripted", "--repeat", 2)
    holds(told, {"ledger": TEXT, "head": HEAD, "policy": TEXT, "cells": list})
    for cell in told["cells"]:
        holds(cell, CELL)
    assert [cell["cell_id"].rpartition("#")[2] for cell in told["cells"]] == ["run1", "run2"]
    assert told["head"]["hash"] == head(empty).hash


def test_what_is_intended_is_planned_before_it_is_launched(empty, tiny):
    call(*tiny, "--scripted", "--sweep", "mine")
    [row] = answer("cells")
    assert "not planned before launch" not in row["standing_reasons"]
    assert row["cell_id"].startswith("mine/tiny/m/1/")


def test_a_recorded_cell_is_named_alone_and_run_again(empty, tiny):
    first = answer(*tiny, "--scripted")["cells"][0]
    again = answer(*tiny[:3], "--replay", first["cell_id"])["cells"][0]
    assert again["mode"] == "replay"
    assert again["drifts"] == 0
    assert again["agent"] == "tiny"
    assert again["axes"]["pass_rate"] == first["axes"]["pass_rate"]


@pytest.mark.parametrize(
    ("extra", "code", "said"),
    [
        ((), 2, "give --endpoint URL, --scripted or --replay"),
        (("--scripted", "--endpoint", "http://127.0.0.1:9"), 2, "exclude each other"),
        (("--variant", "fail"), 2, "give --scripted with them"),
        (("--scripted", "--variant", "fial"), 2, "did you mean 'fail'"),
        (("--scripted", "--fault", "4299"), 2, "choices:"),
        (("--scripted", "--fault", "429:x"), 2, "NAME:AFTER:TIMES"),
        (("--scripted", "--limit", "seconds"), 2, "NAME=NUMBER"),
        (("--scripted", "--limit", "hours=3"), 2, "limits are"),
        (("--scripted", "--limit", "money=3"), 2, "--price"),
        (("--scripted", "--price", "cheap"), 2, "PROMPT,COMPLETION"),
        (("--endpoint", "http://127.0.0.1:9"), 3, "see that it runs"),
        (("--endpoint", "ftp://x"), 2, "http"),
        (("--endpoint", "http://127.0.0.1:9", "--key-env", "NOT_SET_ANYWHERE"), 3, "--key-env"),
        (("--replay", "a/b/c/d/e"), 1, "list cells"),
        (("--scripted", "--sandbox", "docker", "--image", "no-such-image:1"), 3, "images build"),
        (("--scripted", "--sweep", "no good"), 1, "letters, digits"),
    ],
)
def test_what_is_asked_wrongly_is_one_line_and_appends_nothing(empty, tiny, extra, code, said):
    before = head(empty)
    assert said in refused(*tiny, *extra, code=code)
    assert head(empty) == before


def test_a_run_wants_a_ledger(db):
    assert "benchledger" in refused(*NOP, code=3)
    assert not db.exists()


def test_a_limit_takes_the_place_of_the_tasks_own(empty, tiny):
    told = answer(*tiny, "--scripted", "--limit", "calls=1")["cells"][0]
    assert (told["outcome"], told["outcome_kind"]) == ("budget", "calls")


def test_prices_are_declared_before_they_are_used(empty, tiny):
    call(*tiny, "--scripted", "--price", "1.5,6,0.15")
    call(*tiny, "--scripted", "--price", "1.5,6,0.15")
    with Ledger.open(empty) as ledger:
        declared = [event for event in ledger.events() if event.meta.type == "price.declared"]
    assert [event.payload["cached"] for event in declared] == [0.15]


def test_with_a_price_a_run_has_a_cost_wherever_its_numbers_are_shown(empty, tiny):
    call(*tiny, "--scripted", "--sweep", "free")
    call(*tiny, "--scripted", "--sweep", "paid", "--price", "1.5,6,0.15")
    free, paid = answer("cells")
    assert (free["cost"], free["currency"], paid["currency"]) == (None, None, "USD")
    calls = answer("show", paid["cell_id"])["model_calls"]
    sums = {
        kind: sum(call[kind] or 0 for call in calls)
        for kind in ("prompt_tokens", "completion_tokens", "cached_tokens")
    }
    fresh = sums["prompt_tokens"] - sums["cached_tokens"]
    assert fresh > 0
    cost = (1.5 * fresh + 0.15 * sums["cached_tokens"] + 6 * sums["completion_tokens"]) / 1e6
    assert paid["cost"] == pytest.approx(cost)
    (row,) = answer("leaderboard", "--mode", "scripted", "--sweep", "paid")
    assert (row["cost_per_solved"], row["currency"]) == (paid["cost"], "USD")
    assert answer("leaderboard", "--mode", "scripted")[0]["cost_per_solved"] is None
    with Ledger.open(empty) as ledger:
        spent = cost_of_sweep(ledger.connection, "paid")
    assert (spent.calls, spent.complete, spent.cost.value) == (len(calls), True, pytest.approx(cost))
    assert f"cost            {paid['cost']:.6f} USD" in call("show", paid["cell_id"]).stdout
    assert f"{paid['cost']:.6f} USD" in call("cells").stdout
    assert f"{paid['cost']:.6f} USD" in call("leaderboard", "--mode", "scripted", "--sweep", "paid").stdout


def test_on_a_terminal_the_steps_are_shown_as_they_happen(empty, tiny):
    ours, theirs = pty.openpty()
    command = [*COMMAND, *map(str, tiny), "--scripted"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:
                break
            if not data:
                break
            shown += data
        assert process.wait(60) == 0
    os.close(ours)
    assert b"call: 1: 200" in shown
    assert b"grade" in shown


def test_an_interrupted_run_closes_its_attempt_as_aborted_and_the_next_goes_on(empty, tmp_path):
    path = agent_file(tmp_path, "sleep")
    run = ("run", "--agent-file", path, "--agent", "tiny", "--model", "m", "--task", PYTHON, "--scripted")
    process = subprocess.Popen([*COMMAND, *map(str, run)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not _called(empty) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert [row["outcome"] for row in answer("cells")] == ["aborted"]
    told = json.loads(call(*run[:3], *run[3:], "--limit", "seconds=4", "--json").stdout)["cells"][0]
    assert told["attempt"] == 2
    assert told["outcome"] == "timeout"


def _called(path):
    from benchledger.ledger.store import Ledger

    with Ledger.open(path) as ledger:
        return any(event.meta.type == "model.called" for event in ledger.events())
