"""Tasks: a folder that says what to do, where, and how it is told whether it was done.

    <category>/<name>/
        task.toml        what this page's models say; unknown fields are refused
        instruction.md   what the agent is told
        workdir/         what the agent finds
        checks/          what is laid over its result before the checks run; it never sees them
        solution/        files that solve the task when laid over workdir/; `removes` names those it takes away
        script.json      what a scripted model answers (runners/script.py); may be left out

The digest of a task is that of its folder (files.py says how it is made), so that every byte counts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from blake3 import blake3
from pydantic import Field, model_validator

from benchledger.runners.files import files_of, folder_digest
from benchledger.runners.script import RelativePath, Script, load_script
from benchledger.runners.tasktoml import read_toml
from benchledger.schema.base import Hex64, Name, Record, Text
from benchledger.schema.errors import BadInput, Conflict, UnknownName
from benchledger.schema.ids import CellId
from benchledger.schema.task import Expectations, Limits, TaskIdentity

__all__ = [
    "Checks",
    "Environment",
    "Origin",
    "Task",
    "TaskFile",
    "find_task",
    "find_tasks",
    "identity",
    "load_task",
    "missing_toolchain",
    "suite_root",
]

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Command = Annotated[str, Field(min_length=1, max_length=4096)]


class Checks(Record):
    """How the checks run. `report = "names"`: they print a line `ok NAME` or `not ok NAME` for each.

    `removes` are files of the workdir that go before the checks run, as an old test that they replace.
    """

    command: Annotated[tuple[Command, ...], Field(min_length=1)]
    seconds: Seconds = 120.0
    report: Literal["exit", "names"] = "exit"
    removes: tuple[RelativePath, ...] = ()
    private: bool = False


class Environment(Record):
    """Where the task wants to run; nothing set is the sandbox's own choice."""

    image: Text | None = None
    dockerfile: Text | None = None
    setup: tuple[Command, ...] = ()

    @model_validator(mode="after")
    def _one_image(self) -> Environment:
        if self.image is not None and self.dockerfile is not None:
            raise ValueError("image and dockerfile exclude each other: keep one")
        return self


class Origin(Record):
    """What a program made a task from, for its maintainer; nothing of it reaches the agent.

    A mutation: the mutant that `operator` made, at `line` of `file`, where `after` stands in place of
    `before`; `project` is the digest of the project's files, `seed` that of the choice.
    """

    kind: Literal["mutation"]
    project: Hex64
    file: RelativePath
    operator: Name
    line: Annotated[int, Field(ge=1)]
    before: str
    after: str
    seed: int


