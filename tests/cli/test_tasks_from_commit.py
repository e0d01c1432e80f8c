"""tasks from-commit: a task is kept where it is proven, and the repository is only read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from benchledger.ledger.store import Ledger
from benchledger.runners.task import find_tasks, load_task
from tests.cli.calls import COMMAND, answer, call, refused
from tests.ledgers import checked
from tests.runners.repos import CHECK, everything, sum_repo


@pytest.fixture
def made(tmp_path):
    """(repository, fix, the words of the command up to --check)."""
    repo, fix = sum_repo(tmp_path / "repo")
    words = ("tasks", "from-commit", "--repo", repo.folder, "--tasks", tmp_path / "tasks")
    return repo, fix, words


def test_a_fix_becomes_a_task_that_is_sound_and_runs(tmp_path, made):
    repo, fix, words = made
    before = everything(repo.folder)
    told = answer(*words, fix[:9], "--check", CHECK, "--name", "mine/sum")
    assert told == {
        "kept": True,
        "task": "mine/sum",
        "folder": str(tmp_path / "tasks/mine/sum"),
        "commit": fix,
        "title": "The sum is one too large",
        "language": "shell",
        "expected": ["src/sum.sh"],
        "protected": ["tests/test_sum.sh"],
        "left_out": [],
    }
    assert everything(repo.folder) == before
    (verdict,) = answer("tasks", "check", "--tasks", tmp_path / "tasks")
    assert (verdict["result"], verdict["oracle"], verdict["nop"]) == ("sound", True, False)
    Ledger.create(tmp_path / "cells.db").close()
    where = ("--ledger", tmp_path / "cells.db", "run", "--task", "mine/sum", "--tasks", tmp_path / "tasks")
    for agent, least in (("oracle", 0.95), ("nop", 0.0)):
        (cell,) = answer(*where, "--agent", agent)["cells"]
        assert cell["composite"] >= least
        assert (cell["composite"] == 0) is (agent == "nop")
    checked(tmp_path / "cells.db")


def test_what_is_kept_and_what_comes_next_is_said(tmp_path, made):
    _, fix, words = made
    lines = call(*words, fix, "--check", CHECK).stdout.splitlines()
    name = f"repo/the-sum-is-one-too-large-{fix[:8]}"
    assert lines[0].startswith(f"proving {name}: ")
    assert lines[1] == f"kept {name} in {tmp_path}/tasks/{name}: the fix passes, its parent fails"
    assert lines[2].startswith("1 file to change, 1 test file; read over what the agent is told: ")
    assert lines[3] == f"next: benchledger run --agent oracle --task {name} --tasks {tmp_path}/tasks"
    assert "exists; choose another name" in refused(*words, fix, "--check", CHECK, code=2)


def test_a_dirty_repository_does_not_matter(tmp_path, made):
    repo, fix, words = made
    (repo.folder / "src/sum.sh").write_text("exit 9\n")
    (repo.folder / "tests/test_sum.sh").unlink()
    repo.git("add", "src")
    before = everything(repo.folder)
    assert answer(*words, fix, "--check", CHECK)["kept"]
    assert everything(repo.folder) == before


@pytest.mark.parametrize(
    ("check", "problems", "oracle", "nop"),
    [
        (
            "echo fine; echo odd >&2",
            ["doing nothing passes the checks"],
            (0, ["fine", "odd"]),
            (0, ["fine", "odd"]),
        ),
        (
            "sh tests/none.sh || { echo gone; exit 4; }",
            ["the solution fails its checks"],
            (4, None),
            (4, None),
        ),
        ("sh tests/test_sum.sh && exit 5", ["the solution fails its checks"], (5, []), (1, ["not three"])),
    ],
)
def test_what_is_not_proven_is_not_kept_and_both_sides_are_told(tmp_path, made, check, problems, oracle, nop):
    _, fix, words = made
    result = call(*words, fix, "--check", check, "--json", code=1)
    told = json.loads(result.stdout)
    assert (told["kept"], told["commit"]) == (False, fix)
    assert [problem.partition(" (")[0] for problem in told["problems"]] == problems
    for side, (code, lines) in ((told["oracle"], oracle), (told["nop"], nop)):
        assert (side["exit_code"], side["timed_out"]) == (code, False)
        assert lines is None or side["last_lines"] == lines
    assert "is not proven: " in result.stderr.splitlines()[-1]
    assert "nothing was kept" in result.stderr.splitlines()[-1]
    assert find_tasks([tmp_path / "tasks"]) == {}
    assert list((tmp_path / "tasks").iterdir()) == []


def test_on_a_terminal_the_last_lines_of_both_sides_are_shown(made):
    _, fix, words = made
    said = call(*words, fix, "--check", "sh tests/test_sum.sh && exit 5", code=1).stderr.splitlines()
    assert said[0] == "with the fix the checks left with 5; last lines:"
    assert said[1:3] == ["without it the checks left with 1; last lines:", "    not three"]
    assert said[3].startswith("Error: repo/the-sum-is-one-too-large-")


def test_checks_that_do_not_end_are_told_as_such(made):
    _, fix, words = made
    said = call(*words, fix, "--check", "sleep 60", "--check-seconds", "1", code=1).stderr
    assert "with the fix the checks ran into its time limit" in said
    assert "run into their limit" in said


def test_a_command_that_is_not_here_is_named(made):
    _, fix, words = made
    said = refused(*words, fix, "--check", "no-such-runner tests", code=3)
    assert said.startswith("Error: the checks need no-such-runner; install it")


def test_options_say_what_the_task_says(tmp_path, made):
    _, fix, words = made
    ticket = tmp_path / "ticket.md"
    ticket.write_text("Put the sum right.\n")
    more = ("--allow", "*.log", "--seconds", 60, "--check-seconds", 9, "--language", "posix", "--private")
    answer(*words, fix, "--check", CHECK, "--instruction", ticket, "--name", "mine/sum", *more)
    task = load_task(tmp_path / "tasks/mine/sum")
    assert task.instruction.startswith("Put the sum right.\n")
    assert (task.language, task.limits.seconds, task.checks.seconds) == ("posix", 60, 9)
    assert task.expectations.allowed == ("*.log",)


@pytest.mark.parametrize(
    ("more", "said", "code"),
    [
        (("nowhere", "--check", "true"), "'nowhere' names no commit", 2),
        (("HEAD", "--check", "true"), "adds or changes no test", 1),
        (("HEAD~1", "--check", "true", "--name", "sum"), "'sum' is no CATEGORY/NAME", 2),
        (("HEAD~1", "--check", "true", "--name", "a/b/c"), "write it as", 2),
        (("HEAD~2", "--check", "true"), "has no parent", 1),
    ],
)
def test_a_wrong_call_is_refused_with_the_next_step(made, more, said, code):
    assert said in refused(*made[2], *more, code=code)


def test_a_process_killed_while_it_proves_leaves_no_task(tmp_path, made):
    _, fix, words = made
    started = tmp_path / "started"
    command = [*COMMAND, *map(str, words), fix, "--check", f"touch {started}; sleep 8"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ)) as process:
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert find_tasks([tmp_path / "tasks"]) == {}
    assert answer(*words, fix, "--check", CHECK, "--name", "mine/sum")["kept"]
    assert [path.name for path in (tmp_path / "tasks").iterdir()] == ["mine"]


def test_a_python_fix_is_proved_by_its_own_tests(tmp_path, made):
    repo, _, words = made
    repo.commit({"calc.py": "def double(x):\n    return x + x + 1\n"})
    test = (
        "import unittest, calc\nclass T(unittest.TestCase):\n    def test(self): assert calc.double(2) == 4\n"
    )
    fix = repo.commit(
        {"calc.py": "def double(x):\n    return x + x\n", "test_calc.py": test}, "Double doubles"
    )
    told = answer(*words, fix, "--check", "python3 -m unittest -q test_calc")
    assert (told["language"], told["protected"]) == ("python", ["test_calc.py"])


def test_a_setup_brings_what_the_check_needs_and_one_that_fails_keeps_nothing(tmp_path, made):
    _, fix, words = made
    brings = r"""mkdir -p "$TASK_ENV/bin" && printf '#!/bin/sh\nexec sh "$@"\n' > "$TASK_ENV/bin/own-runner" &&
        chmod +x "$TASK_ENV/bin/own-runner" """
    told = answer(
        *words, fix, "--check", "own-runner tests/test_sum.sh", "--setup", brings, "--name", "mine/sum"
    )
    assert told["kept"]
    assert load_task(tmp_path / "tasks/mine/sum").environment.setup == (brings,)
    (verdict,) = answer("tasks", "check", "mine/sum", "--tasks", tmp_path / "tasks")
    assert verdict["result"] == "sound"
    said = refused(
        *words, fix, "--check", CHECK, "--setup", "echo gone; exit 3", "--name", "mine/none", code=3
    )
    assert "gone" in said
    assert not (tmp_path / "tasks/mine/none").exists()


def test_an_image_wants_a_container(made):
    _, fix, words = made
    said = refused(*words, fix, "--check", CHECK, "--image", "python:3.12-slim", code=2)
    assert "use --sandbox docker" in said
