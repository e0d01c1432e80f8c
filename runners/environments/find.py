"""The environment of a task in a sandbox: found, or made; and how its programs run there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from benchledger.runners.environments import local
from benchledger.runners.environments.recipe import Ready
from benchledger.runners.sandboxes.local import Local
from benchledger.runners.sandboxes.port import Sandbox
from benchledger.runners.task import Environment, Task
from benchledger.schema.errors import UsageError

__all__ = ["Place", "local_place", "refuse_unmade", "task_image"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """What makes the sandboxes of an agent and of the checks, and the PATH that both have."""

    ready: Ready | None
    agent: Callable[..., Sandbox]
    checks: Callable[[], Sandbox] | None
    path: str


def refuse_unmade(task: Task, sandbox: str) -> None:
    """Raise UsageError where a sandbox cannot give a task what its [environment] asks for."""
    wanted = task.environment
    if wanted == Environment() or sandbox == "docker":
        return
    named = next((name for name in ("image", "dockerfile") if getattr(wanted, name) is not None), None)
    if sandbox == "run-cell":
        raise UsageError(
            f"task {task.id} has an [environment], which run-cell cannot make inside a container",
            "use `benchledger run --sandbox docker`",
        )
    if named is not None or sandbox != "local":
        part = "an [environment]" if named is None else f"environment.{named}"
        raise UsageError(
            f"task {task.id} has {part}, which sandbox {sandbox} cannot give", "use --sandbox docker"
        )


def local_place(task: Task, progress: Progress = lambda _: None) -> Place:
    """Return where programs of a task run on this machine; its environment is made where it is missing."""
    refuse_unmade(task, "local")
    ready = local.local_environment(task, progress)
    if ready is None:
        return Place(None, Local, None, local.path_with(None))
    return Place(ready, *local.sandboxes(task), local.path_with(ready))


def task_image(task: Task, progress: Progress = lambda _: None) -> Ready | None:
    """Return the image of a task's environment, made where the engine has none; None without [environment].

    Raises EnvironmentLacks where no engine answers, an image cannot be had, or a setup fails.
    """
    if task.environment == Environment():
        return None
    # late: the library of the engine takes 150 ms to import
    from benchledger.runners.environments.bases import base_of  # noqa: PLC0415
    from benchledger.runners.environments.container import set_up  # noqa: PLC0415
    from benchledger.runners.sandboxes import engine  # noqa: PLC0415

    with closing(engine.connect(timeout=1800)) as client:
        return set_up(client, task, base_of(client, task, progress), progress)
