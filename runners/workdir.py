"""The folder that an agent works in: made fresh, recorded before, captured after.

What an agent leaves is read as what a stranger left: links are not followed, pipes not
opened, sizes bounded, its git not run (tree.py, gitdir.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchledger.runners.files import files_of
from benchledger.runners.gitdir import commit_all, git_entries, new_commits, unusual
from benchledger.runners.patch import Side, make_patch
from benchledger.runners.scan import Entry, Scan, scan
from benchledger.runners.task import Task
from benchledger.runners.tree import Bounds
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import UsageError
from benchledger.schema.task import Changes

__all__ = ["Snapshot", "WorkdirCapture", "capture", "lay_over", "make_workdir", "snapshot", "take_away"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A workdir at one moment: entries and small contents by path, what lies below .git, the commit.

    `commit` is that of the fresh history (hex), None where there is no history of ours.
    """

    entries: Mapping[str, Entry]
    contents: Mapping[str, bytes]
    git: Mapping[str, Entry]
    commit: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkdirCapture:
    """What an attempt left in its workdir.

    `git_changes` are paths below .git that git itself does not write; `new_commits` is None
    where the history is gone or cannot be read. `patch` is in git's form, `manifest` is
    canonical JSON of every path at the end. `notes` say what was not or not wholly read.
    """

    changes: Changes
    new_commits: int | None
    git_changes: tuple[str, ...]
    patch: bytes
    manifest: bytes
    notes: tuple[str, ...] = ()


def make_workdir(task: Task, target: Path) -> Snapshot:
    """Copy the task's workdir to `target`, which must not exist or be empty, with a one-commit history.

    The same task gives the same commit id on every machine, and no earlier state from which a
    fix could be read. Returns the snapshot to hand to `capture`.
    """
    if target.is_symlink() or (target.exists() and any(target.iterdir())):
        raise UsageError(f"{target} is not empty", "name a folder that does not exist yet")
    target.mkdir(parents=True, exist_ok=True)
    lay_over(task.workdir, target)
    return snapshot(target, commit_all(target))


def lay_over(source: Path, target: Path) -> list[str]:
    """Copy the files of a task's folder over `target`; whatever stands in their way goes.

    Returns the paths that were written, relative to `target`. Links below `target` are not followed.
    """
    written = []
    for name, path in files_of(source):
        place = target / name
        for parent in reversed(place.relative_to(target).parents[:-1]):
            above = target / parent
            if above.is_symlink() or not above.is_dir():
                above.unlink(missing_ok=True)
                above.mkdir()
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        place.write_bytes(path.read_bytes())
        place.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        written.append(name)
    return written


def take_away(names: Iterable[str], target: Path) -> None:
    """Remove `names` below `target`, whatever they are there, and the folders that are empty then.

    Links below `target` are not followed; what is gone already is no error.
    """
    for name in names:
        place = target / name
        above = [target / parent for parent in place.relative_to(target).parents[:-1]]
        if any(folder.is_symlink() or not folder.is_dir() for folder in above):
            continue
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        for folder in above:
            if any(folder.iterdir()):
                break
            folder.rmdir()


def snapshot(folder: Path, commit: str | None = None, bounds: Bounds | None = None) -> Snapshot:
    """Record what `folder` holds now, ignored files included, and what lies below its .git.

    Take it after the last step of preparation: whatever comes later counts as the agent's.
    """
    found = _scan(folder, bounds or Bounds(), None)
    notes = found.notes
    return Snapshot(found.entries, found.contents, git_entries(folder, notes), commit, tuple(notes))


def _scan(folder: Path, bounds: Bounds, before: Snapshot | None) -> Scan:
    known: Mapping[str, Entry] = {} if before is None else before.entries

    def differs(path: str, digest: str) -> bool:
        return path not in known or known[path].digest != digest

    return scan(folder, bounds, lambda path: path == ".git", differs, known)


def capture(
    before: Snapshot,
    folder: Path,
    bounds: Bounds | None = None,
    withheld: Callable[[bytes], bool] = lambda _content: False,
) -> WorkdirCapture:
    """Return what changed in `folder` since `before`, whatever state it was left in; never raises for it.

    `withheld` says of a binary content that the patch must not hold it. Call it when no process of
    the agent is alive any more.
    """
    found = _scan(folder, bounds or Bounds(), before)
    changes = _changes(before.entries, found.entries)
    git_notes: list[str] = []
    changed_git = unusual(before.git, git_entries(folder, git_notes))
    if not before.git and os.path.lexists(folder / ".git"):
        changed_git = [".git"]
    commits = None if before.commit is None else new_commits(folder, before.commit)
    notes = [*found.notes, *git_notes]
    if before.commit is not None and commits is None:
        notes.append("the history is gone or cannot be read, so new commits are not known")
    patch = make_patch(
        Side(before.entries, before.contents),
        Side(found.entries, _contents(before, found)),
        changes.all,
        withheld=withheld,
    )
    manifest = _manifest(found, changed_git, notes)
    return WorkdirCapture(changes, commits, tuple(changed_git), patch, manifest, tuple(notes))


def _contents(before: Snapshot, found: Scan) -> dict[str, bytes]:
    # Kept are only contents that differ: a file whose mode alone changed has the content that it had.
    same = (path for path in found.entries if path in before.contents)
    old = {
        path: before.contents[path]
        for path in same
        if _same_content(before.entries[path], found.entries[path])
    }
    return old | found.contents


def _same_content(old: Entry, new: Entry) -> bool:
    return (old.kind, old.digest, old.size) == (new.kind, new.digest, new.size)


def _changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> Changes:
    both = sorted(set(before) & set(after))
    modified = [path for path in both if _differ(before[path], after[path])]
    return Changes(
        added=tuple(sorted(set(after) - set(before))),
        removed=tuple(sorted(set(before) - set(after))),
        modified=tuple(modified),
        emptied=tuple(path for path in modified if before[path].size > 0 and after[path].size == 0),
    )


def _differ(old: Entry, new: Entry) -> bool:
    # Of the mode only what git keeps: a umask or an owner is no change.
    return (old.kind, old.digest, old.size, old.mode & 0o100) != (
        new.kind,
        new.digest,
        new.size,
        new.mode & 0o100,
    )


def _manifest(found: Scan, git_changes: list[str], notes: list[str]) -> bytes:
    files: dict[str, dict[str, Any]] = {}
    for path, entry in found.entries.items():
        files[path] = {"kind": entry.kind, "digest": entry.digest, "size": entry.size, "mode": entry.mode}
        if entry.cut:
            files[path]["cut"] = True
    return canonical_bytes({"files": files, "git_changes": git_changes, "notes": notes})
