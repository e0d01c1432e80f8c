"""A real `benchledger serve` for tests: a process of its own on a free port of this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PROGRAM = (sys.executable, "-c", "from benchledger.ledger.cli.main import main; main()")


class Answer(NamedTuple):
    """Status, headers and body of one answer."""

    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Served(NamedTuple):
    """A server that runs: its address, which ends in a slash, and its process."""

    url: str
    process: subprocess.Popen[str]

    def get(self, path: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            with urlopen(Request(self.url + path, headers=named), timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())


def peak_mib(server: Served) -> float:
    """Return the most memory that the server's process ever held."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    (found,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found) / 1024


@contextmanager
def serving(ledger: Path, *options: str) -> Iterator[Served]:
    """Serve a ledger until the block ends; it must then end by itself, without an error."""
    process = subprocess.Popen(
        [*PROGRAM, "--ledger", str(ledger), "serve", "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        yield Served(json.loads(line)["url"], process)
    finally:
        process.send_signal(2)
        try:
            _, said = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
    assert process.returncode == 0, said
    assert said == "", said
