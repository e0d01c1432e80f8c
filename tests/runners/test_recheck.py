"""What an agent left is made again from patch and manifest: exactly, or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.runners.files import folder_digest
from benchledger.runners.recheck import checks_sandbox, rebuild, recheck, task_of
from benchledger.runners.sandboxes.local import Local
from benchledger.runners.scaffold import new_task
from benchledger.runners.task import Task, load_task
from benchledger.runners.workdir import capture, make_workdir
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import CannotRecheck, EnvironmentLacks, SandboxFailed
from benchledger.schema.events import AgentIdentity, CellSetup
from benchledger.schema.task import Limits, TaskIdentity

names = st.sampled_from(
    ["a", "b.txt", "dir/c", "dir/ü", "x y", 'q"t', "back\\slash", "tab\tname", "dir/deep/e"]
)
pieces = st.sampled_from(["one", "two\r", "", "--- a/x", "@@ -1 +1 @@", "\\", "$Id$", "\0\1", "# a: file: x"])
texts = st.builds(
    lambda found, end: ("\n".join(found) + end).encode(),
    st.lists(pieces, max_size=8),
    st.sampled_from(["", "\n"]),
)
attributes = st.sampled_from(["", "* text eol=crlf ident\n", "* -text\n", "* binary\n"])
starts = st.dictionaries(
    st.sampled_from(["a", "b.txt", "dir/c", "dir/deep/e"]),
    st.tuples(texts, st.sampled_from(["file", "program"])),
    max_size=4,
)
states = st.dictionaries(names, st.tuples(texts, st.sampled_from(["file", "program", "link"])), max_size=6)


def write(folder: Path, wanted: dict[str, tuple[bytes, str]], said: str = "") -> None:
    for name, (content, kind) in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to("somewhere/else")
            continue
        path.write_bytes(content)
        path.chmod(0o755 if kind == "program" else 0o644)
    if said:
        (folder / ".gitattributes").write_text(said)


def contents(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        if ".git" in path.relative_to(folder).parts:
            continue
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def task_with(place: Path, start: dict[str, tuple[bytes, str]], said: str = "") -> Task:
    """Return a task whose workdir holds `start`, links left out, for a task has none."""
    folder = new_task(place, "mine/one", "python")
    task = load_task(folder)
    write(
        task.workdir,
        {name: (content, kind) for name, (content, kind) in start.items() if kind != "link"},
        said,
    )
    return load_task(folder)


def left(task: Task, work: Path, end: dict[str, tuple[bytes, str]], said: str = "") -> tuple[bytes, bytes]:
    """Let an agent leave `end` in a workdir; return patch and manifest of it."""
    before = make_workdir(task, work)
    for path in sorted(work.rglob("*"), reverse=True):
        if ".git" not in path.relative_to(work).parts:
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    write(work, end, said)
    found = capture(before, work)
    return found.patch, found.manifest


@settings(max_examples=25, deadline=None)
@given(starts, states, attributes, attributes)
def test_what_an_agent_left_is_made_again_to_the_byte(start, end, first, second):
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        task = task_with(place / "tasks", start, first)
        recorded = left(task, place / "work", end, second)
        rebuild(task, *recorded, place / "again")
        again, work = contents(place / "again"), contents(place / "work")
        links = {name: None for name, found in work.items() if isinstance(found, str)}
        assert again | links == work | links


@pytest.fixture
def made(tmp_path):
    task = task_with(tmp_path / "tasks", {"a": (b"1\n", "file"), "big": (b"\0" * 10, "file")})
    return task, left(task, tmp_path / "work", {"a": (b"2\n", "file"), "new": (b"\0\1\2", "program")})


def refused(task: Task, patch: bytes, manifest: bytes, place: Path) -> str:
    with pytest.raises(CannotRecheck) as caught:
        rebuild(task, patch, manifest, place)
    return str(caught.value)


def test_a_patch_that_gives_other_bytes_than_the_manifest_is_refused(made, tmp_path):
    task, (patch, manifest) = made
    said = refused(task, patch.replace(b"+2\n", b"+3\n"), manifest, tmp_path / "again")
    assert said.startswith("the patch does not give a as the manifest has it")


def test_a_masked_patch_is_named_as_one(made, tmp_path):
    task, (patch, manifest) = made
    said = refused(task, patch.replace(b"+2\n", b"+[masked:KEY]\n"), manifest, tmp_path / "again")
    assert "a secret in it was masked" in said


def test_a_patch_that_was_cut_is_refused(made, tmp_path):
    task, (patch, manifest) = made
    said = refused(task, patch[: patch.index(b"GIT binary patch") + 30], manifest, tmp_path / "again")
    assert said.startswith(("git cannot apply its patch", "the patch does not give"))
    assert "the patch does not give" in refused(task, b"", manifest, tmp_path / "empty")


def test_a_patch_of_another_start_is_refused(made, tmp_path):
    task, recorded = made
    (task.workdir / "a").write_text("another\n")
    assert refused(task, *recorded, tmp_path / "again").startswith("git cannot apply its patch")


def test_content_that_was_not_recorded_is_named(tmp_path):
    task = task_with(tmp_path / "tasks", {})
    recorded = left(task, tmp_path / "work", {"archive.zip": (b"PK\x03\x04\0", "file")})
    said = refused(task, *recorded, tmp_path / "again")
    assert said.startswith("the content of archive.zip was not recorded: no text to show")


def test_pipes_are_never_graded_and_need_not_be_made_again(tmp_path):
    task = task_with(tmp_path / "tasks", {"a": (b"1\n", "file")})
    before = make_workdir(task, tmp_path / "work")
    (tmp_path / "work/a").unlink()
    os.mkfifo(tmp_path / "work/a")
    os.mkfifo(tmp_path / "work/b")
    found = capture(before, tmp_path / "work")
    rebuild(task, found.patch, found.manifest, tmp_path / "again")
    assert "a" not in contents(tmp_path / "again")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"notes": ["more than 50000 new files, the rest is left out"]}, "its workdir was not wholly read"),
        ({"notes": [".git: something"]}, None),
    ],
)
def test_a_workdir_that_was_not_wholly_read_is_refused(made, tmp_path, change, said):
    task, (patch, manifest) = made
    told = canonical_bytes(json.loads(manifest) | change)
    if said is None:
        rebuild(task, patch, told, tmp_path / "again")
    else:
        assert refused(task, patch, told, tmp_path / "again").startswith(said)


def test_a_name_that_may_be_another_one_is_refused(tmp_path):
    task = task_with(tmp_path / "tasks", {})
    before = make_workdir(task, tmp_path / "work")
    (tmp_path / "work" / os.fsdecode(b"\xff")).write_bytes(b"1\n")
    found = capture(before, tmp_path / "work")
    assert "is no UTF-8" in refused(task, found.patch, found.manifest, tmp_path / "again")


def setup_of(ran: Task, **changed: object) -> CellSetup:
    told = {"task": TaskIdentity(digest=folder_digest(ran.folder)), "sandbox": "local", **changed}
    return CellSetup(
        cell_id="s/a/m/mine/one#run1", agent=AgentIdentity(name="a"), model="m", mode="live", **told
    )


def test_a_task_of_another_content_is_refused_with_both_digests(made):
    task, _ = made
    root = task.folder.parents[1]
    setup = setup_of(task)
    assert task_of(setup, "mine/one", [root]).folder == task.folder
    (task.folder / "instruction.md").write_text("Do something else.\n")
    with pytest.raises(CannotRecheck) as caught:
        task_of(setup, "mine/one", [root])
    assert str(setup.task.digest) in str(caught.value)
    assert folder_digest(task.folder) in str(caught.value)
    assert "--tasks" in caught.value.hint
    with pytest.raises(CannotRecheck, match="task mine/one is not here; name the folder"):
        task_of(setup, "mine/one", [])
    with pytest.raises(CannotRecheck, match="names no digest"):
        task_of(setup_of(task, task=TaskIdentity()), "mine/one", [root])


def test_a_sandbox_that_breaks_is_no_verdict(made, monkeypatch):
    task, recorded = made

    def breaks(*_: object) -> None:
        raise SandboxFailed("the disk is gone")

    monkeypatch.setattr(Local, "run", breaks)
    with pytest.raises(EnvironmentLacks, match="see that the sandbox works, then recheck again"):
        list(recheck(task, recorded, Local, Limits(seconds=5)))


def test_the_sandbox_is_that_of_the_cell_unless_another_is_named(made):
    task, _ = made
    assert checks_sandbox(setup_of(task), task)[0] == "local"
    assert checks_sandbox(setup_of(task, sandbox="run-cell"), task, "local")[0] == "local"
