"""Parts of verify by themselves: the spelling of payloads, and work that two processes share."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchledger.ledger.verify_shared import Piece, shared
from benchledger.ledger.verify_spelling import KEPT, Speller
from benchledger.schema.canonical import MAX_DEPTH, MAX_INT, canonical_bytes
from benchledger.schema.errors import CanonicalError

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["\ud800", "é", "[" * 70, 1e300, -0.0, MAX_INT, MAX_INT + 1, -MAX_INT - 1]),
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def _by_definition(text: str) -> bool:
    try:
        return canonical_bytes(json.loads(text)).decode() == text
    except (CanonicalError, ValueError, TypeError, RecursionError):
        return False


@given(_VALUES, st.booleans(), st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_a_spelling_is_judged_as_the_canonical_function_judges_it(
    value: object, sort: bool, ascii_only: bool, separators: tuple[str, str]
) -> None:
    text = json.dumps(value, sort_keys=sort, ensure_ascii=ascii_only, separators=separators)
    assume(text.isascii() or "\ud800" not in text)  # SQLite gives text out of UTF-8, which has no surrogates
    speller = Speller()
    read, canonical = speller.read(text)
    assert speller.read(text)[1] is canonical
    assert canonical == _by_definition(text)
    assert repr(read) == repr(json.loads(text))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('{"a":1,"b":2}', True),
        ('{"b":2,"a":1}', False),
        ('{"a":1,"a":1}', False),
        ('{"a":1} ', False),
        ('{"a":1}x', False),
        ("1e5", False),
        ("100000.0", True),
        ("-0", False),
        ("1E400", False),
        (str(MAX_INT), True),
        (str(MAX_INT + 1), False),
        ('"\\u00e9"', False),
        ('"\\/"', False),
        ('"\\ud800"', False),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, True),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), False),
        ('"' + "[" * 500 + '"', True),
    ],
)
def test_only_one_spelling_is_canonical(text: str, canonical: bool) -> None:
    assert Speller().read(text)[1] is canonical is _by_definition(text)


@pytest.mark.parametrize("text", ["", " 1", "{", "nul", "[" * 100_000])
def test_what_is_no_json_is_not_read(text: str) -> None:
    with pytest.raises((ValueError, StopIteration, RecursionError)):
        Speller().read(text)


def test_what_was_seen_before_is_judged_alike_however_much_there_is() -> None:
    speller = Speller()
    for number in [*range(KEPT + 100), *range(KEPT + 100)]:
        assert speller.read(f'{{"n":{number}}}') == ({"n": number}, True)
        assert speller.read(f'{{"n": {number}}}') == ({"n": number}, False)


def _slow(number: int) -> tuple[int, int]:
    time.sleep(0.02)
    return number, os.getpid()


def _broken(number: int) -> int:
    raise ValueError(f"piece {number}")


@pytest.mark.parametrize("parallel", [False, True])
def test_shared_work_comes_back_whole_and_in_order(parallel: bool) -> None:
    counts: list[int] = []
    pieces = [Piece(_slow, (number,)) for number in range(12)]
    results, own = shared(pieces, lambda: "here", parallel=parallel, done=counts.append)
    assert (own, [number for number, _ in results]) == ("here", list(range(12)))
    assert counts == sorted(counts)
    assert max(counts) <= 12
    assert len({pid for _, pid in results}) == (2 if parallel else 1)


def test_a_process_that_is_done_leaves_nothing_to_the_other_one() -> None:
    pieces = [Piece(_slow, (number,)) for number in range(6)]
    results, _ = shared(pieces, lambda: time.sleep(1), parallel=True)
    assert os.getpid() not in {pid for _, pid in results}


@pytest.mark.parametrize("parallel", [False, True])
def test_a_piece_that_fails_fails_the_whole(parallel: bool) -> None:
    with pytest.raises(ValueError, match="piece 3"):
        shared([Piece(_slow, (1,)), Piece(_broken, (3,))], lambda: None, parallel=parallel)
    with pytest.raises(SystemExit):
        shared([Piece(_slow, (number,)) for number in range(20)], sys.exit, parallel=parallel)
