"""What changed between two states of a folder, in git's diff form.

`git apply` takes it. Hunks come from git, heads are written here: git would read attributes
and follow file types that the agent chose. Binary files are in git's binary form, so that a
recheck has every byte. What cannot be shown (too large, a pipe, an archive or a secret, which no
mask could find any more) is one comment line without a head, which `git apply` passes over.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from benchledger.runners.gitdir import git
from benchledger.runners.scan import Entry

__all__ = ["Side", "make_patch", "quoted"]

LIMIT = 4 << 20  # bytes of a patch
_NUL_WINDOW = 8000  # git takes a file for binary that has a NUL in these
_PLAIN = re.compile(rb'[^\x00-\x1f"\\\x7f-\xff]*')
_INDEX = re.compile(
    rb"^(index [0-9a-f]+\.\.[0-9a-f]+).*\n(GIT binary patch\n.*?\n\n)", re.MULTILINE | re.DOTALL
)
# Archives in which nothing finds a secret: zip, bzip2, xz, zstd, 7z, rar; gzip and zlib are read.
_SEALED = (b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!")
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


class Side:
    """One of the two states: its entries, and the contents that were kept."""

    def __init__(self, entries: Mapping[str, Entry], contents: Mapping[str, bytes]) -> None:
        """Take both by shown path."""
        self.entries = entries
        self.contents = contents

    def text(self, path: str) -> bytes | None:
        """Return what a diff may show of a path: b"" where nothing is, None where it cannot be shown."""
        content = self.known(path)
        return None if content is None or b"\0" in content[:_NUL_WINDOW] else content

    def known(self, path: str) -> bytes | None:
        """Return the content of a file, or the target of a link; b"" where nothing is, None where not kept."""
        entry = self.entries.get(path)
        if entry is None:
            return b""
        return self.contents.get(path) if entry.kind in {"file", "link"} else None

    def kind(self, path: str) -> str | None:
        entry = self.entries.get(path)
        return None if entry is None else entry.kind


def _nothing(_content: bytes) -> bool:
    return False


def make_patch(
    before: Side,
    after: Side,
    paths: Iterable[str],
    limit: int = LIMIT,
    withheld: Callable[[bytes], bool] = _nothing,
) -> bytes:
    """Return the patch from `before` to `after` over `paths`, at most about `limit` bytes.

    `withheld` says of a binary content that it must not be stored. Files of the start come first, so
    that a flood of new ones cannot push them out; what no longer fits is named in a comment line each.
    """
    ordered = sorted(paths, key=lambda path: (path not in before.entries, path))
    pieces: list[bytes] = []
    used = 0
    hunks = _all_hunks(before, after, ordered, withheld)
    for path in ordered:
        piece = b"".join(_sections(before, after, path, hunks))
        if used + len(piece) > limit:
            piece = _stub(path, after.entries.get(path), "the patch is full")
        used += len(piece)
        pieces.append(piece)
    return b"".join(pieces)


def _sections(
    before: Side, after: Side, path: str, hunks: Mapping[tuple[str, str], bytes]
) -> Iterable[bytes]:
    old, new = before.entries.get(path), after.entries.get(path)
    if before.text(path) is None or after.text(path) is None:
        body = hunks.get((path, "binary"))
        yield _stub(path, new, "no text to show") if body is None else _head(path, old, new) + body
    elif not hunks:
        yield _stub(path, new, "git took too long")
    elif old is not None and new is not None and old.kind != new.kind:
        # git, too, shows a file that became a link as one going and another coming
        yield _head(path, old, None) + _names(path, old, None, hunks[path, "out"])
        yield _head(path, None, new) + _names(path, None, new, hunks[path, "in"])
    else:
        yield _head(path, old, new) + _names(path, old, new, hunks[path, ""])


def _head(path: str, old: Entry | None, new: Entry | None) -> bytes:
    lines = [f"diff --git {quoted('a/' + path)} {quoted('b/' + path)}"]
    if old is None and new is not None:
        lines.append(f"new file mode {_mode(new)}")
    elif new is None and old is not None:
        lines.append(f"deleted file mode {_mode(old)}")
    elif old is not None and new is not None and _mode(old) != _mode(new):
        lines += [f"old mode {_mode(old)}", f"new mode {_mode(new)}"]
    return "".join(f"{line}\n" for line in lines).encode()


def _names(path: str, old: Entry | None, new: Entry | None, hunks: bytes) -> bytes:
    if not hunks:
        return b""
    left = "/dev/null" if old is None else quoted("a/" + path)
    right = "/dev/null" if new is None else quoted("b/" + path)
    # A name with a space ends in a tab, lest what follows be taken for a date.
    ends = ["\t" if " " in name else "" for name in (left, right)]
    return f"--- {left}{ends[0]}\n+++ {right}{ends[1]}\n".encode() + hunks


def _mode(entry: Entry) -> str:
    if entry.kind == "link":
        return "120000"
    return "100755" if entry.mode & 0o100 else "100644"


def _stub(path: str, entry: Entry | None, why: str) -> bytes:
    state = (
        "removed"
        if entry is None
        else f"{entry.kind}, {entry.size} bytes, blake3 {entry.digest or 'unknown'}"
    )
    return f"# {quoted(path)}: {state}: {why}\n".encode()


def quoted(path: str) -> str:
    """Return a path as git spells it in a patch: plain, or in quotes with C escapes."""
    raw = path.encode()
    if _PLAIN.fullmatch(raw):
        return path
    return '"' + "".join(_escaped(byte) for byte in raw) + '"'


def _escaped(byte: int) -> str:
    if byte in _ESCAPES:
        return "\\" + _ESCAPES[byte]
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"


def _all_hunks(
    before: Side, after: Side, paths: Iterable[str], withheld: Callable[[bytes], bool]
) -> dict[tuple[str, str], bytes]:
    """Return (path, way) -> hunks; way is "" for a change, "out" and "in" where the kind changed, or "binary"."""
    pairs: dict[tuple[str, str], tuple[bytes, bytes]] = {}
    for path in paths:
        old, new = before.text(path), after.text(path)
        first, second = before.kind(path), after.kind(path)
        if old is None or new is None:
            if both := _binary(before, after, path, withheld):
                pairs[path, "binary"] = both
        elif None not in {first, second} and first != second:
            pairs[path, "out"], pairs[path, "in"] = (old, b""), (b"", new)
        else:
            pairs[path, ""] = (old, new)
    return _diffed(pairs)


def _binary(
    before: Side, after: Side, path: str, withheld: Callable[[bytes], bool]
) -> tuple[bytes, bytes] | None:
    """Return both contents of a file that is binary before or after, where the later one may be stored."""
    old, new = before.known(path), after.known(path)
    files = {before.kind(path), after.kind(path)} <= {"file", None}
    if not files or old is None or new is None or new.startswith(_SEALED) or withheld(new):
        return None
    return old, new


def _diffed(pairs: Mapping[tuple[str, str], tuple[bytes, bytes]]) -> dict[tuple[str, str], bytes]:
    with tempfile.TemporaryDirectory(prefix="benchledger-diff-") as scratch:
        root = Path(scratch)
        for number, pair in enumerate(pairs.values()):
            for side, content in zip("ab", pair, strict=True):
                (root / side).mkdir(exist_ok=True)
                (root / side / f"{number:08d}").write_bytes(content)
        # Numbers instead of names: no .gitattributes of the agent's can hide a change.
        shape = (
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            "--binary",
            "--full-index",
            "-U3",
        )
        try:
            done = git(root, "diff", "--no-index", *shape, "a", "b") if pairs else None
        except subprocess.TimeoutExpired:
            return {}
    bodies = _bodies(done.stdout if done is not None else b"")
    return {key: bodies.get(f"{number:08d}", b"") for number, key in enumerate(pairs)}


def _bodies(diff: bytes) -> dict[str, bytes]:
    """Split git's output into name -> hunks. Lines of a hunk begin with a space, +, - or a backslash."""
    found: dict[str, bytes] = {}
    for section in re.split(rb"^diff --git ", diff, flags=re.MULTILINE)[1:]:
        head, _, rest = section.partition(b"\n")
        name = head.rpartition(b"/")[2].decode()
        if binary := _INDEX.match(rest):
            # the way there alone: the way back is the task's own file
            found[name] = binary[1] + b"\n" + binary[2]
        else:
            start = re.search(rb"^@@ ", rest, flags=re.MULTILINE)
            found[name] = rest[start.start() :] if start else b""
    return found
