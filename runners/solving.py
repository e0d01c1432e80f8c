"""The script of a task that a program made: from workdir and solution to steps that any agent can play.

A changed text becomes edits, whose old text stands once in the file; a new one is written whole. What an
editing tool would spoil (carriage returns, bytes that are no UTF-8) and what it cannot do (take a file
away, set its mode) is done with the shell, in pieces that fit on a command line.
"""

from __future__ import annotations

import base64
import difflib
import shlex
from collections.abc import Iterator, Sequence

from benchledger.runners.maker import Content, Files
from benchledger.runners.script import Edit, Script, Step, Write

__all__ = ["solving_script"]

_PIECE = 48 << 10  # of one command; the kernel takes 128 KiB as one word
_LINES = 20_000  # beyond these a comparison by lines takes too long
_FOUND_NOTHING = "I read the files and found nothing that is wrong."


def solving_script(
    workdir: Files, solution: Files, removes: Sequence[str] = (), said: str = "Done."
) -> Script:
    """Return steps that make `workdir` what the solution makes of it, and a variant `fail` that changes nothing."""
    readable = [
        path for path in (*solution, *removes) if path in workdir and _text(workdir[path]) is not None
    ]
    read = Step(read=readable[0]) if readable else _shell("ls -a")
    # first what goes: a file may become a folder, or a folder a file
    steps = [read, *(_removal(path) for path in sorted(removes))]
    steps += [step for path in sorted(solution) for step in _steps(path, workdir, solution[path])]
    return Script(steps=(*steps, Step(say=said)), variants={"fail": (read, Step(say=_FOUND_NOTHING))})


def _removal(path: str) -> Step:
    folder = path.rpartition("/")[0]
    emptied = f"; rmdir -p -- {shlex.quote(folder)} 2>/dev/null || :" if folder else ""
    return _shell(f"rm -f -- {shlex.quote(path)}{emptied}")


def _shell(command: str) -> Step:
    return Step.model_validate({"shell": command})


def _steps(path: str, workdir: Files, new: Content) -> Iterator[Step]:
    old = workdir.get(path)
    if old is None or old.data != new.data:
        yield from _content(path, old, new)
    if new.executable != (old is not None and old.executable):
        yield _shell(f"chmod {'+x' if new.executable else '-x'} -- {shlex.quote(path)}")


def _content(path: str, old: Content | None, new: Content) -> Iterator[Step]:
    text, before = _text(new), None if old is None else _text(old)
    if text is None:
        yield from _piecewise(path, new.data)
        return
    edits = None if before is None else _edits(path, before, text)
    if edits is not None and sum(len(edit.old) + len(edit.new) for edit in edits) < max(len(text), 256):
        yield from (Step(edit=edit) for edit in edits)
    elif len(new.data) <= _PIECE:
        yield Step(write=Write(path=path, text=text))
    else:
        yield from _piecewise(path, new.data)


def _text(content: Content) -> str | None:
    """Return what an editing tool can be trusted with, None for other bytes."""
    if b"\r" in content.data or b"\0" in content.data:
        return None
    try:
        return content.data.decode()
    except UnicodeDecodeError:
        return None


def _piecewise(path: str, data: bytes) -> Iterator[Step]:
    place = shlex.quote(path)
    folder = path.rpartition("/")[0]
    yield _shell(f"mkdir -p -- {shlex.quote(folder or '.')} && : > {place}")
    for at in range(0, len(data), _PIECE):
        piece = base64.b64encode(data[at : at + _PIECE]).decode()
        yield _shell(f"printf %s {piece} | base64 -d >> {place}")


def _edits(path: str, old: str, new: str) -> list[Edit] | None:
    """Return edits that lead from `old` to `new` one after the other, None where there are none."""
    lines, wanted = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(lines) + len(wanted) > _LINES:
        return None
    text, edits = old, []
    # from the end, so that the line numbers of what is still to come hold
    for tag, start, end, first, last in reversed(
        difflib.SequenceMatcher(None, lines, wanted, autojunk=False).get_opcodes()
    ):
        if tag == "equal":
            continue
        found = _unique(lines, text, start, end, "".join(wanted[first:last]))
        if found is None:
            return None
        edits.append(Edit(path=path, old=found[0], new=found[1]))
        text = text.replace(*found)
    return edits if text == new else None


def _unique(lines: list[str], text: str, start: int, end: int, put: str) -> tuple[str, str] | None:
    """Return (old, new) around lines start..end, with as much above and below as makes the old text unique."""
    for around in (1, 2, 3, 5, 8, 13, 21, 34):
        above = "".join(lines[max(0, start - around) : start])
        # what stands below may have been changed already, so it is taken only as far as it is
        below = "".join(lines[end : end + around])
        for after in (below, ""):
            old = above + "".join(lines[start:end]) + after
            if old and text.count(old) == 1:
                return old, above + put + after
    return None
