"""The docker sandbox on a real engine, and what no container may do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.docker import Docker
from benchledger.runners.sandboxes.port import Sandbox
from benchledger.schema.errors import EnvironmentLacks
from tests.sandboxes.hostile import HostileContract, interrupted
from tests.sandboxes.parts import CAPS, LIMITS, gone, on_host, shell


class OnEngine(HostileContract):
    added = frozenset({"HOSTNAME"})

    @pytest.fixture(autouse=True)
    def _engine(self, client, image):
        self.client, self.image = client, image

    @pytest.fixture(autouse=True)
    def _nothing_is_left(self, client):
        def mine():
            found = client.api.containers(
                all=True, filters={"label": f"{engine.OWNER_LABEL}={engine.owner()}"}
            )
            return [each["Id"] for each in found]

        yield
        assert mine() == []

    @pytest.mark.parametrize("call", ["create_container_from_config", "start", "remove_container"])
    def test_ctrl_c_within_a_call_of_the_engine_leaves_no_container(self, run, monkeypatch, call):
        plain = getattr(self.client.api, call)

        def interrupting(*args, **more):
            signal.raise_signal(signal.SIGINT)
            answer = plain(*args, **more)
            signal.raise_signal(signal.SIGINT)
            return answer

        monkeypatch.setattr(self.client.api, call, interrupting)
        with interrupted(0), pytest.raises(KeyboardInterrupt):
            run(shell("true"), proxy=("127.0.0.1", 9))


class TestDocker(OnEngine):
    def make(self, caps):
        return Docker(self.image, caps, self.client)

    def test_a_docker_sandbox_is_a_sandbox_and_says_what_it_keeps_apart(self, sandbox, run):
        run(shell("true"))
        assert isinstance(sandbox, Sandbox)
        assert {"network", "processes", "files", "capabilities", "cgroup memory"} <= set(sandbox.isolation)
        assert sandbox.identity["image_id"] == self.image

    def test_nothing_but_the_cell_can_be_written(self, run):
        script = (
            "for d in / /usr/bin /etc /cell /proc/sys/kernel; do touch $d/x 2>&- && echo wrote $d; done; true"
        )
        assert run(shell(script)).stdout == b""

    def test_the_program_is_not_root_and_has_no_capability(self, run):
        user, *status = run(shell("id -u; cat /proc/self/status")).stdout.decode().splitlines()
        said = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        assert user == "1000"
        assert {said["CapEff"], said["CapPrm"], said["CapBnd"]} == {"0" * 16}
        assert said["NoNewPrivs"] == "1"

    def test_git_cannot_be_replaced_for_a_later_cell(self, run, workdir):
        run(
            shell(
                "mkdir -p $HOME/bin; printf '#!/bin/sh\\necho fake' >$HOME/bin/git; cp $HOME/bin/git /usr/bin/git"
            )
        )
        with self.make(CAPS) as fresh:
            said = fresh.run(shell("git --version"), workdir, LIMITS, None).stdout
        assert said.startswith(b"git version")

    def test_the_workdir_itself_cannot_become_a_link(self, run, workdir):
        run(
            shell(
                "echo kept >kept; cd /; mv /cell/work /cell/gone; ln -s /etc /cell/work; rm -rf /cell/work; true"
            )
        )
        assert not workdir.is_symlink()
        assert not (workdir / "passwd").exists()

    def test_no_path_of_this_machine_is_seen(self, run, workdir, tmp_path):
        (tmp_path / "secret").write_text("canary")
        # not all of /proc: the map of a process's pages has no end
        seen = "/proc/mounts /proc/[0-9]*/mountinfo /proc/[0-9]*/maps /proc/[0-9]*/environ"
        report = run(
            shell(f"cd ..; cat {tmp_path}/secret work/../../{tmp_path}/secret; cat {seen} | grep {tmp_path}")
        )
        assert str(tmp_path).encode() not in report.stdout
        assert b"canary" not in report.stdout


class TestDockerWithoutRoot(OnEngine):
    """As where neither the engine's disk nor its namespaces can be reached."""

    def make(self, caps):
        return Docker(self.image, caps, self.client, direct=False)


def test_a_missing_image_is_said_before_launch(client):
    with pytest.raises(EnvironmentLacks, match="images build"), Docker("no-such-image:1", client=client):
        pass


def test_an_absent_engine_is_said_before_launch_with_the_next_step(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EnvironmentLacks, match=r"no Docker engine answers.*engine\.sh up"), Docker("any"):
        pass


RUNNER = """
import sys
from pathlib import Path
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.docker import Docker
from benchledger.schema.task import Limits

with Docker(sys.argv[2]) as sandbox:
    sandbox.run(Launch(("sleep", "600", sys.argv[3]), {}, {}), Path(sys.argv[1]), Limits(), None)
"""


def starts_with(name, pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(name)
    return False


def started_runner(folder, image, mark):
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, folder, image, mark])
    while not any(starts_with(b"sleep", pid) for pid in on_host(mark.encode())):
        assert runner.poll() is None
        time.sleep(0.05)
    return runner


def killed(runner):
    runner.kill()
    runner.wait()


def test_the_container_of_a_killed_runner_is_removed_at_once(client, image, tmp_path):
    mark = f"6{uuid.uuid4().int % 10**12}"
    killed(started_runner(tmp_path, image, mark))
    assert gone(mark.encode())


def test_where_all_that_a_runner_started_was_killed_the_next_one_removes_its_container(
    client, image, tmp_path
):
    mark = f"6{uuid.uuid4().int % 10**12}"
    runner = started_runner(tmp_path, image, mark)
    owner = f"/{runner.pid}/"
    reapers = [pid for pid in on_host(b"reaper_program") if owner in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(reapers) == 1
    os.kill(reapers[0], signal.SIGKILL)
    killed(runner)
    with Docker(image, client=client):
        assert gone(mark.encode())
    owners = [each["Labels"].get(engine.OWNER_LABEL, "") for each in client.api.containers(all=True)]
    assert [name for name in owners if owner in name] == []


def test_an_image_is_named_by_its_id_too(client, image, tmp_path):
    with Docker(image, CAPS, client) as sandbox:
        assert sandbox.run(Launch(("true",), {}, {}), tmp_path, LIMITS, None).exit_code == 0
