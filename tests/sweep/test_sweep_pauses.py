"""An endpoint, an engine, a disk that fail in mid-sweep: it pauses, says why, and goes on; nothing is lost."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from benchledger.runners.images.base import ensure_base
from benchledger.schema.errors import EnvironmentLacks
from tests.cells.upstream import asking
from tests.engine import absent
from tests.ledgers import checked
from tests.sandboxes.test_engine_dies import engine_of_its_own
from tests.sweep.parts import Sweeping

__all__ = ["engine_of_its_own"]


def told(sweep, event):
    """Return what --on-event was told of one kind."""
    path = sweep.folder / "events"
    lines = path.read_text().splitlines() if path.exists() else []
    return [each for each in map(json.loads, lines) if each["event"] == event]


def listening(folder, *options, **more):
    return Sweeping(folder, *options, "--on-event", f"cat >> {folder}/events", **more)


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit"), (503, "upstream")])
def test_an_endpoint_that_fails_in_mid_sweep_is_paused_and_asked_until_it_is_well(tmp_path, status, kind):
    with asking(["echo x >note"]) as server:
        sweep = listening(tmp_path, "--task", "*/python-*", "--repeat", 2, "--endpoint", server.url)
        with sweep.running("--workers", 2) as process:
            sweep.wait_for(2)
            server.fails = status
            sweep.until(lambda: told(sweep, "paused"))
            # what was under way comes to its end, and nothing is launched
            sweep.until(lambda: sweep.outcomes()[None] == 0)
            before = sweep.query("SELECT count(*) FROM attempts")
            asked = len(server.seen)
            sweep.until(lambda: len(server.seen) > asked)
            assert sweep.query("SELECT count(*) FROM attempts") == before
            server.fails = None
            out, err = process.communicate(timeout=200)
    assert process.returncode == 0, f"{out}\n{err}"
    [pause] = told(sweep, "paused")
    assert pause["place"] == "model m/1"
    assert kind in pause["reason"]
    assert "paused, model m/1" in err
    assert "goes on: model m/1 is well again" in err
    assert len(told(sweep, "resumed")) == 1
    cells = told(sweep, "started")[0]["cells"]
    assert len(sweep.results()) == cells
    assert sweep.outcomes()["infra_error"] >= 5
    assert sweep.query("SELECT DISTINCT outcome_kind FROM attempts WHERE outcome = 'infra_error'") == [
        (kind,)
    ]
    checked(sweep.path)


def test_a_last_cell_does_not_use_up_its_tries_against_an_ill_endpoint(tmp_path):
    with asking([], fails=429) as server:
        sweep = listening(tmp_path, "--task", "mutations/python-lru-cache", "--endpoint", server.url)
        server.fails = None
        with sweep.running() as process:
            sweep.wait_for(1, "cell.setup")
            server.fails = 429
            sweep.until(lambda: told(sweep, "paused"))
            assert sweep.query("SELECT count(*) FROM attempts")[0][0] <= 2
            server.fails = None
            process.communicate(timeout=100)
    assert process.returncode == 0
    assert len(sweep.results()) == 1
    checked(sweep.path)


@pytest.fixture
def small_disk():
    """A file system of 48 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    with tempfile.TemporaryDirectory(prefix="bl-", dir="/var/tmp") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], check=False)
        if mounted.returncode != 0:
            pytest.skip("this machine lets nobody mount a file system")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_pauses_the_sweep_until_there_is_room(tmp_path, small_disk):
    sweep = Sweeping(
        small_disk, "--task", "mutations/python-*", "--repeat", 12, "--min-free-disk", "4MB",
        "--on-event", f"cat >> {tmp_path}/events", agent="nop,oracle",
    )  # fmt: skip
    sweep.folder, events = small_disk, tmp_path / "events"
    ballast = small_disk / "ballast"
    with sweep.running("--workers", 2) as process:
        sweep.wait_for(4)
        # to the last byte: what is being written fails, and is told apart from a fault of the agent
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 65_536)
            except OSError:
                pass
        sweep.until(lambda: '"paused"' in events.read_text())
        size = sweep.query("SELECT count(*) FROM events")
        assert process.poll() is None
        ballast.unlink()
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, f"{out}\n{err}"
    assert "paused, disk" in err
    assert "free some space" in err or "full" in err
    assert sweep.query("SELECT count(*) FROM events") > size
    assert len(sweep.results()) == 48
    assert set(sweep.results().values()) == {1}
    assert sweep.outcomes()[None] == 0
    checked(sweep.path)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(280)
def test_an_engine_that_is_stopped_pauses_the_sweep_until_it_is_back(tmp_path, engine_of_its_own):
    own = engine_of_its_own
    try:
        image = ensure_base(own.client)
    except EnvironmentLacks as error:
        absent("engine", f"the base image cannot be made here: {error}")
    sweep = listening(
        tmp_path, "--task", "mutations/python-*", "--repeat", 4, "--sandbox", "docker", "--image", image,
        agent="nop,oracle",
    )  # fmt: skip
    with sweep.running("--workers", 2, DOCKER_HOST=own.address) as process:
        sweep.wait_for(3)
        os.kill(own.pid, signal.SIGKILL)
        sweep.until(lambda: told(sweep, "paused"))
        assert process.poll() is None
        own.start()
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, f"{out}\n{err}"
    assert "paused, engine" in err
    assert "goes on: engine is well again" in err
    assert len(sweep.results()) == 16
    assert set(sweep.results().values()) == {1}
    assert sweep.outcomes()[None] == 0
    checked(sweep.path)
