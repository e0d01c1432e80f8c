"""A worker of a sweep: reads orders line by line, runs each into the ledger, tells what came of it.

    stdin   hello {ledger, sweep, policy, repeats, options}, then orders {cell, attempt}
    stdout  {kind, text, data} as in runners/sweep/port.py; nothing else is printed there

SIGTERM, and the end of its input, close what is open as aborted, as Ctrl-C does for `run`.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from benchledger.ledger.cli import running
from benchledger.ledger.cli.attempts import Intent, launched, planned
from benchledger.ledger.cli.sources import source_of
from benchledger.ledger.store import Ledger
from benchledger.runners.prepare import Prepared, prepare
from benchledger.runners.source import ModelSource
from benchledger.runners.sweep.port import Order
from benchledger.schema.errors import (
    BenchledgerError,
    Conflict,
    DiskFull,
    EnvironmentLacks,
    SandboxFailed,
)
from benchledger.schema.policy import Policy

__all__ = ["Worker", "main"]


class Worker:
    """Runs orders into one ledger; parts and sources that cells share are made once."""

    def __init__(self, hello: Mapping[str, Any], out: TextIO) -> None:
        """Take what every order shares, and where to tell."""
        self._options, self._out, self._lock = dict(hello["options"]), out, threading.Lock()
        for name in ("agent_file", "overlay", "root"):
            self._options[name] = tuple(map(Path, self._options[name]))
        self._prices: Mapping[str, str] = hello["prices"]
        policy = Policy.model_validate_json(json.dumps(hello["policy"]))
        self._begun = False
        self._intent = Intent(hello["sweep"], policy, hello["repeats"], "sweep")
        self._path = Path(hello["ledger"])
        self._parts: dict[tuple[str, str], Prepared] = {}
        self._sources: dict[tuple[str, str, str], ModelSource | None] = {}

    def run(self, order: Order) -> bool:
        """Run one order and tell what came of it; return whether this worker may take another.

        Raises KeyboardInterrupt where it was interrupted, once the attempt is closed.
        """
        self._begun = False
        try:
            self._tell("ended", data=self._ran(order))
            return True
        except Conflict:
            self._tell("taken")
        except DiskFull as error:
            self._tell("full", str(error))
        except (EnvironmentLacks, SandboxFailed) as error:
            self._tell("lacks", str(error))
        except BenchledgerError as error:
            self._tell("broken", str(error))
        # an attempt that may be open is abandoned once this process is gone, and no sooner
        return not self._begun

    def _ran(self, order: Order) -> dict[str, Any]:
        cell = order.cell
        given = {
            **self._options,
            "agent": cell.agent,
            "model": cell.model,
            "task": cell.task_id,
            "price": self._prices.get(cell.model),
        }
        parts = self._prepared(given)
        plan = planned(parts, self._source(given, parts), self._intent)
        plan = replace(plan, cell=cell, attempt=order.attempt)
        with Ledger.open(self._path, write=True) as ledger:
            judged, ended = launched(plan, ledger, self._intent, self._stage)
        told = running.judged_json(judged, ended)
        if ended.interrupted is not None:
            self._tell("ended", data=told)
            raise ended.interrupted
        return told

    def _prepared(self, given: Mapping[str, Any]) -> Prepared:
        key = given["agent"], given["task"]
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = prepare(running.request_of(given))
        return replace(found, model=given["model"])

    def _source(self, given: Mapping[str, Any], parts: Prepared) -> ModelSource | None:
        """Ask a live endpoint once what it serves; a script is its task's."""
        key = given["agent"], given["model"], "" if given["endpoint"] else given["task"]
        if key not in self._sources:
            self._sources[key] = source_of(given, parts)
        return self._sources[key]

    def _stage(self, stage: str, text: str) -> None:
        self._begun = True
        self._tell("stage", f"{stage}: {text}")

    def _tell(self, kind: str, text: str = "", data: Mapping[str, Any] | None = None) -> None:
        line = json.dumps({"kind": kind, "text": text, "data": data or {}}) + "\n"
        with self._lock:  # calls are told from the proxy's thread
            self._out.write(line)
            self._out.flush()


def main() -> int:
    """Serve orders until the input ends; return the exit code."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    with running.terminated_is_interrupted(), _only_ours() as out:
        reader = threading.Thread(target=_read, args=(lines, threading.main_thread().ident), daemon=True)
        try:
            hello = json.loads(sys.stdin.readline())
            reader.start()
            worker = Worker(hello, out)
            while (line := lines.get()) is not None:
                if not worker.run(Order.from_json(json.loads(line))):
                    return 0
        except (KeyboardInterrupt, BrokenPipeError):
            return 0
    return 0


def _read(lines: queue.SimpleQueue[str | None], main_thread: int | None) -> None:
    """Hand over orders; where the launcher is gone, interrupt the one that is at work."""
    for line in sys.stdin:
        lines.put(line)
    lines.put(None)
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGTERM)


@contextmanager
def _only_ours() -> Iterator[TextIO]:
    """Yield the real standard output, and let what any library prints go to standard error."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        yield out


if __name__ == "__main__":
    sys.exit(main())
