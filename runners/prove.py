"""Proof that a task works: its own solution passes, doing nothing fails, and it keeps its own rules."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchledger.runners.files import files_of
from benchledger.runners.grade import Graded, Run, grade
from benchledger.runners.plain import run_plain
from benchledger.runners.scaffold import unfilled
from benchledger.runners.script import PASS, Script, play
from benchledger.runners.task import Task, missing_toolchain
from benchledger.runners.workdir import Snapshot, WorkdirCapture, capture, lay_over, make_workdir, take_away
from benchledger.schema.errors import BenchledgerError, EnvironmentLacks
from benchledger.schema.task import matches

__all__ = ["TaskProof", "Verdict", "check_script", "check_task", "judge"]


@dataclass(frozen=True, slots=True)
class TaskProof:
    """What was found: `problems` is empty where the task is sound, else one sentence each.

    `oracle` and `nop` are what the checks did with the solution and with the untouched workdir,
    `solved` is what the solution changed.
    """

    task: str
    problems: tuple[str, ...]
    oracle: Graded
    nop: Graded
    solved: WorkdirCapture

    @property
    def ok(self) -> bool:
        return not self.problems


def check_task(task: Task, run: Run = run_plain) -> TaskProof:
    """Grade the solution and the untouched workdir; raises what `run` raises where the toolchain is missing."""
    with tempfile.TemporaryDirectory(prefix="benchledger-proof-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / "workdir"
        before = make_workdir(task, folder)
        nop = grade(task, folder, run)
        take_away(task.removes, folder)
        lay_over(task.solution, folder)
        solved = capture(before, folder)
        oracle = grade(task, folder, run, nop.checks_after)
    problems = (*_verdicts(task, oracle, nop), *_rules(task, solved), *_leaks(task, before))
    return TaskProof(task.id, problems, oracle, nop, solved)


def _verdicts(task: Task, oracle: Graded, nop: Graded) -> Iterator[str]:
    if oracle.exit_code != 0:
        yield f"the solution fails its checks ({_end(oracle)})"
    if nop.exit_code == 0:
        yield "doing nothing passes the checks"
    if nop.timed_out:
        yield "the checks of the untouched workdir run into their limit"
    for graded in (oracle, nop):
        if graded.checks_digest_before != graded.checks_digest_after:
            yield "the checks change while they run"
    if task.checks.report == "names":
        yield from _names(oracle.checks_after or {}, nop.checks_after or {})


def _names(oracle: dict[str, bool], nop: dict[str, bool]) -> Iterator[str]:
    if set(oracle) != set(nop):
        yield f"the checks report other names before and after: {', '.join(sorted(set(oracle) ^ set(nop)))}"
    failing = sorted(name for name, good in oracle.items() if not good)
    if failing:
        yield f"the solution leaves checks failing: {', '.join(failing)}"
    if nop and all(nop.values()):
        yield "no check fails before, so there is nothing to fix"
    if not oracle:
        yield "the checks report no names"


def _end(graded: Graded) -> str:
    tail = (graded.stderr or graded.stdout).decode(errors="replace").strip()[-400:]
    return f"{'time limit' if graded.timed_out else f'exit code {graded.exit_code}'}: {tail}"


def _rules(task: Task, solved: WorkdirCapture) -> Iterator[str]:
    expect, changes = task.expectations, solved.changes
    unexpected = changes.split(expect)[1]
    if unexpected:
        yield f"the solution changes files that are not expected: {', '.join(unexpected)}"
    if touched := changes.protected_touched(expect):
        yield f"the solution changes protected files: {', '.join(touched)}"
    for glob in (*expect.expected, *expect.refusal_documents[:1]):
        if not any(matches(path, (glob,)) for path in changes.all):
            yield f"the solution changes nothing that matches {glob!r}"
    for constraint in expect.constraints:
        hit = any(matches(path, (constraint.pattern,)) for path in changes.all)
        if hit != (constraint.kind == "file-pattern-required-in-diff"):
            yield f"the solution breaks the constraint {constraint.kind} {constraint.pattern!r}"


def _leaks(task: Task, before: Snapshot) -> Iterator[str]:
    solution = {
        name: (place.read_bytes(), bool(place.stat().st_mode & 0o100))
        for name, place in files_of(task.solution)
    }
    hidden = {
        place.read_bytes() for part in (task.checks_folder, task.solution) for _, place in files_of(part)
    }
    for path, content in before.contents.items():
        # a solution may move a file, or change nothing but its mode
        moded = solution.get(path) == (content, not before.entries[path].mode & 0o100)
        if content and content in hidden and path not in task.removes and not moded:
            yield f"workdir/{path} has the content of a hidden file"


def check_script(task: Task, run: Run = run_plain, variables: Mapping[str, str] | None = None) -> list[str]:
    """Play the task's script: its steps must pass the checks within the task's rules, each variant must fail.

    Returns one sentence a problem; a task without script has none. Raises what `run` raises.
    """
    script = task.script()
    if script is None:
        return []
    return [said for name in (PASS, *script.variants) for said in _played(task, script, name, run, variables)]


def _played(
    task: Task, script: Script, name: str, run: Run, variables: Mapping[str, str] | None
) -> Iterator[str]:
    what = "the script" if name == PASS else f"variant {name!r} of the script"
    with tempfile.TemporaryDirectory(prefix="benchledger-proof-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch) / "workdir"
        before = make_workdir(task, folder)
        try:
            play(script, folder, name, variables)
        except (BenchledgerError, OSError, UnicodeDecodeError, subprocess.TimeoutExpired) as error:
            yield f"{what} cannot be played: {error}"
            return
        graded = grade(task, folder, run)
        if name != PASS:
            if graded.exit_code == 0:
                yield f"{what} passes the checks"
            return
        if graded.exit_code != 0:
            yield f"{what} fails the checks ({_end(graded)})"
        yield from (said.replace("the solution", what) for said in _rules(task, capture(before, folder)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a task can be graded by: `problems` where it cannot, `missing` why it could not be tried.

    `oracle` and `nop` say whether the solution and the untouched workdir passed, None where they were not run.
    """

    task: str
    result: Literal["sound", "finding", "skipped"]
    oracle: bool | None
    nop: bool | None
    problems: tuple[str, ...]
    missing: tuple[str, ...]
    seconds: float


def judge(
    task: Task,
    run: Run = run_plain,
    *,
    missing: Sequence[str] | None = None,
    variables: Mapping[str, str] | None = None,
    scripts: bool = True,
) -> Verdict:
    """Prove a task and its script; what is still to be filled in comes first, and a missing toolchain is a skip.

    `missing` is what of the toolchain is not where `run` runs, by default on this machine; `variables` are for
    the commands of the script, which is left out without `scripts`. `proving.judge_in` chooses all of them.
    """
    start = time.monotonic()
    if marks := unfilled(task.folder):
        return Verdict(task.id, "finding", None, None, tuple(marks), (), 0.0)
    if missing := missing_toolchain(task) if missing is None else missing:
        return Verdict(task.id, "skipped", None, None, (), tuple(missing), 0.0)
    try:
        proof = check_task(task, run)
        # Where the solution itself fails, a script has nothing to be measured by.
        problems = (*proof.problems, *(check_script(task, run, variables) if proof.ok and scripts else ()))
    except EnvironmentLacks as lack:
        return Verdict(task.id, "skipped", None, None, (), (lack.message,), time.monotonic() - start)
    return Verdict(
        task.id,
        "finding" if problems else "sound",
        proof.oracle.exit_code == 0,
        proof.nop.exit_code == 0,
        problems,
        (),
        time.monotonic() - start,
    )
