"""A scaffold is a whole task but for its defect; filled in by its own marks it is sound."""

from __future__ import annotations

import json
import re

import pytest

from benchledger.runners.prove import check_script, check_task, judge
from benchledger.runners.scaffold import MARK, languages, new_task, unfilled
from benchledger.runners.script import load_script
from benchledger.runners.task import load_task, missing_toolchain
from benchledger.schema.errors import EnvironmentLacks, UnknownName, UsageError
from tests.runners.tasks import TOML, made_task

LANGUAGES = ["c", "go", "java", "javascript", "python", "rust", "shell"]


def fill_in(folder):
    """Do what the marks say: one defect, words, and a script that repairs it."""
    script = json.loads((folder / "script.json").read_text())
    source = folder / "workdir" / script["steps"][1]["edit"]["path"]
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in {"task.toml", "instruction.md", "script.json"}:
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join(line for line in lines if MARK not in line))
    for name in ("task.toml", "instruction.md"):
        text = (folder / name).read_text()
        (folder / name).write_text(re.sub(rf"{MARK} [^\"\n]*", "Numbers are clamped too early", text))
    shell = source.suffix == ".sh"
    old, new = ('-gt "$high"', '-gt "$low"') if shell else ("value > high", "value > low")
    good = next(line for line in source.read_text().splitlines() if old in line)
    source.write_text(source.read_text().replace(old, new))
    edit = {"path": script["steps"][1]["edit"]["path"], "old": good.replace(old, new), "new": good}
    script["steps"][1]["edit"] = edit
    (folder / "script.json").write_text(json.dumps(script))


def test_every_language_of_the_suite_has_a_scaffold():
    assert sorted(languages()) == LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_scaffold_is_read_and_names_every_place_to_fill_in(tmp_path, language):
    folder = new_task(tmp_path, "mine/first", language)
    task = load_task(folder)
    assert (task.id, task.language) == ("mine/first", language)
    assert task.expectations.constraints
    assert "AGENTS.md" in task.expectations.protected
    verdict = judge(task)
    assert verdict.result == "finding"
    assert verdict.problems == tuple(unfilled(folder))
    named = {problem.partition(":")[0].partition("/")[0] for problem in verdict.problems}
    assert named == {"solution", "workdir", "checks", "instruction.md", "task.toml", "script.json"}
    assert len(verdict.problems) == 9
    assert "with one defect" in verdict.problems[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_scaffold_that_is_filled_in_is_sound(tmp_path, language):
    folder = new_task(tmp_path, "mine/first", language)
    fill_in(folder)
    task = load_task(folder)
    assert unfilled(folder) == []
    if missing := missing_toolchain(task):
        pytest.skip(f"{language} needs {', '.join(missing)}, which this machine does not have")
    verdict = judge(task)
    assert (verdict.result, verdict.problems) == ("sound", ())
    assert (verdict.oracle, verdict.nop) == (True, False)
    assert "fail" in load_script(folder / "script.json").variants


def test_only_the_marks_are_left_out_of_a_proof(tmp_path):
    # without its marks, and still without a defect, the ordinary proof says what is wrong
    folder = new_task(tmp_path, "mine/first", "python")
    fill_in(folder)
    solution = (folder / "solution/clamp.py").read_text()
    (folder / "workdir/clamp.py").write_text(solution)
    problems = check_task(load_task(folder)).problems
    assert "doing nothing passes the checks" in problems
    assert "the solution changes nothing that matches 'clamp.py'" in problems
    assert "workdir/clamp.py has the content of a hidden file" in problems


@pytest.mark.parametrize("task_id", ["first", "mine/", "/first", "mine/a/b", "mine/two words", "../first"])
def test_an_id_that_is_none_is_refused(tmp_path, task_id):
    with pytest.raises(UsageError):
        new_task(tmp_path / "root", task_id, "python")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused(tmp_path):
    new_task(tmp_path, "mine/first", "python")
    with pytest.raises(UsageError, match="exists; choose another name"):
        new_task(tmp_path, "mine/first", "rust")
    with pytest.raises(UsageError, match="ships with benchledger"):
        new_task(tmp_path, "mutations/python-lru-cache", "python")
    with pytest.raises(UnknownName, match="did you mean 'python'"):
        new_task(tmp_path, "mine/second", "pyton")


SOLVING = [{"write": {"path": "sum.txt", "text": "4\n"}}, {"say": "done"}]
NOTHING = [{"say": "done"}]


@pytest.mark.parametrize(
    ("steps", "variant", "said"),
    [
        (SOLVING, NOTHING, None),
        (NOTHING, NOTHING, "the script fails the checks (exit code 1"),
        (SOLVING, SOLVING, "variant 'fail' of the script passes the checks"),
        (
            [{"shell": "touch stray"}, *SOLVING],
            NOTHING,
            "the script changes files that are not expected: stray",
        ),
        (
            [{"shell": "rm -r tests"}, *SOLVING],
            NOTHING,
            "the script changes protected files: tests/visible.sh",
        ),
        (
            [{"edit": {"path": "sum.txt", "old": "7", "new": "4"}}, *NOTHING],
            NOTHING,
            "the script cannot be played: sum.txt holds the text to replace 0 times",
        ),
        ([{"read": "no.txt"}, *SOLVING], NOTHING, "the script cannot be played"),
        (SOLVING, [{"read": "no.txt"}, *NOTHING], "variant 'fail' of the script cannot be played"),
    ],
)
def test_a_script_is_held_to_what_it_promises(tmp_path, steps, variant, said):
    script = json.dumps({"steps": steps, "variants": {"fail": variant}})
    task = made_task(tmp_path, {"script.json": script})
    problems = check_script(task)
    assert (problems == []) if said is None else any(said in problem for problem in problems), problems
    assert judge(task).result == ("sound" if said is None else "finding")


def test_a_task_without_a_script_is_sound_all_the_same(tmp_path):
    assert check_script(made_task(tmp_path)) == []
    assert judge(made_task(tmp_path)).result == "sound"


def test_a_missing_toolchain_is_a_skip_whether_declared_or_not(tmp_path):
    declared = judge(made_task(tmp_path / "a", task_toml=TOML.replace("python3", "no-such-compiler")))
    assert (declared.result, declared.missing, declared.problems) == ("skipped", ("no-such-compiler",), ())
    found = judge(made_task(tmp_path / "b", task_toml=TOML.replace('"sh", ', '"no-such-shell", ')))
    assert (found.result, found.missing) == ("skipped", ("no-such-shell is not installed",))


def test_what_runs_the_checks_may_lack_something_too(tmp_path):
    def lacking(argv, cwd, seconds):
        raise EnvironmentLacks("no engine answers", "start one")

    verdict = judge(made_task(tmp_path), lacking)
    assert (verdict.result, verdict.missing) == ("skipped", ("no engine answers",))
