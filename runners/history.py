"""Reads commits of anybody's git repository, and runs nothing of it.

Only what names a commit is asked in the repository itself. Trees and files are read in an empty repository
of ours that borrows its objects: none of its configuration, hooks, attributes, replacements or grafts
counts there, and nothing is fetched. What is not committed is not seen.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchledger.runners.gitdir import git, git_environment
from benchledger.runners.patch import quoted
from benchledger.schema.errors import BadInput, UsageError

__all__ = ["Commit", "Item", "Repository", "opened"]

_HEX = re.compile(r"[0-9a-f]{4,64}", re.IGNORECASE)
_REGULAR = {"100644": False, "100664": False, "100755": True}
_ANY_OWNER = ("-c", "safe.directory=*")  # it is read, whoever owns it


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `people` are the names and addresses of author and committer."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    message: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a tree. `path` holds bytes that are no UTF-8 as surrogates."""

    path: str
    mode: str
    oid: str
    size: int

    @property
    def executable(self) -> bool:
        return _REGULAR.get(self.mode, False)

    @property
    def odd(self) -> str | None:
        """Return why no task can hold it, None where it is a regular file with a plain name."""
        if self.mode not in _REGULAR:
            return {"120000": "a symbolic link", "160000": "a submodule"}.get(self.mode, "no regular file")
        if not self.path.isprintable():  # nor is a surrogate
            return "a name that is not printable UTF-8"
        if "__pycache__" in self.path.split("/") or self.path.endswith(".pyc"):
            return "compiled Python"
        return None


class Repository:
    """A repository whose commits can be read."""

    def __init__(self, place: Path, where: Path, name: str, *, shallow: bool) -> None:
        """`place` is our repository that borrows the objects of the one of that name in the folder `where`."""
        self._place, self._where, self.name, self._shallow = place, where, name, shallow

    def commit(self, name: str) -> Commit:
        """Return what `name` (a commit id, a branch, a tag) names; raises UsageError where it is no commit."""
        asked = name
        if not _HEX.fullmatch(name):
            done = git(self._where, *_ANY_OWNER, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
            asked = done.stdout.decode().strip() if done.returncode == 0 else ""
        done = git(self._place, "rev-parse", "--verify", "--end-of-options", f"{asked}^{{commit}}")
        if not asked or done.returncode != 0:
            ambiguous = b"ambiguous" in done.stderr
            raise UsageError(
                f"{name!r} names {'several objects' if ambiguous else 'no commit'} in {self._where}",
                "give more of its digits" if ambiguous else "`git log` there lists its commits",
            )
        return self._read(done.stdout.decode().strip())

    def _read(self, oid: str) -> Commit:
        raw = git(self._place, "cat-file", "commit", oid).stdout
        head, _, body = raw.partition(b"\n\n")
        said = [line.partition(b" ")[::2] for line in head.split(b"\n") if not line.startswith(b" ")]
        one = {key.decode("ascii", "replace"): value for key, value in said}
        encoding = one.get("encoding", b"utf-8").decode("ascii", "replace")
        people = [
            each.strip()
            for key in ("author", "committer")
            for each in re.split(r"[<>]", _decoded(one.get(key, b""), encoding))[:2]
        ]
        return Commit(
            oid=oid,
            tree=one["tree"].decode(),
            parents=tuple(value.decode() for key, value in said if key == b"parent"),
            message=_decoded(body, encoding),
            people=tuple(dict.fromkeys(each for each in people if each)),
        )

    def parent(self, commit: Commit) -> Commit:
        """Return the one parent; raises BadInput where there is none, where it is not there, or several are."""
        short = commit.oid[:12]
        if not commit.parents:
            raise BadInput(f"{short} has no parent, so there is no state before it", "name a later commit")
        if len(commit.parents) > 1:
            raise BadInput(
                f"{short} is a merge of {len(commit.parents)} commits", "name the commit of the fix itself"
            )
        (oid,) = commit.parents
        if git(self._place, "cat-file", "-e", oid).returncode != 0:
            raise self._lacks(f"the parent of {short}")
        return self._read(oid)

    def _lacks(self, what: str) -> BadInput:
        hint = "`git fetch --unshallow` there" if self._shallow else "`git fetch --refetch` there"
        kind = "shallow" if self._shallow else "not complete"
        return BadInput(f"{what} is not in {self._where}: the clone is {kind}", hint)

    def items(self, commit: Commit) -> dict[str, Item]:
        """Return path -> entry of the whole tree of a commit."""
        done = git(self._place, "ls-tree", "-r", "-z", "--long", "--full-tree", commit.tree)
        if done.returncode != 0:
            raise self._lacks(f"a part of {commit.oid[:12]}")
        found = {}
        for line in done.stdout.split(b"\0")[:-1]:
            told, _, path = line.partition(b"\t")
            mode, _, oid, size = told.decode("ascii").split()
            if size == "BAD":
                raise self._lacks(f"a file of {commit.oid[:12]}")
            name = path.decode("utf-8", "surrogateescape")
            found[name] = Item(name, mode, oid, 0 if size == "-" else int(size))
        return found

    def contents(self, items: Sequence[Item]) -> Mapping[str, bytes]:
        """Return path -> bytes of regular files."""
        return dict(zip((item.path for item in items), self._blobs(items), strict=True))

    def _blobs(self, items: Sequence[Item]) -> Iterator[bytes]:
        with contextlib.ExitStack() as stack:
            wanted = stack.enter_context(tempfile.TemporaryFile())
            wanted.write("".join(f"{item.oid}\n" for item in items).encode())
            wanted.seek(0)
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="benchledger-git-"))
            process = stack.enter_context(
                subprocess.Popen(
                    ["git", "cat-file", "--batch"],
                    cwd=self._place,
                    env=git_environment(Path(home)),
                    stdin=wanted,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            )
            for item in items:
                stream = process.stdout
                told = stream.readline().split() if stream is not None else []
                if stream is None or len(told) != 3:
                    process.kill()
                    raise self._lacks(item.path)
                yield stream.read(int(told[2]))
                stream.read(1)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


@contextlib.contextmanager
def opened(where: Path) -> Iterator[Repository]:
    """Open the repository that the folder `where` lies in; raises UsageError where there is none."""
    if not where.is_dir():
        raise UsageError(f"{where} is no folder", "name a git repository with --repo")
    asked = (
        *("--path-format=absolute", "--git-path", "objects", "--git-common-dir"),
        *("--is-shallow-repository", "--show-object-format"),
    )
    done = git(where, *_ANY_OWNER, "rev-parse", *asked)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().split("\n")[0].removeprefix("fatal: ")
        raise UsageError(f"{where} is no git repository that can be read ({said})", "name one with --repo")
    objects, common, shallow, form = os.fsdecode(done.stdout).split("\n")[:4]
    name = Path(common).parent.name if Path(common).name == ".git" else Path(common).name
    with tempfile.TemporaryDirectory(prefix="benchledger-objects-") as scratch:
        place = Path(scratch) / "borrowed.git"
        git(Path(scratch), "init", "--quiet", "--bare", "--template=", f"--object-format={form}", str(place))
        (place / "objects/info").mkdir(exist_ok=True)
        (place / "objects/info/alternates").write_text(f"{quoted(objects)}\n", encoding="utf-8")
        yield Repository(place, where, name.removesuffix(".git"), shallow=shallow == "true")
