"""A launcher that is killed or interrupted: what stays, what is closed, and what the next one does."""

import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

import docker.errors
import pytest

from benchledger.ledger.store import Ledger
from benchledger.runners.sandboxes.engine import OWNER_LABEL
from benchledger.runners.task import suite_root
from tests.cells.parts import PYTHON, agent_file
from tests.cli.calls import COMMAND, environment, spawn
from tests.engine import client, image
from tests.ledgers import checked
from tests.sandboxes.parts import gone, left, on_host

__all__ = ["client", "image"]

# The events after which the launcher is struck, from the claim to the checks.
MOMENTS = ["cell.setup", "cell.launched", "model.called", "cell.exited", "workdir.captured"]


def held_task(root, held):
    """Make a task whose checks do not end as long as the file `held` is there; return its id."""
    place = root / "mutations" / "held"
    shutil.copytree(suite_root() / PYTHON, place)
    check = place / "checks" / "check.py"
    text = check.read_text()
    first = f"import os, time\nwhile os.path.exists({str(held)!r}): time.sleep(0.05)\n"
    check.write_text(first + text)
    return "mutations/held"


class Launcher:
    """`benchledger run` as a process of its own, in a TMPDIR by which its agent is known."""

    def __init__(self, folder, then, *more):
        self.path, self.tmp = folder / "cells.db", folder / "t"
        self.tmp.mkdir()
        Ledger.create(self.path).close()
        agent = agent_file(folder, then)
        self.parts = ("--ledger", self.path, "run", "--agent", "tiny", "--agent-file", agent, *more)
        self.held = folder / "held"
        self.held.touch()
        self.parts += (
            "--task",
            held_task(folder / "tasks", self.held),
            "--tasks",
            folder / "tasks",
            "--scripted",
        )
        self.env = environment(TMPDIR=str(self.tmp))

    @contextmanager
    def running(self):
        command = [*COMMAND, *map(str, self.parts)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=self.env, text=True, **pipes) as process:
            try:
                yield process
            finally:
                process.kill()

    def again(self):
        self.held.unlink()
        return spawn(*self.parts, env=self.env, text=True)

    def wait_for(self, event, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with Ledger.open(self.path) as ledger:
                if ledger.connection.execute("SELECT 1 FROM events WHERE type = ?", (event,)).fetchone():
                    return
            time.sleep(0.01)
        raise AssertionError(f"no {event} within {seconds} s")

    def attempts(self):
        with Ledger.open(self.path) as ledger:
            found = ledger.connection.execute(
                "SELECT ref, outcome FROM attempts ORDER BY first_seq"
            ).fetchall()
        return [(ref.rpartition("#")[2], outcome) for ref, outcome in found]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_launcher_that_is_killed_leaves_no_process_and_the_next_one_goes_on(tmp_path, moment):
    lingers = moment in MOMENTS[:3]
    launcher = Launcher(tmp_path, "sleep" if lingers else "nothing")
    with launcher.running() as process:
        launcher.wait_for(moment)
        process.kill()
        process.wait()
    assert left(str(launcher.tmp).encode()) == []
    checked(launcher.path, use_last_seen=False)
    assert launcher.attempts() == [("run1@1", None)]
    agent_file(tmp_path)
    done = launcher.again()
    assert done.returncode == 0, done.stderr
    assert "closed" in done.stderr
    assert launcher.attempts() == [("run1@1", "aborted"), ("run1@2", "finished")]
    if moment in MOMENTS[1:4]:  # else a folder may have been just made, and not say yet whose it is
        assert list(launcher.tmp.glob("cell-*")) == []
    checked(launcher.path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["cell.setup", "model.called", "workdir.captured"])
def test_a_launcher_that_is_interrupted_closes_its_attempt_at_once(tmp_path, number, moment):
    launcher = Launcher(tmp_path, "nothing" if moment == "workdir.captured" else "sleep")
    with launcher.running() as process:
        launcher.wait_for(moment)
        process.send_signal(number)
        assert process.wait(timeout=60) == 130
    assert left(str(launcher.tmp).encode()) == []
    if moment == "model.called":  # else a folder may have been just about to be made
        assert list(launcher.tmp.iterdir()) == []
    assert launcher.attempts() == [("run1@1", "aborted")]
    checked(launcher.path)


def test_a_launcher_that_is_killed_leaves_no_container(tmp_path, client, image):
    launcher = Launcher(tmp_path, "sleep", "--sandbox", "docker", "--image", image)
    with launcher.running() as process:
        launcher.wait_for("model.called")
        ours = [each for each in containers(client) if f"/{process.pid}/" in each["Labels"][OWNER_LABEL]]
        assert len(ours) == 1
        mark = f"BENCHLEDGER_ATTEMPT={ours[0]['Labels']['benchledger.attempt']}".encode()
        assert on_host(mark)
        process.kill()
        process.wait()
    try:
        assert gone(mark, 15), on_host(mark)
        agent_file(tmp_path)
        done = launcher.again()
        assert done.returncode == 0, done.stderr
        assert ours[0]["Id"] not in [each["Id"] for each in containers(client)]
    finally:
        remove(client, ours[0]["Id"])
    assert launcher.attempts() == [("run1@1", "aborted"), ("run1@2", "finished")]
    checked(launcher.path)


def containers(client):
    return client.api.containers(all=True, filters={"label": OWNER_LABEL})


def remove(client, container):
    try:
        client.api.remove_container(container, v=True, force=True)
    except docker.errors.NotFound:
        return


@pytest.mark.parametrize(
    ("more", "env", "said"),
    [
        ((), {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}, "engine.sh up"),
        (("--image", "no-such-image-of-ours:1"), {}, "benchledger images build"),
    ],
)
def test_without_an_engine_or_image_nothing_is_attempted(tmp_path, request, more, env, said):
    if not env:
        request.getfixturevalue("client")
    launcher = Launcher(tmp_path, "nothing", "--sandbox", "docker", *more)
    launcher.env |= env
    done = launcher.again()
    assert done.returncode == 3
    assert said in done.stderr
    assert launcher.attempts() == []
    checked(launcher.path)


def test_two_launchers_that_find_the_same_killed_one_both_go_on(tmp_path):
    launcher = Launcher(tmp_path, "sleep")
    with launcher.running() as process:
        launcher.wait_for("cell.launched")
        process.kill()
        process.wait()
    agent_file(tmp_path)
    launcher.held.unlink()
    command = [*COMMAND, *map(str, launcher.parts)]
    both = [subprocess.Popen([*command, "--sweep", name], env=launcher.env) for name in ("a", "b")]
    assert [each.wait(timeout=120) for each in both] == [0, 0]
    assert sorted(outcome for _, outcome in launcher.attempts()) == ["aborted", "finished", "finished"]
    checked(launcher.path)
