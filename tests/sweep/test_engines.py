"""Engines: the contract, and what only processes can do."""

import time
from contextlib import closing
from pathlib import Path

from benchledger.runners.sweep import local
from benchledger.runners.sweep.local import LocalEngine
from benchledger.runners.sweep.port import Inline, Told
from tests.sweep.engines import WORKER, EngineContract, endings, order


def behave(given):
    name = given.cell.task
    yield Told("stage", given, "begun")
    if name in ("die", "leave"):
        raise RuntimeError("gone")
    yield Told("broken" if name == "broken" else "ended", given, name)


class TestInline(EngineContract):
    def make(self):
        return Inline(behave)


class TestLocal(EngineContract):
    def make(self):
        return LocalEngine(WORKER, {"greeting": "hello"}, 2)


def local_engine(workers=2):
    return closing(LocalEngine(WORKER, {"greeting": "hello"}, workers))


def lives(pid):
    return Path(f"/proc/{pid}").exists()


def test_a_worker_is_used_again_and_its_death_costs_one_order():
    with local_engine(1) as engine:
        pids = []
        for name in ("fine", "fine", "die", "fine"):
            engine.submit(order(name))
            (told,) = endings(engine, 1)
            pids.append(told.data.get("pid"))
            if name == "die":
                assert "signal 9" in told.text
                assert "last words" in told.text
    assert pids[0] == pids[1] != pids[3]
    assert not any(lives(pid) for pid in pids if pid)


def test_an_interrupt_lets_every_worker_close_what_it_has_open():
    with local_engine() as engine:
        engine.submit(order("sleep", 1))
        engine.submit(order("sleep", 2))
        while engine.next(0.1) is None:
            pass
        time.sleep(0.3)
        engine.interrupt()
        assert engine.free == 0
        assert [told.data for told in endings(engine, 2)] == [{"outcome": "aborted"}] * 2


def test_a_worker_that_does_not_listen_is_killed_in_the_end(monkeypatch):
    monkeypatch.setattr(local, "GRACE_SECONDS", 1.0)
    with local_engine(1) as engine:
        engine.submit(order("deaf"))
        while engine.next(0.1) is None:
            pass
        (worker,) = engine._workers.values()
        pid = worker._process.pid
        time.sleep(0.3)
    assert not lives(pid)


def test_workers_start_only_when_there_is_work():
    with local_engine() as engine:
        assert engine.free == 2
        assert engine._workers == {}
