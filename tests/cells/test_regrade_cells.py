"""Cells of three agents under a bumped scorer: regraded with nothing but the ledger, and verified."""

from benchledger.ledger.regrade_all import regrade
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.runners.prepare import Request, prepare
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1
from tests.bumped import bumped
from tests.cells.parts import PYTHON, prepared, run_into, source_of
from tests.ledgers import checked

SCRIPTED = Selection(mode=("live", "scripted"))


def test_cells_of_real_agents_are_regraded_without_task_and_sandbox(tmp_path, monkeypatch):
    path = tmp_path / "cells.db"
    with Ledger.create(path) as ledger:
        from benchledger.ledger.append import declare

        declare(ledger, GATED_1)
        parts = prepared(tmp_path)
        for _ in range(2):
            run_into(ledger, parts, source_of(parts))
            for agent in ("oracle", "nop"):
                run_into(ledger, prepare(Request(agent=agent, task=PYTHON)), None)
        checked(path)
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
        with bumped("latency@2", "tokens@2"):
            made = regrade(ledger, SCRIPTED, GATED_1)
            assert (made.attempts, made.moved, sum(made.scored.values())) == (6, 6, 12)
            moved = {row.after.key[0]: row for row in made.rows}
            assert moved["oracle"].after.composite < moved["oracle"].before.composite
            assert moved["nop"].after.composite == moved["nop"].before.composite == 0.0
            assert moved["tiny"].moved.term == "latency"
            checked(path)
            monkeypatch.setattr("benchledger.ledger.verify._PARALLEL", 0)
            checked(path)
            assert regrade(ledger, SCRIPTED, GATED_1).events == 0
        report = verify(path, VerifyOptions())
        assert report.ok
        assert len(report.unchecked) == 12
