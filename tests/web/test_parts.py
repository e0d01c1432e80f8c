"""Parts of blobs: the right bytes, in bounded memory, and a named error where the stored ones are damaged."""

from __future__ import annotations

import random
import sqlite3
import tracemalloc
import zlib

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.ledger.ddl import EVIDENCE_DDL
from benchledger.ledger.reading import Reader
from benchledger.ledger.web.cell.parts import PAGE, Parts, whole
from benchledger.schema.errors import Tampered

texts = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda piece, times, end: piece * times + end,
        st.binary(min_size=1, max_size=40),
        st.integers(1, 9000),
        st.binary(max_size=5),
    ),
)


def reader(tmp_path, *rows):
    """Return a reader of a file with these blobs; each is (plain, encoding, stored)."""
    path = tmp_path / "blobs.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(EVIDENCE_DDL[1])
    for plain, encoding, stored in rows:
        row = (blake3(plain).digest(), len(plain), encoding, blake3(stored).digest(), stored)
        connection.execute("INSERT INTO blobs VALUES(?,?,?,?,?)", row)
    return Reader(path, connection)


def digest_of(plain):
    return blake3(plain).hexdigest()


def opened(tmp_path, plain, encoding="zlib", stored=None):
    if stored is None:
        stored = zlib.compress(plain) if encoding == "zlib" else plain
    parts = Parts(reader(tmp_path, (plain, encoding, stored)))
    found = parts.find(digest_of(plain))
    assert found is not None
    return parts, found


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(["raw", "zlib"]))
def test_pages_in_any_order_join_to_the_whole_blob(tmp_path_factory, plain, encoding):
    parts, found = opened(tmp_path_factory.mktemp("blobs"), plain, encoding)
    numbers = list(range(1, found.pages + 1))
    random.Random(found.pages).shuffle(numbers)
    pages = {number: parts.page(found, number) for number in numbers}
    assert b"".join(pages[number].data for number in sorted(pages)) == plain
    assert all(page.stop - page.start == len(page.data) <= PAGE + 4096 for page in pages.values())
    assert b"".join(parts.pieces(found)) == plain
    assert parts.head(found, 1 << 30).data == plain


@settings(max_examples=60, deadline=None)
@given(texts, st.integers(0, 70_000))
def test_a_head_is_a_beginning_that_ends_with_a_line_or_a_character(tmp_path_factory, plain, most):
    parts, found = opened(tmp_path_factory.mktemp("blobs"), plain)
    head = parts.head(found, most)
    assert plain.startswith(head.data)
    assert len(head.data) <= most
    assert head.checked


def test_pages_of_lines_begin_and_end_with_lines_and_split_no_character(tmp_path):
    plain = "".join(f"line {number} é€😀\n" for number in range(20_000)).encode()
    parts, found = opened(tmp_path, plain)
    assert found.pages > 5
    for number in range(1, found.pages + 1):
        page = parts.page(found, number).data
        assert page.startswith(b"line ")
        assert page.endswith(b"\n")
    longest = ("€" * 100_000).encode()
    parts, found = opened(tmp_path, longest)
    assert [parts.page(found, n).data.decode() for n in range(1, found.pages + 1)]


def test_a_cut_leaves_bytes_that_are_no_text_as_they_are():
    assert whole(b"\xff" * 9) == 8
    assert whole(b"\x80" * 9) == 9
    assert whole(b"") == 0
    assert whole(b"ab\xe2\x82") == 2
    assert whole(b"ab\xe2\x82\xac") == 5


def test_pages_that_a_blob_does_not_have_are_refused(tmp_path):
    parts, found = opened(tmp_path, b"")
    assert found.pages == 1
    assert parts.page(found, 1).data == b""
    for number in (0, -1, 2):
        with pytest.raises(IndexError):
            parts.page(found, number)
    assert parts.find("0" * 64) is None


@pytest.mark.parametrize("encoding", ["raw", "zlib"])
def test_any_flipped_byte_is_a_named_error_and_no_text(tmp_path, encoding):
    plain = bytes(random.Random(1).choices(b"abcdef\n", k=3000))
    good = zlib.compress(plain) if encoding == "zlib" else plain
    path = reader(tmp_path, (plain, encoding, good))
    for place in range(0, len(good), 41):
        bad = bytearray(good)
        bad[place] ^= 4
        path.connection.execute("DROP TRIGGER IF EXISTS blobs_update")
        path.connection.execute("UPDATE blobs SET data = ?", (bytes(bad),))
        parts = Parts(path)
        found = parts.find(digest_of(plain))
        for ask in (lambda p, f: p.head(f, 9), lambda p, f: p.page(f, 1), lambda p, f: p.pieces(f)):
            with pytest.raises(Tampered, match=r"blob [0-9a-f]{12}"):
                ask(parts, found)


@pytest.mark.parametrize(
    ("encoding", "stored", "said"),
    [
        ("zlib", zlib.compress(b"x" * 500)[:-6], "ends too early"),
        ("zlib", zlib.compress(b"x" * 500) + b"more", "left over"),
        ("zlib", zlib.compress(b"x" * 501), "more bytes"),
        ("zlib", zlib.compress(b"x" * 499), "499 bytes"),
        ("zlib", zlib.compress(b"y" * 500), "do not match digest"),
        ("zlib", b"no zlib at all", "cannot be unpacked"),
        ("raw", b"x" * 501, "more bytes"),
        ("raw", b"x" * 499, "499 bytes"),
        ("zstd", b"x" * 500, "unknown encoding 'zstd'"),
    ],
)
def test_a_blob_whose_own_digest_fits_but_whose_text_does_not_is_named(tmp_path, encoding, stored, said):
    parts, found = opened(tmp_path, b"x" * 500, encoding, stored)
    with pytest.raises(Tampered, match=said):
        parts.page(found, 1)
    with pytest.raises(Tampered, match=said):
        parts.head(found, 100)


def test_a_head_of_a_long_blob_says_that_the_rest_was_not_checked(tmp_path):
    plain = random.Random(2).randbytes(3 << 20)
    parts, found = opened(tmp_path, plain, "raw")
    assert parts.head(found, 1000).checked is False
    parts.check(found)
    assert parts.head(found, 1000).checked is True


def test_a_hundred_megabytes_are_read_in_little_memory(tmp_path):
    plain = (b"all work and no play\n" * 5) * (1 << 20)
    stored = zlib.compress(plain, 1)
    parts, found = opened(tmp_path, plain, "zlib", stored)
    del plain, stored
    tracemalloc.start()
    try:
        assert parts.head(found, PAGE).data.endswith(b"play\n")
        assert sum(map(len, parts.pieces(found))) == found.size
        for number in (found.pages, found.pages - 1, 700, 701, 702):
            assert parts.page(found, number).data.startswith(b"all work")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
