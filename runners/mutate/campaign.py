"""Trying mutants one after the other, several at a time, until enough tasks are made.

    candidates in seeded order -> Maker.tried: copy, run the tests -> killed? task, proved -> Tried

What came of a mutant is told in the order of the candidates, whichever was done first: so the
same seed keeps the same ones, on however many cores.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Literal

from benchledger.runners.fixes import command_of
from benchledger.runners.grade import Run
from benchledger.runners.maker import Parts, make_task
from benchledger.runners.mutate.mutant import Mutant
from benchledger.runners.mutate.operators import language_of
from benchledger.runners.mutate.parts import Setting, parts_of, task_name
from benchledger.runners.mutate.sites import reads_on
from benchledger.runners.mutate.told import agreed, read_told, unbuilt
from benchledger.runners.mutate.trial import try_out
from benchledger.runners.plain import Ran, run_plain
from benchledger.runners.prove import check_script, check_task
from benchledger.runners.task import Task
from benchledger.schema.errors import BadInput

__all__ = ["Maker", "Result", "Tried", "campaign"]

Result = Literal["kept", "already", "survived", "unbuilt", "unproven"]
Candidate = tuple[str, Mutant]
_WIDE = ("env", "COLUMNS=250")  # else pytest cuts off what its tests say


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one mutant.

    `parts` are those of the task that it makes, `task` its name where there is one now, `why` says
    what is wrong with the task where it could not be proved.
    """

    path: str
    mutant: Mutant
    result: Result
    task: str | None = None
    hangs: bool = False
    why: tuple[str, ...] = ()
    parts: Parts | None = None


class _Unproven(BadInput):
    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Maker:
    """Tries mutants by the tests of their project, and proves the tasks that they make."""

    def __init__(self, setting: Setting, root: Path, run: Run = run_plain) -> None:
        """`run` runs every command; tasks that lie below `root` are not made again."""
        self.setting, self.root = setting, root
        self._run = run
        self._stopped = Event()

    def stop(self) -> None:
        """Start no further command; whoever waits for one gets CancelledError."""
        self._stopped.set()

    def run(self, argv: Sequence[str], cwd: Path, seconds: float) -> Ran:
        if self._stopped.is_set():
            raise CancelledError
        return self._run(argv, cwd, seconds)

    def tried(self, candidate: Candidate) -> Tried:
        """Run the tests over a mutant; where they kill it, prove the task that it makes."""
        path, mutant = candidate
        setting, source = self.setting, self.setting.project.files[path].data
        name = task_name(setting, path, mutant)
        if (self.root / setting.category / name).exists():
            return Tried(path, mutant, "already", f"{setting.category}/{name}")
        language = str(language_of(path))
        if not reads_on(source, language, mutant):
            return Tried(path, mutant, "unbuilt")
        first = self._run_over(path, mutant)
        if first[0] == 0:
            return Tried(path, mutant, "survived")
        if not first[1] and unbuilt(language, *first[2:]):
            return Tried(path, mutant, "unbuilt")
        return self._proved(Tried(path, mutant, "kept", f"{setting.category}/{name}", first[1]), first)

    def _run_over(self, path: str, mutant: Mutant) -> Ran:
        project = self.setting.project
        changed = {path: mutant.applied(project.files[path].data)}
        command = (*_WIDE, *command_of(self.setting.command))
        return try_out(project, changed, command, self.setting.limit, self.run)

    def _proved(self, tried: Tried, first: Ran) -> Tried:
        told = read_told(*first[2:], tried.path)
        if not tried.hangs:
            # What only one of two runs says would not be the same the next time.
            again = self._run_over(tried.path, tried.mutant)
            if again[0] == 0:
                return replace(tried, result="unproven", task=None, why=("the tests fail only now and then",))
            told = agreed(told, read_told(*again[2:], tried.path))
        parts = parts_of(self.setting, tried.path, tried.mutant, told, hangs=tried.hangs)
        with tempfile.TemporaryDirectory(prefix="benchledger-mutate-", ignore_cleanup_errors=True) as scratch:
            try:
                make_task(Path(scratch), parts, self._check)
            except _Unproven as error:
                return replace(tried, result="unproven", task=None, why=error.problems)
        return replace(tried, parts=parts)

    def _check(self, task: Task) -> None:
        problems = check_task(task, self.run).problems or tuple(check_script(task, self.run))
        if problems:
            raise _Unproven(problems)


def campaign(maker: Maker, candidates: Iterable[Candidate], count: int, jobs: int) -> Generator[Tried]:
    """Yield what came of each candidate, in their order, until `count` tasks are there; writes the tasks.

    Where it ends early, as by Ctrl-C, what was yielded is kept, and no further command is started.
    """
    left = iter(candidates)
    with ThreadPoolExecutor(jobs) as pool:
        waiting: deque[Future[Tried]] = deque()
        try:
            while count > 0:
                waiting += [pool.submit(maker.tried, each) for each in islice(left, jobs - len(waiting))]
                if not waiting:
                    return
                tried = waiting.popleft().result()
                if tried.parts is not None:
                    make_task(maker.root, tried.parts)
                count -= tried.task is not None
                yield replace(tried, parts=None)
        finally:
            maker.stop()
            pool.shutdown(wait=False, cancel_futures=True)
