"""Checks run where the agent never was, and what it did to them has no effect."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from benchledger.runners.files import folder_digest
from benchledger.runners.grade import baseline, copy_result, grade, read_names
from benchledger.runners.plain import OUTPUT, run_plain
from benchledger.runners.workdir import make_workdir
from benchledger.schema.errors import EnvironmentLacks
from tests.runners.tasks import TOML, made_task


@pytest.fixture
def task(tmp_path):
    return made_task(tmp_path / "tasks")


@pytest.fixture
def folder(task, tmp_path):
    make_workdir(task, tmp_path / "workdir")
    return tmp_path / "workdir"


def test_a_result_that_is_right_passes_and_checks_are_named(task, folder):
    (folder / "sum.txt").write_text("4\n")
    found = grade(task, folder)
    assert (found.exit_code, found.timed_out) == (0, False)
    assert found.checks_before == {"sum": False, "kept": True}
    assert found.checks_after == {"sum": True, "kept": True}
    assert found.stdout == b"ok sum\nok kept\n"
    assert found.duration_ms > 0


def test_the_digests_of_the_checks_are_those_of_the_task(task, folder):
    found = grade(task, folder)
    assert found.checks_digest_before == found.checks_digest_after == folder_digest(task.checks_folder)


def test_checks_that_the_agent_planted_have_no_effect(task, folder):
    (folder / "check.sh").write_text('echo "ok sum"; echo "ok kept"; exit 0\n')
    found = grade(task, folder)
    assert found.exit_code == 1
    assert found.checks_after == {"sum": False, "kept": True}


@pytest.mark.parametrize("kind", ["folder", "link", "fifo"])
def test_what_stands_in_the_place_of_a_check_is_replaced(task, folder, tmp_path, kind):
    outside = tmp_path / "outside.sh"
    outside.write_text("exit 0\n")
    if kind == "folder":
        (folder / "check.sh").mkdir()
        (folder / "check.sh/x").write_text("x")
    elif kind == "link":
        (folder / "check.sh").symlink_to(outside)
    else:
        os.mkfifo(folder / "check.sh")
    assert grade(task, folder).exit_code == 1
    assert outside.read_text() == "exit 0\n"


def test_a_file_in_the_place_of_a_folder_of_checks_is_replaced(tmp_path):
    toml = TOML.replace("check.sh", "deep/check.sh")
    task = made_task(
        tmp_path / "t", {"checks/deep/check.sh": "exit 3\n"}, task_toml=toml, checks_check_sh=None
    )
    make_workdir(task, tmp_path / "w")
    (tmp_path / "w/deep").write_text("in the way")
    assert grade(task, tmp_path / "w", checks_before={}).exit_code == 3


def test_grading_leaves_the_result_alone(task, folder):
    before = sorted(path.name for path in folder.rglob("*"))
    grade(task, folder)
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_links_git_and_pipes_are_not_copied(task, folder, tmp_path):
    (tmp_path / "secret").write_text("canary")
    (folder / "sum.txt").unlink()
    (folder / "sum.txt").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "pipe")
    (folder / "sub/.git").mkdir(parents=True)
    (folder / "sub/.git/config").write_text("x")
    notes = copy_result(folder, tmp_path / "copy")
    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"src", "src/kept.txt", "tests", "tests/visible.sh"}
    assert sorted(note.partition(":")[0] for note in notes) == ["pipe", "sum.txt"]


def test_a_file_that_is_too_large_is_not_copied_and_named(task, folder):
    with (folder / "huge").open("wb") as stream:
        stream.truncate(1 << 40)
    found = grade(task, folder)
    assert any("huge" in note for note in found.notes)
    assert found.exit_code == 1


def test_checks_that_are_changed_while_they_run_are_noticed(tmp_path):
    for number, command in enumerate(
        [
            "echo 'exit 0' >x; mv x check.sh",
            "rm check.sh",
            "mv check.sh x; ln -s x check.sh",
            "chmod +x check.sh",
        ]
    ):
        task = made_task(tmp_path / str(number), checks_check_sh=f"{command}\nexit 0\n")
        make_workdir(task, tmp_path / f"w{number}")
        found = grade(task, tmp_path / f"w{number}", checks_before={})
        assert found.checks_digest_before != found.checks_digest_after, command


def test_a_check_that_passed_before_can_fail_after(task, folder):
    (folder / "src/kept.txt").write_text("")
    (folder / "sum.txt").write_text("4\n")
    found = grade(task, folder)
    assert (found.checks_after, found.exit_code) == ({"sum": True, "kept": False}, 1)


def test_a_known_baseline_is_not_run_again(task, folder):
    calls = []

    def run(argv, cwd, seconds):
        calls.append((tuple(argv), seconds))
        return 0, False, b"", b""

    found = grade(task, folder, run, {"sum": False})
    assert calls == [(("sh", "check.sh"), 20.0)]
    assert (found.checks_before, found.checks_after) == ({"sum": False}, {})
    assert baseline(task) == {"sum": False, "kept": True}


def test_what_leaves_with_0_is_compared_with_the_names_of_before(tmp_path):
    toml = TOML.replace("partial_credit = true\n", "")
    check = 'echo "ok kept"; . ./code.sh; echo "ok sum"\n'
    task = made_task(tmp_path / "t", {"workdir/code.sh": "false\n"}, task_toml=toml, checks_check_sh=check)
    make_workdir(task, tmp_path / "w")
    (tmp_path / "w/code.sh").write_text("exit 0\n")
    found = grade(task, tmp_path / "w")
    assert (found.exit_code, found.checks_after) == (0, {"kept": True})
    assert found.checks_before == {"kept": True, "sum": True}
    (tmp_path / "w/code.sh").write_text("exit 1\n")
    assert grade(task, tmp_path / "w").checks_before is None


def test_checks_without_names_report_none(tmp_path):
    toml = TOML.replace('report = "names"\n', "").replace("partial_credit = true\n", "")
    task = made_task(tmp_path, task_toml=toml)
    make_workdir(task, tmp_path / "w")
    found = grade(task, tmp_path / "w")
    assert (found.checks_before, found.checks_after, found.exit_code) == (None, None, 1)


def test_names_are_read_line_by_line_and_failing_once_is_failing():
    said = b"ok a\nnot ok b # why\nok c d\nok a\nnot ok c d\n  ok e\nok: no\nokay f\n\xff\nok #\n"
    assert read_names(said) == {"a": True, "b": False, "c d": False}


def test_a_command_that_never_ends_is_stopped_with_its_children(tmp_path):
    start = time.monotonic()
    ran = run_plain(["sh", "-c", "echo begun; sleep 60 & sleep 60"], tmp_path, 0.5)
    assert ran == (None, True, b"begun\n", b"")
    assert time.monotonic() - start < 20


def test_children_of_a_command_that_ended_are_stopped(tmp_path):
    code, _, out, _ = run_plain(["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"], tmp_path, 10)
    assert code == 0
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        status = Path(f"/proc/{int(out)}/stat")
        # Z: dead, and waiting for an init that takes its time
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child still runs")


def test_an_exit_by_signal_has_the_code_of_a_shell(tmp_path):
    assert run_plain(["sh", "-c", "kill -9 $$"], tmp_path, 10)[0] == 137


def test_a_flood_of_output_is_cut_in_the_middle(tmp_path):
    out = run_plain(["sh", "-c", "echo first; yes | head -c 3000000; echo last"], tmp_path, 30)[2]
    assert out.startswith(b"first\n")
    assert out.endswith(b"last\n")
    assert len(out) < OUTPUT + 100
    assert b"bytes left out" in out


def test_a_command_sees_nothing_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_SECRET", "canary")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    code, _, out, _ = run_plain(["env"], tmp_path, 10)
    names = {line.partition("=")[0] for line in out.decode().splitlines()}
    assert code == 0
    assert names <= {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "LC_ALL",
        "TZ",
        "PWD",
        "RUSTUP_HOME",
        "CARGO_HOME",
        "_",
    }
    assert b"canary" not in out


def test_a_missing_command_names_what_to_install(tmp_path):
    with pytest.raises(EnvironmentLacks, match="no-such-compiler is not installed; install it"):
        run_plain(["no-such-compiler"], tmp_path, 10)
