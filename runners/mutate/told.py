"""What the output of tests tells: which of them fail, and whether the code was built at all.

What goes into a task must be the same in every run, so nothing is taken over that names an address,
a time or a temporary folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = ["Told", "agreed", "read_told", "unbuilt"]

# One group: the name of a test. The second, where there is one: what it says of itself.
_FAILING = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^(?:FAILED|ERROR) (\S+\.py(?:::[^\s\[]+(?:\[.*?\])?)?)(?: - (.*))?$",  # pytest
        # unittest, and the error that ends its traceback
        (
            r"^(?:FAIL|ERROR): (\w+ \([\w.]+\))$"
            r"(?:(?:\n(?!=====|FAIL: |ERROR: ).*){0,400}?\n([\w.]+(?:Error|Exception)\b.*)$)?"
        ),
        r"^[ \t]*--- FAIL: (\S+) \(.*(?:\n[ \t]+\S+\.go:\d+: (.*))?",  # go
        r"^test (\S+) \.\.\. FAILED$",  # cargo
        r"^[ \t]*✖ (.+?) \([\d.]+ms\)$",  # node
        r"^[ \t]*● (.+ \u203a .+)$",  # jest
        r"^\[ERROR\][ \t]+(\w+(?:\.\w+)+):\d+",  # maven
        r"^(\w+ > \S+) FAILED$",  # gradle
        r"^[ \t]*not ok (?:\d+ )?(?:- )?([^\s#][^#\n]*?)[ \t]*(?:#.*)?$",  # tap, and the checks of the suite
    )
)
_UNBUILT = {
    "c": r"^[^\s:]+:\d+:\d+: (?:fatal )?error: |undefined reference to|^collect2: error",
    "go": r"\[(?:build|setup) failed\]|^(?:vet: )?\S+\.go:\d+:\d+: ",
    "java": r"^(?:\[ERROR\] )?\S+\.java:(?:\d+: error:|\[\d+,\d+\])",
    "javascript": r"^SyntaxError: ",
    "rust": r"^error(?:\[E\d+\])?: (?!test failed|\d+ targets? failed|process )",
    "shell": r": syntax error",
}
_VARIES = re.compile(
    r"0x[0-9a-f]{4,}|/tmp\b|/var/|/private/|benchledger-|\d{4}-\d\d-\d\d|[{]|\bset\(|\bid=|\d ?m?s\b"
)
_LONG = 240


@dataclass(frozen=True, slots=True)
class Told:
    """Names of failing tests, each with what it said ("" for nothing that can be repeated), and last lines."""

    failing: dict[str, str]
    last: tuple[str, ...]


def read_told(stdout: bytes, stderr: bytes, hide: str) -> Told:
    """Read the output of tests; no line is taken over that names the file at `hide`, where the fault is."""
    hidden = re.compile(rf"(?<![\w-]){re.escape(PurePosixPath(hide).name)}(?![\w-])")

    def fit(line: str) -> bool:
        return _repeats(line) and not hidden.search(line)

    text = "\n".join(part.decode(errors="replace") for part in (stdout, stderr))
    failing: dict[str, str] = {}
    for pattern in _FAILING:
        for found in pattern.finditer(text):
            said = (found[2] or "") if pattern.groups > 1 else ""
            if _repeats(found[1]):
                failing.setdefault(found[1], said.strip() if fit(said) else "")
        if failing:
            break
    lines = [line.rstrip() for line in text.splitlines()]
    last = [line for line in lines if line.strip() and fit(line)]
    return Told(dict(sorted(failing.items())), tuple(last[-10:]))


def _repeats(text: str) -> bool:
    return len(text) <= _LONG and text.isprintable() and not _VARIES.search(text)


def agreed(one: Told, two: Told) -> Told:
    """Return what two runs of the same tests both told."""
    failing = {
        name: said if two.failing[name] == said else ""
        for name, said in one.failing.items()
        if name in two.failing
    }
    return Told(failing, tuple(line for line in one.last if line in two.last))


def unbuilt(language: str, stdout: bytes, stderr: bytes) -> bool:
    """Return whether the output says that the code was not even built."""
    pattern = _UNBUILT.get(language)
    if pattern is None:
        return False
    return any(re.search(pattern, part.decode(errors="replace"), re.MULTILINE) for part in (stdout, stderr))
