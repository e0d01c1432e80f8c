"""The checks of an untouched workdir run once for all cells of a task in one place, and never for another."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path

import pytest

from benchledger.runners.baselines import Baselines, maker_key
from benchledger.runners.grade import grade
from benchledger.runners.plain import run_plain
from benchledger.runners.task import load_task
from benchledger.runners.workdir import make_workdir
from benchledger.schema.errors import EnvironmentLacks
from tests.runners.tasks import FILES, TOML, made_task, write_task

SAID = {"sum": False, "kept": True}


class Counting:
    """Runs commands as they are, and counts them; `before` is called with the folder first."""

    def __init__(self, before=id):
        self.runs, self._before = 0, before

    def __call__(self, argv, folder, seconds):
        self.runs += 1
        self._before(folder)
        return run_plain(argv, folder, seconds)


@pytest.fixture
def task(tmp_path):
    return made_task(tmp_path / "tasks")


def test_the_second_cell_of_a_task_in_one_place_asks_nobody(task, tmp_path):
    known, run = Baselines(), Counting()
    for number in range(3):
        folder = tmp_path / str(number)
        make_workdir(task, folder)
        (folder / "sum.txt").write_text("4\n")
        found = grade(task, folder, run, ask=partial(known.of, place="here"))
        assert (found.checks_before, found.exit_code) == (SAID, 0)
    assert run.runs == 3 + 1


@pytest.mark.parametrize(
    "changed",
    [
        {"workdir/sum.txt": "4\n"},
        {"workdir/new.txt": ""},
        {"checks/check.sh": "echo ok sum\n"},
        {"task.toml": TOML.replace("seconds = 20", "seconds = 21")},
        {"task.toml": TOML.replace('"check.sh"]', '"check.sh", "x"]')},
    ],
    ids=["a file", "one more file", "a check", "their time", "their command"],
)
def test_a_task_that_was_changed_is_asked_anew(task, tmp_path, changed):
    known, run = Baselines(), Counting()
    assert known.of(task, run, "here") == SAID
    again = load_task(write_task(tmp_path / "tasks", {**FILES, **changed}))
    known.of(again, run, "here")
    assert run.runs == 2
    assert known.of(again, run, "here") == known.of(again, run_plain, "elsewhere")
    assert run.runs == 2


def test_another_place_is_asked_for_itself(task):
    known, run = Baselines(), Counting()
    for place in ("image a", "image b", "image a", "image b"):
        known.of(task, run, place)
    assert run.runs == 2


def test_a_task_that_is_changed_while_its_checks_run_is_kept_for_nobody(task):
    known = Baselines()
    changing = Counting(lambda _: (task.checks_folder / "check.sh").write_text("echo ok other\n"))
    assert known.of(task, changing, "here") == SAID
    run = Counting()
    assert known.of(task, run, "here") == {"other": True}
    assert run.runs == 1


def test_an_answer_that_ran_into_its_time_is_kept_for_nobody(tmp_path):
    slow = made_task(
        tmp_path / "t",
        task_toml=TOML.replace("seconds = 20", "seconds = 1"),
        checks_check_sh="echo ok sum\n[ -e fast ] || sleep 60\n",
    )
    known = Baselines()
    assert known.of(slow, run_plain, "here") == {"sum": True}
    run = Counting(lambda folder: (folder / "fast").touch())
    known.of(slow, run, "here")
    known.of(slow, run, "here")
    assert run.runs == 1


def test_a_failure_is_raised_and_the_next_one_asks_again(task):
    def lacking(*_):
        raise EnvironmentLacks("no sh", "install it")

    known = Baselines()
    with pytest.raises(EnvironmentLacks):
        known.of(task, lacking, "here")
    assert known.of(task, run_plain, "here") == SAID


def test_of_many_threads_one_asks_and_all_are_told(task):
    known, run, told = Baselines(), Counting(lambda _: time.sleep(0.2)), []
    threads = [threading.Thread(target=lambda: told.append(known.of(task, run, "here"))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (told, run.runs) == ([SAID] * 8, 1)


def test_what_one_caller_does_to_its_answer_no_other_sees(task):
    known = Baselines()
    known.of(task, run_plain, "here").clear()
    known.of(task, run_plain, "here").clear()
    assert known.of(task, run_plain, "here") == SAID


def test_only_the_last_answers_are_kept(task):
    known, run = Baselines(most=2), Counting()
    for place in ("a", "b", "a", "c", "a", "b"):
        known.of(task, run, place)
    assert run.runs == 4


def test_makers_of_the_same_sandbox_are_one_place_and_others_are_not(monkeypatch):
    def make(image, **more):
        return image, more

    assert maker_key(partial(make, "a", caps=1)) == maker_key(partial(make, "a", caps=1))
    others = [make, partial(make, "a"), partial(make, "b"), partial(make, "a", caps=1), partial(make, ["a"])]
    keys = [maker_key(each) for each in others]
    assert len(set(keys)) == len(keys)
    monkeypatch.setenv("PATH", str(Path("/elsewhere")))
    assert maker_key(make) != keys[0]