class TaskFile(Record):
    """What task.toml says. `removes` are files of the workdir that the solution takes away."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    language: Name
    toolchain: tuple[Name, ...] = ()
    removes: tuple[RelativePath, ...] = ()
    expectations: Expectations
    limits: Limits
    checks: Checks
    environment: Environment = Environment()
    origin: Origin | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> TaskFile:
        expect = self.expectations
        if self.limits.seconds is None:
            raise ValueError("limits.seconds is missing: say how many seconds the agent has")
        if not expect.expected and not expect.refusal_documents:
            raise ValueError("expectations name neither expected nor refusal_documents")
        if expect.refusal_expected and not expect.refusal_documents:
            raise ValueError("refusal_expected needs refusal_documents, such as REFUSAL.md")
        if expect.partial_credit and self.checks.report != "names":
            raise ValueError('partial_credit needs checks.report = "names", so that each check counts')
        return self


class Task(TaskFile):
    """A task as it lies in `folder`, read and checked."""

    category: Name
    name: Name
    folder: Path

    @property
    def id(self) -> str:
        """Return category/name."""
        return f"{self.category}/{self.name}"

    @property
    def workdir(self) -> Path:
        return self.folder / "workdir"

    @property
    def checks_folder(self) -> Path:
        return self.folder / "checks"

    @property
    def solution(self) -> Path:
        return self.folder / "solution"

    @property
    def instruction(self) -> str:
        """What the agent is told."""
        return (self.folder / "instruction.md").read_text(encoding="utf-8")

    def script(self) -> Script | None:
        """Return what a scripted model answers, None where the task ships no script."""
        path = self.folder / "script.json"
        return load_script(path) if path.exists() else None


def suite_root() -> Path:
    """Return the folder of the tasks that ship with the package."""
    return Path(__file__).parent / "suite"


def find_tasks(roots: Iterable[Path]) -> dict[str, Path]:
    """Return task id -> folder for every <root>/<category>/<name>/task.toml, sorted by id.

    Raises BadInput for a root that is no folder, Conflict where two roots have the same id.
    """
    found: dict[str, Path] = {}
    for root in roots:
        if not root.is_dir():
            raise BadInput(f"{root} is no folder", "name a folder that holds <category>/<name>/task.toml")
        for path in root.glob("*/*/task.toml"):
            folder = path.parent
            task_id = f"{folder.parent.name}/{folder.name}"
            if found.setdefault(task_id, folder) != folder:
                raise Conflict(
                    f"task {task_id} lies in {found[task_id]} and in {folder}", "rename one of them"
                )
    return dict(sorted(found.items()))


def find_task(task_id: str, roots: Iterable[Path]) -> Path:
    """Return the folder of one task; raises UnknownName with the nearest and all choices."""
    found = find_tasks(roots)
    if task_id not in found:
        raise UnknownName("task", task_id, found)
    return found[task_id]


def load_task(path: Path) -> Task:
    """Read the task in the folder `path`; raises BadInput that names the file, field and next step."""
    folder = path.resolve()
    said = read_toml(folder / "task.toml", TaskFile)
    category, name = folder.parent.name, folder.name
    CellId("s", "a", "m", category, name).check()
    needed = ("workdir", "checks") if said.removes else ("workdir", "checks", "solution")
    for part in needed:
        if not any(True for _ in files_of(folder / part)):
            raise BadInput(f"task {category}/{name} has no {part}/ with a file in it", f"add {folder / part}")
    if (folder / "workdir/.git").exists():
        raise BadInput(f"task {category}/{name}: workdir/.git exists", "remove it: a fresh history is made")
    task = Task(category=category, name=name, folder=folder, **dict(said))
    _check_files(task)
    return task


def _check_files(task: Task) -> None:
    try:
        empty = not task.instruction.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"task {task.id}: instruction.md cannot be read: {error}", "write it, in UTF-8"
        ) from error
    if empty:
        raise BadInput(f"task {task.id}: instruction.md is empty", "write what the agent is to do")
    dockerfile = task.environment.dockerfile
    if dockerfile is not None and not (task.folder / dockerfile).is_file():
        raise BadInput(
            f"task {task.id}: environment.dockerfile {dockerfile!r} does not exist", "add the file"
        )
    _check_removed(task, "removes", task.removes, task.solution)
    _check_removed(task, "checks.removes", task.checks.removes, task.checks_folder)
    task.script()


def _check_removed(task: Task, field: str, names: Iterable[str], part: Path) -> None:
    for name in names:
        if not (task.workdir / name).is_file():
            raise BadInput(
                f"task {task.id}: {field} names {name!r}, and there is no workdir/{name}",
                "name files of the workdir",
            )
        if (part / name).is_file():
            raise BadInput(
                f"task {task.id}: {field} takes away {name!r}, and {part.name}/{name} brings it", "keep one"
            )


def missing_toolchain(task: Task) -> list[str]:
    """Return the commands that the task needs and PATH does not have."""
    return [command for command in task.toolchain if shutil.which(command) is None]


def identity(task: Task) -> TaskIdentity:
    """Return the task's identity by content, read from disk now."""
    return TaskIdentity(
        digest=folder_digest(task.folder),
        instruction_digest=blake3((task.folder / "instruction.md").read_bytes()).hexdigest(),
        workdir_digest=folder_digest(task.workdir),
        checks_digest=folder_digest(task.checks_folder),
        language=task.language,
        private=task.checks.private,
        expectations=task.expectations,
    )
