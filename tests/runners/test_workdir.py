"""A workdir is made fresh, and captured whatever state it was left in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from benchledger.runners.workdir import capture, make_workdir, snapshot
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import UsageError
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


def test_a_workdir_has_all_files_and_one_commit(before, folder):
    assert run(folder, "git", "rev-list", "--all", "--count") == "1"
    assert run(folder, "git", "status", "--porcelain", "--ignored") == ""
    assert set(before.entries) == {".gitignore", "AGENTS.md", "src/kept.txt", "sum.txt", "tests/visible.sh"}
    assert before.commit == run(folder, "git", "rev-parse", "HEAD")


def test_the_history_is_the_same_everywhere_and_knows_nothing_of_the_user(
    task, folder, tmp_path, monkeypatch
):
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    (home / "hooks/pre-commit").write_text("#!/bin/sh\ntouch hooked\nexit 1\n")
    (home / "hooks/pre-commit").chmod(0o755)
    (home / ".gitconfig").write_text(f"[user]\nname = Somebody\n[core]\nhooksPath = {home}/hooks\n")
    first = make_workdir(task, folder)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    second = make_workdir(task, tmp_path / "second")
    assert first.commit == second.commit
    assert not (tmp_path / "second/hooked").exists()
    assert not list((folder / ".git").glob("hooks/*"))


def test_no_solution_and_no_check_can_be_read_out_of_a_workdir(before, folder, task):
    solution = (task.solution / "sum.txt").read_bytes()
    check = (task.checks_folder / "check.sh").read_bytes()
    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert solution not in found
    assert check not in found
    assert "\n+4\n" not in run(folder, "git", "log", "-p")


def test_attributes_of_a_foreign_repository_do_not_keep_its_files_out(tmp_path, folder):
    attributes = "*.txt working-tree-encoding=UTF-16 eol=crlf\n*.sh filter=lfs -text\n"
    task = made_task(
        tmp_path / "tasks", {"workdir/.gitattributes": attributes, "workdir/odd.txt": "\N{SNOWMAN}\n"}
    )
    before = make_workdir(task, folder)
    assert (folder / "odd.txt").read_bytes() == "\N{SNOWMAN}\n".encode()
    assert run(folder, "git", "cat-file", "blob", "HEAD:odd.txt") == "\N{SNOWMAN}"
    assert not (folder / ".git/info").exists()
    captured = capture(before, folder)
    assert (captured.changes.all, captured.git_changes, captured.new_commits) == ([], (), 0)


def test_a_folder_that_holds_something_is_refused(task, folder):
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        make_workdir(task, folder)
    assert (folder / "mine.txt").read_text() == "mine"


def test_nothing_done_is_no_change(before, folder):
    found = capture(before, folder)
    assert found.changes.all == []
    assert (found.new_commits, found.git_changes, found.patch, found.notes) == (0, (), b"", ())


def test_each_kind_of_change_is_named_ignored_files_included(before, folder):
    (folder / "build").mkdir()
    (folder / "build/a.out").write_bytes(b"\0binary")
    (folder / "sum.txt").write_text("4\n")
    (folder / "AGENTS.md").write_text("")
    (folder / "src/kept.txt").unlink()
    found = capture(before, folder)
    assert found.changes.added == ("build/a.out",)
    assert found.changes.modified == ("AGENTS.md", "sum.txt")
    assert found.changes.emptied == ("AGENTS.md",)
    assert found.changes.removed == ("src/kept.txt",)
    assert b"-5\n+4\n" in found.patch
    assert b"diff --git a/build/a.out b/build/a.out\nnew file mode 100644\n" in found.patch


def test_the_manifest_is_canonical_and_names_every_file(before, folder):
    manifest = capture(before, folder).manifest
    said = json.loads(manifest)
    assert canonical_bytes(said) == manifest
    assert said["files"]["sum.txt"] == {
        "kind": "file",
        "digest": before.entries["sum.txt"].digest,
        "size": 2,
        "mode": 0o644,
    }


def test_an_executable_bit_is_a_change_and_other_modes_are_none(before, folder):
    (folder / "sum.txt").chmod(0o755)
    (folder / "AGENTS.md").chmod(0o600)
    found = capture(before, folder)
    assert found.changes.modified == ("sum.txt",)
    assert found.patch == b"diff --git a/sum.txt b/sum.txt\nold mode 100644\nnew mode 100755\n"


def test_commits_are_counted_and_are_no_strange_change_of_git(before, folder):
    (folder / "sum.txt").write_text("4\n")
    run(folder, "git", "commit", "-qam", "one")
    run(folder, "git", "checkout", "-qb", "side")
    run(folder, "git", "commit", "-q", "--allow-empty", "-m", "two")
    run(folder, "git", "tag", "v1")
    run(folder, "git", "gc", "-q")
    found = capture(before, folder)
    assert (found.new_commits, found.git_changes) == (2, ())


def test_a_snapshot_after_further_preparation_is_the_new_start(before, folder):
    (folder / "prepared").write_text("x")
    again = snapshot(folder, before.commit)
    (folder / "added").write_text("y")
    assert capture(again, folder).changes.all == ["added"]


def test_a_folder_without_history_has_none_to_count(tmp_path):
    (tmp_path / "w").mkdir()
    before = snapshot(tmp_path / "w")
    (tmp_path / "w/a").write_text("x\n")
    found = capture(before, tmp_path / "w")
    assert (found.changes.added, found.new_commits, found.git_changes) == (("a",), None, ())
