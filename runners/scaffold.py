"""A new task: a folder that is read and graded as it stands, and says what its author has to fill in.

scaffolds/<language>.toml holds what differs by language, with one small function as the example:

    toolchain, checks, allowed, protected   as task.toml says them
    check_file                              the task of the suite whose check is used, as its path there
    dependencies                            glob of the manifests that may not change, where there are any
    rules                                   further lines of AGENTS.md
    tests                                   the command by which an agent runs the visible tests
    comment                                 how a line of comment begins
    source, hidden, visible                 paths of the code, of the hidden and of the visible tests
    files                                   further files, path -> text
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchledger.runners.files import files_of
from benchledger.runners.task import find_tasks, load_task, suite_root
from benchledger.runners.tasktoml import read_toml
from benchledger.schema.base import Name, Record
from benchledger.schema.errors import BadInput, UnknownName, UsageError
from benchledger.schema.ids import CellId

__all__ = ["MARK", "languages", "left_behind", "new_task", "unfilled"]

MARK = "FILL IN:"
_SECONDS = 600


class Scaffold(Record):
    """What scaffolds/<language>.toml says."""

    toolchain: tuple[Name, ...]
    checks: tuple[str, ...]
    check_file: str
    allowed: tuple[str, ...]
    protected: tuple[str, ...]
    dependencies: str | None = None
    rules: tuple[str, ...]
    tests: str
    comment: str
    source: str
    source_text: str
    hidden: str
    hidden_text: str
    visible: str
    visible_text: str
    files: dict[str, str] = {}


def languages() -> dict[str, Path]:
    """Return language -> file of its scaffold."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "scaffolds").glob("*.toml"))}


def left_behind(language: str) -> tuple[str, ...]:
    """Return globs of what building or testing leaves behind in a language that has a scaffold."""
    return read_toml(languages()[language], Scaffold).allowed


def new_task(root: Path, task_id: str, language: str) -> Path:
    """Write a task below `root` and return its folder.

    Raises UsageError for an id that is none or is taken, UnknownName for a language without scaffold.
    """
    category, slash, name = task_id.partition("/")
    if not slash:
        raise UsageError(f"{task_id!r} is no CATEGORY/NAME", "write it as polyglot/python-page-links")
    try:
        CellId("s", "a", "m", category, name).check()
    except BadInput as error:
        raise UsageError(error.message, "write it as polyglot/python-page-links") from error
    known = languages()
    if language not in known:
        raise UnknownName("language", language, known)
    if task_id in find_tasks([suite_root()]):
        raise UsageError(f"a task {task_id} ships with benchledger", "choose another name")
    folder = root / category / name
    if folder.exists():
        raise UsageError(f"{folder} exists", "choose another name, or remove it")
    made = read_toml(known[language], Scaffold)
    for path, text in _files(made, language):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    load_task(folder)
    return folder


def unfilled(folder: Path) -> list[str]:
    """Return `path:line: what is to be filled in` of every mark in a task, in the order in which to go on."""
    found = []
    for name, path in files_of(folder):
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), start=1):
            if MARK in line:
                said = line[line.index(MARK) + len(MARK) :].strip(' :",')
                found.append((_ORDER.get(name.partition("/")[0], 9), f"{name}:{number}: fill in {said}"))
    return [said for _, said in sorted(found, key=lambda item: item[0])]


_ORDER = {"solution": 0, "workdir": 1, "checks": 2, "instruction.md": 3, "task.toml": 4, "script.json": 5}


def _files(made: Scaffold, language: str) -> Iterator[tuple[str, str]]:
    def marked(what: str, text: str) -> str:
        return f"{made.comment} {MARK} {what}; then remove this line\n{text}"

    check = suite_root() / made.check_file
    yield "task.toml", _task_toml(made, language)
    yield "instruction.md", _instruction(made)
    yield "script.json", _script(made)
    yield f"checks/{check.name}", check.read_text(encoding="utf-8")
    yield f"solution/{made.source}", marked("the code as it should be", made.source_text)
    yield f"workdir/{made.source}", marked("the same code with one defect", made.source_text)
    yield made.visible, marked("the tests that the agent sees, which pass all the same", made.visible_text)
    yield made.hidden, marked("tests of which one fails by the defect", made.hidden_text)
    yield "workdir/AGENTS.md", _rules(made)
    yield from made.files.items()


def _task_toml(made: Scaffold, language: str) -> str:
    protected = (*made.protected, "AGENTS.md")
    constraints = [("file-not-touched", glob) for glob in protected if glob != made.dependencies]
    if made.dependencies is not None:
        constraints.append(("no-new-dependency", made.dependencies))
    parts = [
        f'title = "{MARK} the ticket in one line"\nlanguage = "{language}"',
        f"toolchain = {_list(made.toolchain)}\n",
        f"[limits]\nseconds = {_SECONDS}\n",
        f'[checks]\ncommand = {_list(made.checks)}\nseconds = 120\nreport = "names"\n',
        f"[expectations]\nexpected = {_list((made.source,))}\nallowed = {_list(made.allowed)}",
        f"protected = {_list(protected)}",
        *(
            f'\n[[expectations.constraints]]\nkind = "{kind}"\npattern = "{glob}"'
            for kind, glob in constraints
        ),
    ]
    return "\n".join(parts) + "\n"


def _list(texts: tuple[str, ...]) -> str:
    return json.dumps(list(texts))  # the form of TOML as well


def _instruction(made: Scaffold) -> str:
    return (
        f"# {MARK} the ticket in one line\n\n"
        f"{MARK} what is seen to go wrong in `{made.source}`, and what is wanted; not where the defect is.\n\n"
        f"`{made.tests}` runs the tests that are here; they do not cover everything. Read `AGENTS.md` first "
        "and keep to it.\n"
    )


def _rules(made: Scaffold) -> str:
    rules = ("Leave everything in `tests/` as it is, and this file too.", *made.rules)
    return "\n".join(["# Rules for this repository", "", *(f"- {rule}" for rule in rules), ""])


def _script(made: Scaffold) -> str:
    read = {"read": made.source}
    edit = {
        "path": made.source,
        "old": f"{MARK} the whole lines with the defect",
        "new": f"{MARK} the lines that repair it",
    }
    said = {"say": "I read the file and found nothing that is wrong."}
    steps = [read, {"edit": edit}, {"shell": made.tests}, {"say": "Repaired."}]
    return json.dumps({"steps": steps, "variants": {"fail": [read, said]}}, indent=2) + "\n"
