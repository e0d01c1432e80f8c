"""Sweeps of real cells: what is planned, what is run, what is left, and what the next start does."""

import json
import os
import signal
from collections import Counter

import pytest

from tests.cli.calls import call, one_error
from tests.ledgers import checked
from tests.sweep.parts import Sweeping, children, kill_tree

TWO = ("--task", "mutations/python-*")


@pytest.fixture
def quick(tmp_path):
    """Two arms that ask no model, on two tasks, twice: eight cells of a tenth of a second."""
    return Sweeping(tmp_path, *TWO, "--repeat", 2, agent="nop,oracle")


@pytest.fixture
def tiny(tmp_path):
    return Sweeping(tmp_path, *TWO, "--repeat", 2, "--scripted")


def test_each_planned_cell_gets_one_result(quick):
    told = quick.answer("--workers", 2)
    assert (told["cells"], told["done"], told["ran"]) == (8, 8, 8)
    assert told["left"] == []
    assert told["lost"] == told["broken"] == {}
    assert told["stopped"] is None
    assert set(quick.results().values()) == {1}
    checked(quick.path)


def test_what_is_intended_is_in_the_ledger_before_anything_is_launched(tiny):
    tiny.run()
    first = dict(tiny.query("SELECT type, min(seq) FROM events GROUP BY type"))
    assert first["sweep.planned"] < first["cell.setup"]
    [(agents, models, repeats, seed)] = tiny.query("SELECT agents, models, repeats, seed FROM sweeps")
    assert (json.loads(agents), json.loads(models), repeats) == (["tiny"], ["m/1"], 2)
    assert f"seed = {seed}\n" in (tiny.folder / "big.toml").read_text()
    [reasons] = {
        tuple(row["standing_reasons"])
        for row in json.loads(call("--ledger", tiny.path, "cells", "--mode", "scripted", "--json").stdout)
    }
    assert "not planned before launch" not in reasons


def test_one_worker_runs_cells_in_the_planned_order(quick):
    order = quick.answer("--seed", 5, "--dry-run")["order"]
    quick.run("--seed", 5)
    assert [cell for (cell,) in quick.query("SELECT cell FROM attempts ORDER BY first_seq")] == order


def test_started_again_a_complete_sweep_runs_nothing(quick):
    quick.run()
    before = quick.query("SELECT max(seq) FROM events")
    assert quick.answer()["ran"] == 0
    assert quick.query("SELECT max(seq) FROM events") == before


def test_another_plan_under_the_same_name_is_refused_unless_it_is_added(quick):
    quick.run()
    plan = quick.folder / "big.toml"
    plan.write_text(plan.read_text().replace("repeats = 2", "repeats = 3"))
    said = one_error(quick.run(code=2).stderr)
    assert "was planned with other repeats" in said
    assert quick.answer("--extend")["ran"] == 4
    checked(quick.path)


@pytest.mark.parametrize("whole", [True, False], ids=["with its workers", "alone"])
def test_a_launcher_that_is_killed_loses_nothing(tiny, whole):
    for kills in range(1, 4):
        with tiny.running("--workers", 2) as process:
            tiny.wait_for(kills, "model.called")
            kill_tree(process) if whole else (process.kill(), process.wait())
        checked(tiny.path, use_last_seen=False)
    told = tiny.answer("--workers", 2)
    assert told["done"] == 4 == len(tiny.results())
    assert set(tiny.results().values()) == {1}
    assert tiny.outcomes()[None] == 0
    assert tiny.outcomes()["aborted"] >= 1
    checked(tiny.path)


def test_workers_end_with_their_launcher(tiny):
    tiny.options[4:] = [*tiny.options[4:]]
    with tiny.running("--workers", 2) as process:
        tiny.wait_for(1, "model.called")
        workers = children(process.pid)
        process.kill()
        process.wait()
    assert workers
    tiny.until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), 30)  # noqa: PTH110


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_closes_what_is_open_and_the_next_start_goes_on(tmp_path, number):
    sweep = Sweeping(tmp_path, *TWO, "--scripted", then="sleep")
    with sweep.running("--workers", 2) as process:
        sweep.wait_for(4, "model.called")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, f"{out}\n{err}"
    assert sweep.outcomes() == {"aborted": 2}
    checked(sweep.path)
    Sweeping(tmp_path)  # an agent of that name that ends
    assert sweep.answer()["done"] == 2
    assert sweep.outcomes() == {"aborted": 2, "finished": 2}
    checked(sweep.path)


def test_a_worker_that_is_killed_costs_one_attempt(tmp_path):
    sweep = Sweeping(tmp_path, *TWO, "--scripted", then="sleep")
    with sweep.running() as process:
        sweep.wait_for(1, "model.called")
        Sweeping(tmp_path)  # what is launched from now on ends
        (worker,) = children(process.pid)
        os.kill(worker, signal.SIGKILL)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, f"{out}\n{err}"
    assert "killed by signal 9" in err
    assert sweep.outcomes() == {"aborted": 1, "finished": 2}
    checked(sweep.path)


