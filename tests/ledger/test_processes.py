"""Several writers and killed writers: one chain, nothing lost, no error shown."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchledger.ledger.store import Ledger
from tests.ledgers import checked

_LOOP = """
import sys
from benchledger.ledger.store import Ledger
from benchledger.schema.events import CellFinished
from benchledger.schema.ports import Draft
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Ledger.open(path, write=True) as ledger:
    for number in range(count):
        receipt = ledger.emit(Draft(f"cell/s/{name}/m/c/t#run{number + 1}@1", CellFinished(outcome="aborted")))
        print(receipt.seq, receipt.hash, flush=True)
"""


def _writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _LOOP, str(path), name, str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _receipts(output: str) -> dict[int, str]:
    # A killed process may leave its last line half written; that receipt was never shown whole.
    lines = output.split("\n")[:-1]
    return {int(seq): digest for seq, digest in (line.split(" ") for line in lines)}


def test_two_processes_append_two_thousand_events_each_into_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "benchledger.db"
    Ledger.create(path).close()
    writers = [_writer(path, name, 2_000) for name in ("first", "second")]
    outputs = [writer.communicate(timeout=240) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [errors for _, errors in outputs] == ["", ""]
    shown = [_receipts(output) for output, _ in outputs]
    assert sorted([*shown[0], *shown[1]]) == list(range(1, 4_001))
    report = checked(path)
    assert report.events == 4_001
    with Ledger.open(path) as ledger:
        stored = {event.seq: event.hash.hex() for event in ledger.events(1)}
    assert stored == shown[0] | shown[1]


@pytest.mark.parametrize("kills", [50])
def test_every_receipt_that_was_shown_survives_kill_dash_nine(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "benchledger.db"
    Ledger.create(path).close()
    chance = random.Random(4)
    promised: dict[int, str] = {}
    for number in range(kills):
        writer = _writer(path, f"w{number}", 1_000_000)
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it is writing now
        time.sleep(chance.random() * 0.12)
        writer.send_signal(signal.SIGKILL)
        output, errors = writer.communicate(timeout=60)
        assert writer.returncode == -signal.SIGKILL
        assert errors == ""
        promised |= _receipts(first + output)
    report = checked(path)
    assert report.events > len(promised) >= kills
    with Ledger.open(path) as ledger:
        stored = {event.seq: event.hash.hex() for event in ledger.events()}
    assert promised.items() <= stored.items()
