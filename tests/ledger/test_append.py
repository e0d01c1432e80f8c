"""Appending published cells and run records."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchledger.ledger.store import Ledger
from benchledger.schema.errors import RecordErrors
from benchledger.scorers.composite import CAB_01, SHIPPED_POLICIES, Inputs, evaluate
from tests.ledgers import CELLS, RUN_RECORDS, append_file

COMPLETE = (
    "expansion-20260616/copilot/meta/llama-4-maverick-17b-128e-instruct/mutations/rust-error-negated#run1"
)


def _inputs(ledger: Ledger, ref: str) -> Inputs:
    columns = ", ".join(Inputs._fields)
    row = ledger.connection.execute(f"SELECT {columns} FROM scores WHERE ref = ?", (ref,)).fetchone()
    return Inputs(*row)


def test_every_shown_composite_of_the_published_cells_is_reproduced(ledger: Ledger) -> None:
    report = append_file(ledger, CELLS)
    assert (report.cells, report.published, report.reproduced, report.differing) == (43, 43, 43, [])


def test_the_complete_published_cell_is_reproduced_bit_for_bit(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    composite = evaluate(CAB_01, _inputs(ledger, f"{COMPLETE}@1"))
    assert composite.value == 0.5816402435596588
    assert composite.components["latency"] == 0.8776016237310593


def test_the_same_file_twice_appends_nothing_at_all(ledger: Ledger) -> None:
    first = append_file(ledger, CELLS)
    again = append_file(ledger, CELLS)
    assert (again.events, again.cells, again.already, again.head) == (0, 0, 43, first.head)


def test_the_same_records_from_a_packed_file_append_nothing(ledger: Ledger, tmp_path: Path) -> None:
    first = append_file(ledger, CELLS)
    packed = tmp_path / "cells.jsonl.gz"
    packed.write_bytes(gzip.compress(CELLS.read_bytes()))
    assert append_file(ledger, packed).head == first.head


def test_one_bad_record_keeps_the_whole_file_out(ledger: Ledger, tmp_path: Path) -> None:
    lines = CELLS.read_text().splitlines()
    broken = json.loads(lines[5])
    broken["exit_code"] = "zero"
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("\n".join([*lines[:5], json.dumps(broken), *lines[6:]]))
    before = ledger.head()
    with pytest.raises(RecordErrors) as caught:
        append_file(ledger, mixed)
    assert [(error.line, error.field) for error in caught.value.errors] == [(6, "exit_code")]
    assert ledger.head() == before


def test_with_keep_going_the_good_records_of_a_file_are_kept(ledger: Ledger, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("{}\n" + CELLS.read_text())
    report = append_file(ledger, mixed, keep_going=True)
    assert (report.cells, len(report.errors)) == (43, 1)


def test_the_same_cell_with_other_content_is_a_conflict_named_by_line(ledger: Ledger, tmp_path: Path) -> None:
    append_file(ledger, CELLS)
    other = json.loads(CELLS.read_text().splitlines()[0])
    other["exit_code"] = 7
    changed = tmp_path / "changed.jsonl"
    changed.write_text(json.dumps(other))
    with pytest.raises(RecordErrors, match=r"changed\.jsonl:1: cell_id: .*--as-attempt"):
        append_file(ledger, changed)
    report = append_file(ledger, changed, as_attempt=True)
    assert report.cells == 1
    history, counted = ledger.connection.execute(
        "SELECT history, counted FROM cells WHERE cell = ?", (COMPLETE,)
    ).fetchone()
    assert json.loads(history) == [[1, "finished", 0], [2, "finished", 0]]
    assert counted == 1


def test_a_published_composite_that_we_do_not_reproduce_is_named(ledger: Ledger, tmp_path: Path) -> None:
    record = json.loads(CELLS.read_text().splitlines()[2])
    record["displayed"]["composite"] = "0.940"
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(json.dumps(record))
    report = append_file(ledger, wrong)
    assert (report.published, report.reproduced) == (1, 0)
    assert report.differing[0].published == 0.94
    assert report.differing[0].ours == pytest.approx(0.939, abs=5e-4)


def test_run_records_are_scored_when_they_are_appended(ledger: Ledger) -> None:
    for path in sorted(RUN_RECORDS.glob("*.json")):
        report = append_file(ledger, path)
        assert report.cells == 1
    for policy in SHIPPED_POLICIES.values():
        stored = ledger.connection.execute(
            "SELECT ref, value, floor, ceiling FROM composites AS c JOIN attempts USING (first_seq)"
            " WHERE c.policy_id = ?",
            (policy.policy_id,),
        ).fetchall()
        for ref, value, floor, ceiling in stored:
            again = evaluate(policy, _inputs(ledger, ref))
            assert (again.value, again.floor, again.ceiling) == (value, floor, ceiling)
    axes = ledger.connection.execute("SELECT count(*) FROM axes").fetchone()[0]
    assert axes == 7 * len(list(RUN_RECORDS.glob("*.json")))
