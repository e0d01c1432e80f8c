"""An engine of the test's own, that dies while a program runs."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread

import docker
import pytest

from benchledger.runners.images.base import make_root
from benchledger.runners.images.build import build_image, build_layer_image
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes import engine
from benchledger.runners.sandboxes.docker import Docker
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed
from tests.engine import absent
from tests.house.tree import ROOT
from tests.sandboxes.parts import LIMITS, gone, on_host, shell

SCRIPT = ROOT / "runners/images/engine.sh"


@dataclass(frozen=True)
class Own:
    """An engine of a test's own; `start` starts it again after it was killed."""

    client: docker.DockerClient
    pid: int
    address: str
    start: Callable[[], None]


@pytest.fixture
def own_engine(engine_of_its_own):
    """A client of an engine of the test's own, and the pid of dockerd."""
    return engine_of_its_own.client, engine_of_its_own.pid


@pytest.fixture
def engine_of_its_own():
    """Start an engine with the project's script.

    What a killed engine leaves (shims, mounts) only an engine can clear away: it is started once more.
    """
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        absent("engine", "it takes root and dockerd to start an engine of its own")
    # outside of pytest's folder, which cannot be removed while the engine's mounts are in it
    state, run = (Path(tempfile.mkdtemp(prefix="bl-", dir=folder)) for folder in ("/var/tmp", "/run"))
    address = f"unix://{run}/d.sock"
    variables = {**os.environ, "ENGINE_STATE": str(state), "ENGINE_RUN": str(run), "DOCKER_HOST": address}

    def script(verb):
        done = subprocess.run([SCRIPT, verb], env=variables, stderr=subprocess.PIPE, check=False, timeout=90)
        assert done.returncode == 0, done.stderr.decode()

    try:
        script("up")
        with closing(docker.DockerClient(address, timeout=60)) as client:
            yield Own(client, int((state / "dockerd.pid").read_text()), address, partial(script, "up"))
        script("up")
        with closing(docker.DockerClient(address, timeout=60)) as client:
            for each in client.api.containers(all=True):
                client.api.remove_container(each["Id"], force=True)
    finally:
        script("down")
        subprocess.run(["umount", state / "data"], check=False, capture_output=True)
        for folder in (state, run):
            shutil.rmtree(folder)


@pytest.fixture
def outside_tmp():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def busybox_image(client, tmp_path):
    try:
        root = make_root(tmp_path, ["busybox-static"])
    except EnvironmentLacks as error:
        absent("engine", f"no busybox for an image: {error}")
    return build_layer_image(client, {"/": root}, "tiny:1")["image_id"]


def kill_containers_of(mark):
    """End what a dead engine cannot end."""
    for pid in on_host(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


# the library leaves a socket open for each call that a dead engine refuses
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(200)
def test_an_engine_that_dies_in_mid_run_is_a_failed_sandbox_and_hangs_nothing(own_engine, tmp_path):
    client, pid = own_engine
    image = busybox_image(client, tmp_path)
    workdir = tmp_path / "workdir"
    workdir.mkdir()
    (workdir / "kept").write_text("kept")
    with Docker(image, client=client) as sandbox:
        assert sandbox.run(shell("cat kept"), workdir, LIMITS, None).stdout == b"kept"
        mark = f"6{uuid.uuid4().int % 10**12}"

        def stop():
            while not on_host(mark.encode()):
                time.sleep(0.05)
            time.sleep(0.5)
            os.kill(pid, signal.SIGKILL)

        Thread(target=stop, daemon=True).start()
        try:
            with pytest.raises(SandboxFailed, match="Docker engine"):
                sandbox.run(Launch(("sleep", mark), {}, {}), workdir, LIMITS, None)
        finally:
            kill_containers_of(mark.encode())
    assert gone(mark.encode())
    assert (workdir / "kept").read_text() == "kept"
    gc.collect()


@pytest.mark.timeout(200)
def test_an_agent_is_put_on_an_image_under_the_same_id_each_time(own_engine, tmp_path, outside_tmp):
    client, _ = own_engine
    base = busybox_image(client, tmp_path)
    installed = outside_tmp / "tool"
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "tool").write_text("#!/bin/sh\necho tool 1.0\n")
    (installed / "bin" / "tool").chmod(0o700)
    first = build_image(client, installed, base, "agent-tool:1", path=(f"{installed}/bin",))
    os.utime(installed / "bin" / "tool", (1, 1))
    again = build_image(client, installed, base, "agent-tool:2", path=(f"{installed}/bin",))
    assert first["image_id"] == again["image_id"]
    assert first["layers"][:1] == engine.identity(client, base)["layers"]
    workdir = tmp_path / "workdir"
    workdir.mkdir()
    with Docker("agent-tool:1", client=client) as sandbox:
        report = sandbox.run(Launch(("tool",), {}, {}), workdir, LIMITS, None)
    assert report.stdout == b"tool 1.0\n", report.stderr
