"""The two agents that are no program: `oracle` lays the solution over the workdir, `nop` does nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchledger.runners.agents.spec import AgentSpec
from benchledger.schema.errors import BadInput, UsageError

__all__ = ["act"]


def act(spec: AgentSpec, solution: Path, workdir: Path) -> None:
    """Do to `workdir` what the built-in behaviour does.

    Raises UsageError for an agent that is a process, and where oracle finds no solution.
    Raises BadInput for a link in the solution: it could write outside the workdir.
    """
    if spec.behaviour == "process":
        raise UsageError(f"{spec.name} is a process", "launch it in a sandbox")
    if spec.behaviour == "nop":
        return
    if not solution.is_dir() or not any(solution.iterdir()):
        raise UsageError(f"there is no solution in {solution}", "add the task's solution/ folder")
    for source in sorted(solution.rglob("*")):
        target = workdir / source.relative_to(solution)
        if source.is_symlink() or target.is_symlink():
            raise BadInput(f"{source} is, or would replace, a link", "put plain files into solution/")
        if source.is_dir():
            target.mkdir(exist_ok=True)
        else:
            shutil.copy(source, target)
