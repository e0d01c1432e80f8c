"""Write an input, read it, and say what came of it."""

import pytest

from benchledger.ledger.importers.reader import open_source
from benchledger.schema.errors import BenchledgerError, RecordError


def write(folder, data):
    path = folder / "input"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def read(path, **limits):
    with open_source(path, **limits) as source:
        return list(source.records())


def values(path, **limits):
    items = read(path, **limits)
    assert [item for item in items if isinstance(item, RecordError)] == []
    return [item.value for item in items]


def said(path, **limits):
    """Return (class, text) of the refusal of a whole input."""
    with pytest.raises(BenchledgerError) as caught:
        read(path, **limits)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.hint, "the next step is missing"
    return type(caught.value), text


def bad(path, **limits):
    """Return `line: reason` of every bad record."""
    found = [str(item) for item in read(path, **limits) if isinstance(item, RecordError)]
    assert all("\n" not in text for text in found)
    return [text.removeprefix("input:") for text in found]
