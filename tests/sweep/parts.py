"""A sweep as a process of its own, into a ledger that is verified afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchledger.ledger.store import Ledger
from tests.cells.parts import agent_file
from tests.cli.calls import COMMAND, environment

PYTHON_TASKS = "mutations/python-*,polyglot/python-*"


class Sweeping:
    """`benchledger sweep` in a folder, with the tiny agent unless another one is named."""

    def __init__(
        self, folder: Path, *options: object, agent: str | None = None, then: str = "nothing"
    ) -> None:
        self.folder, self.path = folder, folder / "cells.db"
        if not self.path.exists():
            Ledger.create(self.path).close()
        named: tuple[object, ...] = ("--agent", agent)
        if agent is None:
            named = ("--agent", "tiny", "--agent-file", agent_file(folder, then), "--model", "m/1")
        self.options = [*named, "--sweep", "big", *options]

    def command(self, *more: object) -> list[str]:
        """Begin, or go on where the plan is written already."""
        begun = (self.folder / "big.toml").exists()
        given = ["big.toml", *more] if begun else [*self.options, *more]
        return [*COMMAND, "--ledger", str(self.path), "sweep", *map(str, given)]

    @contextmanager
    def running(self, *more: object, **env: str) -> Iterator[subprocess.Popen[str]]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            self.command(*more), cwd=self.folder, text=True, env=environment(**env), **pipes
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def run(self, *more: object, code: int | None = 0, **env: str) -> subprocess.CompletedProcess[str]:
        with self.running(*more, **env) as process:
            out, err = process.communicate(timeout=240)
        assert "Traceback" not in err, err
        assert code is None or process.returncode == code, f"{process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def answer(self, *more: object, code: int | None = 0) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run(*more, "--json", code=code).stdout)
        return told

    def query(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        with Ledger.open(self.path) as ledger:
            return ledger.connection.execute(text, values).fetchall()

    def outcomes(self) -> Counter[str | None]:
        """Return how many attempts ended how; None for those that are open."""
        return Counter(outcome for (outcome,) in self.query("SELECT outcome FROM attempts"))

    def results(self) -> Counter[str]:
        """Return how many graded attempts each cell has."""
        rows = self.query(
            "SELECT cell FROM attempts WHERE outcome IN ('finished', 'timeout', 'budget', 'agent_error')"
        )
        return Counter(cell for (cell,) in rows)

    def wait_for(self, count: int, event: str = "cell.finished", seconds: float = 120.0) -> None:
        """Wait until there are so many events of a type."""
        self.until(
            lambda: self.query("SELECT count(*) FROM events WHERE type = ?", event)[0][0] >= count, seconds
        )

    @staticmethod
    def until(holds: Any, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it did not come to be"
            time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Return the pids of the workers of a launcher."""
    text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(each) for each in text.split()]


def kill_tree(process: subprocess.Popen[str]) -> None:
    """Kill a launcher and its workers, as when a machine loses its power."""
    workers = children(process.pid)
    process.kill()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    process.wait()
