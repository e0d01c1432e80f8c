"""Files are told by their first bytes, and every spelling of records gives the same records."""

import gzip
import io
import json
import sqlite3
import sys
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.importers.cutter import Cutter
from benchledger.ledger.importers.reader import EXPORT_FORMAT, open_source
from benchledger.schema.canonical import canonical_bytes
from tests.importers.inputs import read, said, values, write

RECORDS = [{"a": 1}, {"b": [1, {"c": 'quoted " and \\ and } and ]'}], "ä": "…"}, {}]


LINES = "\n".join(json.dumps(record) for record in RECORDS)
SPELLINGS = {
    "JSON Lines": LINES + "\n",
    "no line feed at the end": LINES,
    "CRLF": LINES.replace("\n", "\r\n") + "\r\n",
    "a byte order mark": "\ufeff" + LINES,
    "blank lines": "\n  \n" + LINES.replace("\n", "\n\n \t\r\n") + "\n\n",
    "an array on one line": json.dumps(RECORDS),
    "an array over many lines": json.dumps(RECORDS, indent=2),
    "an array without indentation": json.dumps(RECORDS, indent=0),
    "an array after a byte order mark": "\ufeff \n" + json.dumps(RECORDS, indent=2),
    "objects over many lines": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_gives_the_same_records(tmp_path, spelling, packed):
    plain = SPELLINGS[spelling].encode()
    path = write(tmp_path, gzip.compress(plain) if packed else plain)
    with open_source(path) as source:
        items = list(source.records())
        assert (source.kind, source.name, source.path) == ("records", "input", Path(path))
        assert (source.digest, source.size) == (blake3(plain).hexdigest(), len(plain))
    assert [item.value for item in items] == RECORDS
    assert [item.canonical for item in items] == [canonical_bytes(record) for record in RECORDS]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_standard_input_is_read_like_a_file(monkeypatch, spelling):
    plain = SPELLINGS[spelling].encode()
    stream = io.TextIOWrapper(io.BytesIO(plain))
    monkeypatch.setattr(sys, "stdin", stream)
    with open_source("-") as source:
        assert [item.value for item in source.records()] == RECORDS
        assert (source.name, source.path, source.size) == ("stdin", None, len(plain))
    assert not stream.closed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\{}[]ä\n'), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(st.dictionaries(st.text('ab"\\{}[],:'), JSON, max_size=4), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from([None, 0, 3]),
    st.integers(1, 9),
)
def test_objects_are_cut_right_wherever_a_chunk_ends(records, array, indent, size):
    if array:
        text = json.dumps(records, indent=indent, ensure_ascii=False)
    else:
        text = "\n".join(json.dumps(record, indent=indent) for record in records)
    data, cutter = text.encode(), Cutter(10**6, array=array)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    pieces = [piece for chunk in chunks for piece in cutter.feed(chunk)]
    cutter.end()
    assert [json.loads(piece) for _, piece in pieces] == records
    lines = text.split("\n")
    assert all("{" in lines[line - 1] for line, _ in pieces)


@given(
    st.lists(st.dictionaries(st.text(), JSON, min_size=1, max_size=4), min_size=1, max_size=5),
    st.sampled_from(["lines", "array", "objects"]),
    st.sampled_from([0, 3]),
    st.booleans(),
)
def test_what_json_writes_is_what_is_read(tmp_path_factory, records, shape, indent, ascii_only):
    if shape == "array":
        text = json.dumps(records, indent=indent, ensure_ascii=ascii_only)
    else:
        width = None if shape == "lines" else indent
        text = "\n".join(json.dumps(record, indent=width, ensure_ascii=ascii_only) for record in records)
    assert values(write(tmp_path_factory.getbasetemp(), text)) == records


def test_a_record_names_the_line_on_which_it_starts(tmp_path):
    assert [item.line for item in read(write(tmp_path, '\n{"a":1}\n\n{"b":2}\n'))] == [2, 4]
    assert [item.line for item in read(write(tmp_path, '[\n{"a":\n1},\n\n{"b":2}\n]'))] == [2, 5]
    assert [item.line for item in read(write(tmp_path, '\n{\n"a": 1\n}\n{\n}\n'))] == [2, 5]


def test_a_ledger_is_told_by_its_first_bytes_whatever_its_name(tmp_path):
    path = tmp_path / "runs.jsonl"
    connection = sqlite3.connect(path)
    connection.execute("create table t(a)")
    connection.close()
    with open_source(str(path)) as source:
        assert (source.kind, source.path) == ("ledger", path)
    packed = write(tmp_path, gzip.compress(path.read_bytes()))
    assert "input is an SQLite file that is piped or packed; unpack it" in said(packed)[1]


def test_an_export_gives_its_lines_as_they_are(tmp_path):
    head = json.dumps({"format": EXPORT_FORMAT, "ledger": "ab"})
    data = f'\ufeff{head}\n\n{{"seq": 0}}\r\n[1]'.encode()
    with open_source(write(tmp_path, gzip.compress(data))) as source:
        assert source.kind == "export"
        lines = list(source.lines())
        assert source.digest == blake3(data).hexdigest()
    assert lines == [(1, head.encode() + b"\n"), (3, b'{"seq": 0}\r\n'), (4, b"[1]")]


@pytest.mark.parametrize(
    "first", [f'{{"a": "{EXPORT_FORMAT}"}}', f'["{EXPORT_FORMAT}"]', f'{{"{EXPORT_FORMAT}"']
)
def test_a_record_that_only_mentions_the_export_format_is_no_export(tmp_path, first):
    with open_source(write(tmp_path, first)) as source:
        assert source.kind == "records"


def test_the_digest_is_refused_before_the_end_was_read(tmp_path):
    with open_source(write(tmp_path, '{"a":1}\n' * 200_000)) as source:
        next(source.records())
        with pytest.raises(RuntimeError, match="not read to its end"):
            _ = source.digest
