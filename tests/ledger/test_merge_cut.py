"""A merge is whole or not at all, and what it keeps of the other chain is small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchledger.ledger.merge import append_ledger
from benchledger.ledger.store import Ledger
from tests.ledger.test_merge_frames import head_of, kept, proved, shard
from tests.ledgers import attempt, checked

_CHILD = """
import os, sys
from pathlib import Path
from benchledger.ledger import merge
from benchledger.ledger.store import Ledger
merge._BATCH = 4
seen = 0
taken = merge._Merge.take
def take(self, batch):
    global seen
    taken(self, batch)
    seen += 1
    if seen == int(sys.argv[3]):
        os._exit(9)
merge._Merge.take = take
with Ledger.open(Path(sys.argv[1]), write=True) as mine, Ledger.open(Path(sys.argv[2])) as other:
    merge.append_ledger(mine, other)
"""


@pytest.mark.parametrize("batch", ["1", "5"])
def test_a_merge_that_is_cut_off_leaves_nothing_and_is_done_again(tmp_path: Path, batch: str) -> None:
    first, second = shard(tmp_path / "a.db", "one"), shard(tmp_path / "b.db", "two", "three")
    before = head_of(first)
    first.close()
    command = [sys.executable, "-c", _CHILD, str(first.path), str(second.path), batch]
    ended = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == 9
    with Ledger.open(first.path, write=True) as again, second:
        assert head_of(again) == before
        checked(again.path)
        assert append_ledger(again, second).events > 0
        assert proved(checked(again.path)) == {second.ledger_id: head_of(second)}


def test_the_frames_of_many_events_cost_few_bytes_an_event(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "a.db") as first, Ledger.create(tmp_path / "b.db") as second:
        with second.writing():
            for number in range(60):
                second.emit_all(attempt(f"s/a/m/c/t{number}#run1"))
        append_ledger(first, second)
        digest = bytes.fromhex(kept(first)[0].frames.blob)
        stored = first.connection.execute(
            "SELECT length(data) FROM blobs WHERE digest = ?", (digest,)
        ).fetchone()[0]
        assert stored / (head_of(second)[0] + 1) < 48
        checked(first.path)
