"""tasks: list, show, prove and start tasks; those that ship, and those of a user."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchledger.ledger.cli.common import Command, json_option
from benchledger.ledger.cli.render import clean, count, echo_json, table
from benchledger.ledger.cli.tasks_check import chosen, load, places, prove, tell
from benchledger.ledger.cli.tasks_from_commit import from_commit
from benchledger.ledger.cli.tasks_mutate import mutate

if TYPE_CHECKING:
    from benchledger.runners.task import Task
    from benchledger.schema.errors import BenchledgerError

F = TypeVar("F", bound=Callable[..., Any])
_MOST_JOBS = 4


class _Tasks(Command, click.Group):
    """A group with examples."""


def _root_option(function: F) -> F:
    return click.option(
        "--tasks",
        "roots",
        multiple=True,
        metavar="DIR",
        help="A folder of your own tasks, <DIR>/<category>/<name>/, beside those that ship and those that "
        "benchledger.toml names; repeatable.",
    )(function)


@click.group(
    cls=_Tasks,
    invoke_without_command=True,
    examples=(
        "benchledger tasks",
        "benchledger tasks --json | jq -r '.[].task'",
        "benchledger tasks show mutations/python-lru-cache",
        "benchledger tasks new mine/first --tasks my-tasks",
        "benchledger tasks check --tasks my-tasks",
    ),
)
@_root_option
@json_option
@click.pass_context
def tasks(context: click.Context, /, *, roots: tuple[str, ...], as_json: bool) -> None:
    """List, show, check and start tasks.

    Without a subcommand it lists them. A task is a folder: what to do, where, how it is told
    whether it was done, a solution, and a script that plays a model.
    """
    if context.invoked_subcommand is None:
        _list(roots, as_json=as_json)
        return
    # What stands before the subcommand counts for it as well.
    given: dict[str, Any] = {"roots": roots, "root": roots[-1]} if roots else {}
    given |= {"as_json": True} if as_json else {}
    context.default_map = {context.invoked_subcommand: given}


@tasks.command(
    "list", cls=Command, examples=("benchledger tasks list", "benchledger tasks list --tasks my-tasks --json")
)
@_root_option
@json_option
def list_(*, roots: tuple[str, ...], as_json: bool) -> None:
    """List tasks, and whether this machine has what each needs.

    Leaves with 1 where the file of a task is wrong, after listing the others.
    """
    _list(roots, as_json=as_json)


@tasks.command(
    cls=Command,
    examples=(
        "benchledger tasks show integrity/contradictory-tests",
        "benchledger tasks show mine/first --tasks my-tasks --json",
    ),
)
@click.argument("task")
@_root_option
@json_option
def show(task: str, *, roots: tuple[str, ...], as_json: bool) -> None:
    """Show one task: what the agent is told, what is expected, limits and digests."""
    from benchledger.runners.task import find_task, load_task

    said = _whole(load_task(find_task(task, places(roots))))
    if as_json:
        echo_json(said)
        return
    instruction = said.pop("instruction")
    for name, value in _flat(said):
        click.echo(clean(f"{name:<32}{value}"))
    click.echo("\ninstruction")
    click.echo("\n".join(map(clean, instruction.rstrip().split("\n"))))


@tasks.command(
    cls=Command,
    examples=(
        "benchledger tasks check",
        "benchledger tasks check mutations/c-bitset polyglot/c-ini-value",
        "benchledger tasks check --tasks my-tasks --jobs 1",
    ),
)
@click.argument("names", nargs=-1, metavar="[TASK]…")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many at a time.  [default: cores, at most 4]",
)
@_root_option
@json_option
def check(names: tuple[str, ...], *, jobs: int | None, roots: tuple[str, ...], as_json: bool) -> None:
    """Prove tasks: the solution passes, doing nothing fails, the script does as it says.

    Without TASK: all of your own, by --tasks and benchledger.toml, else all that ship. The solution must keep the
    task's own rules. Leaves with 1 where a task is not sound; one whose toolchain is missing
    here is skipped, with that reason. Runs the checks as plain programs of yours: check only
    tasks that you trust.
    """
    verdicts = prove(chosen(names, roots), jobs or min(_MOST_JOBS, os.cpu_count() or 1))
    if as_json:
        echo_json([asdict(verdict) for verdict in verdicts])
    else:
        tell(verdicts)
    if any(verdict.result == "finding" for verdict in verdicts):
        click.get_current_context().exit(1)


@tasks.command(
    cls=Command,
    examples=(
        "benchledger tasks new mine/first",
        "benchledger tasks new mine/second --tasks my-tasks --language rust",
    ),
)
@click.argument("task", metavar="CATEGORY/NAME")
@click.option(
    "--tasks",
    "root",
    metavar="DIR",
    help="The folder of your tasks.  [default: the first path of benchledger.toml, else tasks]",
)
@click.option("--language", default="python", show_default=True, metavar="L", help="What it is written in.")
@json_option
def new(task: str, root: str | None, language: str, *, as_json: bool) -> None:
    """Start a task of your own, complete but for its defect.

    The folder holds a small example; every place that is yours to fill in is marked, and
    `tasks check` names those that are left.
    """
    from benchledger.runners.roots import first_root
    from benchledger.runners.scaffold import new_task, unfilled

    place = first_root(root)
    folder = new_task(place, task, language)
    marks = unfilled(folder)
    if as_json:
        echo_json({"task": task, "folder": str(folder), "fill_in": marks})
        return
    click.echo(clean(f"new task in {folder}; fill in:"))
    for mark in marks:
        click.echo(clean(f"  {mark}"))
    click.echo(clean(f"next: benchledger tasks check {task} --tasks {quote(str(place))}"))


tasks.add_command(from_commit)
tasks.add_command(mutate)


def _list(roots: tuple[str, ...], *, as_json: bool) -> None:
    from benchledger.runners.task import find_tasks

    loaded = dict(load(find_tasks(places(roots))))
    rows = [_row(task) for task in loaded.values() if not isinstance(task, Exception)]
    if as_json:
        echo_json(rows)
    else:
        table(
            ("task", "language", "available", ">seconds", "title"),
            [
                (row["task"], row["language"], _available(row), f"{row['limits']['seconds']:g}", row["title"])
                for row in rows
            ],
        )
        ready = sum(row["available"] for row in rows)
        categories = len({row["category"] for row in rows})
        said = f"{count(len(rows), 'task')} in {count(categories, 'category', 'categories')}"
        click.echo(f"{said}, {ready} available here; `benchledger tasks show TASK` says all of one")
    if _complain(loaded):
        click.get_current_context().exit(1)


def _complain(loaded: dict[str, Task | BenchledgerError]) -> bool:
    """Name on standard error each task that cannot be read; returns whether there was one."""
    from benchledger.ledger.cli.errors import spoken

    wrong = [error for error in loaded.values() if isinstance(error, Exception)]
    for error in wrong:
        spoken(error, "").say()
    return bool(wrong)


def _row(task: Task) -> dict[str, Any]:
    from benchledger.runners.task import missing_toolchain

    missing = missing_toolchain(task)
    return {
        "task": task.id,
        "category": task.category,
        "language": task.language,
        "title": task.title,
        "toolchain": list(task.toolchain),
        "available": not missing,
        "missing": missing,
        "limits": task.limits.to_json(),
    }


def _available(row: dict[str, Any]) -> str:
    return "yes" if row["available"] else f"no: {', '.join(row['missing'])} is missing"


def _whole(task: Task) -> dict[str, Any]:
    from benchledger.runners.task import identity

    script, known = task.script(), identity(task)
    return _row(task) | {
        "folder": str(task.folder),
        "checks": task.checks.to_json(),
        "environment": task.environment.to_json(),
        "expectations": task.expectations.to_json(),
        "digests": {
            "task": known.digest,
            "instruction": known.instruction_digest,
            "workdir": known.workdir_digest,
            "checks": known.checks_digest,
        },
        "script": None if script is None else ["steps", *script.variants],
        "instruction": task.instruction,
    }


def _flat(value: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) of everything that is set."""
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{above}{name}.")
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            for part in item:
                yield f"{above}{name}", " ".join(map(str, part.values()))
        elif item not in (None, [], ""):
            yield f"{above}{name}", ", ".join(map(str, item)) if isinstance(item, list) else _word(item)


def _word(item: object) -> str:
    return {True: "yes", False: "no"}[item] if isinstance(item, bool) else str(item)
