"""tasks from-commit: a task out of a past fix, kept where it is proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import Command, json_option
from benchledger.ledger.cli.render import clean, count, echo_json
from benchledger.ledger.cli.running import watching

if TYPE_CHECKING:
    from benchledger.runners.cell_plan import Report
    from benchledger.runners.fixes import Fix, FixRequest
    from benchledger.runners.grade import Graded, Run
    from benchledger.runners.plain import Ran
    from benchledger.runners.proven import Unproven
    from benchledger.runners.task import Task

__all__ = ["from_commit"]

_SHOWN = 10


@click.command(
    "from-commit",
    cls=Command,
    examples=(
        "benchledger tasks from-commit 1a2b3c4 --check 'python3 -m pytest -q tests/test_dates.py'",
        "benchledger tasks from-commit v1.2 --check 'make test' --repo ../library --name library/lost-comma \\",
        "    --instruction ticket.md --tests 'check/**'",
    ),
)
@click.argument("commit", metavar="SHA")
@click.option(
    "--check", required=True, metavar="CMD", help="The command that runs the tests, in the workdir."
)
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    metavar="DIR",
    help="The repository; it is only read.",
)
@click.option(
    "--tasks",
    "root",
    metavar="DIR",
    help="The folder of your tasks.  [default: the first path of benchledger.toml, else tasks]",
)
@click.option("--name", metavar="CATEGORY/NAME", help="The task.  [default: after repository and message]")
@click.option(
    "--instruction", metavar="FILE|TEXT", help="What the agent is told.  [default: the message, cleaned]"
)
@click.option(
    "--tests",
    multiple=True,
    metavar="GLOB",
    help="Which files are tests, in place of the usual names of languages; repeatable.",
)
@click.option(
    "--allow", multiple=True, metavar="GLOB", help="Further files that an agent may change; repeatable."
)
@click.option("--language", metavar="L", help="What it is written in.  [default: that of most changed files]")
@click.option(
    "--setup",
    multiple=True,
    metavar="CMD",
    help="A command that installs what the tests need, with a network; repeatable.",
)
@click.option("--image", metavar="REF", help="The container image that the task wants to run in.")
@click.option(
    "--sandbox",
    type=click.Choice(["local", "docker"]),
    default="local",
    show_default=True,
    help="Where the proof runs.",
)
@click.option(
    "--report",
    type=click.Choice(["exit", "names"]),
    default="exit",
    show_default=True,
    help="How CMD tells: by its exit code, or by lines `ok NAME` and `not ok NAME` as well.",
)
@click.option(
    "--seconds", type=click.FloatRange(1, 86_400), default=1800, show_default=True, help="The agent's time."
)
@click.option(
    "--check-seconds",
    type=click.FloatRange(1, 86_400),
    default=300,
    show_default=True,
    help="The time of one run of CMD.",
)
@click.option("--private", is_flag=True, help="Keep the content of the task out of public exports.")
@json_option
def from_commit(*, as_json: bool, **given: Any) -> None:
    """Make a task out of a past fix of a git repository.

    The agent finds the parent of SHA; the tests that SHA changed are laid over its result and checked
    by CMD; the rest of what SHA changed is the solution. The task is kept where CMD fails on the parent and
    passes with the solution; else nothing stays, and the command leaves with 1. CMD runs as a
    program of yours: use it on repositories that you trust.
    """
    from benchledger.runners.fixes import fix_of
    from benchledger.runners.maker import free_place, make_task
    from benchledger.runners.proven import Unproven, place_for, proven
    from benchledger.runners.roots import first_root

    root = first_root(given["root"])
    fix = fix_of(_request(given))
    free_place(root, fix.parts.category, fix.parts.name)
    _say(f"proving {fix.parts.id}: {quote(given['check'])} on the parent and on the fix", as_json=as_json)
    try:
        with watching() as report:
            place = place_for(given["sandbox"], lambda text: report("setup", text))
            task = make_task(root, fix.parts, lambda made: proven(made, _told(place(made), report)))
    except Unproven as error:
        _tell_unproven(error, fix, as_json=as_json)
        raise
    _tell(task, fix, root, as_json=as_json)


def _told(run: Run, report: Report) -> Run:
    """Return what runs the checks and says on which side they are."""
    sides = chain(("the parent", "the fix"), repeat("again"))

    def told(argv: Sequence[str], folder: Path, seconds: float) -> Ran:
        report("checks", f"on {next(sides)}, at most {seconds:g} s")
        return run(argv, folder, seconds)

    return told


def _request(given: Mapping[str, Any]) -> FixRequest:
    from benchledger.runners.fixes import FixRequest
    from benchledger.schema.errors import UsageError
    from benchledger.schema.task import Limits

    category, slash, name = (given["name"] or "").partition("/")
    if given["name"] and not (category and slash and name):
        raise UsageError(f"{given['name']!r} is no CATEGORY/NAME", "write it as library/lost-comma")
    environment = {"image": given["image"], "setup": list(given["setup"])}
    return FixRequest(
        commit=given["commit"],
        check=given["check"],
        repository=given["repo"],
        category=category or None,
        name=name or None,
        language=given["language"],
        instruction=_text(given["instruction"]),
        tests=given["tests"],
        allowed=given["allow"],
        environment={field: value for field, value in environment.items() if value},
        limits=Limits(seconds=given["seconds"]),
        check_seconds=given["check_seconds"],
        report=given["report"],
        private=given["private"],
    )


def _text(given: str | None) -> str | None:
    """Return what a file says, where there is one of that name, else the text itself."""
    from benchledger.schema.errors import BadInput

    if given is None or "\n" in given or len(given) > 1000 or not Path(given).is_file():
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{given} is no UTF-8", "save it as UTF-8") from error


def _say(text: str, *, as_json: bool) -> None:
    click.echo(clean(text), err=as_json)


def _tell(task: Task, fix: Fix, root: Path, *, as_json: bool) -> None:
    if as_json:
        echo_json(
            {
                "kept": True,
                "task": task.id,
                "folder": str(task.folder),
                "commit": fix.commit,
                "title": task.title,
                "language": task.language,
                "expected": list(task.expectations.expected),
                "protected": list(task.expectations.protected),
                "left_out": list(fix.left_out),
            }
        )
        return
    if fix.left_out:
        more = f" and {len(fix.left_out) - _SHOWN} more" if len(fix.left_out) > _SHOWN else ""
        click.echo(clean(f"left out: {', '.join(fix.left_out[:_SHOWN])}{more}"))
    folder = root / task.id
    files, tests = len(task.expectations.expected), len(fix.parts.checks)
    click.echo(clean(f"kept {task.id} in {folder}: the fix passes, its parent fails"))
    said = f"{count(files, 'file')} to change, {count(tests, 'test file')}"
    click.echo(clean(f"{said}; read over what the agent is told: {quote(str(folder / 'instruction.md'))}"))
    click.echo(clean(f"next: benchledger run --agent oracle --task {task.id} --tasks {quote(str(root))}"))


def _tell_unproven(error: Unproven, fix: Fix, *, as_json: bool) -> None:
    proof = error.proof
    if as_json:
        sides = {"oracle": _side(proof.oracle), "nop": _side(proof.nop)}
        told = {"kept": False, "task": proof.task, "commit": fix.commit, "problems": list(proof.problems)}
        echo_json(told | sides)
        return
    for name, graded in (("with the fix", proof.oracle), ("without it", proof.nop)):
        side = _side(graded)
        end = "ran into its time limit" if graded.timed_out else f"left with {side['exit_code']}"
        click.echo(f"{name} the checks {end}; last lines:", err=True)
        for line in side["last_lines"]:
            click.echo(clean(f"    {line}"), err=True)


def _side(graded: Graded) -> dict[str, Any]:
    from benchledger.runners.proven import last_lines

    return {"exit_code": graded.exit_code, "timed_out": graded.timed_out, "last_lines": last_lines(graded)}
