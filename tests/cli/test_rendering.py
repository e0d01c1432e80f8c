"""Tables on a terminal, plain text in a pipe, JSON for programs."""

import json
import os
import pty
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.cli.render import clean, count, echo_json_list, interval, number, table
from tests.cli.calls import COMMAND, PUBLISHED, environment, spawn


def on_a_terminal(*args, **changes):
    """Run a command whose output is a terminal; returns what it wrote there."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS="200", **changes)
    running = subprocess.Popen(
        [*COMMAND, *map(str, args)], stdin=theirs, stdout=theirs, stderr=theirs, env=env
    )
    os.close(theirs)
    written = b""
    try:
        while data := os.read(ours, 65536):
            written += data
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert running.wait(30) == 0
    return written.decode()


def test_a_pipe_gets_aligned_text_and_nothing_else(filled):
    text = spawn("leaderboard").stdout.decode()
    assert "\x1b" not in text
    assert not re.search("[─━│┃╭]", text)
    lines = text.splitlines()
    assert lines[1].startswith("rank  agent")


def test_long_work_in_a_pipe_is_silent_about_its_progress(empty):
    done = spawn("append", PUBLISHED)
    assert done.stderr == b""
    assert spawn("verify").stderr == b""


def test_a_terminal_gets_a_table_and_progress(empty):
    assert "append" in on_a_terminal("append", PUBLISHED)
    shown = on_a_terminal("leaderboard")
    assert "──" in shown
    assert "\x1b[" in shown


def test_no_color_is_respected(filled):
    shown = on_a_terminal("leaderboard", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38)[;m]", shown)


def test_columns_with_one_value_are_named_once_below(capsys):
    table(("name", ">n", "mode"), [("a", "1", "live"), ("b", "22", "live")], fold=("mode", "n"))
    assert capsys.readouterr().out == "name   n\na      1\nb     22\nin every row: mode live\n"


def test_a_single_row_keeps_all_its_columns(capsys):
    table(("name", "mode"), [("a", "live")], fold=("mode",))
    assert capsys.readouterr().out == "name  mode\na     live\n"


@given(st.text())
def test_cleaned_text_is_one_printable_line(text):
    assert clean(text).isprintable()
    assert len(clean(text)) == len(text)


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text())))
def test_a_list_printed_piece_by_piece_is_one_json_array(values):
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        echo_json_list(iter(values))
    assert json.loads(out.getvalue()) == values


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (number(None), "-"),
        (number(0.58164), "0.582"),
        (interval(0.1, None), "-"),
        (interval(0.1, 0.25), "0.100..0.250"),
        (count(1, "cell"), "1 cell"),
        (count(1000, "cell"), "1,000 cells"),
    ],
)
def test_numbers_read_alike_everywhere(said, expected):
    assert said == expected
