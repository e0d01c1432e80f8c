"""Programs that mean harm, or do harm by accident; a class to inherit beside the contract."""

from __future__ import annotations

import gc
import signal
import time
import uuid
from contextlib import contextmanager

import pytest

from benchledger.schema.task import Limits
from tests.sandboxes.conformance import SandboxContract
from tests.sandboxes.parts import CAPS, LIMITS, MIB, PROBE, echo_server, gone, python, shell

# Every program here ends by itself before it has a machine's memory, processes or disk: where nothing but a
# look now and then holds it, it would win the race on a busy machine. So no fork without a token.
FORK_BOMB = """
import os, time
tokens, more = os.pipe2(os.O_NONBLOCK)
os.write(more, b"x" * {most})
end = time.time() + 3
while time.time() < end:
    try:
        os.read(tokens, 1) and os.fork()
    except OSError:
        time.sleep(0.01)
"""

HOG = """
import time
kept = [bytearray(1 << 22) for _ in range(256)]
time.sleep(600)
"""

ESCAPE = """
import os, sys
if os.fork(): sys.exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.execve("/bin/sh", ["sh", "-c", "trap '' TERM HUP INT; sleep 600; sleep 600", "{mark}"], {{}})
"""


@contextmanager
def interrupted(seconds):
    """Press Ctrl-C in this process after so many seconds; with 0 the body itself does."""
    handlers = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGALRM: signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT)),
    }
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers.items():
            signal.signal(number, handler)


