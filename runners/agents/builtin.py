"""The two agents that are no program: `oracle` lays the solution over the workdir, `nop` does nothing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.files import files_of
from benchledger.runners.workdir import take_away
from benchledger.schema.errors import BadInput, UsageError

__all__ = ["act"]


def act(spec: AgentSpec, solution: Path, workdir: Path, removes: Sequence[str] = ()) -> None:
    """Do to `workdir` what the built-in behaviour does; a solution takes away the files `removes`.

    Raises UsageError for an agent that is a process, and where oracle finds no solution.
    Raises BadInput for a link in the solution: it could write outside the workdir.
    """
    if spec.behaviour == "process":
        raise UsageError(f"{spec.name} is a process", "launch it in a sandbox")
    if spec.behaviour == "nop":
        return
    if not removes and (not solution.is_dir() or not any(solution.iterdir())):
        raise UsageError(f"there is no solution in {solution}", "add the task's solution/ folder")
    take_away(removes, workdir)
    # not what an installer compiles beside the files
    for name, source in files_of(solution):
        target = workdir / name
        if any((workdir / part).is_symlink() for part in (Path(name), *Path(name).parents)):
            raise BadInput(f"{source} would replace a link", "put plain files into solution/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
