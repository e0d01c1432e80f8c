"""A captured patch as files with hunks and numbered lines, bounded, and plain text where it is malformed.

    bytes -> lines -> File -> Hunk -> {kind, old, new, text}

Reads git's form as `runners/patch.py` writes it: text hunks, binary files, changes of mode, kinds that
changed, comment lines for what could not be kept; and what other tools write (renames, no `diff --git`).
Own code: unidiff raises on a hunk whose counts are wrong, on binary patches and on names in quotes, and
takes a comment line for part of the file before it; here a line is never lost, whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FILES", "FILE_LINES", "LINES", "WIDTH", "read_patch"]

FILES = 200  # whose lines are shown
LINES = 5_000  # of all files, unless fewer are asked for
FILE_LINES = 1_500
WIDTH = 1_000  # characters of a line

_HUNK = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)")
_STUB = re.compile(rb'# ("(?:[^"\\]|\\.)*"|[^"].*?): (removed|[a-z]+, \d+ bytes, blake3 [0-9a-z]+): (.+)')
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {97: 7, 98: 8, 116: 9, 110: 10, 118: 11, 102: 12, 114: 13}
_KINDS = {32: "same", 43: "added", 45: "removed", 92: "note"}
_HEADS = {
    b"new file mode ": ("change", "added", "new_mode"),
    b"deleted file mode ": ("change", "removed", "old_mode"),
    b"old mode ": ("", "", "old_mode"),
    b"new mode ": ("", "", "new_mode"),
    b"rename from ": ("change", "renamed", "old_path"),
    b"copy from ": ("change", "copied", "old_path"),
    b"rename to ": ("", "", "path"),
    b"copy to ": ("", "", "path"),
    b"similarity index ": ("", "", ""),
    b"dissimilarity index ": ("", "", ""),
    b"index ": ("", "", ""),
}


@dataclass(slots=True)
class _Hunk:
    """Lines that follow one another: the first line's number on both sides, and where in the file they are."""

    old: int
    new: int
    context: str
    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _File:
    """One file of a patch. `stray` are lines that are no part of a hunk though they stand where one should be.

    `added` and `removed` count all lines, `left` those that are not shown; `said` is why it has no lines.
    """

    path: str
    old_path: str | None = None
    change: str = "modified"
    old_mode: str | None = None
    new_mode: str | None = None
    binary: bool = False
    said: str | None = None
    added: int = 0
    removed: int = 0
    left: int = 0
    hunks: list[_Hunk] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)


def read_patch(data: bytes, most: int = LINES) -> dict[str, Any]:
    """Return what a patch says, at most so many lines: {files, files_left, lines_left, plain} as JSON values.

    `files_left` and `lines_left` count what is beyond the bounds. `plain` is what stands before
    the first file: all of a text that is no patch, None where nothing does. Never raises.
    """
    parser = _Parser(most)
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    for line in lines:
        parser.take(line)
    parser.end()
    shown = parser.files[:FILES]
    return {
        "files": [_plain(each) for each in shown],
        "files_left": len(parser.files) - len(shown),
        "lines_left": sum(each.left for each in shown) + parser.outside_left,
        "plain": "\n".join(parser.outside) if parser.outside else None,
    }


def _plain(file: _File) -> dict[str, Any]:
    # dataclasses.asdict copies every line once more
    hunks = [{name: getattr(hunk, name) for name in hunk.__slots__} for hunk in file.hunks]
    return {name: getattr(file, name) for name in file.__slots__} | {"hunks": hunks}


