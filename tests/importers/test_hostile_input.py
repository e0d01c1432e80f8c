"""Any bytes may be handed in: what is wrong is said in one line with the next step, and memory stays flat."""

import contextlib
import gzip
import json
import os
import random
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.importers.reader import EXPORT_FORMAT, SourceRecord, open_source
from benchledger.schema.errors import (
    BadInput,
    BenchledgerError,
    NoAccess,
    RecordError,
    RecordErrors,
    UsageError,
)
from tests.importers.inputs import bad, read, said, values, write


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": 1e999}', "outside the range of a double"),
        ('{"a": 9007199254740993}', "outside +-(2**53 - 1)"),
        ('{"a": 1, "b": 2, "a": 3}', "key 'a' stands twice"),
        ('{"a": 1', "not JSON"),
        ('{"a": 1} {"b": 2}', "not JSON: Extra data at column 10"),
        ("[" * 200_000 + "]" * 200_000, "nested deeper than 64 levels"),
        ('{"a":' * 200_000, "nested deeper than 64 levels"),
        ('{"a": "\\ud800"}', "lone surrogate"),
        ('{"a": "\ufeff\x01"}', "not JSON: Invalid control character"),
        ("[1]", "is a JSON array, not an object"),
        ('"text"', "is a JSON string, not an object"),
        ("true", "is a JSON boolean, not an object"),
        ("null", "is a JSON null, not an object"),
        ("12", "is a JSON number, not an object"),
        ("name,score", "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8: byte 8 of the line"),
    ],
)
def test_a_bad_line_is_named_and_hides_no_other(tmp_path, line, reason):
    line = line.encode() if isinstance(line, str) else line
    path = write(tmp_path, b'{"a":1}\n' + line + b'\n{"b":2}\n{"c"\n')
    items = read(path)
    assert [item.line for item in items] == [1, 2, 3, 4]
    assert [type(item) for item in items] == [SourceRecord, RecordError, SourceRecord, RecordError]
    assert reason in items[1].reason


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{\n "a": 1,\n "a": 2\n}', "1: key 'a' stands twice in one object"),
        ('{\n "a": 1,\n "b": nope\n}', "3: not JSON: Expecting value at column 7"),
        ('{\n "a": 1,\n "b": [}\n}', "3: not JSON: Expecting value at column 8"),
        ('{\n "a": 1,\n', "1: the file ends within the object that starts here: it was cut off"),
        ('{\n "a": 1\n}\nnonsense\n', "4: something other than a JSON object stands here"),
        ('[{"a": 1},\n 2]', "2: something other than a JSON object stands here"),
        ('[{"a": 1}\n {"a": 1}]', "2: something other than a JSON object stands here"),
        ('[{"a": 1},\n]', "2: something other than a JSON object stands here"),
        ('[{"a": 1}]\n{"b": 1}', "2: something other than a JSON object stands here"),
        ('[\n{"a": 1},\n', "3: the file ends before the array does: it was cut off"),
        ("[" * 200_000, "1: something other than a JSON object stands here"),
        ('[{"a":' + "[" * 200_000 + "]" * 200_000 + "}]", "1: nested deeper than 64 levels"),
    ],
)
def test_a_fault_in_printed_json_is_named_by_its_line(tmp_path, text, found):
    assert bad(write(tmp_path, text)) == [found]


def test_a_byte_that_is_no_utf8_is_named_by_line_and_byte_in_printed_json(tmp_path):
    assert bad(write(tmp_path, b'{\n "a": "\xff"\n}')) == ["2: not UTF-8: byte 8 of the line"]


def test_a_file_of_another_kind_is_given_up_after_a_thousand_bad_lines(tmp_path):
    found = bad(write(tmp_path, "a,b,c\n" * 5000))
    assert len(found) == 1001
    assert found[-1] == "1000: 1000 records are bad: reading stops here"


@pytest.mark.parametrize(
    "data", [b"", b"\n \r\n", b"\xef\xbb\xbf", b"[]", b" [\n]\n", gzip.compress(b"", mtime=0)]
)
def test_an_input_without_records_is_refused(tmp_path, data):
    kind, text = said(write(tmp_path, data))
    assert kind is BadInput
    assert "input holds no records" in text


PACKED = gzip.compress(random.Random(1).randbytes(300).hex().join(['{"a": "', '"}\n']).encode() * 50, mtime=0)


@pytest.mark.parametrize("kept", [2, 3, 9, 10, 18, 200, len(PACKED) - 8, len(PACKED) - 1])
def test_truncated_gzip_data_is_refused(tmp_path, kept):
    kind, text = said(write(tmp_path, PACKED[:kept]))
    assert kind is BadInput
    assert "the gzip data is cut off" in text


@pytest.mark.parametrize("place", [2, 30, 150, len(PACKED) - 6, len(PACKED) - 2])
def test_damaged_gzip_data_is_refused(tmp_path, place):
    data = bytearray(PACKED)
    data[place] ^= 0xFF
    kind, text = said(write(tmp_path, bytes(data)))
    assert kind is BadInput
    assert re.search("gzip data is (damaged|cut off)", text)


def test_text_after_gzip_data_is_refused_and_joined_gzip_files_are_read(tmp_path):
    assert "damaged" in said(write(tmp_path, PACKED + b"more"))[1]
    assert values(write(tmp_path, gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"a":2}'))) == [
        {"a": 1},
        {"a": 2},
    ]


