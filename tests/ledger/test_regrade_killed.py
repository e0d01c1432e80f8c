"""A regrade that is killed leaves whole attempts behind, and the next one does the rest."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from benchledger.ledger.regrade_all import regrade
from benchledger.ledger.store import Ledger
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1
from tests.bumped import bumped
from tests.ledger.test_regrade import emit
from tests.ledgers import checked

_CHILD = """
import sys, time
from pathlib import Path
from benchledger.ledger import regrade_all
from benchledger.ledger.store import Ledger
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1
from tests.bumped import bumped
regrade_all._BATCH = 1
with bumped("latency@2"), Ledger.open(Path(sys.argv[1]), write=True) as ledger:
    def step(done, total):
        print(done, flush=True)
        time.sleep(0.02)
    regrade_all.regrade(ledger, Selection(), GATED_1, progress=step)
"""
_ATTEMPTS = 40


def test_a_killed_regrade_is_taken_up_and_nothing_comes_twice(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    with Ledger.create(path) as ledger:
        for number in range(_ATTEMPTS):
            emit(ledger, f"t{number}")
    for wanted in (b"7", b"5"):
        command = [sys.executable, "-c", _CHILD, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
            assert child.stdout is not None
            while child.stdout.readline().strip() != wanted:
                time.sleep(0)
            child.send_signal(signal.SIGKILL)
    with bumped("latency@2"), Ledger.open(path, write=True) as ledger:
        checked(path)
        rest = regrade(ledger, Selection(), GATED_1)
        assert 0 < rest.attempts <= _ATTEMPTS - 12
        late = [event for event in ledger.events() if (event.payload or {}).get("supersedes")]
        assert len(late) == 2 * _ATTEMPTS
        assert len({event.meta.stream for event in late}) == _ATTEMPTS
        summaries = [event.payload for event in ledger.events() if event.meta.type == "scores.regraded"]
        assert sum(said["attempts"] for said in summaries if said) == _ATTEMPTS
        checked(path)
