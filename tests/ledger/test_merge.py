"""Export, restore, merge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchledger.ledger.exporters import export
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.merge import restore_or_append
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput, RecordErrors
from tests.ledgers import CELLS, RUN_RECORDS, append_file, attempt, checked, published


def _exported(ledger: Ledger, target: Path) -> Path:
    with target.open("wb") as out:
        export(ledger, out)
    return target


def _take(path: Path, file: Path) -> int:
    with open_source(str(file)) as source:
        return restore_or_append(path, source).events


def _contents(path: Path) -> list[tuple[object, ...]]:
    with Ledger.open(path) as ledger:
        events = "SELECT seq, meta, payload_digest, payload_len, salt, payload, hash FROM events ORDER BY seq"
        blobs = "SELECT digest, size FROM blobs ORDER BY digest"
        return [*ledger.connection.execute(events), *ledger.connection.execute(blobs)]


def test_an_export_into_no_ledger_restores_the_same_ledger(tmp_path: Path) -> None:
    source, copy = tmp_path / "source.db", tmp_path / "copy.db"
    with published(source) as ledger:
        file = _exported(ledger, tmp_path / "ledger.jsonl")
    _take(copy, file)
    assert _contents(copy) == _contents(source)
    checked(copy)
    assert _take(copy, file) == 0


def test_an_export_that_was_cut_leaves_no_ledger_behind(tmp_path: Path) -> None:
    with published(tmp_path / "source.db") as ledger:
        file = _exported(ledger, tmp_path / "ledger.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-3]))
    with pytest.raises(BadInput, match="ends before the head"):
        _take(tmp_path / "copy.db", file)
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("field", ["payload", "meta", "hash", "salt"])
def test_an_export_that_was_changed_is_refused_by_line(tmp_path: Path, field: str) -> None:
    with published(tmp_path / "source.db") as ledger:
        file = _exported(ledger, tmp_path / "ledger.jsonl")
    lines = file.read_text().splitlines()
    number = next(n for n, line in enumerate(lines) if '"type":"cell.exited"' in line)
    value = json.loads(lines[number])
    if field == "payload":
        value["payload"]["exit_code"] = 77
    elif field == "meta":
        value["meta"]["actor"] = "nobody"
    else:
        value[field] = "00" * (16 if field == "salt" else 32)
    lines[number] = json.dumps(value)
    file.write_text("\n".join(lines))
    with pytest.raises(RecordErrors, match=f":{number + 1}: "):
        _take(tmp_path / "copy.db", file)
    assert not (tmp_path / "copy.db").exists()


def test_two_ledgers_merge_and_nothing_comes_twice(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    with Ledger.create(first) as ledger:
        ledger.emit_all(attempt("s/a/m/c/t#run1"))
        append_file(ledger, RUN_RECORDS / "pass.json")
    with Ledger.create(second) as ledger:
        ledger.emit_all(attempt("s/a/m/c/t#run1"))
        file = _exported(ledger, tmp_path / "second.jsonl")
        origin = ledger.ledger_id
    assert _take(first, file) > 0
    assert _take(first, file) == 0
    assert _take(first, second) == 0  # the ledger file itself is the same events again
    checked(first)
    with Ledger.open(first) as ledger:
        cells = [row[0] for row in ledger.connection.execute("SELECT cell FROM cells ORDER BY cell")]
    assert f"{origin}:s/a/m/c/t#run1" in cells
    assert "s/a/m/c/t#run1" in cells


def test_two_ledgers_that_appended_the_same_file_share_its_cells(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    published(first).close()
    published(second).close()
    _take(first, second)
    checked(first)
    with Ledger.open(first) as ledger:
        assert ledger.connection.execute("SELECT count(*) FROM cells").fetchone()[0] == 43


def test_an_export_of_a_fork_of_this_ledger_is_refused(tmp_path: Path) -> None:
    source, copy = tmp_path / "source.db", tmp_path / "copy.db"
    with published(source) as ledger:
        file = _exported(ledger, tmp_path / "ledger.jsonl")
        _take(copy, file)
        ledger.emit_all(attempt("s/a/m/c/t#run1"))
        longer = _exported(ledger, tmp_path / "longer.jsonl")
    with pytest.raises(BadInput, match="rolled back or forked"):
        _take(copy, longer)
    checked(copy)
    assert CELLS.exists()


def test_a_restore_that_was_killed_before_its_end_is_taken_up_again(tmp_path: Path) -> None:
    source, copy = tmp_path / "source.db", tmp_path / "copy.db"
    with published(source) as ledger:
        file = _exported(ledger, tmp_path / "ledger.jsonl")
        identity = ledger.ledger_id
    Ledger.create(copy, identity, seed=False).close()
    _take(copy, file)
    assert _contents(copy) == _contents(source)
    checked(copy)
