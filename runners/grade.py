"""Grading: the task's own checks over the agent's final files, where the agent never was.

Regular files of the result are copied into a new folder, without .git and without following a
link; the checks are laid over that from the task's folder, so what the agent did to checks
it may have guessed has no effect. Nothing here decides what a result is worth.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchledger.runners.files import present_digest
from benchledger.runners.host import NO_ROOM
from benchledger.runners.plain import Ran, run_plain
from benchledger.runners.task import Task
from benchledger.runners.tree import Bounds, shown, walk
from benchledger.runners.workdir import lay_over, take_away

__all__ = ["RESULT_BOUNDS", "Graded", "Run", "baseline", "copy_result", "grade", "read_names", "untouched"]

Run = Callable[[Sequence[str], Path, float], Ran]

RESULT_BOUNDS = Bounds(files=50_000, hashed_per_file=64 << 20, hashed=512 << 20)
_NAME_LINE = re.compile(r"^(not ok|ok) ([^\s#][^#\n]{0,199}?)\s*(?:#.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Graded:
    """What the checks did: the fields of `grader.ran`, with the streams as bytes.

    `checks_before` and `checks_after` are None where the task's checks report no names. The
    digests are of the checks as they lay in the graded copy; they differ where grading
    changed them. `notes` name what of the result was not copied.
    """

    command: tuple[str, ...]
    exit_code: int | None
    timed_out: bool
    stdout: bytes
    stderr: bytes
    checks_digest_before: str
    checks_digest_after: str
    duration_ms: float
    checks_before: dict[str, bool] | None = None
    checks_after: dict[str, bool] | None = None
    notes: tuple[str, ...] = ()


def baseline(task: Task, run: Run = run_plain) -> dict[str, bool]:
    """Return what the checks say by name of the workdir as the agent finds it; {} where they name none."""
    return untouched(task, run).checks_after or {}


def grade(
    task: Task,
    result: Path,
    run: Run = run_plain,
    checks_before: Mapping[str, bool] | None = None,
    ask: Callable[[Task, Run], dict[str, bool]] = baseline,
) -> Graded:
    """Run the task's checks over a copy of the folder `result`, by means of `run`.

    `checks_before` is what the checks said of the untouched workdir. Where it is not given, `ask` is, if
    partial credit is declared, or if they report names and leave with 0: a check that is named before
    and not after was kept from running. Raises what `run` raises.
    """
    with tempfile.TemporaryDirectory(prefix="benchledger-grade-", ignore_cleanup_errors=True) as scratch:
        place = Path(scratch) / "graded"
        notes = copy_result(result, place)
        graded = _ran(task, place, run, checks_before, notes)
    passes = graded.exit_code == 0 and graded.checks_after is not None
    if checks_before is None and (task.expectations.partial_credit or passes):
        return replace(graded, checks_before=ask(task, run))
    return graded


def untouched(task: Task, run: Run) -> Graded:
    """Run the checks on the workdir as the agent finds it."""
    with tempfile.TemporaryDirectory(prefix="benchledger-grade-", ignore_cleanup_errors=True) as scratch:
        place = Path(scratch) / "graded"
        place.mkdir()
        lay_over(task.workdir, place)
        return _ran(task, place, run, None, [])


def _ran(
    task: Task, place: Path, run: Run, before: Mapping[str, bool] | None, notes: Iterable[str]
) -> Graded:
    take_away(task.checks.removes, place)
    laid = lay_over(task.checks_folder, place)
    digest = present_digest(place, laid)
    start = time.monotonic()
    code, timed_out, stdout, stderr = run(task.checks.command, place, task.checks.seconds)
    duration = (time.monotonic() - start) * 1000
    names = task.checks.report == "names"
    return Graded(
        command=task.checks.command,
        exit_code=code,
        timed_out=timed_out,
        stdout=stdout,
        stderr=stderr,
        checks_digest_before=digest,
        checks_digest_after=present_digest(place, laid),
        duration_ms=duration,
        checks_before=dict(before) if names and before is not None else None,
        checks_after=read_names(stdout) if names else None,
        notes=tuple(notes),
    )


def copy_result(result: Path, place: Path) -> list[str]:
    """Copy the regular files below `result` into the new folder `place`; return notes on what was not.

    Left out: links, pipes, sockets, devices, any .git, files beyond 64 MiB each, 512 MiB or
    50,000 files in all. Of the modes only the executable bit is kept.
    """
    place.mkdir()
    notes: list[str] = []
    count, left = 0, RESULT_BOUNDS.hashed
    for found in walk(result, RESULT_BOUNDS, notes, lambda path: path.rpartition("/")[2] == ".git"):
        fits = found.size <= min(RESULT_BOUNDS.hashed_per_file, left) and count < RESULT_BOUNDS.files
        if found.kind != "file" or not fits:
            notes.append(f"{shown(found.path)}: {found.kind} of {found.size} bytes, not copied")
            continue
        target = place / found.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes(b"".join(found.read(found.size)))
        except OSError as error:
            if error.errno in NO_ROOM:
                raise  # else the checks would fail for what this machine lacks
            notes.append(f"{shown(found.path)}: cannot be copied: {error.strerror or error}")
            continue
        target.chmod(0o755 if found.mode & 0o100 else 0o644)
        count, left = count + 1, left - found.size
    return notes[:1000]


def read_names(stdout: bytes) -> dict[str, bool]:
    """Return name -> passed from lines `ok NAME` and `not ok NAME`; what follows `#` is a remark.

    A name that is reported twice passed only if it passed each time.
    """
    names: dict[str, bool] = {}
    for verdict, name in _NAME_LINE.findall(stdout.decode(errors="replace")):
        names[name] = names.get(name, True) and verdict == "ok"
    return names
