"""Makes a task folder out of its parts, for whoever makes tasks by program.

    Parts -> make_task(root, parts, prove) -> <root>/<category>/<name>/

The folder is written beside the others, where nobody takes it for a task, read as any task is, proved
where that is asked, and renamed into its place: whoever is killed on the way leaves no half task.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ValidationError

from benchledger.runners.files import files_of
from benchledger.runners.script import Script
from benchledger.runners.task import Origin, Task, TaskFile, load_task
from benchledger.schema.errors import BadInput, UsageError
from benchledger.schema.ids import CellId
from benchledger.schema.task import Expectations, Limits

__all__ = ["Content", "Files", "Parts", "folder_contents", "free_place", "make_task"]

_MAKING = ".making-"  # one folder deeper than a task would lie, so that none is found in it


@dataclass(frozen=True, slots=True)
class Content:
    """One file of a task."""

    data: bytes
    executable: bool = False


Files = Mapping[str, Content]  # relative path, with `/`


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All that a task consists of; the fields are those of task.py.

    `removes` are files of the workdir that the solution takes away, `checks_remove` those that go
    before the checks run. `environment` is the table of that name. The script may be left out.
    """

    category: str
    name: str
    title: str
    language: str
    instruction: str
    workdir: Files
    checks: Files
    solution: Files
    command: Sequence[str]
    expectations: Expectations
    limits: Limits
    toolchain: Sequence[str] = ()
    seconds: float = 120.0
    report: Literal["exit", "names"] = "exit"
    removes: Sequence[str] = ()
    checks_remove: Sequence[str] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    private: bool = False
    script: Script | None = None
    origin: Origin | None = None

    @property
    def id(self) -> str:
        """Return category/name."""
        return f"{self.category}/{self.name}"


def folder_contents(folder: Path) -> dict[str, Content]:
    """Return what a folder holds, as parts of a task; raises BadInput for what no task may hold."""
    return {
        name: Content(path.read_bytes(), bool(path.stat().st_mode & 0o100)) for name, path in files_of(folder)
    }


def free_place(root: Path, category: str, name: str) -> Path:
    """Return where a new task would lie; raises UsageError for a name that is none or is taken."""
    try:
        CellId("s", "a", "m", category, name).check()
    except BadInput as error:
        raise UsageError(error.message, "write it as polyglot/python-page-links") from error
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root} is no folder", "name a folder for the tasks, new or not")
    folder = root / category / name
    if os.path.lexists(folder):
        raise UsageError(f"{folder} exists", "choose another name, or remove it")
    return folder


def make_task(root: Path, parts: Parts, prove: Callable[[Task], object] | None = None) -> Task:
    """Write the task below `root` and return it as it is read.

    `prove` is given the task before it lies in its place; where it raises, nothing stays.
    Raises UsageError where the place is taken, BadInput where the parts make no task.
    """
    folder = free_place(root, parts.category, parts.name)
    said = _task_file(parts)
    root.mkdir(parents=True, exist_ok=True)
    with _staging(root) as staging:
        made = staging / parts.category / parts.name
        for name, content in _files(parts, said):
            _write(made / name, content)
        task = load_task(made)
        if prove is not None:
            prove(task)
        folder.parent.mkdir(exist_ok=True)
        try:
            made.rename(folder)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise UsageError(f"{folder} exists", "another process made it meanwhile") from error
            raise
    return load_task(folder)


def _task_file(parts: Parts) -> TaskFile:
    checks = {"command": list(parts.command), "seconds": float(parts.seconds), "report": parts.report}
    said = {
        "title": parts.title,
        "language": parts.language,
        "toolchain": list(parts.toolchain),
        "removes": list(parts.removes),
        "limits": parts.limits.model_dump(mode="json"),
        "checks": checks | {"removes": list(parts.checks_remove), "private": parts.private},
        "environment": dict(parts.environment),
        "expectations": parts.expectations.model_dump(mode="json"),
    }
    if parts.origin is not None:
        said["origin"] = parts.origin.model_dump(mode="json")
    try:
        return TaskFile.model_validate_json(json.dumps(said))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "task.toml"
        reason = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"task {parts.id}: {where}: {reason}", "correct that part") from error


def _files(parts: Parts, said: TaskFile) -> Iterator[tuple[str, Content]]:
    yield "task.toml", Content(tomli_w.dumps(_ordered(said)).encode())
    yield "instruction.md", Content(parts.instruction.encode())
    if parts.script is not None:
        told = parts.script.model_dump(mode="json", exclude_unset=True)
        yield "script.json", Content((json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
    for part in ("workdir", "checks", "solution"):
        files: Files = getattr(parts, part)
        yield from ((f"{part}/{name}", content) for name, content in files.items())


def _ordered(said: BaseModel) -> dict[str, Any]:
    """Return what is not as by default, in the order in which the models declare it."""
    values = said.model_dump(mode="json", exclude_defaults=True)
    inner = {name: getattr(said, name) for name in type(said).model_fields if name in values}
    return {
        name: _ordered(value) if isinstance(value, BaseModel) else values[name]
        for name, value in inner.items()
    }


def _write(path: Path, content: Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.data)
    path.chmod(0o755 if content.executable else 0o644)


@contextlib.contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """Enter a new folder below `root`, locked while its process lives; those of the dead are removed."""
    for left in root.glob(f"{_MAKING}*"):
        with _locked(left) as dead:
            if dead:
                shutil.rmtree(left, ignore_errors=True)
    while True:
        made = Path(tempfile.mkdtemp(prefix=_MAKING, dir=root))
        with _locked(made) as ours:
            if not ours or not made.exists():
                continue  # who cleans up came between
            try:
                yield made
            finally:
                shutil.rmtree(made, ignore_errors=True)
            return


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
