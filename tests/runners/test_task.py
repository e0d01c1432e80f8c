"""Tasks are read strictly, and every byte of one is in its digest."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.runners.files import digest_of, folder_digest
from benchledger.runners.task import find_task, find_tasks, identity, load_task, missing_toolchain
from benchledger.schema.errors import BadInput, Conflict, RecordErrors, UnknownName
from tests.runners.tasks import FILES, TOML, made_task, write_task


def test_a_task_is_read_from_its_folder(tmp_path):
    task = made_task(tmp_path)
    assert (task.id, task.language, task.toolchain) == ("made/sum", "python", ("python3",))
    assert task.expectations.protected == ("tests/**",)
    assert (task.limits.seconds, task.checks.seconds) == (60, 20)
    assert task.instruction.startswith("Write the sum")
    assert task.script() is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title", "tittle", "task.toml:1: tittle: unknown field; did you mean 'title'?"),
        ("protected", "protcted", ":15: expectations.protcted: unknown field; did you mean 'protected'?"),
        ('title = "Two and two"\n', "", "title: this field is missing"),
        ("seconds = 60", 'seconds = "60"', ':6: limits.seconds: Input should be a valid number, not "60"'),
        ("seconds = 60", "memory_mb = 60", "limits.seconds is missing"),
        ("seconds = 20", "seconds = 0", ":10: checks.seconds: Input should be greater than 0, not 0"),
        ('report = "names"', 'report = "tap"', "checks.report: Input should be 'exit' or 'names'"),
        ('report = "names"', "", "partial_credit needs checks.report"),
        ('["sh", "check.sh"]', "[]", "checks.command"),
        ('["sh", "check.sh"]', '"sh check.sh"', "checks.command: Input should be a valid array"),
        ('expected = ["sum.txt"]', "", "neither expected nor refusal_documents"),
        ("partial_credit", "refusal_expected", "refusal_expected needs refusal_documents"),
        ('"python"', '"a b"', ":2: language:"),
        ("[limits]", "[limits", "is no TOML"),
        ("seconds = 60", "seconds = 2026-01-01", "limits.seconds"),
    ],
)
def test_a_bad_field_is_named_with_its_line_and_what_to_do(tmp_path, old, new, said):
    folder = write_task(tmp_path, task_toml=TOML.replace(old, new))
    with pytest.raises(BadInput) as caught:
        load_task(folder)
    assert said in str(caught.value)
    assert caught.value.hint


def test_every_bad_field_is_in_the_error(tmp_path):
    toml = TOML.replace("title", "tittle").replace("[checks]", "[checks]\nretries = 3")
    with pytest.raises(RecordErrors) as caught:
        load_task(write_task(tmp_path, task_toml=toml))
    assert sorted(error.field for error in caught.value.errors) == ["checks.retries", "title", "tittle"]


def test_an_unknown_field_of_a_constraint_is_named_with_the_choices(tmp_path):
    toml = TOML + '[[expectations.constraints]]\nkind = "file-not-touched"\npatern = "a"\n'
    with pytest.raises(BadInput, match="constraints") as caught:
        load_task(write_task(tmp_path, task_toml=toml))
    said = [str(error) for error in caught.value.errors]
    wanted = "task.toml:19: expectations.constraints.0.patern: unknown field; did you mean 'pattern'?"
    assert any(wanted in line for line in said), said


@pytest.mark.parametrize("part", ["workdir", "checks", "solution", "instruction.md", "task.toml"])
def test_a_part_that_is_missing_is_named(tmp_path, part):
    folder = write_task(tmp_path)
    if (folder / part).is_dir():
        shutil.rmtree(folder / part)
    else:
        (folder / part).unlink()
    with pytest.raises(BadInput, match=part):
        load_task(folder)


def test_an_empty_instruction_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"instruction\.md is empty"):
        load_task(write_task(tmp_path, instruction_md="\n"))


def test_a_task_holds_no_links_and_no_history(tmp_path):
    folder = write_task(tmp_path)
    (folder / "workdir/link").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="no regular file"):
        load_task(folder)
    (folder / "workdir/link").unlink()
    (folder / "workdir/.git").mkdir()
    with pytest.raises(BadInput, match="fresh history"):
        load_task(folder)


def test_a_name_that_no_cell_id_can_hold_is_refused(tmp_path):
    folder = write_task(tmp_path)
    with pytest.raises(BadInput, match="is no name"):
        load_task(folder.rename(folder.parent / "two words"))


def test_an_image_and_a_dockerfile_exclude_each_other(tmp_path):
    toml = TOML + '\n[environment]\nimage = "a"\ndockerfile = "Dockerfile"\n'
    with pytest.raises(BadInput, match="exclude each other"):
        load_task(write_task(tmp_path, task_toml=toml))
    only = toml.replace('image = "a"\n', "")
    with pytest.raises(BadInput, match="does not exist"):
        load_task(write_task(tmp_path / "b", task_toml=only))


def test_tasks_are_found_by_category_and_name(tmp_path):
    folder = write_task(tmp_path / "one")
    (tmp_path / "one/made/notes.txt").write_text("no task")
    assert find_tasks([tmp_path / "one"]) == {"made/sum": folder}
    assert find_task("made/sum", [tmp_path / "one"]) == folder


def test_two_roots_with_the_same_task_conflict(tmp_path):
    roots = [tmp_path / "one", tmp_path / "two"]
    for root in roots:
        write_task(root)
    with pytest.raises(Conflict, match="made/sum lies in"):
        find_tasks(roots)
    assert len(find_tasks([roots[0], roots[0]])) == 1


def test_an_unknown_task_gets_the_nearest(tmp_path):
    write_task(tmp_path)
    with pytest.raises(UnknownName, match="did you mean 'made/sum'"):
        find_task("made/sun", [tmp_path])
    with pytest.raises(BadInput, match="is no folder"):
        find_tasks([tmp_path / "nowhere"])


def test_a_missing_toolchain_is_named(tmp_path):
    toml = TOML.replace('["python3"]', '["python3", "no-such-compiler"]')
    assert missing_toolchain(made_task(tmp_path, task_toml=toml)) == ["no-such-compiler"]


def test_the_digest_of_a_folder_is_what_its_documentation_says(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b").write_bytes(b"\0\xff")
    (tmp_path / "a-b").write_bytes(b"x")
    (tmp_path / "a-b").chmod(0o755)
    assert folder_digest(tmp_path) == blake3(b"a-b\0x\x001\0xa/b\0-\x002\0\0\xff").hexdigest()


def test_the_identity_holds_the_digest_of_each_part(tmp_path):
    task = made_task(tmp_path)
    said = identity(task)
    assert said.instruction_digest == blake3(FILES["instruction.md"].encode()).hexdigest()
    assert said.workdir_digest == folder_digest(task.folder / "workdir")
    assert said.checks_digest == folder_digest(task.folder / "checks")
    assert said.digest == folder_digest(task.folder)
    assert (said.language, said.private, said.expectations) == ("python", False, task.expectations)


def test_what_an_installer_leaves_behind_is_no_part_of_a_task(tmp_path):
    task = made_task(tmp_path)
    before = identity(task)
    (task.workdir / "__pycache__").mkdir()
    (task.workdir / "__pycache__/a.cpython-311.pyc").write_bytes(b"x")
    assert identity(task) == before


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 10_000), st.integers(1, 255))
def test_every_byte_of_a_task_is_in_its_digest(name, place, difference):
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_task(Path(scratch))
        before = folder_digest(folder)
        data = bytearray((folder / name).read_bytes())
        data[place % len(data)] ^= difference
        (folder / name).write_bytes(data)
        assert folder_digest(folder) != before


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.sampled_from(["mode", "rename", "remove", "add", "longer"]))
def test_a_name_a_mode_and_a_file_more_or_less_are_in_the_digest(name, what):
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_task(Path(scratch))
        before, path = folder_digest(folder), folder / name
        if what == "mode":
            path.chmod(0o755)
        elif what == "rename":
            path.rename(path.with_name(path.name + "x"))
        elif what == "remove":
            path.unlink()
        elif what == "add":
            path.with_name("new").touch()
        else:
            os.truncate(path, path.stat().st_size + 1)
        assert folder_digest(folder) != before


parts = st.tuples(st.text("ab/", min_size=1, max_size=3), st.booleans(), st.binary(max_size=4))


@given(st.lists(parts, max_size=4), st.lists(parts, max_size=4))
def test_two_lists_of_files_never_share_a_digest(first, second):
    assert (digest_of(first) == digest_of(second)) == (first == second)
