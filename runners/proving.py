"""Proof of a task where it is to run: in a plain process or in a container, its environment made first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchledger.runners.environments import local
from benchledger.runners.environments.find import refuse_unmade, task_image
from benchledger.runners.grade import Run
from benchledger.runners.grading import lacking_tools, sandboxed
from benchledger.runners.plain import Ran, run_plain
from benchledger.runners.prove import Verdict, judge
from benchledger.runners.task import Task, missing_toolchain
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed, SetupFailed, UsageError

__all__ = ["Where", "judge_in", "where"]

Progress = Callable[[str], None]
Bounded = Callable[[Run], Run]


class Where(NamedTuple):
    """What runs the checks, which commands are not there, and the variables for commands of a script."""

    run: Run
    missing: Sequence[str]
    variables: Mapping[str, str] | None


def judge_in(
    task: Task,
    sandbox: str = "local",
    progress: Progress = lambda _: None,
    bounded: Bounded = lambda run: run,
) -> Verdict:
    """Prove a task in the sandbox `local` or `docker`; its environment is made where it is missing.

    A setup that fails is a finding. What the machine lacks, an engine for one, is a skip with that reason.
    `bounded` may wrap what runs a command. In docker, oracle and nop are tried, and no script is played.
    """
    started = time.monotonic()
    try:
        place = where(task, sandbox, progress)
        return judge(
            task,
            bounded(place.run),
            missing=place.missing,
            variables=place.variables,
            scripts=sandbox != "docker",
        )
    except SetupFailed as error:
        problem = f"{error.message} ({error.hint})"
        return Verdict(task.id, "finding", None, None, (problem,), (), time.monotonic() - started)
    except (UsageError, EnvironmentLacks, SandboxFailed) as lack:
        said = f"{lack.message}; {lack.hint}" if isinstance(lack, UsageError) else lack.message
        return Verdict(task.id, "skipped", None, None, (), (said,), time.monotonic() - started)


def where(task: Task, sandbox: str, progress: Progress = lambda _: None) -> Where:
    """Return where the checks of a task run in a sandbox; its environment is made where it is missing.

    Raises UsageError where that sandbox cannot give it, EnvironmentLacks where this machine lacks something.
    """
    refuse_unmade(task, sandbox)
    return _in_docker(task, progress) if sandbox == "docker" else _here(task, progress)


def _here(task: Task, progress: Progress) -> Where:
    ready = local.local_environment(task, progress)
    path = local.path_with(ready)
    more = local.variables(ready) | ({} if ready is None else {"PATH": path})

    def run(argv: Sequence[str], cwd: Path, seconds: float) -> Ran:
        return run_plain(argv, cwd, seconds, more)

    return Where(run, missing_toolchain(task, path), {**os.environ, **more})


def _in_docker(task: Task, progress: Progress) -> Where:
    # late: the library of the engine takes 150 ms to import
    from benchledger.runners.images.base import base_id  # noqa: PLC0415
    from benchledger.runners.sandboxes.docker import Docker  # noqa: PLC0415

    ready = task_image(task, progress)
    make = partial(Docker, base_id() if ready is None else ready.image_id)
    return Where(sandboxed(make, task.limits), lacking_tools(make, task.toolchain), None)
