"""An engine that dies under a cell, before its checks, and a sandbox that is killed from outside."""

import contextlib
import gc
import os
import signal
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchledger.runners.images.base import ensure_base
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.docker import Docker
from benchledger.runners.sandboxes.local import Local
from benchledger.schema.errors import EnvironmentLacks
from tests.cells.parts import payloads, prepared, run_into, source_of
from tests.engine import absent
from tests.sandboxes.parts import gone, on_host
from tests.sandboxes.test_engine_dies import engine_of_its_own, kill_containers_of, own_engine

__all__ = ["engine_of_its_own", "own_engine"]


class Struck:
    """Makes sandboxes; when a program of the one of that number has started, something happens to it."""

    def __init__(self, make, number, strike):
        self.make, self.number, self.strike, self.made, self.marks = make, number, strike, 0, []

    def __call__(self):
        sandbox = self.make()
        self.made += 1
        self.marks.append(f"BENCHLEDGER_ATTEMPT={sandbox.attempt}".encode())
        if self.made == self.number:
            threading.Thread(target=self._watch, daemon=True).start()
        return sandbox

    def _watch(self):
        end = time.monotonic() + 60
        while not on_host(self.marks[-1]) and time.monotonic() < end:
            time.sleep(0.02)
        self.strike(self.marks[-1])


# the library leaves a socket open for each call that a dead engine refuses
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
@pytest.mark.timeout(250)
def test_an_engine_that_dies_in_mid_run_is_an_engine_that_failed(ledger, tmp_path, own_engine):
    own, pid = own_engine
    try:
        image = ensure_base(own)
    except EnvironmentLacks as error:
        absent("engine", f"the base image cannot be made here: {error}")
    parts = prepared(tmp_path, "sleep")

    def stop(mark):
        time.sleep(3)
        os.kill(pid, signal.SIGKILL)

    struck = Struck(partial(Docker, image, client=own), 1, stop)

    def in_docker(plan):
        return replace(plan, sandbox=struck, sandbox_name="docker", installed=None)

    try:
        ran = run_into(ledger, parts, source_of(parts), in_docker)
    finally:
        for mark in struck.marks:
            kill_containers_of(mark)
    assert ran.outcome == ("infra_error", "engine")
    assert payloads(ledger, ran.ref, "model.called")
    assert not payloads(ledger, ran.ref, "cell.exited")
    assert ran.composite is None
    assert payloads(ledger, ran.ref, "cell.finished")
    assert all(gone(mark) for mark in struck.marks)
    gc.collect()


def kill_stage(mark):
    """Kill the first process of the sandbox: the parent, outside, of the one that is init inside."""
    for _ in range(500):
        # A process that was seen a moment ago may have ended: then look again.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, KeyError):
            inside = on_host(mark)
            parents = {int(_stat(pid)[1]) for pid in inside} - set(inside)
            os.kill(int(_stat(parents.pop())[1]), signal.SIGKILL)
            return
        time.sleep(0.01)
    raise AssertionError(f"nothing of {mark} was left to kill")


def _stat(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


@pytest.mark.parametrize(("number", "kind"), [(1, "sandbox"), (2, "grader")])
def test_a_sandbox_that_is_killed_from_outside_is_no_fault_of_the_agent(ledger, tmp_path, number, kind):
    with Local() as probe:
        probe.run(Launch(("true",), {}, {}), tmp_path, prepared(tmp_path).limits, None)
        if "processes" not in probe.isolation:
            pytest.skip("without a namespace of processes an agent could do it itself")
    parts = prepared(tmp_path, "sleep" if number == 1 else "nothing", limits={"seconds": 60.0})
    struck = Struck(parts.sandbox, number, kill_stage)
    ran = run_into(ledger, parts, source_of(parts), lambda plan: replace(plan, sandbox=struck))
    assert ran.outcome == ("infra_error", kind)
    assert ran.composite is None
    assert all(gone(mark) for mark in struck.marks)
