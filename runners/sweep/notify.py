"""A command of the user's that is told what happens to a sweep."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

__all__ = ["Notifier"]

_SECONDS = 60.0
_MOST = 8


class Notifier:
    """Runs `command` by the shell for each event, with BENCHLEDGER_EVENT set and JSON on its standard input.

    It is not waited for: a slow one never holds the sweep. One that fails is counted, and said at the end.
    """

    def __init__(self, command: str | None) -> None:
        """Take the command, None for nobody to tell."""
        self._command, self._running = command, list[subprocess.Popen[bytes]]()
        self.failed = 0

    def tell(self, event: str, sweep: str, **facts: Any) -> None:
        """Start the command for one event."""
        if self._command is None:
            return
        self._reap()
        if len(self._running) >= _MOST:
            self.failed += 1
            return
        environment = {**os.environ, "BENCHLEDGER_EVENT": event, "BENCHLEDGER_SWEEP": sweep}
        process = self._started(environment, {"event": event, "sweep": sweep, **facts})
        if process is not None:
            self._running.append(process)

    def close(self, seconds: float = _SECONDS) -> None:
        """Wait for what runs still, and end it after that time."""
        for process in self._running:
            try:
                self.failed += process.wait(seconds) != 0
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.failed += 1
        self._running = []

    def _started(
        self, environment: Mapping[str, str], facts: Mapping[str, Any]
    ) -> subprocess.Popen[bytes] | None:
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", str(self._command)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
            )  # fmt: skip
        except OSError:
            self.failed += 1
            return None
        # small enough for a pipe's buffer, so that this cannot block
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.write(json.dumps(facts).encode()[:60_000] + b"\n")
                process.stdin.close()
        return process

    def _reap(self) -> None:
        ended = [process for process in self._running if process.poll() is not None]
        self.failed += sum(process.returncode != 0 for process in ended)
        self._running = [process for process in self._running if process not in ended]
