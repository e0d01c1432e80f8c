"""A project as its tasks are made from it: its own files, which of them are tests, which can be mutated.

What belongs to it is what git would track, where git is there; never version control, caches,
virtual environments or links, which no task may hold.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchledger.runners.conventions import is_test
from benchledger.runners.files import digest_of
from benchledger.runners.maker import Content
from benchledger.runners.mutate.operators import SUFFIXES, language_of
from benchledger.schema.errors import BadInput, EnvironmentLacks, UsageError

__all__ = ["Project", "read_project", "targets", "top_of"]

_NOT_KEPT = {
    *(".git", ".hg", ".svn", ".jj", ".venv", "venv", ".tox", ".nox", "node_modules", "__pycache__"),
    *(
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".gradle",
        ".idea",
        ".vscode",
        ".DS_Store",
    ),
    *("benchledger.db", "benchledger.db-wal", "benchledger.db-shm"),
}
# How a project is built and tested: its faults are not those that a task is about.
_NOT_MUTATED = {"setup.py", "conftest.py", "noxfile.py", "conf.py", "tasks.py"}
_MOST_FILES, _MOST_BYTES = 20_000, 256 << 20


@dataclass(frozen=True, slots=True)
class Project:
    """The files of a project by path, and which of them are its tests; `left_out` are links and the like.

    `digest` is that of all files, as the digest of a folder of a task is made.
    """

    root: Path
    files: dict[str, Content]
    tests: frozenset[str]
    left_out: tuple[str, ...]
    digest: str


def top_of(path: Path) -> Path:
    """Return the folder of the project that `path` belongs to: the top level of its git, else where we are."""
    inside = path if path.is_dir() else path.parent
    try:
        asked = _git(inside, "rev-parse", "--show-toplevel")
    except EnvironmentLacks:
        asked = None
    return Path.cwd() if asked is None else Path(os.fsdecode(asked).rstrip("\n"))


def read_project(root: Path, tests: Sequence[str] = (), without: Path | None = None) -> Project:
    """Read a project; `tests` are globs of its tests, by default what is named by custom.

    What lies below `without`, a folder in it, does not belong to it: there the tasks themselves are
    written. Raises UsageError where there is no such folder or it has no test, BadInput where it is too large.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is no folder", "name the top folder of a project by --project")
    apart = None if without is None or root.resolve().is_relative_to(without.resolve()) else without.resolve()
    files: dict[str, Content] = {}
    left_out = []
    size = 0
    for name in sorted(_names(root)):
        path = root / name
        if apart is not None and path.resolve().is_relative_to(apart):
            continue
        if path.is_symlink() or not path.is_file() or not name.isprintable():
            left_out.append(name)
            continue
        files[name] = Content(path.read_bytes(), bool(path.stat().st_mode & 0o100))
        size += len(files[name].data)
        if len(files) > _MOST_FILES or size > _MOST_BYTES:
            raise BadInput(
                f"{root} has more than {_MOST_FILES:,} files or {_MOST_BYTES >> 20} MiB",
                "name a smaller part by --project, or let .gitignore leave out what is generated",
            )
    found = frozenset(name for name in files if is_test(name, tests))
    if not found:
        raise UsageError(
            f"{root} has no file that is a test{' by that glob' if tests else ''}",
            "name its tests by --tests GLOB, such as --tests 'checks/**'; tests inside of a source cannot be hidden",
        )
    ordered = sorted(files.items(), key=lambda item: item[0].encode())
    digest = digest_of((name, content.executable, content.data) for name, content in ordered)
    return Project(root, files, _hideable(files, found), tuple(left_out), digest)


def _hideable(files: dict[str, Content], tests: frozenset[str]) -> frozenset[str]:
    """Return the tests, but for those whose content stands elsewhere too: to hide them would hide nothing."""
    shown = {content.data for name, content in files.items() if name not in tests}
    return frozenset(name for name in tests if not files[name].data or files[name].data not in shown)


def _names(root: Path) -> Iterator[str]:
    try:
        listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except EnvironmentLacks:
        listed = None
    environments = {path.parent.relative_to(root).as_posix() for path in root.rglob("pyvenv.cfg")}
    if listed is None:
        names = (path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())
    else:
        # a file that git knows and that was removed is no longer one; a submodule is a folder
        known = (os.fsdecode(name) for name in set(listed.split(b"\0")) if name)
        names = (name for name in known if os.path.lexists(root / name) and not (root / name).is_dir())
    for name in names:
        path = PurePosixPath(name)
        kept = not (_NOT_KEPT & set(path.parts) or path.suffix == ".pyc")
        if kept and not any(parent.as_posix() in environments for parent in path.parents):
            yield name


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git says, None where it says no; raises EnvironmentLacks where it is not installed."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise EnvironmentLacks("git is not installed", "install it") from error
    return done.stdout if done.returncode == 0 else None


def targets(project: Project, path: Path) -> list[str]:
    """Return the files to mutate at or below `path`; raises UsageError where there is none."""
    place = path.absolute()
    try:
        below = place.resolve().relative_to(project.root.resolve()).as_posix()
    except ValueError as error:
        raise UsageError(f"{path} lies outside of {project.root}", "name the project by --project") from error
    if not place.exists():
        raise UsageError(f"{path} does not exist", "name a source file, or a folder of the project")
    within = "" if below == "." else f"{below}/"
    found = [
        name
        for name in project.files
        if (name == below or (name.startswith(within) and PurePosixPath(name).name not in _NOT_MUTATED))
        and language_of(name) is not None
        and name not in project.tests
    ]
    if not found:
        said = f"no file of the project in {path} can be mutated"
        raise UsageError(said, f"name a source that is no test and ends in {', '.join(sorted(SUFFIXES))}")
    return found
