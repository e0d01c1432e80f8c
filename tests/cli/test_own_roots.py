"""Own tasks are found by --tasks and by a benchledger.toml in the current folder or above it."""

from __future__ import annotations

import pytest

from benchledger.ledger.store import Ledger
from benchledger.runners.roots import all_roots, first_root, own_roots, settings_file
from benchledger.runners.task import suite_root
from tests.cli.calls import answer, call, refused
from tests.ledgers import checked
from tests.runners.tasks import write_task


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a folder of tasks that its benchledger.toml names, and a place below it as the current one."""
    write_task(tmp_path / "own tasks")
    (tmp_path / "benchledger.toml").write_text('[tasks]\npaths = ["own tasks"]\n')
    (tmp_path / "src/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "src/deep")
    return tmp_path


def test_the_file_is_found_from_below_and_its_paths_are_relative_to_it(project):
    assert settings_file() == project / "benchledger.toml"
    assert all_roots() == [suite_root(), project / "own tasks"]
    assert answer("tasks", "show", "made/sum")["folder"] == str(project / "own tasks/made/sum")


def test_a_nearer_file_is_the_only_one_that_counts(project):
    (project / "src/benchledger.toml").write_text("")
    assert own_roots() == []


def test_a_folder_that_is_named_twice_counts_once(project):
    assert own_roots(["../../own tasks", project / "other"]) == [project / "own tasks", project / "other"]
    assert [row["task"] for row in answer("tasks", "check", "--tasks", "../../own tasks")] == ["made/sum"]


def test_check_without_names_takes_the_tasks_of_the_file(project):
    assert [row["task"] for row in answer("tasks", "check")] == ["made/sum"]


def test_a_run_finds_the_tasks_of_the_file(project):
    Ledger.create(project / "cells.db").close()
    told = answer("--ledger", project / "cells.db", "run", "--agent", "oracle", "--task", "made/sum")
    assert told["cells"][0]["outcome"] == "finished"
    checked(project / "cells.db")


def test_a_new_task_goes_where_the_file_says_first_or_into_tasks(project, tmp_path_factory, monkeypatch):
    call("tasks", "new", "mine/first")
    assert (project / "own tasks/mine/first/task.toml").is_file()
    monkeypatch.chdir(tmp_path_factory.mktemp("bare"))
    assert str(first_root()) == "tasks"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[task]\npaths = ["t"]\n',
            "benchledger.toml:1: task: unknown field; did you mean 'tasks'? choices: tasks",
        ),
        ("[tasks]\npath = []\n", "benchledger.toml:2: tasks.path: unknown field; did you mean 'paths'?"),
        ('[tasks]\npaths = "t"\n', "tasks.paths: Input should be a valid array"),
        ('[tasks]\npaths = ["none"]\n', "none, which is no folder; make it, or correct tasks.paths"),
        ("[tasks\n", "is no TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_field_and_the_next_step(project, text, said):
    (project / "benchledger.toml").write_text(text)
    assert said in refused("tasks", "show", "made/sum", code=1)