class _Parser:
    """Takes a patch line by line; `files` grows."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.files: list[_File] = []
        self._file: _File | None = None
        self._old = self._new = 0  # the next line's numbers
        self._old_due = self._new_due = 0  # lines that the hunk still has to bring
        self._body = False  # whether the file's head is over
        self._before: bytes | None = None  # a `--- ` line whose `+++ ` has not come
        self._shown = self._before_file = 0
        self.outside: list[str] = []
        self.outside_left = 0

    def take(self, line: bytes) -> None:
        if (self._old_due or self._new_due) and self._in_hunk(line):
            return
        before, self._before = self._before, None
        if before is not None and not line.startswith(b"+++ "):
            self._stray(before)
        if line.startswith(b"diff --git "):
            old, new = _pair(line[11:])
            self._begin(_File(path=new, old_path=None if old == new else old))
        elif (stub := _STUB.fullmatch(line)) is not None:
            self._begin(_stub(stub))
        elif line.startswith(b"--- "):
            self._before = line
        elif before is not None:
            self._named(before[4:], line[4:])
        elif (hunk := _HUNK.fullmatch(line)) is not None and self._file and not self._file.binary:
            self._hunk(hunk)
        else:
            self._other(line)

    def end(self) -> None:
        """Take what was waiting for a next line."""
        if self._before is not None:
            self._stray(self._before)

    def _begin(self, file: _File) -> None:
        self.files.append(file)
        self._file, self._body, self._before_file = file, False, self._shown
        self._old_due = self._new_due = 0

    def _named(self, left: bytes, right: bytes) -> None:
        """Take the two lines of names: the file's own, or the start of one without `diff --git`."""
        old, new = _name(left, b"a/"), _name(right, b"b/")
        if self._file is None or self._body:
            known = new or old or "?"
            self._begin(_File(path=known, old_path=old if old not in (None, known) else None))
        assert self._file is not None  # noqa: S101 - begun above
        self._body = True
        if self._file.change == "modified" and (old is None or new is None):
            self._file.change = "added" if old is None else "removed"

    def _hunk(self, found: re.Match[bytes]) -> None:
        old, old_count, new, new_count = (None if word is None else int(word) for word in found.groups()[:4])
        self._body = True
        self._old, self._new = old or 0, new or 0
        self._old_due = 1 if old_count is None else old_count
        self._new_due = 1 if new_count is None else new_count
        if self._file is not None and self._room():
            self._file.hunks.append(_Hunk(self._old, self._new, _text(found[5])))

    def _in_hunk(self, line: bytes) -> bool:
        """Take a line of a hunk; False where it is none, and the hunk is at its end though it counts more."""
        sign = line[0] if line else 32  # an editor took the blank of an empty line away
        kind = _KINDS.get(sign)
        wants = {"same": self._old_due and self._new_due, "added": self._new_due, "removed": self._old_due}
        if kind is None or not wants.get(kind, True):
            self._old_due = self._new_due = 0
            return False
        self._show(kind, line[1:])
        return True

    def _show(self, kind: str, text: bytes) -> None:
        file = self._file
        if file is None:
            return
        old, new = kind in ("same", "removed"), kind in ("same", "added")
        if file.hunks and self._room():
            numbers = {"old": self._old if old else None, "new": self._new if new else None}
            file.hunks[-1].lines.append({"kind": kind, **numbers, "text": _text(text)})
            self._shown += 1
        else:
            file.left += 1
        self._old, self._new = self._old + old, self._new + new
        self._old_due, self._new_due = self._old_due - old, self._new_due - new
        file.added += kind == "added"
        file.removed += kind == "removed"

    def _room(self) -> bool:
        file = self._file
        if file is None or self._shown >= self.most or len(self.files) > FILES or file.left:
            return False
        return self._shown - self._before_file < FILE_LINES

    def _other(self, line: bytes) -> None:
        """Take a line of a file's head, of its binary data, or one that should not be there."""
        file = self._file
        if file is None:
            self._stray(line)
        elif line.startswith(b"\\ ") and file.hunks:
            self._show("note", line[1:])
        elif file.binary:
            return  # base 85, or the blank lines around it
        elif line == b"GIT binary patch" or line.startswith(b"Binary files "):
            file.binary = self._body = True
        elif not self._head(file, line):
            self._stray(line)

    def _head(self, file: _File, line: bytes) -> bool:
        start = next((start for start in _HEADS if line.startswith(start)), None)
        if self._body or start is None:
            return False
        name, value, where = _HEADS[start]
        if name:
            file.change = value
        if where:
            raw = line[len(start) :]
            setattr(file, where, _name(raw, b"") if where.endswith("path") else _text(raw))
        return True

    def _stray(self, line: bytes) -> None:
        file = self._file
        if file is None:
            if len(self.outside) < FILE_LINES:
                self.outside.append(_text(line))
            else:
                self.outside_left += 1
            return
        self._body = True
        if self._room():
            file.stray.append(_text(line))
            self._shown += 1
        else:
            file.left += 1


def _stub(found: re.Match[bytes]) -> _File:
    state, why = _text(found[2]), _text(found[3])
    change = "removed" if state == "removed" else "changed"
    return _File(
        path=_unquoted(found[1]), change=change, said=why if state == "removed" else f"{why}: {state}"
    )


def _text(line: bytes) -> str:
    text = line[: 4 * WIDTH].decode(errors="replace")
    if len(line) > 4 * WIDTH or len(text) > WIDTH:
        return f"{text[:WIDTH]}\u2026 ({len(line):,} bytes)"
    return text


def _pair(text: bytes) -> tuple[str, str]:
    """Return both names of a `diff --git` line; they are the same but for a rename, and may hold blanks."""
    words = list(_words(text))
    if len(words) == 2:
        old, new = words
    else:
        half = len(text) // 2
        old, new = text[:half], text[half + 1 :]
        if text[half : half + 1] != b" " or old.removeprefix(b"a/") != new.removeprefix(b"b/"):
            old = new = text
    return _name(old, b"a/") or "/dev/null", _name(new, b"b/") or "/dev/null"


def _words(text: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb'"(?:[^"\\]|\\.)*"|[^ ]+', text):
        yield found[0]


def _name(text: bytes, side: bytes) -> str | None:
    """Return the path of a name in a patch; None for /dev/null. After a tab other tools write a date."""
    bare = text if text.startswith(b'"') else text.partition(b"\t")[0]
    name = _unquoted(bare.rstrip(b"\t\r"))
    if name == "/dev/null":
        return None
    return name.removeprefix(side.decode())


def _unquoted(text: bytes) -> str:
    if len(text) < 2 or not (text.startswith(b'"') and text.endswith(b'"')):
        return text[: 4 * WIDTH].decode(errors="replace")

    def plain(found: re.Match[bytes]) -> bytes:
        word = found[1]
        if len(word) == 3:
            return bytes([int(word, 8) & 0xFF])
        return bytes([_LETTERS.get(word[0], word[0])])

    return _ESCAPED.sub(plain, text[1:-1][: 4 * WIDTH]).decode(errors="replace")
