"""The local sandbox as another user: everything that it holds otherwise, and the rights on files besides."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from benchledger.runners.sandboxes.local import Local
from benchledger.runners.sandboxes.trees import hand_over, let_in, remove_tree
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed
from benchledger.schema.task import Limits
from tests.sandboxes.hostile import HostileContract
from tests.sandboxes.parts import CAPS, LIMITS, gone, python, shell

# a user that nobody is, and no other process of these tests: a program may kill all that is its user's
USER = (61_000 + os.getpid() % 4_000, 61_000 + os.getpid() % 4_000)

needs_root = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0,
    reason="only root on Linux can run a program as another user",
)


@pytest.fixture
def own_folder():
    """A private folder where those of cells are: other users pass the folder of temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="cell-"))
    yield folder
    remove_tree(folder)


@needs_root
class TestLocalAsAnotherUser(HostileContract):
    def make(self, caps):
        return Local(caps, user=USER)

    @pytest.fixture
    def workdir(self, own_folder):
        (own_folder / "work").mkdir()
        return own_folder / "work"

    def test_the_program_is_that_user_and_has_no_way_back(self, run, sandbox):
        report = run(
            shell("id -u; id -g; id -G; grep -E '^(NoNewPrivs|CapEff|CapPrm|CapInh):' /proc/self/status")
        )
        ids, status = report.stdout.decode().split()[:3], report.stdout.decode().split()[3:]
        assert ids == [str(USER[0]), str(USER[1]), str(USER[1])]
        assert dict(zip(status[::2], status[1::2], strict=True)) == {
            "NoNewPrivs:": "1",
            "CapEff:": "0" * 16,
            "CapPrm:": "0" * 16,
            "CapInh:": "0" * 16,
        }
        assert "user" in sandbox.isolation

    def test_workdir_home_and_tmp_are_the_users_own(self, run, workdir):
        (workdir / "deep").mkdir(mode=0o700)
        (workdir / "deep" / "file").write_text("text")
        (workdir / "deep" / "file").chmod(0o600)
        script = 'stat -c "%u:%g" . deep/file $HOME $TMPDIR $HOME/.a/b; echo x >>deep/file'
        report = run(shell(script, files={".a/b": "text"}))
        assert set(report.stdout.decode().split()) == {f"{USER[0]}:{USER[1]}"}
        assert (workdir / "deep" / "file").read_text() == "textx\n"

    def test_what_is_roots_alone_cannot_be_read(self, run, tmp_path):
        secret = tmp_path / "key"
        secret.write_text("canary")
        secret.chmod(0o600)
        held = os.memfd_create("held")
        os.write(held, b"canary")
        me = os.getpid()
        mine = f"/proc/{me}/environ /proc/{me}/fd/{held} /proc/{me}/mem"
        script = f"cat {secret} {mine}; find /proc -name environ -exec cat {{}} +"
        try:
            report = run(shell(script))
        finally:
            os.close(held)
        assert b"canary" not in report.stdout
        assert report.stderr.count(b"ermission denied") + report.stderr.count(b"o such file") >= 4

    def test_streams_can_be_opened_by_their_names(self, run):
        report = run(shell("echo out >/dev/stdout; echo err >/dev/stderr"))
        assert (report.stdout, report.stderr) == (b"out\n", b"err\n")
        assert run(shell("echo out >/dev/stdout; tty | xargs ls -n", pty=True)).stdout.startswith(b"out\r\n")

    def test_signals_do_not_reach_what_is_roots(self, run, sandbox):
        report = run(shell(f"kill -9 {os.getpid()}; kill -9 $PPID; kill -9 -1; echo still here"))
        assert report.stdout == b"still here\n"
        assert gone(sandbox.attempt.encode())

    def test_a_hard_link_to_a_file_of_root_stays_roots(self, run, workdir, own_folder):
        (own_folder / "roots").write_text("mine")
        os.link(own_folder / "roots", workdir / "link")
        run(shell("echo x >>link"))
        assert (own_folder / "roots").stat().st_uid == 0
        assert (own_folder / "roots").read_text() == "mine"