class HostileContract(SandboxContract):
    """Limits hold, the kill is complete, and the report says what happened."""

    def test_a_program_that_takes_too_long_is_ended_and_says_so(self, run):
        report = run(shell("echo begun; sleep 600"), Limits(seconds=1))
        assert report.timed_out
        assert report.signal == signal.SIGTERM
        assert report.stdout == b"begun\n"
        assert 900 < report.active_ms < 20_000

    def test_a_program_may_clean_up_at_sigterm(self, run, workdir):
        run(shell("trap 'echo bye >note; exit 0' TERM; while :; do sleep 0.05; done"), Limits(seconds=1))
        assert (workdir / "note").read_text() == "bye\n"

    def test_a_program_that_ignores_sigterm_is_killed(self, run, sandbox):
        report = run(shell("trap '' TERM INT HUP; sleep 600; sleep 600"), Limits(seconds=1))
        assert report.timed_out
        assert report.signal == signal.SIGKILL
        assert gone(sandbox.attempt.encode())

    def test_a_daemon_is_counted_and_killed(self, run, sandbox):
        report = run(
            shell("setsid sh -c 'trap \"\" TERM HUP; sleep 600; sleep 600' >&- 2>&- <&- & sleep 0.3")
        )
        assert report.exit_code == 0
        assert report.survivors >= 1
        assert gone(sandbox.attempt.encode())

    def test_a_daemon_without_parent_session_and_environment_is_killed(self, run):
        mark = uuid.uuid4().hex
        report = run(python(ESCAPE.format(mark=mark)))
        assert report.survivors >= 1
        assert gone(mark.encode())

    def test_a_daemon_that_holds_the_streams_does_not_hold_the_report(self, run):
        assert run(shell("sleep 600 & echo done")).stdout == b"done\n"

    def test_a_program_that_takes_too_much_memory_is_killed_for_it(self, run):
        report = run(python(HOG))
        assert report.oom
        assert not report.timed_out

    def test_a_child_that_takes_too_much_memory_is_noted(self, run):
        hog = 'python3 -c "x = bytearray(1 << 29); import time; time.sleep(5)"'
        report = run(shell(f"{hog}; echo went on; exit 0"))
        assert report.oom

    def test_a_fork_bomb_ends_and_leaves_nothing(self, run, sandbox):
        report = run(python(FORK_BOMB.format(most=400)), Limits(seconds=20, memory_mb=512, pids=40))
        assert not report.timed_out
        assert gone(sandbox.attempt.encode())

    def test_one_large_file_stops_at_the_cap(self, run, workdir):
        report = run(shell("head -c 1G /dev/zero >big; sleep 600"), Limits(seconds=30))
        assert report.quota
        assert not report.timed_out
        assert sum(path.stat().st_size for path in workdir.iterdir()) <= CAPS.disk_bytes

    def test_many_files_stop_at_the_cap(self, run, workdir):
        script = "for i in $(seq 100); do head -c 4M /dev/zero >f$i; sleep 0.05; done; sleep 600"
        report = run(shell(script), Limits(seconds=30))
        assert report.quota
        assert not report.timed_out
        # the place may be late by ten files, which is half a second and more
        assert sum(path.stat().st_size for path in workdir.iterdir()) <= CAPS.disk_bytes + 40 * MIB

    def test_files_in_home_count_as_well(self, run):
        report = run(shell("cd $HOME; for i in 1 2 3 4; do head -c 16M /dev/zero >f$i; done; sleep 600"))
        assert report.quota

    def test_a_sparse_file_is_no_way_round_the_cap(self, run):
        report = run(python("import os\nfor i in range(9): os.truncate(os.open(f's{i}', 66), 40 << 20)"))
        assert report.quota

    @pytest.mark.slow
    def test_a_gigabyte_of_output_is_drained(self, run):
        report = run(shell("head -c 1G /dev/zero; exit 7"), Limits(seconds=200))
        assert report.exit_code == 7
        assert report.truncated
        assert len(report.stdout) == CAPS.output_bytes

    def test_only_the_proxy_answers_and_all_else_fails_fast(self, run, sandbox):
        with echo_server("0.0.0.0") as (_, other), echo_server() as proxy:
            hosts = ["127.0.0.1", "127.0.0.2", "172.17.0.1", "192.0.2.2", "203.0.113.80", "169.254.169.254"]
            targets = [(host, other) for host in hosts] + [("127.0.0.1", 22), ("1.1.1.1", 443)]
            report = run(python(PROBE.format(targets=targets)), proxy=proxy)
        if "network" not in sandbox.isolation:
            pytest.skip("the network is not kept apart here, and the sandbox says so")
        assert report.stdout == b"fast\n"

    def test_a_program_that_kills_all_it_may_kills_only_itself(self, run, sandbox):
        run(shell("true"))
        if not {"processes", "user"} & set(sandbox.isolation):
            pytest.skip("without a namespace of processes this would end the tests themselves")
        run(shell("sleep 600 & kill -9 -1; kill -9 1; exit 0"))
        assert gone(sandbox.attempt.encode())

    # from the making of the place to a program at work; on a busy machine all of them may come early
    # where it falls into a library's work, that leaves a socket or the like to the collector
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @pytest.mark.parametrize("seconds", [0.02, 0.1, 0.25, 2.0])
    def test_an_interrupted_run_leaves_nothing(self, run, sandbox, seconds):
        with interrupted(seconds), pytest.raises(KeyboardInterrupt):
            run(shell("trap '' TERM; sleep 600; sleep 600"))
        gc.collect()
        assert gone(sandbox.attempt.encode())

    def test_what_is_no_file_does_not_come_back_harmful(self, run, workdir):
        run(
            shell(
                "mkfifo pipe; printf x >f; ln f g; chmod 4777 f; mkdir locked; touch locked/in; chmod 0 locked f"
            )
        )
        for path in workdir.iterdir():
            assert path.is_symlink() or path.is_file() or path.is_dir() or path.is_fifo()
        began = time.monotonic()
        assert (workdir / "g").read_text() == "x"
        assert time.monotonic() - began < 5
        assert [path.name for path in (workdir / "locked").iterdir()] == ["in"]

    def test_limits_of_a_run_are_those_of_the_call(self, run):
        assert run(shell("sleep 1.5"), Limits(seconds=0.3)).timed_out
        assert run(shell("sleep 1.5"), LIMITS).exit_code == 0
