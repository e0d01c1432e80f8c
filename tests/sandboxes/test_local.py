"""The local sandbox: with all that the kernel gives, and with nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import pytest

from benchledger.runners.sandboxes.local import Local
from benchledger.runners.sandboxes.local_run import Attempt
from benchledger.runners.sandboxes.port import Sandbox
from benchledger.runners.sandboxes.process import Family
from tests.sandboxes.hostile import HostileContract
from tests.sandboxes.parts import CAPS, LIMITS, gone, on_host, shell

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the kill is complete on Linux only"
)

RUNNER = """
import sys
from pathlib import Path
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.local import Local
from benchledger.schema.task import Limits

with Local(bare=sys.argv[3] == "bare") as sandbox:
    script = "trap '' TERM; (setsid sleep 601 &) ; echo $0 >here; sleep 600; sleep 600"
    sandbox.run(Launch(("sh", "-c", script, sys.argv[2]), {}, {}), Path(sys.argv[1]), Limits(), None)
"""


class TestLocal(HostileContract):
    def make(self, caps):
        return Local(caps)


class TestBareLocal(HostileContract):
    """As on a machine that gives neither namespaces nor control groups."""

    def make(self, caps):
        return Local(caps, bare=True)


def test_a_local_sandbox_is_a_sandbox():
    assert isinstance(Local(), Sandbox)


def test_isolation_says_what_there_is(tmp_path):
    with Local(CAPS, bare=True) as sandbox:
        sandbox.run(shell("true"), tmp_path, LIMITS, None)
        assert sandbox.isolation == ("environment", "home")


def test_home_is_gone_afterwards_whatever_its_modes(tmp_path):
    with Local(CAPS) as sandbox:
        sandbox.run(
            shell("mkdir -p $HOME/a/b; touch $HOME/a/b/c; chmod 0 $HOME/a/b $HOME/a"), tmp_path, LIMITS, None
        )
        folder = sandbox.folder
    assert not folder.exists()


@pytest.mark.parametrize("bare", [True, False])
def test_a_program_that_is_started_in_the_moment_of_the_kill_is_killed_too(tmp_path, monkeypatch, bare):
    """The stage is told to go, and does so only when the runner has looked for what there is to kill."""
    plain = Family.kill

    def interrupted(attempt, control, watch, family):
        raise KeyboardInterrupt

    def held(family, *parts, **more):
        made(family, *parts, **more)
        os.kill(family._stage, signal.SIGSTOP)

    def look_too_early(family):
        left = plain(family)
        os.kill(family._stage, signal.SIGCONT)
        time.sleep(0.3)
        return left

    made = Family.__init__
    monkeypatch.setattr(Family, "__init__", held)
    monkeypatch.setattr(Family, "kill", look_too_early)
    monkeypatch.setattr(Attempt, "_wait", interrupted)
    with Local(CAPS, bare=bare) as sandbox, pytest.raises(KeyboardInterrupt):
        sandbox.run(shell("trap '' TERM; sleep 600; sleep 600"), tmp_path, LIMITS, None)
    assert gone(sandbox.attempt.encode(), 3)


UNPRIVILEGED = """
import sys
from pathlib import Path
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.local import Local
from benchledger.schema.task import Limits

with Local() as sandbox:
    sandbox.run(Launch(("true",), {}, {}), Path(sys.argv[1]), Limits(seconds=30), None)
    if "processes" not in sandbox.isolation:
        sys.exit("no namespace of processes, and so no kill of all")
    script = "id -u; (setsid sleep 600 &) ; sleep 0.2; kill -9 -1; echo still here"
    report = sandbox.run(Launch(("sh", "-c", script), {}, {}), Path(sys.argv[1]), Limits(seconds=30), None)
    print(report.stdout.decode().split(), report.survivors, "network" in sandbox.isolation)
"""


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become another user; other users test this anyway"
)
def test_a_user_without_rights_gets_namespaces_too_where_the_kernel_allows(tmp_path_factory):
    runner = [sys.executable, "-c", UNPRIVILEGED]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chown(folder, 65534, 65534)
        try:
            options = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": folder}
            done = subprocess.run([*runner, folder], capture_output=True, text=True, check=False, **options)
        except PermissionError:
            pytest.skip("another user may not run this Python")
    if "ModuleNotFoundError" in done.stderr or "PermissionError" in done.stderr:
        pytest.skip("another user may not read this Python's libraries")
    said = done.stdout.strip()
    if said.endswith("False") or "no namespace" in done.stderr:
        pytest.skip("the kernel gives users no namespaces")
    assert said == "['65534', 'still', 'here'] 1 True", done.stderr


@pytest.mark.parametrize("kind", ["namespaces", "bare"])
def test_a_runner_that_is_killed_leaves_no_process(tmp_path, kind):
    mark = uuid.uuid4().hex
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, tmp_path, mark, kind], start_new_session=True)
    while not (tmp_path / "here").exists():
        assert runner.poll() is None
        time.sleep(0.02)
    assert len(on_host(mark.encode())) > 1
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    assert gone(mark.encode())
