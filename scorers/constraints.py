"""The scorer of instruction fidelity: which declared constraints the changes honour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from benchledger.schema.errors import BadInput
from benchledger.schema.expressions import Expression, Steps
from benchledger.schema.task import Constraint, matches
from benchledger.scorers.evidence import AxisScore, Evidence

__all__ = ["added_lines", "constraints"]

# About ten seconds; what an honest patch needs is its characters, once for each expression.
_STEPS = 50_000_000
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


def constraints(evidence: Evidence) -> AxisScore:
    """Return constraints@1: honoured / declared. One that cannot be checked makes the axis missing.

    Expressions come out of foreign records: they are searched for in linear time and with a
    bound of work for the whole attempt, and one beyond that cannot be checked.
    """
    expect = evidence.setup.task.expectations
    seen = evidence.seen("cell.setup", "workdir.captured")
    if expect is None:
        reason = "which constraints the task declares was not recorded"
        return AxisScore("constraints", "constraints@1", None, "missing", reason, _payload(None), seen)
    if not expect.constraints:
        reason = "the task declares no constraints"
        return AxisScore("constraints", "constraints@1", None, "not_applicable", reason, _payload([]), seen)
    steps = Steps(_STEPS)
    results = [_result(constraint, evidence, steps) for constraint in expect.constraints]
    payload = _payload(results)
    value = payload["constraints"]
    if value is not None:
        return AxisScore("constraints", "constraints@1", value, "recorded", None, payload, seen)
    open_ends = sum(result["honoured"] is None for result in results)
    lacking = "the changed files" if evidence.workdir is None else "the patch or a readable expression"
    reason = f"{open_ends} of {len(results)} constraints cannot be checked without {lacking}"
    return AxisScore("constraints", "constraints@1", None, "missing", reason, payload, seen)


def _payload(results: list[dict[str, Any]] | None) -> dict[str, Any]:
    verdicts = [result["honoured"] for result in results or []]
    known = bool(verdicts) and None not in verdicts
    honoured = sum(verdicts) if known else None
    return {
        "constraints": None if honoured is None else honoured / len(verdicts),
        "honoured": honoured,
        "declared": None if results is None else len(results),
        "results": results,
    }


def _result(constraint: Constraint, evidence: Evidence, steps: Steps) -> dict[str, Any]:
    stated = {"kind": constraint.kind, "pattern": constraint.pattern}
    if constraint.text is not None:
        stated["text"] = constraint.text
    return stated | {"honoured": _honoured(constraint, evidence, steps)}


def _honoured(constraint: Constraint, evidence: Evidence, steps: Steps) -> bool | None:
    workdir = evidence.workdir
    if workdir is None:
        return None
    hits = [path for path in workdir.changes.all if matches(path, (constraint.pattern,))]
    if constraint.kind != "file-pattern-required-in-diff":
        expect = evidence.setup.task.expectations
        allowed = () if expect is None else expect.allowed
        return all(matches(path, allowed) for path in hits)
    touched = bool(hits)
    if not touched or constraint.text is None:
        return touched
    patch = None if workdir.patch is None else evidence.blob(workdir.patch.blob)
    if patch is None:
        return None
    try:
        wanted = Expression(constraint.text)
    except BadInput:
        return None
    for path, line in added_lines(patch.decode(errors="replace")):
        found = matches(path, (constraint.pattern,)) and wanted.found_in(line, steps)
        if found is not False:
            return found
    return False


def added_lines(patch: str) -> Iterator[tuple[str, str]]:
    """Yield (path, line without its `+`) for every line that a unified diff adds.

    Hunks are read by the counts in their heads, so an added line that looks like a file
    head is taken for what it is.
    """
    path, old, new = "", 0, 0
    for line in patch.split("\n"):
        if old <= 0 and new <= 0:
            if line.startswith("+++ "):
                path = _path(line[4:])
            elif head := _HUNK.match(line):
                old, new = (1 if count is None else int(count) for count in head.groups())
        elif line.startswith("+"):
            new -= 1
            yield path, line[1:].removesuffix("\r")
        elif line.startswith("-"):
            old -= 1
        elif not line.startswith("\\"):
            old, new = old - 1, new - 1


def _path(spelled: str) -> str:
    name = spelled.partition("\t")[0].rstrip("\r")
    if len(name) > 1 and name[0] == name[-1] == '"':
        # git writes other than plain ASCII as octal escapes of the UTF-8 bytes
        escaped = name[1:-1].encode("latin-1", "backslashreplace")
        name = escaped.decode("unicode_escape").encode("latin-1", "replace").decode(errors="replace")
    return name.removeprefix("b/")
