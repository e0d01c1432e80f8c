"""Identities become paths and back; paths need no quoting anywhere."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchledger.ledger.web.pages import match
from benchledger.ledger.web.paths import (
    attempt_folder,
    cell_of,
    cell_path,
    event_path,
    relative,
    segment,
    unsegment,
)
from benchledger.schema.errors import BadInput

NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True).filter(lambda name: name not in (".", ".."))
SEGMENTS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="#/"),
    min_size=1,
    max_size=60,
).filter(lambda text: text not in (".", ".."))
MODELS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)
ORIGINS = st.sampled_from(["", "0123456789abcdef0123456789abcdef:"])


@given(st.text(max_size=300))
@example("\x80_" + "\x80" * 70)
def test_a_segment_is_plain_short_and_read_back(text):
    coded = segment(text)
    assert re.fullmatch(r"[A-Za-z0-9~-][A-Za-z0-9._~-]*", coded)
    assert len(coded) <= 200
    assert unsegment(coded, [text]) == text


CELLS = st.builds(
    "{}{}/{}/{}/{}/{}#run{}".format, ORIGINS, NAMES, NAMES, MODELS, NAMES, NAMES, st.integers(1, 99)
)


@given(CELLS)
def test_a_cell_is_found_again_from_its_path(cell):
    origin = cell.partition(":")[0] if cell[32:33] == ":" else ""
    matched = match(cell_path(cell))
    assert matched is not None
    _, found = matched
    place = f"taken/{found['origin']}" if origin else "cells"
    assert cell_of(place, found["cell"], found["run"], [cell]) == cell
    assert match(cell_path(cell, 3))[1]["attempt"] == "3"


@given(st.sampled_from(["a", "~", "~~", "%41", "A b", ".x", "_x"]))
def test_only_one_spelling_of_a_segment_is_read(text):
    assert unsegment(text) is None or segment(unsegment(text)) == text


def test_names_that_differ_never_share_a_path():
    names = ["a/b", "a~2fb", "a.b", ".ab", "~2eab", "x" * 201, "x" * 202]
    assert len({segment(name) for name in names}) == len(names)


def test_a_cell_without_a_run_is_refused():
    with pytest.raises(BadInput, match="no #run"):
        attempt_folder("s/a/m/c/t")


@pytest.mark.parametrize(
    ("target", "here", "link"),
    [
        ("index.html", "index.html", "index.html"),
        ("index.html", "cells/a/run1.html", "../../index.html"),
        ("cells/a/run1.html#axes", "cells/a/run1/attempt-1.html", "../run1.html#axes"),
        ("cells/a/run1.html#axes", "cells/a/run1.html", "#axes"),
        ("events.html?type=x", "ledger.html", "events.html?type=x"),
        (event_path(401), "ledger.html", "events/2.html#e401"),
    ],
)
def test_links_are_relative_to_their_page(target, here, link):
    assert relative(target, here) == link
