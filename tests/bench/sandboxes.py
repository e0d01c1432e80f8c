"""What a sandbox costs: a program that does nothing, against the same without a sandbox.

Interleaved, so that a noisy machine disturbs all alike; trust the ratios. Needs an engine for docker.

    python tests/bench/sandboxes.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchledger.runners.images.base import BASE_TAG
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.docker import Docker
from benchledger.runners.sandboxes.local import Local
from benchledger.schema.errors import EnvironmentLacks
from benchledger.schema.task import Limits

LIMITS = Limits(seconds=60, memory_mb=256, pids=100)
NOTHING = Launch(("true",), {}, {})


def cell(make, workdir):
    with make() as sandbox:
        assert sandbox.run(NOTHING, workdir, LIMITS, ("127.0.0.1", 9)).exit_code == 0


def bare_container(client):
    made = client.containers.create(BASE_TAG, ["true"], network_mode="none")
    made.start()
    made.wait()
    made.remove()


def measure(rounds, workdir):
    """Return seconds by name, a list a name."""
    works = {
        "process": lambda: subprocess.run(["true"], capture_output=True, check=True),
        "python": lambda: subprocess.run([sys.executable, "-I", "-S", "-c", ""], check=True),
        "local": lambda: cell(Local, workdir),
        "local, bare": lambda: cell(lambda: Local(bare=True), workdir),
    }
    try:
        client = engine.connect()
    except EnvironmentLacks as error:
        print(error)
    else:
        works["container"] = lambda: bare_container(client)
        works["docker"] = lambda: cell(lambda: Docker(BASE_TAG, client=client), workdir)
        works["docker, no root"] = lambda: cell(
            lambda: Docker(BASE_TAG, client=client, direct=False), workdir
        )
    taken = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - began)
    return taken


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        workdir = Path(folder) / "workdir"
        workdir.mkdir()
        for number in range(20):
            (workdir / f"{number}.txt").write_text("x" * 2000)
        taken = measure(rounds, workdir)
    yardsticks = {
        "local": "python",
        "local, bare": "python",
        "docker": "container",
        "docker, no root": "container",
    }
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        of = yardsticks.get(name)
        ratio = f"{middle / statistics.median(taken[of]):6.2f} of {of}" if of else ""
        print(f"{name:16} {middle * 1000:8.1f} ms {ratio}")


if __name__ == "__main__":
    main()
