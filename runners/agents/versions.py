"""Version ranges of interpreters: `>=3.11,<3.13`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

__all__ = ["Range", "in_range", "parse_range", "parse_version"]

Version = tuple[int, ...]
Range = tuple[tuple[Callable[[Version, Version], bool], Version], ...]

_COMPARISONS: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_PART = re.compile(r"(>=|<=|<|>)\s*(\d+(?:\.\d+){0,2})")


def parse_range(text: str) -> Range:
    """Parse comparisons joined by commas; raises ValueError."""
    found = []
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{text!r} is no range of versions; write it as >=3.11,<3.13")
        found.append((_COMPARISONS[match[1]], parse_version(match[2])))
    return tuple(found)


def parse_version(text: str) -> Version:
    """Return the first dotted number in `text` as three integers; raises ValueError where there is none."""
    match = re.search(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", text)
    if match is None:
        raise ValueError(f"{text!r} holds no version")
    return tuple(int(number or 0) for number in match.groups())


def in_range(version: Version, wanted: str | None) -> bool:
    """Return whether a version lies in a range; None is any."""
    return wanted is None or all(compare(version, bound) for compare, bound in parse_range(wanted))
