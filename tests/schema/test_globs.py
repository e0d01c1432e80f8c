"""Globs match alike on the quick way and on the bounded one."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.schema.globs import Glob
from benchledger.schema.task import matches

_SPELLED = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
GLOBS = st.lists(st.sampled_from(["**/", "**", "*", "?", "/", "a", "b", ".", "\n"]), max_size=7).map("".join)
PATHS = st.text(st.sampled_from("ab/.\n"), max_size=9)


def _by_library(glob: str, path: str) -> bool:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    pattern = "".join(_SPELLED.get(part) or re.escape(part) for part in parts)
    return re.fullmatch(pattern, path, re.DOTALL) is not None


@given(GLOBS, st.lists(PATHS, min_size=1, max_size=5))
def test_both_ways_give_what_the_library_gives(glob: str, paths: list[str]) -> None:
    for path in paths:
        expected = _by_library(glob, path)
        assert Glob(glob).matches(path) is Glob(glob).matches_slowly(path) is expected, path


@pytest.mark.parametrize(
    ("glob", "path", "found"),
    [
        ("*.py", "a.py", True),
        ("*.py", "a/b.py", False),
        ("**/*.py", "a/b/c.py", True),
        ("**/*.py", "c.py", True),
        ("tests/**", "tests/a/b", True),
        ("tests/**", "tests", False),
        ("**a*b", "a/ab", True),
        ("", "", True),
    ],
)
def test_a_glob_says_which_folders_it_reaches(glob: str, path: str, found: bool) -> None:
    assert matches(path, (glob,)) is Glob(glob).matches_slowly(path) is found


@pytest.mark.parametrize(
    "glob", ["*a" * 30 + "b", "**/" * 40 + "*x", "**a" * 40 + "/", "*" * 4_000 + "b", "***/" * 30]
)
def test_no_glob_takes_long_on_any_path(glob: str) -> None:
    start = time.process_time()
    for path in ("a" * 20_000, "a/" * 10_000 + "y"):
        assert matches(path, (glob,)) is False
    assert time.process_time() - start < 5
