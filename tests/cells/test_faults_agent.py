"""What goes wrong with the agent or with its checks, and what the attempt is worth then."""

import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from benchledger.runners.proxy.config import Prices
from benchledger.runners.sandboxes.local import Local
from tests.cells.parts import payloads, prepared, run_into, source_of, steps
from tests.cells.test_faults import FIX, LIMIT, fault, solved
from tests.sandboxes.parts import LIMITS, gone, on_host, shell


def test_an_agent_that_kills_itself_after_its_work_was_killed_and_passes(ledger, tmp_path):
    ran = solved(fault(ledger, tmp_path, None, "die"))
    assert ran.outcome == ("agent_error", "signal")


@pytest.mark.parametrize("after", [0, 1])
def test_an_agent_that_is_killed_within_a_call_was_killed_and_the_endpoint_is_not_blamed(
    ledger, tmp_path, after
):
    parts = prepared(tmp_path, limits={"seconds": 60.0})
    source = steps(parts, "true", fault="hang", after=after)
    ran = run_into(ledger, parts, source, lambda plan: replace(plan, sandbox=_killed_in_call(plan)))
    assert payloads(ledger, ran.ref, "model.called")[-1]["error"].startswith(("agent_left", "closed"))
    assert ran.outcome == ("agent_error", "signal")
    assert ran.composite == 0


def _killed_in_call(plan):
    """Return a maker of the plan's sandbox; another process kills its agent while a call is open."""

    def made():
        sandbox = plan.sandbox()
        mark = f"BENCHLEDGER_ATTEMPT={sandbox.attempt}".encode()
        threading.Thread(target=_kill_in_call, args=[mark], daemon=True).start()
        return sandbox

    return made


def _kill_in_call(mark):
    end, waiting = time.monotonic() + 60, set()
    while time.monotonic() < end:
        before, waiting = waiting, {pid for pid in on_host(mark) if _is_in_call(pid)}
        if stays := before & waiting:
            os.kill(stays.pop(), signal.SIGKILL)
            return
        time.sleep(0.7)


def _is_in_call(pid):
    process = Path(f"/proc/{pid}")
    with suppress(OSError):
        opened = [str(each.readlink()) for each in (process / "fd").iterdir()]
        return b"tiny.py" in (process / "cmdline").read_bytes() and any("socket" in each for each in opened)
    return False


def test_an_agent_that_ignores_sigterm_runs_into_its_time_and_is_killed(ledger, tmp_path):
    ran = solved(fault(ledger, tmp_path, None, "ignore", {"seconds": LIMIT}))
    assert ran.outcome == ("timeout", None)
    assert payloads(ledger, ran.ref, "cell.exited")[0]["signal"] == signal.SIGKILL


def test_a_pass_at_the_limit_of_time_is_a_pass(ledger, tmp_path):
    ran = solved(fault(ledger, tmp_path, None, "sleep", {"seconds": LIMIT}))
    assert ran.outcome == ("timeout", None)
    assert payloads(ledger, ran.ref, "cell.exited")[0]["limit_hit"] == "seconds"


def test_a_daemon_that_is_left_behind_is_noted_and_killed(ledger, tmp_path):
    parts, mark = prepared(tmp_path), f"6{time.time_ns() % 10**12}"
    daemon = f"setsid sleep {mark} </dev/null >/dev/null 2>&1 &"
    ran = solved(run_into(ledger, parts, steps(parts, FIX, daemon)))
    assert ran.outcome == ("finished", None)
    assert "left behind" in ran.notes
    assert gone(mark.encode())


def test_an_exit_code_does_not_undo_a_pass(ledger, tmp_path):
    ran = solved(fault(ledger, tmp_path, None, "fail"))
    assert ran.outcome == ("finished", None)
    assert "exit code 1" in ran.notes


@pytest.mark.parametrize(("limit", "much"), [("calls", 2), ("tokens", 200), ("money", 0.001)])
def test_a_budget_that_is_used_up_ends_the_attempt_and_failed_checks_are_a_zero(
    ledger, tmp_path, limit, much
):
    parts = prepared(tmp_path, limits={limit: much})
    source = replace(source_of(parts), prices=Prices(prompt=10.0, completion=10.0))
    ran = run_into(
        ledger, parts, replace(source, script={"steps": [{"shell": "true"}] * 40 + [{"say": "."}]})
    )
    assert ran.outcome == ("budget", limit)
    assert ran.composite == 0


def test_a_budget_that_is_used_up_after_the_work_is_a_pass(ledger, tmp_path):
    parts = prepared(tmp_path, limits={"calls": 3})
    ran = solved(run_into(ledger, parts, source_of(parts)))
    assert ran.outcome == ("budget", "calls")


def test_an_agent_that_waits_out_its_time_without_a_budget_ran_out_of_budget(ledger, tmp_path):
    parts = prepared(tmp_path, "sleep", limits={"calls": 1, "seconds": LIMIT})
    ran = run_into(ledger, parts, source_of(parts))
    assert ran.outcome == ("budget", "calls")
    assert ran.composite == 0


def checks(plan, *command, seconds=60.0):
    """Return the plan with other checks."""
    changed = plan.task.checks.model_copy(
        update={"seconds": seconds, "command": command or plan.task.checks.command}
    )
    return replace(plan, task=plan.task.model_copy(update={"checks": changed}))


def kept_apart(folder):
    with Local() as sandbox:
        sandbox.run(shell("true"), folder, LIMITS, None)
        return sandbox.isolation


def write_cache(text):
    return f"printf '{text}' > cache.py"


def test_checks_that_hang_fail(ledger, tmp_path):
    parts = prepared(tmp_path)
    source = steps(parts, write_cache("while True: pass\\n"))
    ran = run_into(ledger, parts, source, lambda plan: checks(plan, seconds=2.0))
    assert ran.outcome == ("finished", None)
    assert ran.composite == 0
    assert payloads(ledger, ran.ref, "grader.ran")[0]["timed_out"]


KILLS_ALL = "import os; os.kill(-1, 9)\\n"


@pytest.mark.parametrize(
    "trick",
    [
        "import os; os.kill(os.getpid(), 9)\\n",
        "import os; os.kill(os.getppid(), 9)\\n",
        KILLS_ALL,
        'import os; os.write(2, b"python3: not found"); os._exit(127)\\n',
    ],
)
def test_code_that_ends_the_checks_from_within_fails_them(ledger, tmp_path, trick):
    if trick == KILLS_ALL and "processes" not in kept_apart(tmp_path):
        pytest.skip("without a namespace of processes this would end the tests themselves")
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, steps(parts, write_cache(trick)))
    assert ran.outcome == ("finished", None)
    assert ran.composite == 0


def test_checks_whose_tool_is_absent_give_no_verdict(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, source_of(parts), lambda plan: checks(plan, "no-such-tool", "x"))
    assert ran.outcome == ("infra_error", "grader")
    assert ran.composite is None
    assert "no-such-tool" in ran.notes
