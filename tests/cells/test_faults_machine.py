"""Agents that use up what the machine has, and a machine that has nothing left."""

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchledger.ledger.store import Ledger
from benchledger.runners.sandboxes.local import Local
from benchledger.runners.sandboxes.port import Caps
from tests.cells.parts import PYTHON, agent_file, payloads, prepared, run_into, source_of, steps
from tests.cells.test_faults import FIX
from tests.engine import client, image
from tests.house.tree import ROOT
from tests.ledgers import checked

__all__ = ["client", "image"]

MIB = 1 << 20


def misbehaves(ledger, tmp_path, then, **request):
    """Let the tiny agent solve its task first, and then do `then`."""
    parts = prepared(tmp_path, then, **request)
    return run_into(ledger, parts, source_of(parts))


def passed(ran):
    assert ran.judged.axes["pass_rate"].value == 1
    assert ran.composite > 0.5


def test_an_agent_that_eats_its_memory_ran_out_of_it(ledger, tmp_path):
    ran = misbehaves(ledger, tmp_path, "eat", limits={"memory_mb": 128, "seconds": 60.0})
    assert ran.outcome == ("agent_error", "oom")
    passed(ran)


def test_an_agent_that_eats_its_memory_in_a_container_ran_out_of_it(ledger, tmp_path, image):
    limits = {"memory_mb": 128, "seconds": 60.0}
    ran = misbehaves(ledger, tmp_path, "eat", limits=limits, sandbox="docker", image=image)
    assert ran.outcome == ("agent_error", "oom")
    passed(ran)


def test_a_fork_bomb_meets_its_limit_and_the_time(ledger, tmp_path):
    ran = misbehaves(ledger, tmp_path, "bomb", limits={"pids": 48, "seconds": 8.0})
    assert ran.outcome == ("timeout", None)
    assert "limit of processes" in ran.notes
    passed(ran)


def test_a_fork_bomb_in_a_container_meets_its_limit_and_the_time(ledger, tmp_path, image):
    limits = {"pids": 48, "seconds": 10.0}
    ran = misbehaves(ledger, tmp_path, "bomb", limits=limits, sandbox="docker", image=image)
    assert ran.outcome == ("timeout", None)
    passed(ran)


def test_an_agent_that_fills_its_disk_filled_its_own_quota_and_its_work_counts(ledger, tmp_path):
    parts = prepared(tmp_path)
    source = steps(parts, FIX, "for n in $(seq 30); do head -c 70000000 /dev/zero >fill-$n || exit; done")
    caps = Caps(disk_bytes=200 * MIB)
    ran = run_into(ledger, parts, source, lambda plan: replace(plan, sandbox=partial(Local, caps)))
    assert ran.outcome == ("agent_error", "quota")
    passed(ran)


def test_output_beyond_its_cap_is_cut_and_noted(ledger, tmp_path):
    parts = prepared(tmp_path)
    source = steps(parts, "head -c 1000 /dev/zero | tr '\\0' x")
    ran = run_into(
        ledger, parts, source, lambda plan: replace(plan, sandbox=partial(Local, Caps(output_bytes=500)))
    )
    assert ran.outcome == ("finished", None)
    assert "output beyond the cap was cut" in ran.notes
    assert payloads(ledger, ran.ref, "cell.exited")[0]["stdout"]["size"] == 500


FLOOD = """
import sys
from pathlib import Path
from benchledger.ledger.append import declare
from benchledger.ledger.store import Ledger
from benchledger.scorers.composite import GATED_1
from tests.cells.parts import prepared, run_into, source_of
folder = Path(sys.argv[1])
with Ledger.create(folder / "flood.db") as ledger:
    declare(ledger, GATED_1)
    parts = prepared(folder, "flood", limits={"seconds": 250.0})
    ran = run_into(ledger, parts, source_of(parts))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")).split()[1]
print(int(peak) >> 10, *ran.outcome, ran.judged.axes["pass_rate"].value, ran.notes, sep="|")
"""


@pytest.mark.slow
def test_five_gigabytes_of_output_cost_little_memory_and_little_of_the_ledger(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FLOOD, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    peak, *outcome, rate, notes = done.stdout.strip().split("|")
    assert outcome == ["finished", "None"], done.stderr
    assert rate == "1.0"
    assert "output beyond the cap was cut" in notes
    assert int(peak) < 512
    checked(tmp_path / "flood.db")
    assert (tmp_path / "flood.db").stat().st_size < 4 * MIB


@pytest.fixture
def small_disk(tmp_path):
    """A small file system; the test may give it another size."""
    folder = Path(tempfile.mkdtemp(prefix="bl-small-", dir="/var/tmp"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("only root on a machine that lets it can mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def small_tmp(small_disk):
    before, tempfile.tempdir = tempfile.tempdir, str(small_disk)
    yield small_disk
    tempfile.tempdir = before


def test_a_full_disk_before_the_launch_is_the_hosts_fault(ledger, tmp_path, small_tmp):
    parts = prepared(tmp_path)
    (small_tmp / "ballast").write_bytes(bytes(24 * MIB - 8192))
    ran = run_into(ledger, parts, source_of(parts))
    assert ran.outcome == ("infra_error", "disk")
    assert ran.composite is None


def test_a_disk_that_others_fill_while_the_agent_works_is_the_hosts_fault(ledger, tmp_path, small_tmp):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, steps(parts, f"cat /dev/zero >{small_tmp}/ballast"))
    assert ran.outcome == ("infra_error", "disk")
    assert ran.composite is None


def test_an_agent_that_fills_the_hosts_disk_with_files_of_its_own_filled_its_quota(
    ledger, tmp_path, small_tmp
):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, steps(parts, "cat /dev/zero >mine"))
    assert ran.outcome == ("agent_error", "quota")
    assert not ran.composite


def test_a_ledger_without_room_leaves_the_attempt_open_and_the_next_run_closes_it(small_disk, tmp_path):
    from tests.cli.calls import one_error, spawn

    path = small_disk / "full.db"
    Ledger.create(path).close()
    parts = ("--task", PYTHON, "--agent", "tiny", "--agent-file", agent_file(tmp_path), "--scripted")
    fill = f"import os; os.system('cat /dev/zero >{small_disk}/ballast 2>/dev/null')"
    (tmp_path / "tiny.toml").write_text(
        (tmp_path / "tiny.toml").read_text().replace("def ask(messages):", f"{fill}\n\ndef ask(messages):")
    )
    done = spawn("--ledger", path, "run", *parts, text=True)
    assert done.returncode == 3
    assert "free some space" in one_error(done.stderr)
    checked(path, use_last_seen=False)
    (small_disk / "ballast").unlink()
    agent_file(tmp_path)
    done = spawn("--ledger", path, "run", *parts, text=True)
    assert done.returncode == 0, done.stderr
    assert "closed" in done.stderr
    assert "#run1@2" in done.stdout
    checked(path)
