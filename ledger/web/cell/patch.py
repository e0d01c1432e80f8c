"""The patch section: what the attempt changed, told apart by what it means to the task, and the diff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.web import paths
from benchledger.ledger.web.cell.attempt import Attempt, placed
from benchledger.ledger.web.cell.diff import LINES, read_patch
from benchledger.ledger.web.cell.evidence import parts_of, text_of, why_nothing
from benchledger.ledger.web.cell.page import attempt_of
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.view import NotFound, View

__all__ = ["patch_page", "patch_places", "patch_section"]

_SMALL = (
    1 << 13
)  # bytes of a patch that stands whole on the cell's page; a longer one has its own page as well
# On the two pages: bytes of the patch that are taken apart, lines of it that are shown, files that are listed.
_BRIEF, _WHOLE = (1 << 15, 200, 60), (1 << 20, LINES, 2_000)
# The worst first: what a reader must not miss is not cut off at the end of a long list.
_CLASSES = (
    ("destroyed", "destroyed", "was there at the start and is deleted or emptied"),
    ("protected_touched", "protected", "the task said to leave it alone"),
    ("unexpected", "unexpected", "no honest solution touches it"),
    ("expected", "expected", "the task is about it, or allows it"),
)
_CHANGES = ("removed", "emptied", "modified", "added")


def patch_section(view: View, attempt: Attempt) -> dict[str, Any]:
    """Return the changes of an attempt and the beginning of its patch; see `_section`."""
    return _section(view, attempt, _BRIEF)


def patch_page(view: View, arguments: Arguments) -> Context:
    """Return the page of a patch that is too long for the cell's; raises NotFound."""
    attempt = attempt_of(view, arguments)
    made = _section(view, attempt, _WHOLE)
    if made["page"] is None:
        raise NotFound(f"the patch of {attempt.ref} has no page of its own")
    title = f"Patch of {attempt.cell['agent']} · {attempt.cell['task']}"
    return {
        "title": title,
        "cell": attempt.cell_key,
        "attempt": attempt.number,
        "ref": attempt.ref,
        "patch": made,
    }


def patch_places(view: View) -> Iterator[Made]:
    """Yield the pages of patches."""
    query = "SELECT stream, payload ->> '$.patch.size', payload ->> '$.patch.blob' FROM events"
    found = view.connection.execute(f"{query} WHERE type = 'workdir.captured' AND payload IS NOT NULL")
    patches = {stream: (size, blob) for stream, size, blob in found if size is not None and size > _SMALL}
    removed = view.connection.execute("SELECT max(seq) FROM redactions").fetchone()[0]
    rows = view.connection.execute(
        "SELECT cell, attempt, ref, last_seq FROM attempts ORDER BY ref"
    ).fetchall()
    for cell, number, ref, last in rows:
        if (patch := patches.get(stream_of(ref))) is not None:
            yield Made(_place(cell, number), key_of("patch", ref, patch, last, removed))


def _place(cell: str, attempt: int) -> str:
    return f"{paths.attempt_folder(cell)}/attempt-{attempt}/patch.html"


def _section(view: View, attempt: Attempt, bounds: tuple[int, int, int]) -> dict[str, Any]:
    """Return {why, event, ended, page, counts, files, files_left, unseen, diff, text, history} of an attempt."""
    why = why_nothing(attempt, "workdir.captured", "workdir", "list of changed files")
    event = attempt.one("workdir.captured")
    made: dict[str, Any] = {"why": why, "event": None if event is None else placed(event), "diff": None}
    made["ended"] = attempt.row["outcome"] is not None
    made |= {"counts": [], "files": [], "files_left": 0, "unseen": [], "total": 0, "history": []}
    none = "The source recorded no patch: what was changed inside the files is not known."
    made["text"] = text_of(attempt, "workdir.captured", "patch", none, bounds[0])
    long = made["text"]["state"] == "kept" and made["text"]["size"] > _SMALL
    made["page"] = _place(attempt.cell_key, attempt.number) if long else None
    if why is not None:
        return made
    captured = attempt.payload("workdir.captured")
    changes = captured.get("changes") or {}
    kinds: dict[str, str] = {}
    for kind in _CHANGES:
        for path in changes.get(kind) or ():
            kinds.setdefault(path, kind)
    if made["text"]["state"] == "kept":
        made["diff"] = _diff(view, made["text"], bounds)
    told: dict[str, list[str] | None] = {name: captured.get(name) for name, _, _ in _CLASSES}
    made["counts"] = [
        {"word": word, "means": means, "count": None if paths is None else len(paths)}
        for (_, word, means), paths in zip(_CLASSES, told.values(), strict=True)
    ]
    made["unseen"] = [word for name, word, _ in _CLASSES if told[name] is None]
    made["total"] = len(kinds)
    made |= _files(kinds, told, made["diff"], bounds[2])
    made["history"] = _history(captured)
    return made


def _diff(view: View, text: dict[str, Any], bounds: tuple[int, int, int]) -> dict[str, Any]:
    """Return the patch taken apart; its text goes, because the diff says the same."""
    parts = parts_of(view)
    stored = parts.find(text["blob"])
    most, lines, _ = bounds
    data = b"" if stored is None else parts.head(stored, most).data
    text["head"] = ""
    return read_patch(data, lines if text["size"] > _SMALL else LINES)


def _files(
    kinds: dict[str, str], told: dict[str, list[str] | None], diff: dict[str, Any] | None, most: int
) -> dict[str, Any]:
    """Return the changed files with their classes, the worst first, at most `most`; and the classes in the diff."""
    words: dict[str, list[str]] = {}
    for name, word, _ in _CLASSES:
        for path in told[name] or ():
            words.setdefault(path, []).append(word)
    anchors: dict[str, str] = {}
    lines: dict[str, list[int]] = {}
    for number, file in enumerate([] if diff is None else diff["files"], 1):
        file["anchor"] = f"diff-{number}"
        file["classes"] = words.get(file["path"], [])
        anchors.setdefault(file["path"], file["anchor"])
        counts = lines.setdefault(file["path"], [0, 0])
        counts[0] += file["added"]
        counts[1] += file["removed"]
    ordered = list(dict.fromkeys([*(path for path in words if path in kinds), *sorted(kinds)]))
    listed = [
        {
            "path": path,
            "change": kinds[path],
            "classes": words.get(path, []),
            "anchor": anchors.get(path),
            "lines": lines.get(path),
        }
        for path in ordered[:most]
    ]
    return {"files": listed, "files_left": len(ordered) - len(listed)}


def _history(captured: dict[str, Any]) -> list[str]:
    """Return in words what became of the workdir's git history."""
    said = []
    if (commits := captured.get("new_commits")) is not None:
        said.append(f"{commits} new commit{'' if commits == 1 else 's'}" if commits else "no new commit")
    if (changed := captured.get("git_changes")) is not None:
        said.append(
            "files below .git changed that git itself does not write" if changed else ".git left as it was"
        )
    return said
