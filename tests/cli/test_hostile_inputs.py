"""Hostile inputs, each through a real process: one line, the right exit code, nothing half-appended."""

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.cli.calls import COMMAND, PUBLISHED, head, one_error, refused, spawn
from tests.ledgers import checked

GOOD = Path(PUBLISHED).read_bytes().splitlines()[0]
NOBODY = 65534
MISTYPED = json.dumps(json.loads(GOOD) | {"exit_code": "0"}).encode()

HOSTILE = {
    "gzip that was cut off": (gzip.compress(Path(PUBLISHED).read_bytes())[:-4000], 1, "cut off"),
    "gzip that was changed": (gzip.compress(GOOD)[:-8] + b"\x00" * 8, 1, "damaged"),
    "text that is no UTF-8": (GOOD.replace(b"copilot", b"cop\xff\xfelot"), 1, "not UTF-8"),
    "NaN for a number": (GOOD.replace(b'"exit_code": 0', b'"exit_code": NaN', 1), 1, "NaN"),
    "a key that stands twice": (GOOD.replace(b'{"url"', b'{"url": "x", "url"', 1), 1, "twice"),
    "a text for a number": (MISTYPED, 1, "exit_code"),
    "nothing at all": (b"", 1, "no records"),
    "a binary file": (b"\x7fELF" + bytes(1000), 1, "binary"),
    "nested brackets without end": (b"[" * 200_000 + b"]" * 200_000, 1, "hostile:1"),
    "a record of 70 MB": (b'{"cell_id": "' + b"x" * 70_000_000 + b'"}\n', 1, "larger than"),
    "a cell id that leaves the tree": (GOOD.replace(b"expansion-20260616/", b"../"), 1, "sweep"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_line_and_leaves_nothing(name, empty, tmp_path):
    data, code, said = HOSTILE[name]
    path = tmp_path / "hostile"
    # a good record first, so that something could be half-appended
    first = b"" if name.startswith(("gzip", "nothing", "a binary", "nested")) else GOOD + b"\n"
    path.write_bytes(first + data)
    before = head(empty)
    done = spawn("append", path, text=True)
    assert done.returncode == code, done.stderr
    assert said in one_error(done.stderr)
    assert done.stdout == ""
    assert head(empty) == before


@pytest.mark.parametrize(
    ("name", "said"),
    [("folder", "is a folder"), ("missing.jsonl", "there is no file"), ("pipe", "is a pipe")],
)
def test_what_is_no_file_is_wrong_usage(name, said, empty, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    done = spawn("append", tmp_path / name, text=True)
    assert done.returncode == 2
    assert said in one_error(done.stderr)


def refused_ledger(path, said):
    done = spawn("--ledger", path, "append", PUBLISHED, text=True)
    assert done.returncode == 3, done.stderr
    assert said in one_error(done.stderr)
    for command in ("verify", "cells", "rebuild", "export", "rescore"):
        assert said in refused("--ledger", path, command, code=3)


def test_a_database_of_another_application_is_no_ledger(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE events(seq INTEGER PRIMARY KEY)")
    connection.close()
    refused_ledger(path, "another application")


def test_a_ledger_of_a_newer_format_asks_for_an_upgrade(empty, tmp_path):
    path = tmp_path / "newer.db"
    shutil.copy(empty, path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA user_version=2")
    connection.close()
    refused_ledger(path, "upgrade benchledger")


def test_a_file_that_is_no_database_is_no_ledger(tmp_path):
    (tmp_path / "text.db").write_text("hello" * 100)
    (tmp_path / "cut.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    (tmp_path / "nothing.db").write_bytes(b"")
    for name in ("text.db", "cut.db", "nothing.db"):
        refused_ledger(tmp_path / name, "; ")


def test_a_folder_is_no_ledger(tmp_path):
    refused_ledger(tmp_path, "is a folder")


@pytest.fixture
def theirs():
    """Give a file to another user, whom this process may then not override; returns how to do and call."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can give files away, and setpriv takes from it what root may do to them")
    bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    if subprocess.run([*bound, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root give up what it may do")

    def give(path, mode):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(mode)

    def run(*args):
        return subprocess.run(
            [*bound, *COMMAND, *map(str, args)], capture_output=True, text=True, timeout=120, check=False
        )

    return give, run


def test_a_ledger_of_another_user_is_read_where_it_may_be_and_never_written(theirs, filled):
    give, run = theirs
    before = filled.read_bytes()
    give(filled, 0o644)
    for command in (("append", PUBLISHED), ("rebuild",)):
        done = run(*command)
        assert done.returncode == 3
        assert "cannot be written by this user" in one_error(done.stderr)
    assert run("cells").returncode == 0
    give(filled, 0o600)
    for command in ("verify", "cells", "rebuild"):
        done = run(command)
        assert done.returncode == 3
        assert "Permission denied" in one_error(done.stderr)
    assert filled.read_bytes() == before


def test_a_file_of_another_user_is_not_appended(theirs, empty, tmp_path):
    give, run = theirs
    source = tmp_path / "theirs.jsonl"
    source.write_bytes(GOOD)
    give(source, 0o600)
    before = head(empty)
    done = run("append", source)
    assert done.returncode == 3
    assert "Permission denied" in one_error(done.stderr)
    assert head(empty) == before


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root on a machine that lets it can mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_nothing_of_the_append_and_the_same_command_goes_on_later(small_disk):
    path = small_disk / "full.db"
    assert spawn("--ledger", path, "init").returncode == 0
    before = head(path)
    done = spawn("--ledger", path, "append", PUBLISHED, text=True)
    assert done.returncode == 3
    assert "free some space" in one_error(done.stderr)
    assert head(path) == before
    checked(path)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    done = spawn("--ledger", path, "append", PUBLISHED, "--json", text=True)
    assert json.loads(done.stdout)["cells"] == 43
    checked(path)


def test_a_full_disk_leaves_no_half_export(small_disk, filled):
    (small_disk / "ballast").write_bytes(bytes(900_000))
    done = spawn("export", small_disk / "out.jsonl", text=True)
    assert done.returncode == 3
    assert "no room left" in one_error(done.stderr)
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_ledger_cannot_be_made_on_a_full_disk(small_disk):
    (small_disk / "ballast").write_bytes(bytes(1_000_000))
    done = spawn("--ledger", small_disk / "new.db", "init", text=True)
    assert done.returncode == 3
    assert "no room left" in one_error(done.stderr)
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]