MANY = """
import os, time
made = 0
try:
    for _ in range(100):
        if os.fork() == 0:
            time.sleep(60)
        made += 1
except OSError:
    pass
print(made)
"""


@needs_root
class TestBareLocalAsAnotherUser(TestLocalAsAnotherUser):
    """As in a container without capabilities to make namespaces: what is left is the user."""

    def make(self, caps):
        return Local(caps, bare=True, user=USER)

    def test_a_program_that_kills_all_it_may_kills_only_itself(self, run, sandbox):
        # without a namespace, too: all that it may is what is its user's
        run(shell("sleep 600 & kill -9 -1; kill -9 1; exit 0"))
        assert gone(sandbox.attempt.encode())

    def test_the_kernel_refuses_a_process_beyond_the_limit(self, run):
        report = run(python(MANY), Limits(seconds=20, pids=40))
        assert 30 < int(report.stdout) <= 42


@needs_root
def test_isolation_names_the_user_and_what_else_there_is(own_folder):
    (own_folder / "work").mkdir()
    with Local(CAPS, bare=True, user=USER) as sandbox:
        sandbox.run(shell("true"), own_folder / "work", LIMITS, None)
        assert sandbox.isolation == ("environment", "home", "user")


@needs_root
def test_a_root_without_the_capabilities_is_a_sandbox_that_failed(own_folder):
    (own_folder / "work").mkdir()
    script = (
        "import sys; from pathlib import Path; from benchledger.runners.launch import Launch;"
        "from benchledger.runners.sandboxes.local import Local; from benchledger.schema.task import Limits\n"
        f"with Local(bare=True, user={USER}) as sandbox:\n"
        "    sandbox.run(Launch(('id',), {}, {}), Path(sys.argv[1]), Limits(seconds=9), None)"
    )
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv, which takes capabilities away")
    command = ["setpriv", "--bounding-set", "-setuid", "--inh-caps", "-setuid", sys.executable, "-c", script]
    done = subprocess.run([*command, own_folder / "work"], capture_output=True, text=True, check=False)
    assert "SandboxFailed" in done.stderr, done.stderr
    assert "capabilities" in done.stderr
    assert "uid=" not in done.stdout


@needs_root
def test_a_user_who_has_processes_is_left_alone(own_folder):
    (own_folder / "work").mkdir()
    with subprocess.Popen(["sleep", "600"], user=USER[0], group=USER[1], extra_groups=[]) as sleeping:
        try:
            with Local(CAPS, user=USER) as sandbox, pytest.raises(EnvironmentLacks, match="has processes"):
                sandbox.run(shell("true"), own_folder / "work", LIMITS, None)
            assert sleeping.poll() is None
        finally:
            sleeping.kill()


def test_another_user_needs_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EnvironmentLacks, match="only root"), Local(user=USER):
        pass


@needs_root
def test_only_a_private_folder_of_ours_is_made_passable(own_folder, tmp_path):
    (own_folder / "a" / "b").mkdir(parents=True)
    let_in(own_folder / "a")
    assert stat.S_IMODE(own_folder.stat().st_mode) == 0o711
    private = tmp_path / uuid.uuid4().hex
    private.mkdir(mode=0o700)
    with pytest.raises(SandboxFailed, match="lets no other user pass"):
        let_in(private / "work")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@needs_root
def test_a_link_is_handed_over_and_not_what_it_names(own_folder, tmp_path):
    (tmp_path / "outside").write_text("text")
    (own_folder / "link").symlink_to(tmp_path / "outside")
    hand_over(own_folder, USER)
    assert (own_folder / "link").lstat().st_uid == USER[0]
    assert (tmp_path / "outside").stat().st_uid == 0


@needs_root
def test_python_finds_no_way_to_be_root_again(own_folder):
    (own_folder / "work").mkdir()
    with Local(CAPS, bare=True, user=USER) as sandbox:
        attempt = python(
            "import os\nfor f in (os.setuid, os.setgid):\n try: f(0)\n except OSError: print('no')"
        )
        assert sandbox.run(attempt, own_folder / "work", LIMITS, None).stdout == b"no\nno\n"
