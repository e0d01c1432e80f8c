"""The proof that a task made by a program has to pass before it is kept.

place_for(sandbox)(task) -> Run       where its checks run: the one seam to sandboxes and environments
proven(task, run)                     oracle passes, nop fails, the script does what the solution does
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchledger.runners.files import folder_digest
from benchledger.runners.grade import Graded, Run
from benchledger.runners.prove import TaskProof, check_task
from benchledger.runners.proving import where
from benchledger.runners.script import play
from benchledger.runners.task import Task
from benchledger.runners.workdir import lay_over, take_away
from benchledger.schema.errors import BadInput, EnvironmentLacks

__all__ = ["Place", "Unproven", "last_lines", "place_for", "proven"]

Place = Callable[[Task], Run]
_LINES = 12


class Unproven(BadInput):
    """A task whose solution does not pass, or which doing nothing passes; nothing of it is kept."""

    def __init__(self, proof: TaskProof) -> None:
        """Keep what the checks did on both sides."""
        self.proof = proof
        # what a program printed is shown apart from what is said of it
        problems = [problem.partition(" (")[0] for problem in proof.problems]
        super().__init__(f"{proof.task} is not proven: {', '.join(problems)}", _hint(proof))


def _hint(proof: TaskProof) -> str:
    if proof.oracle.exit_code != 0 and proof.nop.exit_code != 0:
        return "see that the command of --check passes at that commit with what this machine has; nothing was kept"
    if proof.nop.exit_code == 0:
        return "let --check run the tests that the fix changed; nothing was kept"
    return "choose another fix; nothing was kept"


def last_lines(graded: Graded, count: int = _LINES) -> list[str]:
    """Return the end of what the checks printed, errors last."""
    lines = [
        line
        for stream in (graded.stdout, graded.stderr)
        for line in stream.decode(errors="replace").split("\n")
    ]
    return [line.rstrip() for line in lines if line.strip()][-count:]


def place_for(sandbox: str, progress: Callable[[str], None] = lambda _: None) -> Place:
    """Return where the checks of a task run in a sandbox, its environment made first."""

    def place(task: Task) -> Run:
        found = where(task, sandbox, progress)
        if found.missing:
            raise EnvironmentLacks(
                f"the checks need {', '.join(found.missing)}",
                "install it where they run, or let --setup bring it; nothing was kept",
            )
        return found.run

    return place


def proven(task: Task, run: Run) -> TaskProof:
    """Return the proof of a sound task; raises Unproven of another, and what `run` raises."""
    proof = check_task(task, run)
    if not proof.ok:
        raise Unproven(proof)
    if not _script_solves(task):
        raise BadInput(
            f"the script of {task.id} does not lead to its solution", "report it: a program made it"
        )
    return proof


def _script_solves(task: Task) -> bool:
    """Return whether the script leaves the files that the solution leaves.

    That needs no checks: they cannot tell equal folders apart.
    """
    script = task.script()
    if script is None:
        return True
    with tempfile.TemporaryDirectory(prefix="benchledger-proof-", ignore_cleanup_errors=True) as scratch:
        made = {name: Path(scratch) / name for name in ("solved", "played")}
        for folder in made.values():
            folder.mkdir()
            lay_over(task.workdir, folder)
        take_away(task.removes, made["solved"])
        lay_over(task.solution, made["solved"])
        play(script, made["played"])
        return folder_digest(made["solved"]) == folder_digest(made["played"])
