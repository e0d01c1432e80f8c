"""tasks mutate: one small fault a task, put into a project and kept where its own tests find it."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import command, json_option
from benchledger.ledger.cli.render import count, progress, progress_lines
from benchledger.ledger.cli.tasks_mutants import tell_json, tell_operators, tell_table

if TYPE_CHECKING:
    from benchledger.runners.mutate.campaign import Candidate, Maker, Tried
    from benchledger.runners.mutate.project import Project

__all__ = ["mutate"]

_MOST_JOBS = 4
_INTERRUPTED = 130


@command(
    "benchledger tasks mutate src/parser --check 'python -m pytest -q'",
    "benchledger tasks mutate lib/heap.c --check 'make test' --count 5 --seed 7 --tasks my-tasks",
    "benchledger tasks mutate . --check 'go test ./...' --operator boundary --operator off-by-one",
    "benchledger tasks mutate --list-operators",
)
@click.argument("path", required=False, metavar="PATH")
@click.option(
    "--check", "check", metavar="CMD", help="The command that runs the tests, from the project's top."
)
@click.option(
    "--count",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    metavar="N",
    help="How many tasks.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Another seed chooses other mutants."
)
@click.option(
    "--tasks",
    "root",
    metavar="DIR",
    help="The folder of your tasks.  [default: the first path of benchledger.toml, else tasks]",
)
@click.option("--category", default="mutants", show_default=True, metavar="NAME", help="Their category.")
@click.option(
    "--operator", "operators", multiple=True, metavar="NAME", help="Only this operator; repeatable."
)
@click.option(
    "--tests",
    multiple=True,
    metavar="GLOB",
    help="The tests to hide and to check by; repeatable.  [default: by the customs of each language]",
)
@click.option(
    "--project",
    metavar="DIR",
    help="The top of the project.  [default: that of PATH's git, else the current folder]",
)
@click.option(
    "--setup",
    multiple=True,
    metavar="CMD",
    help="A command that installs what the tests need; kept in the tasks, not run now; repeatable.",
)
@click.option("--image", metavar="REF", help="The container image that the tasks want to run in.")
@click.option("--private", is_flag=True, help="Keep the content of the tasks out of public exports.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, 43_200, min_open=True),
    metavar="S",
    help="When a mutant counts as one that hangs.  [default: 5 x what the tests take, at least 10]",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many at a time.  [default: cores, at most 4]",
)
@click.option("--list-operators", is_flag=True, help="List the operators and their languages.")
@json_option
def mutate(
    path: str | None, check: str | None, *, list_operators: bool, as_json: bool, **options: Any
) -> None:
    """Make tasks out of a project: one small fault each, which its own tests find.

    PATH is a source file, or a folder of them. Each candidate changes one place; only those that
    the tests kill become tasks, and each of these is proved. The tests are taken out of what the
    agent finds. The same seed and source make the same tasks; of a task only its task.toml says
    where the fault is. Runs the tests as plain programs of yours.
    """
    from benchledger.schema.errors import UsageError

    if list_operators:
        tell_operators(as_json=as_json)
        return
    if path is None or check is None:
        raise UsageError(
            f"{'PATH' if path is None else '--check CMD'} is missing",
            "write benchledger tasks mutate PATH --check 'python -m pytest -q'",
        )
    jobs = options["jobs"] or min(_MOST_JOBS, os.cpu_count() or 1)
    maker, candidates, took = _prepared(Path(path), check, options)
    tried: list[Tried] = []
    interrupted = False
    try:
        _run(maker, candidates, options["count"], jobs, tried)
    except KeyboardInterrupt:
        interrupted = True
    tell = tell_json if as_json else tell_table
    tell(maker, tried, options["count"], len(candidates), took)
    if interrupted:
        click.echo(
            "Interrupted; the tasks that were made are kept, and the same command goes on from there",
            err=True,
        )
        click.get_current_context().exit(_INTERRUPTED)
    if not any(each.task for each in tried):
        click.get_current_context().exit(1)


def _prepared(path: Path, check: str, options: dict[str, Any]) -> tuple[Maker, list[Candidate], float]:
    from benchledger.runners.maker import free_place
    from benchledger.runners.mutate.campaign import Maker
    from benchledger.runners.mutate.operators import named
    from benchledger.runners.mutate.parts import Setting
    from benchledger.runners.mutate.project import read_project, targets, top_of
    from benchledger.runners.mutate.trial import baseline
    from benchledger.runners.plain import run_plain
    from benchledger.runners.roots import first_root
    from benchledger.schema.errors import UsageError

    operators = named(options["operators"])
    root = first_root(options["root"])
    free_place(root, options["category"], "of-no-task")
    if not path.exists():
        raise UsageError(f"{path} does not exist", "name a source file, or a folder of the project")
    top = top_of(path) if options["project"] is None else Path(options["project"])
    project = read_project(top, options["tests"], root)
    files = targets(project, path)
    candidates = _candidates(project, files, operators, options["seed"])
    if not candidates:
        raise UsageError(f"no operator finds a site in {path}", "name another file, or fewer --operator")
    mutated = sorted({name for name, _ in candidates})
    with progress_lines() as tell:
        tell(
            f"{count(len(candidates), 'mutant')} in {count(len(mutated), 'file')}; now the tests as they are"
        )
        base = baseline(project, mutated, check, options["seconds"], run_plain)
    given = {"image": options["image"], "setup": list(options["setup"])}
    setting = Setting(
        project,
        options["category"],
        check,
        options["seed"],
        base.limit,
        {name: value for name, value in given.items() if value},
        options["private"],
    )
    return Maker(setting, root), candidates, base.took


def _candidates(project: Project, files: list[str], operators: list[str], seed: int) -> list[Candidate]:
    from benchledger.runners.mutate.choose import ordered
    from benchledger.runners.mutate.operators import language_of
    from benchledger.runners.mutate.sites import sites

    found = {name: sites(project.files[name].data, str(language_of(name)), operators) for name in files}
    return ordered(found, seed)


def _run(maker: Maker, candidates: list[Candidate], wanted: int, jobs: int, tried: list[Tried]) -> None:
    from benchledger.runners.mutate.campaign import campaign

    kept = 0
    with progress("tasks mutate") as advance, closing(campaign(maker, candidates, wanted, jobs)) as found:
        for each in found:
            tried.append(each)
            kept += each.task is not None
            if advance is not None:
                advance(kept, wanted)