def test_two_launchers_share_a_plan(tmp_path):
    sweep = Sweeping(tmp_path, "--task", "*/python-*", "--scripted", "--repeat", 2)
    sweep.run("--until", "+1m", "--max-cost", 1, "--price", "1,1", code=None)
    with sweep.running("--workers", 2) as one, sweep.running("--workers", 2) as other:
        said = [process.communicate(timeout=200) for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], said
    assert set(sweep.results().values()) == {1}
    assert set(sweep.outcomes()) == {"finished"}
    checked(sweep.path)


def test_shards_on_two_ledgers_merge_to_the_whole(tmp_path):
    whole = (
        Sweeping(tmp_path / "w", *TWO, "--repeat", 2, "--seed", 3, agent="nop,oracle")
        if (tmp_path / "w").mkdir() is None
        else None
    )
    whole.run("--workers", 2)
    parts = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        part = Sweeping(folder, *TWO, "--repeat", 2, "--seed", 3, agent="nop,oracle")
        assert part.answer("--shard", f"{number}/2")["cells"] == 4
        parts.append(part)
    one, other = parts
    call("--ledger", one.path, "append", other.path)
    again = call("--ledger", one.path, "append", other.path, "--json")
    assert json.loads(again.stdout)["events"] == 0
    table = [rows(each) for each in (whole, one)]
    assert table[0] == table[1]
    status = json.loads(call("--ledger", one.path, "sweep", "status", "--json").stdout)
    assert (status["cells"], status["done"], status["merged"]) == (8, 8, 4)
    assert one.answer()["ran"] == 0
    kept = "SELECT meta, payload FROM events WHERE stream LIKE '%cell/%' AND payload IS NOT NULL"
    ids = [{json.loads(meta)["id"]: text for meta, text in each.query(kept)} for each in (one, other)]
    assert ids[1].items() <= ids[0].items()
    checked(one.path)


def rows(sweep):
    """Return what of the leaderboard does not depend on a clock."""
    told = json.loads(call("--ledger", sweep.path, "leaderboard", "--json").stdout)
    names = (
        "rank",
        "agent",
        "version",
        "model",
        "passed",
        "tasks",
        "planned",
        "cells",
        "pass_rate",
        "infra_faults",
        "retried",
    )
    return [{name: row[name] for name in names} for row in told]


def test_faults_of_the_infrastructure_are_new_attempts_until_there_are_none_left(tmp_path):
    sweep = Sweeping(tmp_path, "--task", "mutations/python-lru-cache", "--scripted", "--fault", "429")
    told = sweep.answer(code=1)
    assert list(told["lost"].values()) == ["rate_limit"]
    assert sweep.outcomes() == {"infra_error": 3}
    again = sweep.answer(code=1)
    assert (again["ran"], len(again["lost"])) == (0, 1)
    checked(sweep.path)


def test_a_smoke_that_fails_stops_the_sweep_after_one_cell_of_each_arm(tmp_path):
    sweep = Sweeping(tmp_path, *TWO, "--scripted", "--fault", "429", "--model", "m/2")
    told = sweep.answer("--smoke", code=1)
    assert told["ran"] == 2
    assert "smoke: " in told["stopped"]
    assert len(told["left"]) == 2


def test_a_smoke_that_goes_well_goes_on(quick):
    done = quick.run("--smoke")
    assert "2 cells of 2 agent x model went through" in done.stderr
    assert len(quick.results()) == 8


def test_one_broken_cell_never_stops_the_sweep(tmp_path):
    from tests.cells.test_faults_launcher import held_task

    held = held_task(tmp_path / "tasks", tmp_path / "never")
    sweep = Sweeping(
        tmp_path, "--task", f"{held},mutations/python-*", "--repeat", 2, "--tasks", tmp_path / "tasks",
        "--on-event", f"rm -rf {tmp_path}/tasks/mutations/held/workdir", agent="nop",
    )  # fmt: skip
    told = sweep.answer(code=1)
    assert told["broken"]
    assert all("held" in cell for cell in told["broken"])
    assert told["done"] + len(told["broken"]) == 6
    assert told["left"] == []
    checked(sweep.path)


def test_a_limit_of_money_stops_it_and_the_next_start_goes_on(tiny):
    told = tiny.answer("--price", "1000,1000", "--max-cost", 0.01, code=1)
    assert "--max-cost" in told["stopped"]
    assert told["done"] == 1
    assert told["cost"] >= 0.01
    assert tiny.answer("--max-cost", 1000)["done"] == 4
    checked(tiny.path)


def test_a_time_stops_it(tmp_path):
    sweep = Sweeping(tmp_path, "--task", "mutations/python-lru-cache", "--repeat", 2000, agent="nop")
    told = sweep.answer("--until", f"{soon():%Y-%m-%dT%H:%M:%S}+00:00", code=1)
    assert "--until" in told["stopped"]
    assert 0 < told["done"] < 2000
    assert len(told["left"]) == 2000 - told["done"]


def soon():
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(seconds=4)


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