def test_a_gzip_bomb_is_refused(tmp_path):
    bomb = gzip.compress(b'{"a":1}\n' * 100_000)
    kind, text = said(write(tmp_path, bomb), max_unpacked=400_000)
    assert kind is BadInput
    assert "unpacks to more than 400000 bytes" in text


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_whatever_end_in_a_traceback(tmp_path_factory, data, packed):
    path = write(tmp_path_factory.getbasetemp(), gzip.compress(data) if packed else data)
    with contextlib.suppress(BenchledgerError):
        for item in read(path):
            assert isinstance(item, SourceRecord | RecordError)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (bytes(range(256)) * 10, "binary data"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\x28\xb5\x2f\xfdrest", "zstd data"),
        (b"\xfd7zXZ\x00rest", "xz data"),
        ('{"a":1}'.encode("utf-16"), "UTF-16 text"),
        ('{"a":1}'.encode("utf-16-be"), "binary data"),
    ],
)
def test_what_is_no_json_is_told_by_its_first_bytes(tmp_path, data, what):
    for written in (data, gzip.compress(data)):
        kind, text = said(write(tmp_path, written))
        assert kind is BadInput
        assert f"input is {what}" in text


def test_a_line_of_an_export_that_is_too_long_is_refused(tmp_path):
    path = write(tmp_path, json.dumps({"format": EXPORT_FORMAT}) + '\n"' + "x" * 100 + '"\n')
    with (
        open_source(path, max_record=64) as source,
        pytest.raises(RecordErrors, match="input:2: the record is larger"),
    ):
        list(source.lines())


@pytest.mark.parametrize(
    "text",
    ['{"a":1}\n{"b":"XX"}\n{"c":1}', '[{"a":1},\n{"b":"XX"},{"c":1}]', '{"a":[\n1]}{"b":"XX"}\n{"c":1}'],
)
def test_a_record_that_is_too_large_ends_the_reading(tmp_path, text):
    large = write(tmp_path, text.replace("XX", "x" * 1000))
    items = read(large, max_record=500)
    assert [str(item).split(" than")[0] for item in items[1:]] == ["input:2: the record is larger"]
    small = write(tmp_path, text.replace("XX", "x" * 490))
    assert len(values(small, max_record=500)) == 3


def test_a_path_that_is_no_regular_file_is_a_wrong_call(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        for path, words in {
            tmp_path: "is a folder",
            tmp_path / "fifo": "is a pipe, socket or device",
            tmp_path / "socket": "is a pipe, socket or device",
            "/dev/zero": "is a pipe, socket or device",
            tmp_path / "missing.jsonl": "there is no file",
            tmp_path / "missing/deep": "there is no file",
            f"{tmp_path}/nul\0byte": "there is no file",
        }.items():
            kind, text = said(str(path))
            assert kind is UsageError
            assert words in text


def test_a_name_that_is_too_long_for_the_system_is_refused(tmp_path):
    kind, _ = said(str(tmp_path / ("x" * 5000)))
    assert kind is NoAccess


def test_a_name_with_a_line_feed_or_no_utf8_stays_on_one_line(tmp_path):
    path = tmp_path / os.fsdecode(b"a\n\x1b[31m\xff.jsonl")
    path.write_bytes(b"nonsense\n")
    with open_source(str(path)) as source:
        (error,) = source.records()
    assert str(error).startswith("a\ufffd\ufffd[31m\ufffd.jsonl:1: not JSON")
    assert "no file" in said(str(tmp_path / "b\nc"))[1]


REFUSED = """
import os, sys
from benchledger.ledger.importers.reader import open_source
from benchledger.schema.errors import NoAccess
if os.geteuid() == 0:
    os.setuid(65534)
try:
    open_source(sys.argv[1])
except NoAccess as error:
    print(error)
"""


def test_a_file_that_may_not_be_read_is_no_access(tmp_path):
    path = Path(write(tmp_path, '{"a":1}'))
    path.chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, str(path)], capture_output=True, text=True, check=True
    )
    assert "cannot be read: Permission denied; check the owner" in done.stdout


# The limit lies above what one record of 64 MiB takes and far below the 2 GB.
LIMITED = """
import resource, sys
from benchledger.ledger.importers.reader import open_source
resource.setrlimit(resource.RLIMIT_AS, (600 * 2**20, 600 * 2**20))
with open_source(sys.argv[1]) as source:
    for item in source.records():
        print(item)
"""
TOO_LARGE = "1: the record is larger than 67108864 bytes: split it, or leave long texts out of it\n"


@pytest.mark.parametrize("start", ['{"a": "', '[{"a": "', '{\n"a": "'])
def test_a_line_of_2_gb_takes_no_2_gb_of_memory(start):
    write_2_gb = (
        "import sys; sys.stdout.write(sys.argv[1])\nfor _ in range(2000): sys.stdout.write('x' * 2**20)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", write_2_gb, start], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as writer:
        command = [sys.executable, "-c", LIMITED, "-"]
        done = subprocess.run(command, stdin=writer.stdout, capture_output=True, text=True, check=False)
        writer.stdout.close()
    assert (done.stdout, done.stderr) == ("stdin:" + TOO_LARGE, "")


def test_a_sparse_file_of_2_gb_takes_no_2_gb_of_memory(tmp_path):
    path = Path(write(tmp_path, '{"a": "' + "x" * 2**19))
    os.truncate(path, 2**31)
    command = [sys.executable, "-c", LIMITED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("input:" + TOO_LARGE, "")
