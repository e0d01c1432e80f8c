"""A ledger can be verified while others append to it: what they add meanwhile is no defect."""

import threading

import pytest

from benchledger.ledger import verify as module
from benchledger.ledger.store import Ledger
from benchledger.schema.frame import TILE
from tests.ledgers import attempt, checked

WANTED = 12


@pytest.mark.parametrize("at_once", [True, False], ids=["in two processes", "in one"])
def test_what_is_appended_while_a_ledger_is_verified_is_no_defect(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(module, "_PARALLEL", 0 if at_once else 1 << 40)
    path = tmp_path / "busy.db"
    Ledger.create(path).close()
    stop, written = threading.Event(), []

    def write():
        with Ledger.open(path, write=True) as ledger:
            number = 0
            while not stop.is_set():
                number += 1
                written.append(ledger.emit_all(attempt(f"s/a/m/c/t{number}#run1"))[-1].seq)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        heads = [checked(path, use_last_seen=False).head.seq for _ in range(WANTED)]
        # some of them must have met a tile that was finished meanwhile
        while written[-1] < 3 * TILE:
            heads.append(checked(path, use_last_seen=False).head.seq)
    finally:
        stop.set()
        writer.join()
    assert len(set(heads)) > WANTED // 2, "nothing was appended meanwhile"
    checked(path, use_last_seen=False)
