"""Environments on this machine, each in a folder that is made once, sealed, and looked over at every use.

    <root>/<digest>/ready          link to the build that stands; replaced in one step
    <root>/<digest>/.builds/<id>/  environment.json, env/ (TASK_ENV)

What a setup makes knows its own path, so a build is made where it stays, and the link alone is moved:
what the link names is complete, whenever the maker was killed. No security boundary: an agent has the
user's rights, and can take the seal off. That shows, and then the environment is made again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from benchledger.runners.environments.clients import own_settings
from benchledger.runners.environments.recipe import SETUP_SECONDS, TASK_ENV, Ready, failed, local_recipe
from benchledger.runners.kept import data_root, locked, remove_sealed, seal, state_of
from benchledger.runners.launch import Launch
from benchledger.runners.plain import toolchain_environment
from benchledger.runners.sandboxes.local import Local
from benchledger.runners.sandboxes.port import Caps, Sandbox
from benchledger.runners.task import Task
from benchledger.runners.workdir import lay_over
from benchledger.schema.errors import DiskFull, EnvironmentLacks, NoAccess
from benchledger.schema.task import Limits

__all__ = ["altered", "local_environment", "path_with", "sandboxes", "variables"]

_RECORD = "environment.json"
_LINK, _BUILDS = "ready", ".builds"
# A build that was replaced may still be in use by a cell that began before; none lasts longer than a day.
_REPLACED_SECONDS = 2 * 86_400
_CAPS = Caps(output_bytes=4 << 20, disk_bytes=64 << 30, grace_seconds=5)

Progress = Callable[[str], None]


def local_environment(task: Task, progress: Progress = lambda _: None) -> Ready | None:
    """Return the task's environment on this machine, made where it is missing or was altered; None without a setup.

    Raises EnvironmentLacks with the last lines of a setup that fails; nothing half-made is left.
    """
    if not task.environment.setup:
        return None
    digest = local_recipe(task)
    place = _place(digest)
    if ready := _standing(place):
        return ready
    try:
        with locked(place):
            return _standing(place) or _build(task, digest, place, progress)
    except PermissionError as error:
        raise NoAccess(f"{error.filename or place} cannot be written") from error
    except OSError as error:
        if error.errno == 28:
            raise DiskFull(f"no room left in {place.parent}") from error
        raise EnvironmentLacks(f"{place}: {error.strerror}", "set XDG_DATA_HOME to another folder") from error


def altered(ready: Ready | None) -> bool:
    """Return whether the environment that stands on this machine for that recipe is not what its setup made."""
    if ready is None or not ready.folder:
        return False
    place = _place(ready.digest)
    return (place / _LINK).is_symlink() and _standing(place) is None


def path_with(ready: Ready | None) -> str:
    """Return the PATH of programs, the environment's own folder first."""
    own = os.environ.get("PATH", os.defpath)
    return own if ready is None or not ready.folder else f"{ready.folder}/bin{os.pathsep}{own}"


def variables(ready: Ready | None) -> dict[str, str]:
    """Return what programs find in their variables beside PATH."""
    if ready is None or not ready.folder:
        return {}
    # root's Python would write into a sealed folder all the same, and alter it by merely being used
    return {TASK_ENV: ready.folder, "PYTHONDONTWRITEBYTECODE": "1"}


def sandboxes(task: Task) -> tuple[Callable[..., Sandbox], Callable[[], Sandbox]]:
    """Return what makes a sandbox for an agent, and one for the checks.

    Each has the environment as its setup made it, whatever an agent did to it since: one plan makes many cells.
    """
    return partial(_with_environment, task), partial(_with_environment, task)


def _with_environment(task: Task, place: Path | None = None) -> Sandbox:
    try:
        ready = local_environment(task)
    except EnvironmentLacks as error:
        # what a package client says may name a registry's password, and this text is kept
        said = f"the environment of {task.id} was altered, and could not be made again"
        raise EnvironmentLacks(said, "see `benchledger tasks check`") from error
    return Local(path=path_with(ready), variables=variables(ready), place=place)


def _place(digest: str) -> Path:
    return data_root() / "environments" / digest


def _standing(place: Path) -> Ready | None:
    try:
        ready = Ready(**json.loads((place / _LINK / _RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return ready if _whole(ready) else None


def _whole(ready: Ready) -> bool:
    try:
        return state_of(Path(ready.folder)) == ready.state
    except OSError:
        return False


def _build(task: Task, digest: str, place: Path, progress: Progress) -> Ready:
    builds = place / _BUILDS
    builds.mkdir(exist_ok=True)
    _sweep(place, builds)
    prefix = builds / uuid.uuid4().hex[:12]
    folder = prefix / "env"
    folder.mkdir(parents=True)
    try:
        ready = Ready(digest, str(folder))
        _set_up(task, ready, progress)
        seal(folder)
        ready = replace(ready, state=state_of(folder))
        told = {name: value for name, value in asdict(ready).items() if value}
        (prefix / _RECORD).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        fresh = place / f".{prefix.name}.link"
        fresh.symlink_to(Path(_BUILDS) / prefix.name)
        fresh.replace(place / _LINK)
    except BaseException:
        remove_sealed(prefix)
        raise
    return ready


def _set_up(task: Task, ready: Ready, progress: Progress) -> None:
    """Run the commands, each in a shell of its own, in a copy of the workdir, with a network."""
    env = {**toolchain_environment(), **own_settings(), "LC_ALL": "C.UTF-8"}
    bare = Local(_CAPS, path_with(ready), bare=True, variables={TASK_ENV: ready.folder})
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="benchledger-setup-") as scratch, bare as sandbox:
        work = Path(scratch) / "work"
        work.mkdir()
        lay_over(task.workdir, work)
        commands = task.environment.setup
        for number, command in enumerate(commands, 1):
            progress(f"{task.id}: setup {number} of {len(commands)}: {command}")
            left = max(1.0, SETUP_SECONDS - (time.monotonic() - started))
            report = sandbox.run(Launch(("sh", "-c", command), env, {}), work, Limits(seconds=left), None)
            if report.exit_code != 0 or report.timed_out:
                how = _how(report.exit_code, timed_out=report.timed_out)
                raise failed(task, command, how, report.stdout + report.stderr)
    progress(f"{task.id}: its environment is there, after {time.monotonic() - started:.0f} s")


def _how(code: int | None, *, timed_out: bool) -> str:
    if timed_out:
        return f"takes more than {SETUP_SECONDS / 60:.0f} minutes"
    return "was killed" if code is None else f"ends with exit code {code}"


def _sweep(place: Path, builds: Path) -> None:
    """Remove builds that nobody uses: those of a killed maker, and those replaced long ago."""
    for link in place.glob(".*.link"):
        link.unlink()
    link = place / _LINK
    named = link.readlink().name if link.is_symlink() else ""
    for build in builds.iterdir():
        record = build / _RECORD
        old = not record.exists() or time.time() - record.stat().st_mtime > _REPLACED_SECONDS
        if build.name != named and old:
            remove_sealed(build)
            shutil.rmtree(build, ignore_errors=True)
