"""Every failure is one line with the next step and the right exit code; never a traceback."""

import os
import signal
import sqlite3
import subprocess
import time

import pytest

from benchledger.ledger.cli.errors import LISTED, spoken
from benchledger.schema.errors import DiskFull, RecordError, RecordErrors, UsageError
from tests.cli.calls import COMMAND, PUBLISHED, call, environment, one_error, refused, spawn


@pytest.mark.parametrize(
    "command",
    [
        ["append", PUBLISHED],
        ["export"],
        ["verify"],
        ["rescore"],
        ["cells"],
        ["show", "a/b/c/d/e"],
        ["leaderboard"],
        ["compare", "a", "b"],
        ["adjudicate", "zero", "a/b/c/d/e", "--reason", "r", "--author", "a"],
        ["rebuild"],
    ],
)
def test_without_a_ledger_every_command_gives_the_command_that_makes_one(command, db):
    line = refused(*command, code=3)
    assert f"`benchledger --ledger {db} init`" in line
    assert not db.exists()


def test_the_ledger_may_be_named_before_and_after_the_command(tmp_path):
    for number, args in enumerate((["--ledger", "{}", "init"], ["init", "--ledger", "{}"])):
        path = tmp_path / f"{number}.db"
        call(*(arg.format(path) for arg in args))
        assert path.exists()


@pytest.mark.parametrize(
    "args", [["append"], ["verify", "--deep"], ["policy", "show"], ["leaderboard", "--as-of", "-1"]]
)
def test_a_wrong_call_leaves_with_two(args, empty):
    assert "Usage:" in call(*args, code=2).stderr


def test_an_error_of_a_library_is_its_text_and_its_exit_code():
    said = spoken(DiskFull("no room left to write a.db"), "")
    assert said.exit_code == 3
    (line,) = said.lines
    assert line.startswith("Error: no room left to write a.db; free some space and run the same command")
    assert spoken(UsageError("no", "yes"), "").exit_code == 2


def test_a_foreign_error_is_translated_and_names_the_ledger():
    said = spoken(sqlite3.DatabaseError("disk I/O error"), "a.db")
    assert said.exit_code == 3
    assert "a.db" in said.lines[0]


def test_many_bad_records_are_listed_up_to_a_limit():
    errors = [RecordError("a.jsonl", line, "cell_id", "is missing") for line in range(1, LISTED + 6)]
    said = spoken(RecordErrors(errors, "mend them"), "")
    assert said.exit_code == 1
    assert said.lines[0] == "a.jsonl:1: cell_id: is missing"
    assert said.lines[LISTED:] == ["and 5 more", f"Error: {LISTED + 5} errors in records; mend them"]


def test_foreign_text_in_an_error_cannot_steer_the_terminal():
    assert "\x1b" not in spoken(UsageError("\x1b[2Jgone\n", "look"), "").lines[0]


def test_a_fault_of_our_own_asks_for_a_report_and_has_an_exit_code_of_its_own():
    said = spoken(ZeroDivisionError("division by zero"), "")
    assert said.exit_code == 70
    assert "BENCHLEDGER_DEBUG=1" in said.lines[0]


def test_debugging_shows_the_traceback(db):
    done = spawn("verify", env=environment(BENCHLEDGER_DEBUG="1"), text=True)
    assert "Traceback" in done.stderr
    assert "NoLedger" in done.stderr


def test_an_interrupt_leaves_with_130_and_no_traceback(empty):
    running = subprocess.Popen([*COMMAND, "append", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=30)
    assert running.returncode == 130
    assert stderr.decode().splitlines() == ["Interrupted; what was not yet committed is not kept"]


def test_a_reader_that_goes_away_is_no_error(filled):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = spawn("cells", "--json", capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")  # noqa: PTH110
def test_a_full_standard_output_is_said(filled):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = spawn("cells", capture_output=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3
    one_error(done.stderr)


def test_a_terminal_that_cannot_show_a_character_is_no_error(filled):
    done = spawn("leaderboard", env=environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0"))
    assert done.returncode == 0
    assert done.stderr == b""
