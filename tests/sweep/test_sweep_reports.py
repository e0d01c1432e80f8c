"""What a sweep says before, while and after it runs: estimates, events for a command, the report, its JSON."""

import json
from collections import Counter

from tests.cli.calls import call
from tests.sweep.parts import Sweeping, kill_tree
from tests.sweep.test_sweeps import TWO, quick, tiny

__all__ = ["quick", "tiny"]


def test_a_command_is_told_what_happens(quick):
    quick.run("--on-event", f"cat >> {quick.folder}/events; echo $BENCHLEDGER_EVENT >> {quick.folder}/names")
    told = [json.loads(line) for line in (quick.folder / "events").read_text().splitlines()]
    kinds = Counter(each["event"] for each in told)
    assert kinds == {"started": 1, "cell": 8, "finished": 1}
    assert sorted((quick.folder / "names").read_text().split()) == sorted(kinds.elements())
    assert {each["outcome"] for each in told if each["event"] == "cell"} == {"finished"}


def test_a_command_that_fails_is_said_and_stops_nothing(quick):
    assert "--on-event failed 10 times" in quick.run("--on-event", "exit 1").stderr


def test_a_dry_run_estimates_by_earlier_cells_and_writes_nothing(tiny):
    first = tiny.answer("--price", "1,2", "--dry-run")
    assert (first["cells"], first["todo"], first["seconds"], first["cost"]) == (4, 4, None, None)
    assert first["seconds_at_most"] > 0
    assert not (tiny.folder / "big.toml").exists()
    assert tiny.query("SELECT count(*) FROM events") == [(1,)]
    tiny.run("--price", "1,2", "--max-cost", 1e-9, code=1)
    then = tiny.answer("--dry-run")
    assert then["todo"] == 3
    assert then["estimated_from"] == 3
    assert 0 < then["seconds"] < 300
    assert then["cost"] > 0


def test_status_is_a_report_of_at_most_fifteen_lines(tmp_path):
    sweep = Sweeping(tmp_path, "--task", "mutations/python-*", "--repeat", 3, agent="nop,oracle")
    sweep.run()
    said = call("--ledger", sweep.path, "sweep", "status").stdout
    assert len(said.splitlines()) <= 15
    assert "2 agents x 1 model x 2 tasks x 3 runs = 12 cells" in said
    assert "12 of 12 have a result (100%), 6 solved" in said
    assert "complete" in said


def test_status_says_what_a_killed_launcher_left(tmp_path):
    sweep = Sweeping(tmp_path, *TWO, "--scripted", then="sleep")
    with sweep.running() as process:
        sweep.wait_for(1, "model.called")
        at_work = json.loads(call("--ledger", sweep.path, "sweep", "status", "--json").stdout)
        assert len(at_work["at_work"]) == 1
        kill_tree(process)
    status = json.loads(call("--ledger", sweep.path, "sweep", "status", "--json").stdout)
    assert (len(status["at_work"]), len(status["abandoned"])) == (0, 1)
    assert "goes on with what is missing" in call("--ledger", sweep.path, "sweep", "status").stdout


SWEEP = {
    "sweep": str, "cells": int, "done": int, "ran": int, "left": list, "lost": dict, "broken": dict,
    "cost": (float, type(None)), "stopped": (str, type(None)), "ledger": str, "head": dict,
}  # fmt: skip
DRY = {
    "sweep": str, "cells": int, "todo": int, "agents": list, "arms": list, "tasks": list, "repeats": int,
    "seed": int, "workers": int, "order": list, "seconds": (float, type(None)), "estimated_from": int,
    "seconds_at_most": (float, int), "cost": (float, type(None)),
}  # fmt: skip
STATUS = {
    "sweep": str, "planned_at": float, "agents": int, "models": int, "tasks": int, "repeats": int, "policy": str,
    "cells": int, "done": int, "solved": int, "lost": int, "todo": int, "at_work": list, "abandoned": list,
    "faults": dict, "first": float, "last": float, "rate": float, "unsolved": list, "merged": int, "head": str,
    "cost": (float, type(None)), "currency": (str, type(None)), "calls_without_usage": int, "arms": list,
}  # fmt: skip
ARM = {
    "agent": str, "model": str, "planned": int, "done": int, "solved": int, "lost_attempts": int,
    "composite": (float, type(None)), "seconds": (float, type(None)),
}  # fmt: skip


def shaped(value, shape):
    assert value.keys() == shape.keys()
    for name, kind in shape.items():
        assert isinstance(value[name], kind), f"{name} is {value[name]!r}"


def test_what_a_sweep_prints_as_json_has_a_documented_shape(quick):
    shaped(quick.answer("--dry-run"), DRY)
    shaped(quick.answer(), SWEEP)
    status = json.loads(call("--ledger", quick.path, "sweep", "status", "--json").stdout)
    shaped(status, STATUS)
    for arm in status["arms"]:
        shaped(arm, ARM)
