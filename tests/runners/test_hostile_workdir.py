"""Whatever state an agent left its workdir in, it is captured: nothing is followed, opened or run."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from benchledger.runners.tree import Bounds
from benchledger.runners.workdir import capture, make_workdir
from benchledger.schema.canonical import canonical_bytes
from tests.runners.tasks import made_task


def run(folder: Path, *argv: str) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def task(tmp_path):
    return made_task(
        tmp_path / "tasks", {"workdir/.gitignore": "build/\n", "workdir/AGENTS.md": "Be kind.\n"}
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "workdir"


@pytest.fixture
def before(task, folder):
    return make_workdir(task, folder)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("hooks/post-checkout", "#!/bin/sh\n"),
        ("config", "[core]\n"),
        ("opencode", "x"),
        ("info/exclude", "*\n"),
    ],
)
def test_what_is_planted_below_git_is_named(before, folder, path, text):
    (folder / ".git" / path).parent.mkdir(exist_ok=True)
    (folder / ".git" / path).write_text(text)
    assert capture(before, folder).git_changes == (path,)


def test_a_planted_configuration_runs_no_program_during_capture(before, folder, tmp_path):
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    program.chmod(0o755)
    names = ("core.fsmonitor", "diff.external", "core.pager", "core.alternateRefsCommand", "core.sshCommand")
    for name in names:
        run(folder, "git", "config", name, str(program))
    run(folder, "git", "config", "remote.origin.url", f"ext::{program}")
    run(folder, "git", "config", "remote.origin.promisor", "true")
    (folder / ".gitattributes").write_text("*.txt diff=x filter=x\n")
    (folder / "sum.txt").write_text("4\n")
    found = capture(before, folder)
    assert not (tmp_path / "ran").exists()
    assert found.git_changes == ("config",)
    assert b"+4\n" in found.patch


def test_a_deleted_history_is_a_change_and_files_are_still_compared(before, folder):
    shutil.rmtree(folder / ".git")
    (folder / "sum.txt").write_text("4\n")
    found = capture(before, folder)
    assert (found.new_commits, found.git_changes) == (None, (".git",))
    assert found.changes.modified == ("sum.txt",)
    assert any("history" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_history_that_became_something_else_is_not_followed(before, folder, tmp_path, kind):
    (folder / ".git").rename(tmp_path / "moved")
    if kind == "file":
        (folder / ".git").write_text(f"gitdir: {tmp_path}/moved\n")
    else:
        (folder / ".git").symlink_to(tmp_path / "moved")
    found = capture(before, folder)
    assert (found.new_commits, found.git_changes, found.changes.all) == (None, (".git",), [])


def test_a_new_history_counts_its_commits(before, folder):
    shutil.rmtree(folder / ".git")
    run(folder, "git", "init", "-q")
    who = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    run(folder, "git", *who, "commit", "-q", "--allow-empty", "-m", "anew")
    found = capture(before, folder)
    assert found.new_commits == 1
    assert "config" in found.git_changes


def test_links_are_recorded_and_not_followed(before, folder, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("canary")
    (folder / "out").symlink_to(secret)
    (folder / "key").symlink_to(secret / "key")
    (folder / "loop").symlink_to(".")
    (folder / "sum.txt").unlink()
    (folder / "sum.txt").symlink_to("/etc/hostname")
    shutil.rmtree(folder / "src")
    (folder / "src").symlink_to(secret)
    found = capture(before, folder)
    assert set(found.changes.added) == {"out", "key", "loop", "src"}
    assert (found.changes.modified, found.changes.removed) == (("sum.txt",), ("src/kept.txt",))
    assert b"canary" not in found.patch + found.manifest
    assert (
        b"new file mode 120000\n--- /dev/null\n+++ b/sum.txt\n@@ -0,0 +1 @@\n+/etc/hostname\n" in found.patch
    )


def test_a_workdir_that_became_a_link_is_not_followed(before, folder, tmp_path):
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    found = capture(before, folder)
    assert len(found.changes.removed) == len(before.entries)
    assert found.new_commits is None


def test_a_workdir_that_is_gone_is_all_removed(before, folder):
    shutil.rmtree(folder)
    found = capture(before, folder)
    assert set(found.changes.removed) == set(before.entries)
    assert any("cannot be read" in note for note in found.notes)


def test_pipes_and_sockets_are_seen_and_not_opened(before, folder, monkeypatch):
    os.mkfifo(folder / "pipe")
    (folder / "sum.txt").unlink()
    os.mkfifo(folder / "sum.txt")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    found = capture(before, folder)
    assert found.changes.added == ("pipe", "socket")
    assert found.changes.modified == ("sum.txt",)
    assert {json.loads(found.manifest)["files"][name]["kind"] for name in ("pipe", "sum.txt")} == {"fifo"}
    assert b"# sum.txt: fifo" in found.patch


def test_a_huge_sparse_file_is_read_in_part_and_said_so(before, folder):
    with (folder / "huge").open("wb") as stream:
        stream.truncate(1 << 40)
    found = capture(before, folder, Bounds(hashed_per_file=1 << 20))
    entry = json.loads(found.manifest)["files"]["huge"]
    assert (entry["size"], entry["cut"]) == (1 << 40, True)
    assert any("huge" in note for note in found.notes)
    assert len(found.patch) < 1000


def test_a_flood_of_files_hides_no_change_of_the_first_ones(before, folder):
    for number in range(300):
        (folder / f"aaa{number}").write_text("x" * 100)
    (folder / "sum.txt").write_text("4\n")
    found = capture(before, folder, Bounds(files=50, hashed=10_000))
    assert (found.changes.modified, found.changes.removed) == (("sum.txt",), ())
    assert found.patch.index(b"b/sum.txt") < found.patch.index(b"aaa")
    assert any("more than 50 n" in note for note in found.notes)


def test_folders_without_end_are_left_out_with_a_note(before, folder):
    deep = folder
    for _ in range(150):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")
    found = capture(before, folder)
    assert found.changes.added == ()
    assert any("deeper than" in note for note in found.notes)


def test_names_that_are_no_utf8_can_be_said(before, folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\n")).write_text("x")
    (folder / "a\tb").write_text("y\n")
    found = capture(before, folder)
    assert sorted(found.changes.added) == ["\\xff\n", "a\tb"]
    assert b'+++ "b/a\\tb"\n' in found.patch
    canonical_bytes(found.changes.to_json())


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o400, 0o600])
def test_what_was_made_unreadable_is_read_all_the_same(task, mode):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "workdir"
        before = make_workdir(task, folder)
        (folder / "sum.txt").write_text("4\n")
        (folder / "sum.txt").chmod(0o000)
        (folder / "src").chmod(mode)
        folder.chmod(mode)
        found = as_nobody(before, folder)
    assert found.changes.modified == ("sum.txt",)
    assert found.changes.removed == ()
    assert found.new_commits == 0
    assert b"+4\n" in found.patch


def as_nobody(before, folder):
    """Capture without root's powers, where the test runs as root: root can read everything."""
    if os.geteuid() != 0:
        return capture(before, folder)
    for path in (folder.parent, folder, *folder.rglob("*")):
        os.lchown(path, 65534, 65534)
    os.seteuid(65534)
    try:
        return capture(before, folder)
    finally:
        os.seteuid(0)


def test_a_file_that_became_a_folder_and_one_that_became_a_file(before, folder):
    (folder / "sum.txt").unlink()
    (folder / "sum.txt").mkdir()
    (folder / "sum.txt/new").write_text("x\n")
    shutil.rmtree(folder / "src")
    (folder / "src").write_text("x\n")
    found = capture(before, folder)
    assert found.changes.added == ("src", "sum.txt/new")
    assert found.changes.removed == ("src/kept.txt", "sum.txt")
