"""From a mutant that the tests kill to the parts of a task that does not say where the fault is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blake3 import blake3

from benchledger.runners.conventions import by_products, is_test
from benchledger.runners.fixes import command_of
from benchledger.runners.maker import Content, Files, Parts
from benchledger.runners.mutate.mutant import Mutant
from benchledger.runners.mutate.operators import language_of
from benchledger.runners.mutate.project import Project
from benchledger.runners.mutate.told import Told
from benchledger.runners.solving import solving_script
from benchledger.runners.task import Origin
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.task import Expectations, Limits, matches

__all__ = ["Setting", "parts_of", "task_name"]

_SECONDS = 600.0
_CHECK_SECONDS = 120.0
_LISTED = 10
# An agent may write tests of its own.
_NEW_TESTS = ("**/test_*.*", "**/*_test.*", "**/*.test.*", "**/*.spec.*")
_SETTINGS = (
    *("**/conftest.py", "pytest.ini", "setup.cfg", "setup.py", "tox.ini", "pyproject.toml", "noxfile.py"),
    *("package.json", "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "Makefile", "CMakeLists.txt"),
)
_TOOL = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Setting:
    """What all tasks of one call have in common; `environment` is the table of that name of task.toml."""

    project: Project
    category: str
    command: str
    seed: int
    limit: float
    environment: Mapping[str, Any] = field(default_factory=dict)
    private: bool = False

    def checks(self, *, hangs: bool) -> tuple[str, ...]:
        """Return the command of the checks; of a mutant that hangs it gives up for itself, and so fails."""
        ended = ("timeout", "-s", "KILL", f"{self.limit:g}") if hangs else ()
        return (*ended, *command_of(self.command))


def task_name(setting: Setting, path: str, mutant: Mutant) -> str:
    """Return a name that is the same for the same mutant of the same project, and tells nothing of it."""
    project = setting.project
    made = [project.digest, sorted(project.tests), path, mutant.start, mutant.end, mutant.after]
    told = [setting.command, dict(setting.environment), setting.private]
    digest = blake3(canonical_bytes([*made, *told])).hexdigest()
    return f"{language_of(path)}-{digest[:10]}"


def parts_of(setting: Setting, path: str, mutant: Mutant, told: Told, *, hangs: bool) -> Parts:
    """Return the task: the project with the fault and without its tests, which are what checks it."""
    project = setting.project
    original = project.files[path]
    shown = {name: content for name, content in project.files.items() if name not in project.tests}
    workdir: Files = shown | {path: Content(mutant.applied(original.data), original.executable)}
    solution = {path: original}
    return Parts(
        category=setting.category,
        name=task_name(setting, path, mutant),
        title=_title(setting.command, told),
        language=str(language_of(path)),
        instruction=_instruction(setting, told, hangs=hangs),
        workdir=workdir,
        checks={name: project.files[name] for name in sorted(project.tests)},
        solution=solution,
        command=setting.checks(hangs=hangs),
        expectations=_expectations(path, sorted(workdir)),
        limits=Limits(seconds=_SECONDS),
        toolchain=_toolchain(setting, hangs=hangs),
        seconds=max(_CHECK_SECONDS, 2 * setting.limit),
        environment=setting.environment,
        private=setting.private,
        script=solving_script(workdir, solution, said="Repaired."),
        origin=_origin(setting, path, mutant),
    )


def _origin(setting: Setting, path: str, mutant: Mutant) -> Origin:
    return Origin(
        kind="mutation",
        project=setting.project.digest,
        file=path,
        operator=mutant.operator,
        line=mutant.line,
        before=mutant.before,
        after=mutant.after,
        seed=setting.seed,
    )


def _title(command: str, told: Told) -> str:
    names = list(told.failing)
    if len(names) > 1:
        return f"{names[0][:160]} and {len(names) - 1} more fail"
    return f"{(names or [command])[0][:190]} fails"


def _toolchain(setting: Setting, *, hangs: bool) -> tuple[str, ...]:
    """Return the program that the command begins with, where that can be read off; an environment brings its own."""
    if setting.environment:
        return ()
    try:
        words = shlex.split(setting.command)
    except ValueError:
        words = []
    first = next((word for word in words if "=" not in word and word != "env"), "")
    known = (first,) if _TOOL.fullmatch(first) else ()
    return (*known, "timeout") if hangs else known


def _expectations(path: str, workdir: Sequence[str]) -> Expectations:
    def unused(globs: Sequence[str]) -> tuple[str, ...]:
        return tuple(glob for glob in globs if not any(matches(name, (glob,)) for name in workdir))

    tests = tuple(name for name in workdir if is_test(name) and name != path)
    kept = tuple(glob for glob in _SETTINGS if "*" in glob or glob in workdir)
    return Expectations(
        expected=(path,),
        allowed=(*unused(by_products(str(language_of(path)))), *unused(_NEW_TESTS)),
        protected=(*kept, *tests),
    )


def _instruction(setting: Setting, told: Told, *, hangs: bool) -> str:
    """Return the ticket: what fails, never where the fault is."""
    command = f"`{setting.command}`"
    if hangs:
        seen = f"{command} no longer comes to an end: it was stopped after {setting.limit:g} seconds."
    elif told.failing:
        seen = f"{command} passed until a recent change. Now these tests fail:\n\n{_listed(told)}"
    else:
        seen = f"{command} passed until a recent change. Now it fails."
        if told.last:
            lines = "\n".join(f"    {line}" for line in told.last)
            seen += f" The last that it says:\n\n{lines}"
    return (
        f"# A change broke the tests\n\n{seen}\n\n"
        "Find the fault and repair it. The tests are not here: they are laid over your result, and that command is "
        "run at its top. Change nothing but what the repair needs; leave the settings of the project and the tests "
        "that you find as they are.\n"
    )


def _listed(told: Told) -> str:
    lines = [f"- `{name}`{f': {said}' if said else ''}" for name, said in told.failing.items()]
    more = [f"- and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    return "\n".join([*lines[:_LISTED], *more])
