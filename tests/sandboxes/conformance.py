"""What every sandbox must do: a class to inherit, with one factory method.

Programs are the plain ones; those that mean harm are in `hostile.py`.
"""

from __future__ import annotations

import json
import stat
from contextlib import AbstractContextManager

import pytest

from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.port import MARKER, Caps, Sandbox
from benchledger.schema.errors import UsageError
from benchledger.schema.task import Limits
from tests.sandboxes.parts import CAPS, LIMITS, POST, echo_server, python, shell


class SandboxContract:
    """The conformance suite of `port.Sandbox`."""

    # names that the place itself adds to an environment
    added: frozenset[str] = frozenset()

    def make(self, caps: Caps) -> AbstractContextManager[Sandbox]:
        raise NotImplementedError

    @pytest.fixture
    def sandbox(self):
        with self.make(CAPS) as made:
            yield made

    @pytest.fixture
    def workdir(self, tmp_path):
        folder = tmp_path / "workdir"
        folder.mkdir()
        return folder

    @pytest.fixture
    def run(self, sandbox, workdir):
        def run(launch, limits=LIMITS, proxy=None):
            return sandbox.run(launch, workdir, limits, proxy)

        return run

    def test_exit_code_and_both_streams_come_back_apart(self, run):
        report = run(shell("echo out; echo err >&2; exit 3"))
        assert (report.exit_code, report.signal) == (3, None)
        assert (report.stdout, report.stderr) == (b"out\n", b"err\n")
        assert not (report.timed_out)
        assert not (report.oom)
        assert not (report.truncated)
        assert not (report.quota)
        assert 0 < report.active_ms <= report.wall_ms

    def test_the_environment_holds_what_was_given_and_nothing_of_ours(
        self, run, sandbox, workdir, monkeypatch
    ):
        monkeypatch.setenv("OPENAI_API_KEY", "canary")
        report = run(Launch(("env",), {"GIVEN": "a b", "LANG": "C"}, {}))
        seen = dict(line.split("=", 1) for line in report.stdout.decode().splitlines())
        fixed = {"PATH", "HOME", "TMPDIR", "LANG", MARKER, "GIVEN"}
        assert set(seen) - self.added == fixed
        places = sandbox.places(workdir)
        assert (seen["GIVEN"], seen["LANG"]) == ("a b", "C")
        assert (seen["HOME"], seen["TMPDIR"]) == (places.home, places.tmp)

    def test_the_program_starts_in_its_workdir_and_may_write_home_and_tmp(self, run, sandbox, workdir):
        report = run(shell("pwd -P; touch $HOME/a $TMPDIR/b ./c && echo wrote"))
        assert report.stdout.decode() == f"{sandbox.places(workdir).work}\nwrote\n"

    def test_input_reaches_the_program_up_to_its_end(self, run):
        data = bytes(range(256)) * 2000
        report = run(shell("cat", stdin=data))
        assert report.stdout == data

    def test_a_program_that_reads_no_input_is_not_waited_for(self, run):
        assert run(shell("exit 5", stdin=b"x" * 1_000_000)).exit_code == 5

    def test_files_of_the_launch_lie_below_home_before_the_start(self, run):
        report = run(shell("cat $HOME/.config/agent/a.toml", files={".config/agent/a.toml": "k = 'é'\n"}))
        assert report.stdout.decode() == "k = 'é'\n"

    @pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ""])
    def test_a_file_outside_of_home_is_refused(self, run, name):
        with pytest.raises(UsageError, match="not below HOME"):
            run(shell("true", files={name: ""}))

    def test_changes_to_the_workdir_come_back_with_their_modes(self, run, workdir):
        (workdir / "gone").write_text("old")
        (workdir / "kept").write_text("kept")
        run(shell("rm gone; mkdir -p a/b; printf new >a/b/c; chmod 755 a/b/c; printf more >>kept"))
        found = sorted(path.relative_to(workdir).as_posix() for path in workdir.rglob("*"))
        assert found == ["a", "a/b", "a/b/c", "kept"]
        assert (workdir / "kept").read_text() == "keptmore"
        assert stat.S_IMODE((workdir / "a/b/c").stat().st_mode) == 0o755

    def test_links_come_back_as_links_and_are_not_followed(self, run, workdir, tmp_path):
        (tmp_path / "outside").write_text("outside")
        run(
            shell(
                f"ln -s {tmp_path}/outside link; ln -s / root; mkdir d; ln -s ../.. d/up; ln -s none dangling"
            )
        )
        links = {path.name: str(path.readlink()) for path in workdir.rglob("*") if path.is_symlink()}
        assert links == {"link": f"{tmp_path}/outside", "root": "/", "up": "../..", "dangling": "none"}
        assert (tmp_path / "outside").read_text() == "outside"

    def test_a_workdir_with_links_goes_in_as_it_is(self, run, workdir):
        (workdir / "file").write_text("text")
        (workdir / "link").symlink_to("file")
        (workdir / "script").write_text("#!/bin/sh\necho ran\n")
        (workdir / "script").chmod(0o755)
        report = run(shell("readlink link; cat link; ./script; [ -w file ] && echo mine"))
        assert report.stdout == b"file\ntextran\nmine\n"

    def test_git_works_in_the_workdir(self, run):
        script = "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"
        report = run(shell(f"{script} && git log --oneline | wc -l"))
        assert (report.stdout.strip(), report.stderr) == (b"1", b"")

    def test_a_terminal_has_a_size_and_is_recorded(self, run):
        report = run(
            shell("stty size; echo $TERM; [ -t 0 ] && [ -t 2 ] && echo tty; sleep 0.3; echo é", pty=True)
        )
        assert report.stdout.decode() == "40 120\r\nxterm-256color\r\ntty\r\né\r\n"
        head, *events = map(json.loads, report.recording.decode().splitlines())
        assert (head["version"], head["width"], head["height"]) == (2, 120, 40)
        assert "".join(text for _, _, text in events) == report.stdout.decode()
        times = [when for when, _, _ in events]
        assert times == sorted(times)
        assert times[-1] >= 0.3
        assert {kind for _, kind, _ in events} == {"o"}

    def test_input_at_a_terminal_arrives(self, run):
        report = run(shell("read line; echo got $line", stdin=b"hello\n", pty=True))
        assert b"got hello\r\n" in report.stdout

    def test_without_a_terminal_nothing_is_recorded(self, run):
        assert run(shell("true")).recording is None

    def test_the_proxy_answers_at_its_own_port_in_both_directions(self, run):
        with echo_server() as (host, port):
            report = run(python(POST.format(host=host, port=port, size=3_000_000)), proxy=(host, port))
        assert report.stdout == b"3000000 True\n", report.stderr

    def test_a_proxy_that_is_gone_is_refused_at_once(self, run):
        with echo_server() as (host, port):
            pass
        report = run(python(POST.format(host=host, port=port, size=1)), proxy=(host, port))
        assert report.exit_code == 1
        assert report.active_ms < 10_000

    def test_a_program_that_does_not_exist_is_127_and_one_that_cannot_run_126(self, run, workdir):
        (workdir / "text").write_text("no program")
        assert run(Launch(("no-such-program",), {}, {})).exit_code == 127
        assert run(Launch(("./text",), {}, {})).exit_code == 126

    def test_a_program_that_a_signal_ended_says_which(self, run):
        report = run(shell("kill -9 $$"))
        assert (report.exit_code, report.signal) == (None, 9)
        assert not (report.oom)
        assert not (report.timed_out)

    def test_large_output_on_both_streams_neither_blocks_nor_loses_a_byte(self, run):
        script = (
            "import os\nfor i in range(100): os.write(1, b'o' * 9973); os.write(2, b'\\0\\1\\x1e' * 3000)"
        )
        report = run(python(script))
        assert report.stdout == b"o" * 997_300
        assert report.stderr == b"\0\1\x1e" * 300_000

    def test_control_bytes_in_the_output_come_back_as_they_were(self, run):
        report = run(python("import os; os.write(1, b'\\1\\x1e1 2\\n\\x1e')"))
        assert report.stdout == b"\1\x1e1 2\n\x1e"

    def test_output_beyond_the_cap_is_cut_and_the_program_runs_on(self, run, workdir):
        report = run(shell("head -c 20000000 /dev/zero; echo end >done"))
        assert report.exit_code == 0
        assert report.truncated
        assert report.stdout == b"\0" * CAPS.output_bytes
        assert (workdir / "done").read_text() == "end\n"

    def test_a_program_that_closes_its_streams_is_waited_for(self, run, workdir):
        run(shell("exec >&- 2>&-; sleep 0.5; echo end >done"))
        assert (workdir / "done").read_text() == "end\n"

    def test_two_sandboxes_share_neither_home_nor_tmp(self, run, workdir):
        run(shell("touch $HOME/a $TMPDIR/b"))
        with self.make(CAPS) as other:
            assert other.run(shell("ls -A $HOME $TMPDIR | grep '[ab]$'"), workdir, LIMITS, None).stdout == b""

    def test_a_machine_without_memory_ends_programs_of_cells_first(self, run):
        assert run(shell("cat /proc/self/oom_score_adj")).stdout == b"1000\n"

    def test_no_limit_is_no_limit(self, run):
        assert run(shell("sleep 0.2; exit 4"), Limits()).exit_code == 4
