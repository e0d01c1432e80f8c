"""Archives that lie, and folders copied both ways."""

from __future__ import annotations

import io
import os
import tarfile

import pytest

from benchledger.runners.sandboxes.archive import add_tree, unpack
from benchledger.runners.sandboxes.trees import copy_tree, replacing
from benchledger.schema.errors import SandboxFailed


def archived(*members):
    """Return an archive of (name, type, link or bytes)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content
                tar.addfile(info)
    file.seek(0)
    return file


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", ["work/../../evil", "/evil", "work/a/../../../evil"])
def test_a_name_that_leads_out_is_left_out(target, tmp_path, name):
    result = unpack(archived((name, tarfile.REGTYPE, b"evil")), target, 1000)
    assert result.skipped == [name]
    assert [path.name for path in tmp_path.rglob("*")] == ["target"]


def test_a_file_below_a_link_is_never_written_through_it(target, tmp_path):
    (tmp_path / "outside").mkdir()
    members = [
        ("work/link", tarfile.SYMTYPE, "../outside"),
        ("work/link/file", tarfile.REGTYPE, b"evil"),
    ]
    with pytest.raises((SandboxFailed, OSError)):
        unpack(archived(*members), target, 1000)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_hard_link_to_outside_copies_nothing(target, tmp_path):
    (tmp_path / "secret").write_text("canary")
    result = unpack(archived(("work/a", tarfile.LNKTYPE, "work/../../secret")), target, 1000)
    assert result.skipped == ["a"]
    assert list(target.iterdir()) == []


def test_a_hard_link_to_a_link_does_not_read_through_it(target, tmp_path):
    (tmp_path / "secret").write_text("canary")
    members = [("work/l", tarfile.SYMTYPE, "../secret"), ("work/a", tarfile.LNKTYPE, "work/l")]
    unpack(archived(*members), target, 1000)
    assert not (target / "a").exists()


def test_devices_and_pipes_are_left_out(target):
    members = [("work/dev", tarfile.CHRTYPE, ""), ("work/pipe", tarfile.FIFOTYPE, "")]
    assert unpack(archived(*members), target, 1000).skipped == ["work/dev", "work/pipe"]


def test_files_beyond_the_cap_stay_out_and_the_rest_comes(target):
    members = [("work/big", tarfile.REGTYPE, b"x" * 900), ("work/small", tarfile.REGTYPE, b"y" * 90)]
    result = unpack(archived(*members), target, 100)
    assert result.beyond_cap
    assert [path.name for path in target.iterdir()] == ["small"]


def test_half_an_archive_is_a_failed_sandbox(target):
    file = archived(("work/a", tarfile.REGTYPE, b"x" * 5000))
    with pytest.raises(SandboxFailed, match="whole"):
        unpack(io.BytesIO(file.getvalue()[:3000]), target, 10_000)


def folder_of_all_kinds(root):
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/run").write_text("#!/bin/sh\n")
    (root / "a/b/run").chmod(0o6755)
    (root / "link").symlink_to("/etc/passwd")
    (root / "up").symlink_to("../..")
    os.mkfifo(root / "pipe")
    return {"a", "a/b", "a/b/run", "link", "up"}


def seen(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def test_a_folder_travels_as_an_archive_without_what_is_no_file(tmp_path, target):
    source = tmp_path / "source"
    source.mkdir()
    expected = folder_of_all_kinds(source)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        add_tree(tar, source, "work", 1000)
    file.seek(0)
    unpack(file, target, 1000)
    assert seen(target) == expected
    assert (target / "a/b/run").stat().st_mode & 0o7777 == 0o755


def test_a_copied_folder_has_links_as_links_and_no_set_id_bits(tmp_path, target):
    source = tmp_path / "source"
    source.mkdir()
    expected = folder_of_all_kinds(source)
    assert copy_tree(source, target, (-1, -1)).skipped == ["pipe"]
    assert seen(target) == expected
    assert str((target / "link").readlink()) == "/etc/passwd"
    assert (target / "a/b/run").stat().st_mode & 0o7777 == 0o755


def test_a_folder_is_replaced_whole_or_not_at_all(target, tmp_path):
    (target / "old").write_text("old")
    with pytest.raises(FileNotFoundError), replacing(target) as fresh:
        (fresh / "half" / "made").mkdir()
    assert seen(tmp_path) == {"target", "target/old"}
    with replacing(target) as fresh:
        (fresh / "new").write_text("new")
    assert seen(tmp_path) == {"target", "target/new"}
