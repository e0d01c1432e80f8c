"""A ledger can be verified while others append to it: what they add meanwhile is no defect."""

import subprocess
import sys

import pytest

from benchledger.ledger import verify as module
from benchledger.ledger.store import Ledger
from benchledger.schema.frame import TILE
from tests.house.tree import ROOT
from tests.ledgers import checked

WANTED = 12
# A process of its own, as another launcher is: a fork of ours must not meet a thread in the middle of SQLite.
WRITER = """
import sys
from benchledger.ledger.store import Ledger
from tests.ledgers import attempt

number = 0
with Ledger.open(sys.argv[1], write=True) as ledger:
    while True:
        number += 1
        print(ledger.emit_all(attempt(f"s/a/m/c/t{number}#run1"))[-1].seq, flush=True)
"""


@pytest.mark.parametrize("at_once", [True, False], ids=["in two processes", "in one"])
def test_what_is_appended_while_a_ledger_is_verified_is_no_defect(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(module, "_PARALLEL", 0 if at_once else 1 << 40)
    path, log = tmp_path / "busy.db", tmp_path / "log"
    Ledger.create(path).close()
    with log.open("w") as out:
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], cwd=ROOT, stdout=out)
    try:
        heads = []
        # however slowly it begins; some of them must meet a tile that was finished meanwhile
        while len(set(heads)) < WANTED or heads[-1] < 3 * TILE:
            assert writer.poll() is None
            heads.append(checked(path, use_last_seen=False).head.seq)
    finally:
        writer.kill()
        writer.wait()
    last = int(log.read_text().split("\n")[-2])
    assert checked(path, use_last_seen=False).head.seq >= last
