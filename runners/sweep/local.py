"""Workers on this machine: processes that are told orders line by line and tell what came of them.

Processes, not threads: Ctrl-C reaches only a process's main thread, so each worker closes its attempt
just as `run` does; and what kills one takes one attempt with it, never the sweep. A worker whose
launcher is gone reads the end of its input and closes its attempt too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchledger.runners.sweep.port import Order, Told

__all__ = ["LocalEngine"]

_ENDINGS = frozenset({"ended", "taken", "lacks", "broken", "full"})
_TAIL = 2000  # characters of a worker's standard error that are shown when it dies
GRACE_SECONDS = 60.0


class LocalEngine:
    """See the module and `port.Engine`."""

    def __init__(self, command: Sequence[str], hello: Mapping[str, Any], workers: int) -> None:
        """Take what starts a worker and what each is told first; they start when they are needed."""
        self._command, self._hello = list(command), json.dumps(hello)
        self._most, self._workers = workers, dict[int, _Worker]()
        self._told: queue.Queue[tuple[int, Told | None]] = queue.Queue()
        self._stopping = False
        self._serial = 0

    @property
    def free(self) -> int:
        busy = sum(worker.order is not None for worker in self._workers.values())
        return 0 if self._stopping else self._most - busy

    def submit(self, order: Order) -> None:
        worker = next((each for each in self._workers.values() if each.order is None and each.alive), None)
        if worker is None:
            self._serial += 1
            worker = self._workers[self._serial] = _Worker(
                self._command, self._hello, self._serial, self._told
            )
        worker.send(order)

    def next(self, seconds: float) -> Told | None:
        end = time.monotonic() + seconds
        while True:
            try:
                serial, told = self._told.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            worker = self._workers.get(serial)
            if worker is None:
                continue
            if told is None:
                told = self._buried(worker, serial)
            elif told.kind in _ENDINGS:
                worker.order = None
            if told is not None:
                return told

    def interrupt(self) -> None:
        self._stopping = True
        for worker in self._workers.values():
            worker.interrupt()

    def close(self) -> None:
        self._stopping = True
        for worker in self._workers.values():
            worker.interrupt()
        end = time.monotonic() + GRACE_SECONDS
        for worker in self._workers.values():
            worker.end(max(0.0, end - time.monotonic()))
        self._workers.clear()

    def _buried(self, worker: _Worker, serial: int) -> Told | None:
        """A worker's output ended: what it had open is told as its death."""
        code = worker.end(GRACE_SECONDS)
        del self._workers[serial]
        if worker.order is None:
            return None
        how = f"was killed by signal {-code}" if code < 0 else f"left with {code}"
        tail = f": {worker.tail}" if worker.tail else ""
        return Told("died", worker.order, f"its worker {how}{tail}")


class _Worker:
    """One process and the two threads that read from it."""

    def __init__(
        self, command: Sequence[str], hello: str, serial: int, told: queue.Queue[tuple[int, Told | None]]
    ) -> None:
        # in a session of its own, Ctrl-C at the terminal reaches the launcher alone
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        self.order: Order | None = None
        self.tail = ""
        self._serial, self._queue = serial, told
        self._readers = [
            threading.Thread(target=read, daemon=True) for read in (self._listen, self._keep_tail)
        ]
        for reader in self._readers:
            reader.start()
        self._write(hello)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, order: Order) -> None:
        self.order = order
        self._write(json.dumps(order.to_json()))

    def interrupt(self) -> None:
        if self.order is None:
            self._hang_up()
        elif self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def end(self, seconds: float) -> int:
        """Wait for the process, kill it where it stays; return its exit code."""
        self._hang_up()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            # with what it started: all of its programs die with the process that holds their control socket
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for reader in self._readers:
            reader.join(1.0)  # no longer: something that the worker left behind may hold its streams
        return self._process.returncode

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _write(self, line: str) -> None:
        # a worker that is gone is told by the end of its output
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()

    def _listen(self) -> None:
        if self._process.stdout is None:
            return
        with self._process.stdout as lines:
            for line in lines:
                self._hear(line)
        self._queue.put((self._serial, None))

    def _hear(self, line: str) -> None:
        order = self.order
        try:
            said = json.loads(line)
            if order is not None:
                told = Told(said["kind"], order, said.get("text", ""), said.get("data", {}))
                self._queue.put((self._serial, told))
        except (ValueError, KeyError, TypeError):
            self._add(line)  # some library printed to where only we write

    def _keep_tail(self) -> None:
        if self._process.stderr is None:
            return
        with self._process.stderr as lines:
            for line in lines:
                self._add(line)

    def _add(self, text: str) -> None:
        self.tail = (self.tail + text)[-_TAIL:].strip()
