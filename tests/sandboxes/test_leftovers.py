"""What a launcher that was killed leaves behind is removed by the next one, and nothing of anybody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from benchledger.runners.host import launcher, process_namespace
from benchledger.runners.sandboxes import cgroup, folders
from benchledger.runners.sandboxes.local import Local
from tests.sandboxes.parts import CAPS, LIMITS, gone, shell

pytestmark = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="only /proc says who is gone")

RUNNER = """
import sys
from pathlib import Path
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.local import Local
from benchledger.schema.task import Limits

with Local() as sandbox:
    script = "echo $0 >here; chmod 0 $HOME; sleep 600"
    launch = Launch(("sh", "-c", script, sys.argv[2]), {}, {})
    sandbox.run(launch, Path(sys.argv[1]), Limits(memory_mb=200, pids=50), None)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of temporary files that nobody else has; cleaned once by each process that starts."""
    made = tmp_path / "t"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


def killed_runner(place, workdir):
    """Start a runner, kill it while its program works; return its pid."""
    mark = uuid.uuid4().hex
    command = [sys.executable, "-c", RUNNER, workdir, mark]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(place)}) as runner:
        while not (workdir / "here").exists():
            assert runner.poll() is None
            time.sleep(0.01)
        os.kill(runner.pid, signal.SIGKILL)
    assert gone(mark.encode())
    return runner.pid


def groups_of(pid):
    return list(Path("/sys/fs/cgroup").rglob(f"benchledger-*-{pid}-*"))


def test_the_next_launcher_removes_folder_and_groups_of_one_that_was_killed(place, tmp_path):
    workdir = tmp_path / "w"
    workdir.mkdir()
    pid = killed_runner(place, workdir)
    assert len(list(place.glob("cell-*"))) == 1
    end = time.monotonic() + 20
    while left := groups_of(pid):
        # not how many: another launcher of this machine may be quicker
        for parent in {each.parent for each in left}:
            cgroup.remove_abandoned(parent)
        assert time.monotonic() < end, left
    with Local(CAPS) as sandbox:
        assert list(place.glob("cell-*")) == [sandbox.folder]
        assert sandbox.run(shell("true"), workdir, LIMITS, None).exit_code == 0
    assert list(place.iterdir()) == []


def test_what_a_living_launcher_has_stays(place):
    with Local(CAPS) as sandbox:
        assert folders.remove_abandoned(place) == 0
        assert sandbox.folder.is_dir()


DEAD = launcher().rsplit("/", 2)[0] + "/999999999/1"
NOTE = f"{process_namespace()} {DEAD}\n"


def abandoned(folder, note=NOTE):
    folder.mkdir(parents=True)
    (folder / folders.NOTE).write_text(note)
    (folder / "kept").write_text("kept")
    return folder


def test_a_folder_of_a_launcher_that_is_gone_is_removed_with_all_that_is_in_it(place):
    folder = abandoned(place / "cell-abcd1234")
    (folder / "home/locked").mkdir(parents=True)
    (folder / "home/locked").chmod(0)
    (folder / "up").symlink_to(place)
    assert folders.remove_abandoned(place) == 1
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTE.removesuffix("\n"),
        NOTE.replace(process_namespace(), "1", 1),
        f"{process_namespace()} {'0' * 16}/999999999/1\n",
        f"{process_namespace()} {launcher()}\n",
        "\0" * 300,
    ],
    ids=["empty", "cut", "another namespace", "another machine or start", "alive", "zeros"],
)
def test_a_folder_whose_note_proves_no_death_stays(place, note):
    folder = abandoned(place / "cell-abcd1234", note)
    assert folders.remove_abandoned(place) == 0
    assert (folder / "kept").exists()


def test_what_is_none_of_our_folders_stays(place, tmp_path):
    other = abandoned(tmp_path / "other")
    (place / "cell-abcd1234").symlink_to(other)
    abandoned(place / "cell-abcd12345")
    abandoned(place / "cell-abcd123")
    pipe = place / "cell-pipe1234"
    pipe.mkdir()
    os.mkfifo(pipe / folders.NOTE)
    linked = place / "cell-link1234"
    linked.mkdir()
    (linked / folders.NOTE).symlink_to(other / folders.NOTE)
    (place / "cell-file1234").write_text(NOTE)
    before = sorted(place.iterdir())
    assert folders.remove_abandoned(place) == 0
    assert sorted(place.iterdir()) == before
    assert (other / "kept").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder another user's")
def test_a_folder_of_another_user_stays(place):
    folder = abandoned(place / "cell-abcd1234")
    os.chown(folder, 65534, 65534)
    assert folders.remove_abandoned(place) == 0
    assert (folder / "kept").exists()


def test_groups_by_other_names_and_of_the_living_stay(tmp_path):
    space, own = process_namespace(), cgroup.group_name("ab")
    names = [own, f"benchledger-{space}-999999999-1-xyz", "benchledger-1-999999999-1-ab", "benchledger-ab"]
    for name in (*names, f"benchledger-{space}-999999999-1-ab"):
        (tmp_path / name).mkdir()
    assert cgroup.remove_abandoned(tmp_path) == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names)


def test_a_group_with_something_in_it_stays(tmp_path):
    group = tmp_path / f"benchledger-{process_namespace()}-999999999-1-ab"
    (group / "below").mkdir(parents=True)
    assert cgroup.remove_abandoned(tmp_path) == 0
    assert group.exists()
