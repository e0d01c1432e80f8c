"""A merge keeps what the other ledger's own chain says of its events: proved again by verify, and never twice."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from benchledger.ledger import frames
from benchledger.ledger.exporters import export
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.merge import append_ledger, restore_or_append
from benchledger.ledger.regrade_all import regrade
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyReport, verify
from benchledger.schema.errors import BadInput
from benchledger.schema.events import CellRechecked
from benchledger.schema.frame import event_hash, frame, genesis
from benchledger.schema.history import FramesKept, PayloadRedacted, Selection
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1
from tests.bumped import bumped
from tests.ledger.made import ran
from tests.ledgers import RUN_RECORDS, append_file, checked

RECHECK = CellRechecked(times=1, passed=1, agrees=True)


def shard(path: Path, *tasks: str) -> Ledger:
    """Return a ledger with an attempt at each task."""
    ledger = Ledger.create(path)
    for task in tasks:
        ran(ledger, f"s/a/m/c/{task}#run1", (100, 20, 0))
    return ledger


def kept(ledger: Ledger, stream: str = "ledger") -> list[FramesKept]:
    return [note.kept for note in frames.notes_in(ledger.connection, stream)]


def proved(report: VerifyReport) -> dict[str, tuple[int, str]]:
    return {each.ledger: (each.head.seq, each.head.hash) for each in report.merged}


def head_of(ledger: Ledger) -> tuple[int, str]:
    head = ledger.head()
    assert head is not None
    return head.seq, head.hash


def copied(ledger: Ledger, target: Path) -> Path:
    with sqlite3.connect(target) as to:
        ledger.connection.backup(to)
    to.close()
    return target


def test_every_frame_of_a_merged_ledger_can_be_computed_again_bit_for_bit(tmp_path: Path) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two", "three") as second:
        append_file(first, RUN_RECORDS / "pass.json")
        append_file(second, RUN_RECORDS / "pass.json")
        append_ledger(first, second)
        (note,) = kept(first)
        data = first.blob(note.frames.blob)
        assert data is not None
        prev, made = genesis(second.ledger_id), []
        for seq, text in enumerate(data.splitlines()):
            line = frames.read_line(text)
            assert line is not None
            query = "SELECT payload_digest, payload_len FROM events WHERE id = ?"
            here = first.connection.execute(query, (line.id,)).fetchone()
            digest, length = here if line.digest is None else (line.digest, line.length)
            prev = event_hash(frame(seq, prev, digest, length, line.meta))
            made.append(prev)
        stored = second.connection.execute("SELECT hash FROM events ORDER BY seq").fetchall()
        assert [(hashed,) for hashed in made] == stored
        assert 0 < data.count(b'{"digest"') < len(made), "what both made from the same file has two salts"
        assert proved(checked(first.path)) == {second.ledger_id: head_of(second)}


def test_a_ledger_that_grew_brings_only_its_further_range(tmp_path: Path) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two") as second:
        assert append_ledger(first, second).events > 0
        assert append_ledger(first, second).events == 0
        before = head_of(second)[0]
        ran(second, "s/a/m/c/three#run1")
        grown = append_ledger(first, second)
        assert grown.events == head_of(second)[0] - before + 1
        assert append_ledger(first, second).events == 0
        assert [(note.first, note.head.seq) for note in kept(first)] == [
            (0, before),
            (before + 1, head_of(second)[0]),
        ]
        assert proved(checked(first.path)) == {second.ledger_id: head_of(second)}


@pytest.mark.parametrize("lines", [1, 7, 500])
def test_a_long_range_is_kept_in_several_parts(
    tmp_path: Path, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "_LINES", lines)
    monkeypatch.setattr("benchledger.ledger.merge._BATCH", 5)
    with shard(tmp_path / "a.db") as first, shard(tmp_path / "b.db", "two", "three") as second:
        append_ledger(first, second)
        assert append_ledger(first, second).events == 0
        assert (len(kept(first)) > 1) == (lines < 500)
        assert proved(checked(first.path)) == {second.ledger_id: head_of(second)}


@pytest.mark.parametrize("same_length", [False, True])
def test_a_ledger_that_was_forked_is_refused_at_the_place_of_the_fork(
    tmp_path: Path, *, same_length: bool
) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two") as second:
        fork = head_of(second)[0] + 1
        other = copied(second, tmp_path / "fork.db")
        ran(second, "s/a/m/c/three#run1")
        append_ledger(first, second)
        before = head_of(first)
        with Ledger.open(other, write=True) as forked:
            for task in ("four",) if same_length else ("four", "five"):
                ran(forked, f"s/a/m/c/{task}#run1")
            with pytest.raises(BadInput, match=rf"event {fork} of ledger .* forked there"):
                append_ledger(first, forked)
        assert head_of(first) == before
        checked(first.path)


def test_a_ledger_that_was_rolled_back_is_refused(tmp_path: Path) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two") as second:
        older, end = copied(second, tmp_path / "older.db"), head_of(second)[0]
        ran(second, "s/a/m/c/three#run1")
        append_ledger(first, second)
        before = head_of(first)
        with (
            Ledger.open(older) as back,
            pytest.raises(BadInput, match=f"ends at event {end} now: .* rolled back"),
        ):
            append_ledger(first, back)
        assert head_of(first) == before
        checked(first.path)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_three_ledgers_merge_in_any_order_to_the_same_cells(tmp_path: Path, order: tuple[int, int]) -> None:
    with (
        shard(tmp_path / "a.db", "one") as first,
        shard(tmp_path / "b.db", "two") as second,
        shard(tmp_path / "c.db", "three") as third,
    ):
        others = (second, third)
        for place in order:
            append_ledger(first, others[place])
        for place in order:
            assert append_ledger(first, others[place]).events == 0
        cells = first.connection.execute("SELECT cell FROM cells ORDER BY cell").fetchall()
        assert sorted(cell for (cell,) in cells) == sorted(
            [
                "s/a/m/c/one#run1",
                f"{second.ledger_id}:s/a/m/c/two#run1",
                f"{third.ledger_id}:s/a/m/c/three#run1",
            ]
        )
        assert proved(checked(first.path)) == {other.ledger_id: head_of(other) for other in others}


@pytest.mark.parametrize("direct", ["never", "before", "after"])
def test_a_merged_ledger_is_merged_and_what_it_kept_stays_provable(tmp_path: Path, direct: str) -> None:
    with (
        shard(tmp_path / "a.db", "one") as first,
        shard(tmp_path / "b.db", "two") as second,
        shard(tmp_path / "c.db", "three") as third,
    ):
        for ledger in (first, second, third):
            append_file(ledger, RUN_RECORDS / "pass.json")
        if direct == "before":
            append_ledger(first, third)
            ran(third, "s/a/m/c/later#run1")
        append_ledger(second, third)
        append_ledger(first, second)
        if direct == "after":
            append_ledger(first, third)
        for other in (second, third) if direct == "after" else (second,):
            assert append_ledger(first, other).events == 0
        assert [note.origin for note in kept(first, f"{second.ledger_id}:ledger")] == [third.ledger_id]
        wanted = {second.ledger_id: head_of(second)}
        report = checked(first.path)
        if direct == "after":
            wanted[third.ledger_id] = head_of(third)
        if direct != "before":
            assert proved(report) == wanted
        assert proved(report)[second.ledger_id] == head_of(second)


def test_two_ledgers_that_took_each_other_over_have_nothing_more_to_say(tmp_path: Path) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two") as second:
        append_ledger(first, second)
        assert append_ledger(second, first).events > 0
        for _ in range(2):
            assert append_ledger(first, second).events == 0
            assert append_ledger(second, first).events == 0
        second.emit(Draft("cell/s/a/m/c/two#run1@1", RECHECK))
        assert append_ledger(first, second).events > 0
        assert proved(checked(first.path)) == {second.ledger_id: head_of(second)}
        checked(second.path)


def test_scores_that_were_left_there_have_their_frames_here(tmp_path: Path) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two") as second:
        append_ledger(first, second)
        first.emit(Draft(f"{second.ledger_id}:cell/s/a/m/c/two#run1@1", RECHECK))
        with bumped("latency@2"):
            regrade(second, Selection(), GATED_1)
            for _ in range(2):
                assert append_ledger(first, second).left == 1
                assert proved(checked(first.path)) == {second.ledger_id: head_of(second)}
            regrade(first, Selection(), GATED_1)
            assert proved(checked(first.path)) == {second.ledger_id: head_of(second)}


def test_an_export_and_its_restore_keep_the_frames(tmp_path: Path) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two") as second:
        append_ledger(first, second)
        with (tmp_path / "a.jsonl").open("wb") as out:
            export(first, out)
        with open_source(str(tmp_path / "a.jsonl")) as source:
            restore_or_append(tmp_path / "again.db", source)
        assert proved(checked(tmp_path / "again.db")) == {second.ledger_id: head_of(second)}
        ran(second, "s/a/m/c/three#run1")
        with Ledger.open(tmp_path / "again.db", write=True) as again:
            assert append_ledger(again, second).events > 0
            assert proved(checked(again.path)) == {second.ledger_id: head_of(second)}


def test_frames_that_were_redacted_are_no_defect_and_the_next_merge_goes_on(tmp_path: Path) -> None:
    with shard(tmp_path / "a.db", "one") as first, shard(tmp_path / "b.db", "two") as second:
        append_ledger(first, second)
        digest = kept(first)[0].frames.blob
        first.emit(Draft("ledger", PayloadRedacted(blob=digest, reason="asked for")))
        first.connection.execute("DELETE FROM blobs WHERE digest = ?", (bytes.fromhex(digest),))
        ran(second, "s/a/m/c/three#run1")
        append_ledger(first, second)
        assert append_ledger(first, second).events == 0
        report = verify(first.path)
        assert (report.ok, report.merged, [item.kind for item in report.unchecked]) == (
            True,
            [],
            ["redacted"],
        )
