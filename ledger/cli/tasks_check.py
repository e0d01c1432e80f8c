"""tasks check: which tasks, several at a time, and what came of each."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from benchledger.ledger.cli.render import NONE, clean, count, progress, progress_lines, table

if TYPE_CHECKING:
    from benchledger.runners.grade import Run
    from benchledger.runners.plain import Ran
    from benchledger.runners.prove import Verdict
    from benchledger.runners.task import Task
    from benchledger.schema.errors import BenchledgerError

__all__ = ["chosen", "load", "places", "prove", "tell"]


def places(roots: tuple[str, ...]) -> list[Path]:
    """Return the folders in which tasks are looked for: that of the package, and those of the user."""
    from benchledger.runners.roots import all_roots

    return all_roots(roots)


def load(found: dict[str, Path]) -> Iterator[tuple[str, Task | BenchledgerError]]:
    """Yield each task as it is read, or why it cannot be."""
    from benchledger.runners.task import load_task
    from benchledger.schema.errors import BadInput

    for name, folder in found.items():
        try:
            yield name, load_task(folder)
        except BadInput as error:
            yield name, error


def chosen(names: tuple[str, ...], roots: tuple[str, ...]) -> dict[str, Path]:
    """Return task -> folder of those that were named, else of the user's own, else of all that ship."""
    from benchledger.runners.task import find_task, find_tasks
    from benchledger.schema.errors import UsageError

    suite, *own = places(roots)
    known = find_tasks([suite, *own])
    if names:
        return {name: find_task(name, [suite, *own]) for name in sorted(set(names))}
    mine = find_tasks(own or [suite])
    if not mine:
        raise UsageError(
            f"no task below {', '.join(map(str, own))}",
            "`benchledger tasks new CATEGORY/NAME --tasks DIR` starts one",
        )
    return {name: known[name] for name in mine}


def prove(found: dict[str, Path], jobs: int, sandbox: str) -> list[Verdict]:
    """Judge tasks, several at a time, in the order of their ids; one that cannot be read is a finding."""
    from benchledger.runners.prove import Verdict
    from benchledger.schema.errors import RecordErrors

    verdicts: list[Verdict] = []
    ready: list[Task] = []
    for name, task in load(found):
        if isinstance(task, Exception):
            said = [str(item) for item in task.errors] if isinstance(task, RecordErrors) else [str(task)]
            verdicts.append(Verdict(name, "finding", None, None, tuple(said), (), 0.0))
        else:
            ready.append(task)
    with progress("tasks check") as advance, closing(_judged(ready, jobs, sandbox)) as judged:
        for verdict in judged:
            verdicts.append(verdict)
            if advance is not None:
                advance(len(verdicts), len(found))
    return sorted(verdicts, key=lambda verdict: verdict.task)


def _judged(tasks: list[Task], jobs: int, sandbox: str) -> Generator[Verdict]:
    """Yield verdicts as they come; where that ends early, no further command is started."""
    from benchledger.runners.proving import judge_in

    stopped = Event()

    def bounded(run: Run) -> Run:
        def unless_stopped(argv: Sequence[str], cwd: Path, seconds: float) -> Ran:
            if stopped.is_set():
                raise CancelledError
            return run(argv, cwd, seconds)

        return unless_stopped

    with ThreadPoolExecutor(jobs) as pool, progress_lines() as told:
        try:
            for done in as_completed([pool.submit(judge_in, task, sandbox, told, bounded) for task in tasks]):
                yield done.result()
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


def tell(verdicts: list[Verdict]) -> None:
    """Print a table of verdicts, every problem, and the sum."""
    columns = ("task", "result", "solution", "nothing done", ">seconds", "why")
    table(columns, [_line(verdict) for verdict in verdicts])
    for verdict in verdicts:
        for problem in verdict.problems:
            click.echo(clean(f"{verdict.task}: {problem}"))
    results = [verdict.result for verdict in verdicts]
    said = f"{results.count('sound')} sound, {results.count('finding')} with findings"
    click.echo(f"{count(len(results), 'task')}: {said}, {results.count('skipped')} skipped")


def _line(verdict: Verdict) -> tuple[str, ...]:
    known = {True: "passes", False: "fails", None: NONE}
    names = all(" " not in each for each in verdict.missing)  # of commands; else it is a sentence
    why = f"{', '.join(verdict.missing)}{' is missing' if names else ''}" if verdict.missing else NONE
    if verdict.problems:
        why = f"{count(len(verdict.problems), 'problem')}, below"
    return (
        *(verdict.task, verdict.result, known[verdict.oracle], known[verdict.nop]),
        f"{verdict.seconds:.1f}" if verdict.oracle is not None else NONE,
        why,
    )
