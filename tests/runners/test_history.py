"""Commits of a foreign repository are read exactly, and nothing of it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchledger.runners.history import opened
from benchledger.schema.errors import BadInput, UsageError
from tests.runners.repos import FIXED, MESSAGE, Repo, everything, sum_repo


def read(where, name):
    """Return (commit, parent, path -> bytes of the commit)."""
    with opened(where) as repository:
        commit = repository.commit(name)
        items = repository.items(commit)
        data = repository.contents([item for item in items.values() if item.odd is None])
        return commit, repository.parent(commit), dict(data)


@pytest.mark.parametrize("options", [(), ("--object-format=sha256",)])
def test_a_commit_is_read_with_its_parent_and_its_files(tmp_path, options):
    repo, fix = sum_repo(tmp_path / "repo", *options)
    commit, parent, data = read(repo.folder / "src", fix)
    assert (commit.oid, commit.parents) == (fix, (parent.oid,))
    assert commit.message.strip() == MESSAGE.strip()
    assert commit.people[:2] == ("Ann Author", "ann@example.org")
    assert data["src/sum.sh"] == FIXED.encode()
    assert sorted(data) == ["README.md", "src/sum.sh", "tests/test_sum.sh"]


def test_short_ids_branches_tags_and_relative_names_are_read_as_well(tmp_path):
    repo, fix = sum_repo(tmp_path / "repo")
    repo.git("tag", "-a", "v1", "-m", "one", fix)
    assert {read(repo.folder, name)[0].oid for name in (fix[:7], "main~1", "HEAD^", "v1", fix.upper())} == {
        fix
    }


@pytest.mark.parametrize("kind", ["bare", "worktree", "shared"])
def test_repositories_of_other_shapes_are_read(tmp_path, kind):
    repo, fix = sum_repo(tmp_path / "repo")
    where = tmp_path / "other here"
    made = {
        "bare": ("clone", "--quiet", "--bare"),
        "shared": ("clone", "--quiet", "--shared"),
    }
    if kind == "worktree":
        repo.git("worktree", "add", "--quiet", "-b", "other", str(where))
    else:
        repo.git(*made[kind], str(repo.folder), str(where))
    assert read(where, fix)[0].oid == fix


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("0123456789", "names no commit"),
        ("nowhere", "'nowhere' names no commit"),
        ("--help", "'--help' names no commit"),
        ("HEAD:README.md", "names no commit"),
        ("", "'' names no commit"),
    ],
)
def test_a_name_that_is_no_commit_is_refused_with_the_next_step(tmp_path, name, said):
    repo, _ = sum_repo(tmp_path / "repo")
    with pytest.raises(UsageError, match=said) as caught:
        read(repo.folder, name)
    assert caught.value.hint == "`git log` there lists its commits"


def test_where_there_is_no_repository_that_is_said(tmp_path):
    with pytest.raises(UsageError, match="is no git repository that can be read") as caught:
        read(tmp_path, "HEAD")
    assert "--repo" in caught.value.hint
    with pytest.raises(UsageError, match="none is no folder"):
        read(tmp_path / "none", "HEAD")


def test_a_root_a_merge_and_a_shallow_clone_have_no_one_parent(tmp_path):
    repo, fix = sum_repo(tmp_path / "repo")
    with pytest.raises(BadInput, match="has no parent, so there is no state before it"):
        read(repo.folder, "HEAD~2")
    repo.git("checkout", "--quiet", "-b", "side", fix)
    repo.commit({"b": "b\n"})
    repo.git("merge", "--quiet", "--no-edit", "main")
    with pytest.raises(BadInput, match="is a merge of 2 commits; name the commit of the fix itself"):
        read(repo.folder, "HEAD")
    repo.git(
        "clone", "--quiet", "--depth=1", "--branch=main", f"file://{repo.folder}", str(tmp_path / "shallow")
    )
    with pytest.raises(BadInput, match="the clone is shallow; `git fetch --unshallow` there"):
        read(tmp_path / "shallow", "HEAD")


def test_a_clone_without_its_files_is_named_and_nothing_is_fetched(tmp_path):
    repo, fix = sum_repo(tmp_path / "repo")
    repo.git("config", "uploadpack.allowFilter", "true")
    where = tmp_path / "partial"
    repo.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{repo.folder}", str(where))
    before = everything(where)
    with pytest.raises(BadInput, match="the clone is not complete; `git fetch --refetch` there"):
        read(where, fix)
    assert everything(where) == before


def test_nothing_that_a_repository_says_is_run_and_nothing_in_it_changes(tmp_path):
    repo, fix = sum_repo(tmp_path / "repo")
    mark = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "diff.external", "gpg.program",
                 "diff.x.textconv", "filter.x.smudge", "filter.x.process", "core.alternateRefsCommand",
                 "uploadpack.packObjectsHook", "alias.rev-parse", "alias.cat-file"):  # fmt: skip
        repo.git("config", name, str(program))
    repo.git("config", "core.hooksPath", str(tmp_path))
    repo.git("config", "extensions.partialClone", "origin")
    repo.git("config", "remote.origin.url", f"ext::{program}")
    repo.git("config", "remote.origin.promisor", "true")
    (repo.folder / ".gitattributes").write_text("* filter=x diff=x\n")
    (repo.folder / "README.md").write_text("dirty\n")
    (repo.folder / ".git/hooks").mkdir(exist_ok=True)
    for hook in ("post-checkout", "reference-transaction", "pre-commit"):
        (repo.folder / ".git/hooks" / hook).write_bytes(program.read_bytes())
        (repo.folder / ".git/hooks" / hook).chmod(0o755)
    before = everything(repo.folder)
    assert read(repo.folder, fix)[2]["README.md"] == b"Sums.\n"
    assert read(repo.folder, "main~1")[0].oid == fix
    for name in ("f" * 40, "f" * 40 + "^0", "no-such"):
        with pytest.raises(UsageError):
            read(repo.folder, name)
    assert everything(repo.folder) == before
    assert not mark.exists()


def test_replacements_and_grafts_do_not_change_what_was_committed(tmp_path):
    repo, fix = sum_repo(tmp_path / "repo")
    repo.git("replace", fix, "main")
    assert read(repo.folder, fix)[2]["README.md"] == b"Sums.\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away: run the tests as root")
def test_a_repository_of_another_owner_is_read(tmp_path):
    repo, fix = sum_repo(tmp_path / "repo")
    for path in (repo.folder, *repo.folder.rglob("*")):
        os.chown(path, 12345, 12345)
    assert read(repo.folder, "main~1")[0].oid == fix


def test_messages_in_another_encoding_and_odd_entries_are_told_apart(tmp_path):
    repo = Repo(tmp_path / "repo")
    repo.commit({"a.txt": "a\n"})
    repo.git("config", "i18n.commitEncoding", "ISO-8859-1")
    (repo.folder / "message").write_bytes("Pr\u00e9cis".encode("latin-1"))
    (repo.folder / "link").symlink_to("a.txt")
    Path(os.fsdecode(os.fsencode(repo.folder) + b"/caf\xe9")).write_text("x")
    (repo.folder / "two\nlines").write_text("x")
    (repo.folder / "run.sh").write_text("true\n")
    (repo.folder / "run.sh").chmod(0o755)
    repo.git("add", "--all")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'HEAD')},module")
    repo.git("commit", "--quiet", "-F", "message")
    with opened(repo.folder) as repository:
        commit = repository.commit("HEAD")
        items = repository.items(commit)
    assert commit.message.strip() == "Précis"
    odd = {path: item.odd for path, item in items.items() if item.odd}
    assert odd == {
        "link": "a symbolic link",
        "module": "a submodule",
        "caf\udce9": "a name that is not printable UTF-8",
        "two\nlines": "a name that is not printable UTF-8",
    }
    assert items["run.sh"].executable
