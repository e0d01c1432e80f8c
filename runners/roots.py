"""Where tasks lie: those that ship, those that benchledger.toml names, those that a call names.

# benchledger.toml, in the current folder or one above it; paths are relative to the file
[tasks]
paths = ["tasks", "../shared-tasks"]
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchledger.runners.task import suite_root
from benchledger.runners.tasktoml import read_toml
from benchledger.schema.base import Record, Text
from benchledger.schema.errors import BadInput

__all__ = ["FILE", "Settings", "TaskPaths", "all_roots", "first_root", "own_roots", "settings_file"]

FILE = "benchledger.toml"


class TaskPaths(Record):
    """The table [tasks]: folders of tasks, <path>/<category>/<name>/."""

    paths: tuple[Text, ...] = ()


class Settings(Record):
    """What benchledger.toml says."""

    tasks: TaskPaths = TaskPaths()


def settings_file(start: Path | None = None) -> Path | None:
    """Return the benchledger.toml of a folder, by default the current one, or of the nearest above it."""
    folder = (start or Path.cwd()).absolute()
    return next((path for each in (folder, *folder.parents) if (path := each / FILE).is_file()), None)


def _named(path: Path | None) -> list[Path]:
    if path is None:
        return []
    said = read_toml(path, Settings, f"correct {FILE}; runners/roots.py shows its form")
    return [path.parent / each for each in said.tasks.paths]


def own_roots(given: Iterable[str | Path] = (), start: Path | None = None) -> list[Path]:
    """Return the folders of a user's own tasks, each once: those of benchledger.toml, then those `given`.

    Raises BadInput for a file that is wrong or names a folder that there is not.
    """
    path = settings_file(start)
    found: dict[Path, Path] = {}
    for root in _named(path):
        if not root.is_dir():
            raise BadInput(f"{path} names {root}, which is no folder", "make it, or correct tasks.paths")
        found.setdefault(root.resolve(), root)
    for root in map(Path, given):
        found.setdefault(root.resolve(), root)
    return list(found.values())


def all_roots(given: Iterable[str | Path] = (), start: Path | None = None) -> list[Path]:
    """Return every folder in which tasks are looked for, that of the suite first."""
    return [suite_root(), *own_roots(given, start)]


def first_root(given: str | Path | None = None, start: Path | None = None) -> Path:
    """Return where a new task goes: what is `given`, else the first path of benchledger.toml, else `tasks`."""
    if given is not None:
        return Path(given)
    return next(iter(_named(settings_file(start))), Path("tasks"))
