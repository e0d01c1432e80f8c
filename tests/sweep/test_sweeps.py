"""Sweeps of real cells: what is planned, what is run, what is left, and what the next start does."""

import json
import os
import signal

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
