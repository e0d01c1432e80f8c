"""Frames, digests and trees, written a second time from the normative text."""

from hashlib import sha256

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.metadata import parse, spell
from benchledger.schema import frame as made
from benchledger.schema.canonical import canonical_bytes
from tests.schema.standalone_verify import tree

DIGESTS = st.binary(min_size=32, max_size=32)
FRAMES = st.tuples(
    st.integers(0, 2**53 - 1), DIGESTS, DIGESTS, st.integers(0, 2**53 - 1), st.binary(max_size=300)
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
IDS = st.uuids().map(str)
TYPES = st.from_regex(r"[a-z]{1,8}([._][a-z]{1,8}){0,3}", fullmatch=True)
PLACES = st.integers(1, 10**8)


@given(FRAMES)
def test_a_frame_is_laid_out_as_the_text_says(parts):
    seq, prev, digest, length, meta = parts
    framed = made.frame(*parts)
    assert framed == b"\x01" + seq.to_bytes(8, "big") + prev + digest + length.to_bytes(8, "big") + meta
    assert (
        made.event_hash(framed) == blake3(framed, derive_key_context="benchledger 2026-11 event v1").digest()
    )
    assert made.leaf_hash(framed) == sha256(b"\x00" + framed).digest()


@given(FRAMES, FRAMES)
def test_two_events_share_a_frame_only_where_they_are_equal(one, other):
    assert (made.frame(*one) == made.frame(*other)) == (one == other)


@given(st.binary(min_size=16, max_size=16), st.binary(max_size=200))
def test_digests_are_kept_apart_by_their_contexts(salt, data):
    def derive(context, value):
        return blake3(value, derive_key_context=f"benchledger 2026-11 {context} v1").digest()

    assert made.payload_digest(salt, data) == derive("payload", salt + data)
    assert made.genesis(salt.hex()) == derive("genesis", salt)
    assert made.blob_digest(data) == blake3(data).hexdigest()
    assert len({derive(name, data) for name in ("payload", "event", "genesis", "import")}) == 4


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 769])
def test_the_frontier_gives_the_root_of_the_definition_leaf_by_leaf_and_tile_by_tile(size):
    leaves = [sha256(bytes([number % 256, number // 256])).digest() for number in range(size)]
    single, tiled = made.Frontier(), made.Frontier()
    for leaf in leaves:
        single.add(leaf)
    for start in range(0, size - size % 256, 256):
        tiled.add(tree(leaves[start : start + 256]), level=8)
    for leaf in leaves[size - size % 256 :]:
        tiled.add(leaf)
    assert single.root() == tiled.root() == tree(leaves)
    assert single.size == tiled.size == size


def test_a_subtree_cannot_start_where_its_size_does_not_fit():
    frontier = made.Frontier()
    frontier.add(bytes(32))
    with pytest.raises(ValueError, match="cannot start at leaf 1"):
        frontier.add(bytes(32), level=8)


METADATA = st.tuples(WORDS, st.integers(0, 10**15), IDS, PLACES, WORDS, TYPES, PLACES)


@given(METADATA)
def test_metadata_is_spelled_as_canonical_json_and_reads_back(values):
    text = spell(*values)
    names = ("actor", "at", "id", "schema", "stream", "type", "version")
    assert text.encode() == canonical_bytes(dict(zip(names, values, strict=True)))
    assert parse(text) == (values[4], values[5], values[3], values[6])


GOOD = spell("cli", 5, "0123e567-e89b-7000-8000-0123456789ab", 1, 'a"\n\u0001é', "cell.setup", 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"at":5', '"at":05'),
        ('"at":5', '"at":-5'),
        ('"at":5', '"at":5.0'),
        ('"at":5', '"at": 5'),
        ('"at":5,', ""),
        ("cli", "c\\u006ci"),
        ("cli", "cl\\/i"),
        ("\\n", "\\u000a"),
        ("\\u0001", "\\u0001\u0001"),
        ("\\u0001", "\\u001F"),
        ("0123e567", "0123E567"),
        ('"version":1', '"version":0'),
        ('"schema":1', '"schema":true'),
        ("cell.setup", "Cell.setup"),
        ("cell.setup", "cell."),
        ('"version":1', '"version":1,"zeal":1'),
        ('{"actor"', '{"actor":"x","actor"'),
    ],
)
def test_metadata_in_any_other_spelling_is_no_metadata(old, new):
    assert parse(GOOD) is not None
    assert old in GOOD
    assert parse(GOOD.replace(old, new, 1)) is None
