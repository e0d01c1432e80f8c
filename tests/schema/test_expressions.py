"""Searching in linear time finds what `re.search` finds, and refuses what cannot be searched so."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.schema.errors import BadInput
from benchledger.schema.expressions import Expression, Steps

MANY = 10**9

_ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "_",
        " ",
        ".",
        r"\d",
        r"\w",
        r"\S",
        "[ab]",
        "[^a]",
        r"[]\]a-c]",
        r"\.",
        "é",
        r"\x61",
        "-",
        "{",
        "}",
    ]
)
_EDGES = st.sampled_from(["^", "$", r"\b", r"\B", r"\A", r"\Z"])
_COUNTS = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}", "*?", "+?", "??", "{1,2}?"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map("|".join).map("(?:{})".format),
        st.tuples(inner, _COUNTS).map(lambda pair: f"({pair[0]}){pair[1]}"),
    )


PATTERNS = st.recursive(st.one_of(_ATOMS, _EDGES, st.just("")), _larger, max_leaves=8)
LINES = st.text(st.sampled_from("abcA_ .-é1{}"), max_size=8)


@given(PATTERNS, st.lists(LINES, min_size=1, max_size=4), st.sampled_from(["", "(?i)", "(?a)", "(?is)"]))
def test_it_finds_what_the_library_finds(pattern: str, lines: list[str], flags: str) -> None:
    ours, theirs = Expression(flags + pattern), re.compile(flags + pattern)
    for line in lines:
        assert ours.found_in(line, Steps(MANY)) == (theirs.search(line) is not None), line


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        (r"^- fixed .*#\d+$", "- fixed the sort #12", True),
        (r"^- fixed .*#\d+$", "- fixed the sort #x", False),
        ("(?P<what>ab)+c", "xababc", True),
        ("(?i)straße", "STRAẞE", True),
        ("a{,2}b{2,}", "abb", True),
        ("x{a}", "x{a}", True),
        ("", "", True),
        (r"\B", "", False),
        ("[[]x", "[x", True),
    ],
)
def test_the_syntax_is_that_of_the_library(pattern: str, line: str, found: bool) -> None:
    assert Expression(pattern).found_in(line, Steps(MANY)) is found


@pytest.mark.parametrize(
    "pattern",
    [r"(a)\1", "(?P<n>a)(?P=n)", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(?>a)", "a*+", "a{2}+", "(?i:a)",
     "(?m)^a", "(a)?(?(1)b|c)", "(", "a**", "*a", "[a", "(?x)a", r"\q", "a{99999}", "(a{100}){100}",
     "(" * 60 + ")" * 60],
)  # fmt: skip
def test_what_cannot_be_searched_in_linear_time_is_refused_with_advice(pattern: str) -> None:
    with pytest.raises(BadInput, match="regular expression") as refusal:
        Expression(pattern)
    assert "write it without" in str(refusal.value)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*b", "(a*)*b", "(.*.*.*.*.*)=x", "a?" * 60 + "a" * 60 + "b", "(a|b)*a(a|b){200}c"],
)
def test_a_shape_that_backtracks_for_years_is_searched_at_once(pattern: str) -> None:
    line = "a" * 5_000 + "!"
    start = time.process_time()
    assert Expression(pattern).found_in(line, Steps(MANY)) is False
    assert time.process_time() - start < 5


def test_work_is_bounded_and_counted_alike_every_time() -> None:
    line = "ab" * 3_000
    left = []
    for _ in range(2):
        steps = Steps(MANY)
        assert Expression("(a|b)*a(a|b){200}c").found_in(line, steps) is False
        left.append(steps.left)
    assert left[0] == left[1] < MANY - len(line)
    assert Expression("(a|b)*a(a|b){200}c").found_in(line, Steps(10_000)) is None
