"""Globs over POSIX paths, matched in time that no glob and no path can blow up.

`**/` is any number of whole folders, `**` anything, `*` and `?` stay within one folder. A
short path and a glob of few wildcards go to `re`; else all ways through the glob are followed
at once, one bit a place: `*a*a*a*a*b` would keep `re` busy for hours.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["Glob", "glob_of"]

_PARTS = re.compile(r"(\*\*/|\*\*|\*|\?)")
_SPELLED = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
# Two wildcards take `re` at most the square of the path's length.
_FEW, _SHORT = 2, 1_000


class Glob:
    """One glob; `matches` gives the same answer whichever way it takes."""

    def __init__(self, glob: str) -> None:
        """Read `glob`; every text is one."""
        parts = [part for part in _PARTS.split(glob) if part]
        spelled = "".join(_SPELLED.get(part) or re.escape(part) for part in parts)
        self._quick = re.compile(spelled + r"\Z", re.DOTALL).match
        self._few = sum(part in _SPELLED for part in parts) <= _FEW
        self._literal: dict[str, int] = {}
        self._one = self._within = self._across = self._folders = 0
        self._end = 1
        for part in _merged(parts):
            self._add(part)

    def _add(self, part: str) -> None:
        if part == "?":
            self._one |= self._end
        elif part == "*":
            self._within |= self._end
        elif part == "**":
            self._across |= self._end
        elif part == "**/":
            self._folders |= self._end  # between two folders; the place behind it is inside of one
            self._end <<= 1
        else:
            for char in part:
                self._literal[char] = self._literal.get(char, 0) | self._end
                self._end <<= 1
            return
        self._end <<= 1

    def matches(self, path: str) -> bool:
        """Return whether the whole of `path` is matched."""
        if self._few and len(path) <= _SHORT:
            return self._quick(path) is not None
        return self.matches_slowly(path)

    def matches_slowly(self, path: str) -> bool:
        """Return the same, in time linear in path and glob."""
        inside, stay = self._folders << 1, self._within | self._across
        places = self._skipped(1)
        for char in path:
            moved = places & self._literal.get(char, 0)
            if char == "/":
                places = moved << 1 | places & self._across | (places & inside) >> 1
            else:
                moved |= places & (self._one | self._folders)
                places = moved << 1 | places & (stay | inside)
            places = self._skipped(places)
        return bool(places & self._end)

    def _skipped(self, places: int) -> int:
        """Add the places behind wildcards that take nothing; no three of them stand in a row."""
        for _ in range(2):
            places |= (places & (self._within | self._across)) << 1 | (places & self._folders) << 2
        return places


def _merged(parts: list[str]) -> list[str]:
    """Leave out wildcards that add nothing to their neighbours."""
    merged: list[str] = []
    for part in parts:
        before = merged[-1] if merged else ""
        if before == "**" and part in ("*", "**", "**/"):
            continue
        if part == "**" and before in ("*", "**/"):
            merged[-1] = part
        elif not (part == before and part in ("*", "**/")):
            merged.append(part)
    return merged


@lru_cache(maxsize=4096)
def glob_of(glob: str) -> Glob:
    """Return the glob, read once."""
    return Glob(glob)
