"""The git history that an agent is given, and what it did to it.

git is never run in a repository that an agent could write to: its configuration names
programs to run. Counting commits therefore reads a copy of objects and refs alone.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchledger.runners.scan import Entry, scan
from benchledger.runners.tree import Bounds, walk
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["commit_all", "git", "git_entries", "git_environment", "has_history", "new_commits", "unusual"]

BRANCH = "main"
_WHO = "benchledger"
_MAIL = "benchledger@localhost"
_WHEN = "2026-01-01T00:00:00Z"  # fixed, so that the same task has the same commit everywhere
_SECONDS = 60
_CONFIG = f"""\
[user]
\tname = {_WHO}
\temail = {_MAIL}
[core]
\tautocrlf = false
[commit]
\tgpgsign = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""
_BOUNDS = Bounds(files=20_000)

# What git itself writes below .git in everyday use; all else was put there by somebody.
_ORDINARY = re.compile(
    r"index(\.lock)?|HEAD|ORIG_HEAD|FETCH_HEAD|AUTO_MERGE|[A-Z]+_(HEAD|MSG|EDITMSG|MODE|RR)|packed-refs"
    r"|gc\.(log|pid)|info/refs|logs/.+|refs/(heads|tags)/.+|refs/stash"
    r"|objects/([0-9a-f]{2}/[0-9a-f]{38}|pack/(pack|multi-pack-index)[^/]*|info/(packs|commit-graph))"
)
_COPIED = re.compile(r"HEAD|packed-refs|refs/.+|objects/([0-9a-f]{2}|pack)/[^/]+")


def git_environment(home: Path) -> dict[str, str]:
    """Return an environment in which git knows nothing of the user, the system or a caller's repository."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",  # older gits know no GIT_NO_LAZY_FETCH
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        **{f"GIT_{role}_NAME": _WHO for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": _MAIL for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_DATE": _WHEN for role in ("AUTHOR", "COMMITTER")},
    }


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run git on a folder of ours, apart from all configuration; raises EnvironmentLacks without git."""
    with tempfile.TemporaryDirectory(prefix="benchledger-git-") as home:
        try:
            return subprocess.run(
                ["git", *arguments],
                cwd=folder,
                env=git_environment(Path(home)),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_SECONDS,
            )
        except FileNotFoundError as error:
            raise EnvironmentLacks("git is not installed", "install git") from error


def commit_all(folder: Path) -> str:
    """Make `folder` a repository of one commit that holds every file; return the commit's id (hex).

    No template, so no hooks. The identity is in its configuration, as an agent may want to commit;
    nothing runs in the background after that.
    """
    _must(folder, "init", "--quiet", "--template=", f"--initial-branch={BRANCH}")
    with (folder / ".git/config").open("a", encoding="utf-8") as config:
        config.write(_CONFIG)
    # Files lie in the workdir as they were committed somewhere, and that is what is added: an encoding that
    # .gitattributes names would be that of a working tree, and git would fail to read it back.
    attributes = folder / ".git/info/attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("* !working-tree-encoding\n", encoding="utf-8")
    _must(folder, "add", "--all", "--force", ".")
    attributes.unlink()
    attributes.parent.rmdir()
    _must(folder, "commit", "--quiet", "--no-verify", "--allow-empty", "--message=Start")
    return _must(folder, "rev-parse", "HEAD").decode().strip()


def _must(folder: Path, *arguments: str) -> bytes:
    done = git(folder, *arguments)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise EnvironmentLacks(f"git {arguments[0]} failed: {said}", "git 2.28 or later is needed")
    return done.stdout


def has_history(folder: Path) -> bool:
    """Return whether `folder` and the .git in it are folders, not links to some."""
    try:
        return all(stat.S_ISDIR(os.lstat(path).st_mode) for path in (folder, folder / ".git"))
    except OSError:
        return False


def git_entries(folder: Path, notes: list[str]) -> dict[str, Entry]:
    """Return what lies below `folder`/.git; empty where that is no folder of its own."""
    if not has_history(folder):
        return {}
    found = scan(folder / ".git", _BOUNDS)
    notes += [f".git: {note}" for note in found.notes]
    return found.entries


def unusual(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> list[str]:
    """Return what changed below .git beyond what git itself writes there, sorted: hooks, config, strays."""
    if before and not after:
        return [".git"]
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    return sorted(path for path in changed if not _ORDINARY.fullmatch(path) or _odd(after.get(path)))


def _odd(entry: Entry | None) -> bool:
    return entry is not None and entry.kind != "file"


def new_commits(folder: Path, base: str) -> int | None:
    """Return how many commits any ref or HEAD of `folder` reaches beyond `base`; None if it cannot be told."""
    with tempfile.TemporaryDirectory(prefix="benchledger-git-") as scratch:
        copy = Path(scratch) / "copy.git"
        _must(
            Path(scratch), "init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}", str(copy)
        )
        if not has_history(folder) or not _copy_history(folder / ".git", copy):
            return None
        known = git(copy, "cat-file", "-e", f"{base}^{{commit}}").returncode == 0
        try:
            listed = git(copy, "rev-list", "--count", "--all", "HEAD", *([f"^{base}"] if known else []))
        except subprocess.TimeoutExpired:
            return None
        return int(listed.stdout) if listed.returncode == 0 else None


def _copy_history(source: Path, target: Path) -> bool:
    """Copy objects and refs, regular files only; return whether all of it was there and could be read."""
    left, notes = _BOUNDS.hashed, list[str]()
    wanted = ("HEAD", "packed-refs", "refs", "objects")
    copied = 0
    for found in walk(source, _BOUNDS, notes, lambda path: path.split("/")[0] not in wanted):
        if found.kind != "file" or not _COPIED.fullmatch(found.path):
            continue
        left -= found.size
        copied += 1
        if left < 0 or copied > _BOUNDS.files:
            return False
        place = target / found.path
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.write_bytes(b"".join(found.read(found.size)))
        except OSError:
            return False
    return copied > 0 and not notes
