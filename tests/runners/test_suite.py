"""Every task that ships is sound: the solution passes, doing nothing fails, scripts do as they say."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchledger.runners.grade import Graded, grade
from benchledger.runners.prove import check_task
from benchledger.runners.script import play
from benchledger.runners.task import Task, find_tasks, load_task, missing_toolchain, suite_root
from benchledger.runners.workdir import WorkdirCapture, capture, make_workdir
from benchledger.schema.events import AgentIdentity, CellExited, CellSetup, GraderRan, WorkdirCaptured
from benchledger.schema.frame import blob_digest
from benchledger.schema.ports import blob_ref
from benchledger.schema.task import Changes, TaskIdentity
from benchledger.scorers.composite import GATED_1, evaluate, inputs_of
from benchledger.scorers.constraints import constraints
from benchledger.scorers.evidence import Evidence
from benchledger.scorers.registry import score_axes
from tests.house.tree import kept_files

TASKS = find_tasks([suite_root()])
SCRIPTED = {name: folder for name, folder in TASKS.items() if (folder / "script.json").exists()}
MUTATED = {"python", "rust", "javascript", "go", "java", "c", "shell"}


def loaded(name: str) -> Task:
    task = load_task(TASKS[name])
    if missing := missing_toolchain(task):
        pytest.skip(f"{name} needs {', '.join(missing)}, which this machine does not have")
    return task


def test_there_are_at_least_twenty_tasks_in_three_categories():
    categories = Counter(name.partition("/")[0] for name in TASKS)
    assert len(TASKS) >= 20
    assert set(categories) == {"mutations", "polyglot", "integrity"}


def test_mutations_come_in_seven_languages():
    mutations = [load_task(folder) for name, folder in TASKS.items() if name.startswith("mutations/")]
    assert {task.language for task in mutations} == MUTATED


def test_the_kinds_of_integrity_are_there():
    tasks = [load_task(folder) for name, folder in TASKS.items() if name.startswith("integrity/")]
    documents = {task.id: task.expectations.refusal_documents for task in tasks}
    assert ("REFUSAL.md",) in documents.values()
    assert ("CLARIFY.md",) in documents.values()
    assert {"integrity/prompt-injection", "integrity/tempting-tests"} <= set(documents)


def test_git_keeps_every_file_of_the_suite():
    # a .gitignore, of the project or of a task, must not take a file out of a task
    kept = set(kept_files())
    root = suite_root()
    disk = {
        f"runners/suite/{path.relative_to(root).as_posix()}" for path in root.rglob("*") if path.is_file()
    }
    assert sorted(path for path in disk - kept if "__pycache__" not in path) == []


@pytest.mark.parametrize("name", TASKS)
def test_the_solution_passes_and_doing_nothing_fails(name):
    task = loaded(name)
    proof = check_task(task)
    assert proof.problems == ()
    assert proof.oracle.exit_code == 0
    assert proof.nop.exit_code not in {0, None}
    assert composite(evidence(task, proof.solved, proof.oracle)) >= 0.95
    assert composite(evidence(task, replace(proof.solved, changes=Changes(), patch=b""), proof.nop)) == 0


@pytest.mark.parametrize("name", TASKS)
def test_what_an_agent_reads_says_what_it_is_judged_by(name):
    task = load_task(TASKS[name])
    expect, rules = task.expectations, (task.workdir / "AGENTS.md").read_text(encoding="utf-8")
    assert expect.protected
    assert expect.constraints
    assert "AGENTS.md" in task.instruction
    named = {glob.replace("**/", "").split("*")[0].rstrip("/") for glob in expect.protected}
    text = rules + task.instruction
    assert [word for word in named if word and word not in text and word != "AGENTS.md"] == []
    assert (task.workdir / "tests").is_dir() or any(task.workdir.glob("*_test.go"))
    for document in expect.refusal_documents:
        assert document in rules


@pytest.mark.parametrize("name", SCRIPTED)
def test_a_script_solves_its_task_and_honours_every_constraint(name, tmp_path):
    task = loaded(name)
    before = make_workdir(task, tmp_path / "workdir")
    assert play(task.script(), tmp_path / "workdir")
    captured = capture(before, tmp_path / "workdir")
    assert captured.changes.split(task.expectations)[1] == []
    assert captured.changes.protected_touched(task.expectations) == []
    assert (captured.git_changes, captured.new_commits, captured.notes) == ((), 0, ())
    assert grade(task, tmp_path / "workdir").exit_code == 0
    score = constraints(evidence(task, captured))
    assert (score.state, score.value) == ("recorded", 1.0), score.payload


def evidence(task: Task, captured: WorkdirCapture, graded: Graded | None = None) -> Evidence:
    setup = CellSetup(
        cell_id=f"s/a/m/{task.id}#run1",
        agent=AgentIdentity(name="oracle", uses_model=False),
        model="m",
        mode="scripted",
        task=TaskIdentity(expectations=task.expectations),
    )
    workdir = WorkdirCaptured(changes=captured.changes, patch=blob_ref(captured.patch))
    blobs = {blob_digest(captured.patch): captured.patch}
    grader = None
    if graded is not None:
        names = ("command", "exit_code", "timed_out", "checks_before", "checks_after")
        grader = GraderRan(**{name: getattr(graded, name) for name in names})
    exited = CellExited(exit_code=0, wall_ms=100.0)
    return Evidence(setup, exited=exited, workdir=workdir, grader=grader, blob=blobs.get)


def composite(found: Evidence) -> float | None:
    axes = {score.axis: score for score in score_axes(found)}
    return evaluate(GATED_1, inputs_of("finished", axes)).value


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTED)
def test_a_failing_variant_of_a_script_fails(name, tmp_path):
    task = loaded(name)
    script = task.script()
    for variant in script.variants:
        folder = tmp_path / variant
        make_workdir(task, folder)
        play(script, folder, variant)
        assert grade(task, folder, checks_before={}).exit_code not in {0, None}, variant


def test_edits_of_scripts_are_whole_lines():
    # agents that answer with search-and-replace blocks find whole lines only
    for folder in SCRIPTED.values():
        task, state = load_task(folder), {}
        for step in task.script().steps:
            if step.edit is not None:
                path = step.edit.path
                text = state.get(path) or (task.workdir / path).read_text(encoding="utf-8")
                assert f"\n{step.edit.old}\n" in f"\n{text}\n", task.id
                state[path] = text.replace(step.edit.old, step.edit.new)


def test_no_task_names_its_own_mutation():
    # a hint such as "BUG" or "mutated" beside the fault would make finding it no work
    for name, folder in TASKS.items():
        for path in (folder / "workdir").rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                assert not re.search(rb"\bBUG\b|mutat(ed|ion)|injected", path.read_bytes()), (name, path)


def test_suite_files_are_plain(tmp_path: Path):
    # a wheel keeps neither links nor empty folders, and not every installer keeps executable bits
    for folder in TASKS.values():
        for path in folder.rglob("*"):
            assert not path.is_symlink()
            assert path.is_dir() or not path.stat().st_mode & 0o111, path
