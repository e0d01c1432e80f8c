"""Running a project's tests over a copy of it in which files were changed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchledger.runners.fixes import command_of
from benchledger.runners.grade import Run
from benchledger.runners.mutate.project import Project
from benchledger.runners.plain import Ran
from benchledger.schema.errors import BadInput, UsageError

__all__ = ["Baseline", "baseline", "try_out"]

# No test passes by this in any language that can be mutated.
_NO_PROGRAM = b"this is no program (\n"
# Wide steps, so that the noise of a machine does not show in the tasks.
_STEPS = (10.0, 30.0, 120.0, 600.0, 3600.0)
_TIMES = 5
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Baseline:
    """How long the unchanged project takes, and after which time a mutant counts as one that hangs."""

    took: float
    limit: float


def try_out(
    project: Project, changed: Mapping[str, bytes], command: Sequence[str], limit: float, run: Run
) -> Ran:
    """Run `command` in a fresh copy: a folder that was used once may hold compiled files of what was before."""
    with tempfile.TemporaryDirectory(prefix="benchledger-mutate-", ignore_cleanup_errors=True) as scratch:
        place = Path(scratch) / "project"
        for name, content in project.files.items():
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(changed.get(name, content.data))
            if content.executable:
                target.chmod(0o755)
        return run(command, place, limit)


def baseline(
    project: Project, mutated: Sequence[str], command: str, limit: float | None, run: Run
) -> Baseline:
    """Run the tests of the unchanged project, and see that they run its own files.

    Raises BadInput where they fail, UsageError where they pass whatever stands in the files to mutate.
    """
    longest = limit or _STEPS[-1]
    start = time.monotonic()
    ran = try_out(project, {}, command_of(command), longest, run)
    took = time.monotonic() - start
    if ran[0] != 0:
        raise BadInput(
            f"{command!r} does not pass on the project as it is: {_why(ran, longest)}",
            "it runs in a copy without .git, ignored files and environment variables but PATH and HOME: "
            "give a command that passes there",
        )
    spoilt = try_out(project, dict.fromkeys(mutated, _NO_PROGRAM), command_of(command), longest, run)
    if spoilt[0] == 0:
        raise UsageError(
            f"{command!r} passes whatever stands in {_some(mutated)}, so it tests something else",
            "an installed copy may be found before this one: set PYTHONPATH in the command, as in "
            "'PYTHONPATH=src python -m pytest -q', or choose files that the tests use",
        )
    return Baseline(took, limit or next((step for step in _STEPS if step >= took * _TIMES), _STEPS[-1]))


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _why(ran: Ran, limit: float) -> str:
    code, timed_out, stdout, stderr = ran
    lines = [line.strip() for part in (stdout, stderr) for line in part.decode(errors="replace").splitlines()]
    shown = " | ".join([line for line in lines if line][-_SHOWN:])
    ended = f"not done after {limit:g} seconds" if timed_out else f"exit code {code}"
    return f"{ended}; it says {shown}" if shown else ended
