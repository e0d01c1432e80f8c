"""A task out of a past fix: the parent commit is the workdir, its new tests the checks, the rest the solution."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from benchledger.runners.conventions import by_products, is_test, language_of
from benchledger.runners.grade import RESULT_BOUNDS
from benchledger.runners.history import Commit, Item, Repository, opened
from benchledger.runners.maker import Content, Parts
from benchledger.runners.message import cleaned
from benchledger.runners.solving import solving_script
from benchledger.schema.errors import BadInput, UsageError
from benchledger.schema.task import Expectations, Limits

__all__ = ["Fix", "FixRequest", "command_of", "fix_of"]

_SHELL = re.compile(r"[|&;<>()$`\\\"'*?\[\]#~=%{}!\n]")
_NUL_WINDOW = 8000  # as patch.py, and git, tell what is no text
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FixRequest:
    """Which fix, and what its task is to say; what is None or empty is read off the commit.

    `tests` are globs of the test files, `allowed` those of further files that an agent may change,
    `environment` the table of task.toml.
    """

    commit: str
    check: str
    repository: Path = Path()
    category: str | None = None
    name: str | None = None
    language: str | None = None
    instruction: str | None = None
    tests: Sequence[str] = ()
    allowed: Sequence[str] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(seconds=1800))
    check_seconds: float = 300.0
    report: Literal["exit", "names"] = "exit"
    private: bool = False


@dataclass(frozen=True, slots=True)
class Fix:
    """What a fix gives: the parts of its task, and what of the repository no task can hold."""

    commit: str
    parts: Parts
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """The state before, and what the fix did to it: new entries by path, and paths that went."""

    before: Mapping[str, Item]
    tests: Mapping[str, Item]
    code: Mapping[str, Item]
    gone_tests: Sequence[str]
    gone_code: Sequence[str]

    @property
    def test_paths(self) -> list[str]:
        return sorted({*self.tests, *self.gone_tests})

    @property
    def code_paths(self) -> list[str]:
        return sorted({*self.code, *self.gone_code})


def fix_of(request: FixRequest) -> Fix:
    """Read a fix out of its repository, which is only read.

    Raises UsageError for a name that is no commit, BadInput for a commit that makes no task.
    """
    with opened(request.repository) as repository:
        commit = repository.commit(request.commit)
        parent = repository.parent(commit)
        before, after = repository.items(parent), repository.items(commit)
        change = _change(commit, before, after, request.tests)
        read = {part: _contents(repository, items) for part, items in _wanted(change).items()}
    _refuse_binary(commit, change, read)
    left_out = tuple(f"{_shown(item.path)}: {item.odd}" for item in before.values() if item.odd)
    named = replace(request, category=request.category or _slug(repository.name))
    return Fix(commit.oid, _parts(named, commit, change, read), left_out)


def _wanted(change: _Change) -> dict[str, list[Item]]:
    plain = [item for item in change.before.values() if not item.odd]
    size, most = sum(item.size for item in plain), RESULT_BOUNDS
    large = max((item.size for item in plain), default=0)
    if len(plain) > most.files or size > most.hashed or large > most.hashed_per_file:
        found = f"{len(plain)} files of {size >> 20} MiB before the fix, the largest of {large >> 20}"
        bound = f"{most.files} files, {most.hashed >> 20} MiB, {most.hashed_per_file >> 20} in one"
        raise BadInput(f"the repository has {found}", f"what is graded has at most {bound}")
    return {"workdir": plain, "checks": list(change.tests.values()), "solution": list(change.code.values())}


def _contents(repository: Repository, items: Sequence[Item]) -> dict[str, Content]:
    data = repository.contents(items)
    return {item.path: Content(data[item.path], item.executable) for item in items}


def _change(
    commit: Commit, before: Mapping[str, Item], after: Mapping[str, Item], globs: Sequence[str]
) -> _Change:
    def same(path: str) -> bool:
        old, new = before.get(path), after.get(path)
        return old is not None and new is not None and (old.oid, old.mode) == (new.oid, new.mode)

    changed = {path for path in {*before, *after} if not same(path)}
    odd = {
        path: item for side in (before, after) for path, item in side.items() if path in changed and item.odd
    }
    if odd:
        told = ", ".join(f"{_shown(path)} ({item.odd})" for path, item in sorted(odd.items())[:_SHOWN])
        raise BadInput(f"{commit.oid[:12]} changes what no task can hold: {told}", "choose another fix")
    tests = {path for path in changed if is_test(path, globs)}
    found = _Change(
        before=before,
        # a test of which the mode alone changed says nothing new
        tests={path: after[path] for path in sorted(tests & set(after)) if _differs(before, after, path)},
        code={path: after[path] for path in sorted((changed - tests) & set(after))},
        gone_tests=sorted(tests - set(after)),
        gone_code=sorted(changed - tests - set(after)),
    )
    _refuse_one_sided(commit, found, globs)
    return found


def _differs(before: Mapping[str, Item], after: Mapping[str, Item], path: str) -> bool:
    return path not in before or before[path].oid != after[path].oid


def _refuse_one_sided(commit: Commit, change: _Change, globs: Sequence[str]) -> None:
    short, how = commit.oid[:12], "by --tests" if globs else "by their paths"
    if not change.tests:
        raise BadInput(
            f"{short} adds or changes no test ({how}); it changes {_listed(change.code_paths)}",
            "choose a fix that comes with a test, or say with --tests GLOB which files are tests",
        )
    if not change.code_paths:
        raise BadInput(
            f"{short} changes nothing but tests ({how}): {_listed(change.test_paths)}",
            "choose a fix, or say with --tests GLOB which files are tests",
        )


def _refuse_binary(commit: Commit, change: _Change, read: Mapping[str, Mapping[str, Content]]) -> None:
    paths = [
        path
        for path in change.code_paths
        for side in (read["solution"], read["workdir"])
        if path in side and b"\0" in side[path].data[:_NUL_WINDOW]
    ]
    if paths:
        raise BadInput(
            f"{commit.oid[:12]} changes binary files: {_listed(sorted(set(paths)))}",
            "no patch can record an answer to that: choose another fix, or take them for tests with --tests GLOB",
        )


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(map(_shown, paths[:_SHOWN])) + more if paths else "nothing"


def _shown(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _parts(
    request: FixRequest, commit: Commit, change: _Change, read: Mapping[str, Mapping[str, Content]]
) -> Parts:
    title, instruction = _told(request, commit, change, read)
    language = request.language or language_of(change.code_paths)
    command = command_of(request.check)
    literal = [path.replace("*", "?") for path in change.code_paths]  # a star of a name is no wildcard
    return Parts(
        category=request.category or "fixes",
        name=request.name or f"{_slug(title)[:48].strip('-') or 'fix'}-{commit.oid[:8]}",
        title=title,
        language=language,
        instruction=instruction,
        workdir=read["workdir"],
        checks=read["checks"],
        solution=read["solution"],
        command=command,
        seconds=request.check_seconds,
        report=request.report,
        removes=tuple(change.gone_code),
        checks_remove=tuple(change.gone_tests),
        # an environment may bring the program; else it has to be here
        toolchain=() if request.environment or "/" in command[0] else (command[0],),
        expectations=Expectations(
            expected=tuple(literal),
            allowed=(*by_products(language), *request.allowed),
            protected=tuple(path.replace("*", "?") for path in change.test_paths),
        ),
        limits=request.limits,
        environment=request.environment,
        private=request.private,
        script=solving_script(read["workdir"], read["solution"], change.gone_code),
    )


def command_of(check: str) -> tuple[str, ...]:
    """Return what a line of shell means: its words where they are plain, else a shell that reads it."""
    if not check.strip():
        raise UsageError("--check is empty", "give the command that runs the tests")
    return ("sh", "-c", check) if _SHELL.search(check) else tuple(shlex.split(check))


def _told(
    request: FixRequest, commit: Commit, change: _Change, read: Mapping[str, Mapping[str, Content]]
) -> tuple[str, str]:
    """Return the title and what the agent is told; raises UsageError where the message says nothing."""
    added = _added(read)
    title, body = cleaned(commit.message, commit.people, added)
    given = request.instruction
    if given is not None:
        if not given.strip():
            raise UsageError("--instruction is empty", "say what the agent is to do")
        first = next(line for line in given.split("\n") if line.strip())
        title, text = first.lstrip("# ").strip() or title, given.strip()
    else:
        if not title:
            raise UsageError(
                f"the message of {commit.oid[:12]} says nothing that could be told", "give --instruction"
            )
        text = f"# {title}\n\n{body}".strip()
    return title[:200], f"{text}\n\n{_rule(change.test_paths)}\n"


def _added(read: Mapping[str, Mapping[str, Content]]) -> set[str]:
    """Return the lines that the fix brings, without the white space around them."""
    found: set[str] = set()
    for path, content in read["solution"].items():
        old = read["workdir"].get(path)
        known = set() if old is None else set(_lines(old))
        found |= set(_lines(content)) - known
    return found


def _lines(content: Content) -> list[str]:
    return [line.strip() for line in content.data.decode("utf-8", "replace").splitlines()]


def _rule(tests: Sequence[str]) -> str:
    named = ", ".join(f"`{path}`" for path in tests)
    which = "that file" if len(tests) == 1 else "those files"
    return f"Your work is checked by tests that take the place of {named}: do not change or create {which}."


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
