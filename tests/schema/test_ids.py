"""Ids: one spelling each, split from both ends, and the same from the same record."""

import uuid

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.rows import ref_of, split_stream
from benchledger.schema.errors import BadInput
from benchledger.schema.ids import CellId, import_id, live_id, new_ledger_id, split_ref

NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True).filter(lambda name: name not in (".", ".."))
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="#/")
SEGMENTS = st.text(LETTERS, min_size=1, max_size=20).filter(
    lambda part: part not in (".", "..") and not any(c.isspace() for c in part)
)
MODELS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
CELLS = st.builds(CellId, NAMES, NAMES, MODELS, NAMES, NAMES, st.integers(1, 999_999_999))
ATTEMPTS = st.integers(1, 1_000_000)


@given(CELLS)
def test_a_cell_id_reads_back_as_the_cell_that_it_was_made_of(cell):
    assert CellId.parse(str(cell)) == cell
    assert str(cell).endswith(f"#run{cell.run}")


@given(CELLS)
def test_the_first_run_may_be_left_out_of_what_is_read(cell):
    assert CellId.parse(str(cell).rpartition("#run")[0]).run == 1


@given(CELLS, ATTEMPTS)
def test_a_reference_splits_into_cell_and_attempt_whatever_the_model_is(cell, attempt):
    assert split_ref(f"{cell}@{attempt}") == (str(cell), attempt)
    assert split_ref(str(cell)) == (str(cell), None)


@given(CELLS, ATTEMPTS, st.sampled_from(["", "0123456789abcdef" * 2]))
def test_the_stream_of_an_attempt_says_where_it_came_from(cell, attempt, origin):
    stream = f"{origin}:cell/{cell}@{attempt}" if origin else f"cell/{cell}@{attempt}"
    assert split_stream(stream) == (origin, str(cell), attempt)
    assert ref_of(stream) == stream.replace("cell/", "", 1)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a/b/c/d", "4 parts"),
        ("../b/c/d/e", "sweep"),
        ("a/b c/m/d/e", "agent"),
        ("a/b/m//d/e", "model"),
        ("a/b/m/./d/e", "model"),
        ("a/b/m n/d/e", "model"),
        ("a/b/m\n/d/e", "model"),
        ("a/b/m\u00a0n/d/e", "model"),
        ("a/b/" + "m" * 201 + "/d/e", "model"),
        ("a/b/m/" + "d" * 129 + "/e", "category"),
        ("a/b/m/d/e\n", "task"),
        ("a/b/m/d/e#run0", "run number"),
        ("a/b/m/d/e#run01", "run number"),
        ("a/b/m/d/e#run1\n", "run number"),
        ("a/b/m/d/e#run1000000000", "run number"),
        ("a/b/m/d/e#run\u0661", "run number"),
    ],
)
def test_a_cell_id_that_breaks_a_rule_is_refused_with_the_part_that_is_wrong(text, part):
    with pytest.raises(BadInput, match=part):
        CellId.parse(text)


@given(st.text(max_size=30), st.binary(max_size=50), st.integers(0, 10_000))
def test_an_import_id_is_a_uuid_of_version_8_out_of_the_digest_of_its_source(name, record, ordinal):
    made = uuid.UUID(import_id(name, record, ordinal))
    preimage = name.encode() + b"\x00" + str(ordinal).encode() + b"\x00" + record
    digest = blake3(preimage, derive_key_context="benchledger 2026-11 import v1").digest(length=16)
    free = ~(0xF << 76 | 0x3 << 62)
    assert (made.version, made.variant) == (8, uuid.RFC_4122)
    assert made.int & free == int.from_bytes(digest, "big") & free


@given(
    st.text(max_size=5), st.binary(max_size=5), st.integers(0, 3), st.text(max_size=5), st.binary(max_size=5)
)
def test_two_sources_share_an_id_only_where_they_are_the_same(name, record, ordinal, other_name, other):
    same = (name, record) == (other_name, other)
    if "\x00" not in name + other_name:
        assert (import_id(name, record, ordinal) == import_id(other_name, other, ordinal)) == same
        assert import_id(name, record, ordinal) != import_id(name, record, ordinal + 1)


def test_live_ids_are_uuids_of_version_7_and_ascend_with_time():
    made = [uuid.UUID(live_id()) for _ in range(100)]
    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}
    assert len(set(made)) == 100
    stamps = [one.int >> 80 for one in made]
    assert stamps == sorted(stamps)


def test_a_ledger_id_is_sixteen_random_bytes():
    assert len(bytes.fromhex(new_ledger_id())) == 16
    assert new_ledger_id() != new_ledger_id()
