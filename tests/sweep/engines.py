"""The contract of an engine, and a worker for it that is told by its order what to do."""

from __future__ import annotations

import sys
import time

from benchledger.runners.sweep.port import Engine, Order
from benchledger.schema.ids import CellId

# A worker as a process of its own, that speaks the protocol and imports nothing of ours. The name of
# the task says how it behaves.
WORKER = (
    sys.executable,
    "-c",
    """
import json, os, signal, sys, time

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)
out = os.fdopen(os.dup(1), "w")
hello = json.loads(sys.stdin.readline())
def tell(kind, **more):
    out.write(json.dumps(dict(kind=kind, **more)) + chr(10))
    out.flush()
try:
    for line in sys.stdin:
        task = json.loads(line)["cell"].split("/")[-1].partition("#")[0]
        tell("stage", text=hello["greeting"])
        if task == "noise":
            out.write("what some library prints" + chr(10))
        if task == "die":
            print("last words", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "leave":
            sys.exit(3)
        if task == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if task in ("sleep", "deaf"):
            time.sleep(600)
        tell("broken" if task == "broken" else "ended", text=task, data=dict(task=task, pid=os.getpid()))
except KeyboardInterrupt:
    tell("ended", text="interrupted", data=dict(outcome="aborted"))
""",
)


def order(task: str, run: int = 1) -> Order:
    return Order(CellId("s", "a", "m", "c", task, run), 1)


def endings(engine: Engine, wanted: int, seconds: float = 30.0):
    """Return what ends so many orders, without the stages."""
    end, found = time.monotonic() + seconds, []
    while len(found) < wanted:
        assert time.monotonic() < end, f"only {found}"
        told = engine.next(0.1)
        if told is not None and told.kind != "stage":
            found.append(told)
    return found


class EngineContract:
    """What holds for every engine. `make()` gives one that takes two orders at a time where it can."""

    def make(self) -> Engine:
        raise NotImplementedError

    def test_it_is_an_engine(self):
        assert isinstance(self.make(), Engine)

    def test_every_order_has_exactly_one_end(self):
        engine = self.make()
        names = ["fine", "noise", "die", "broken", "leave", "fine"]
        try:
            told = []
            for run, name in enumerate(names, 1):
                while engine.free == 0:
                    told += endings(engine, 1)
                engine.submit(order(name, run))
            told += endings(engine, len(names) - len(told))
            assert engine.next(0.2) is None
        finally:
            engine.close()
        kinds = {each.order.cell.run: each.kind for each in told}
        assert kinds == {1: "ended", 2: "ended", 3: "died", 4: "broken", 5: "died", 6: "ended"}

    def test_nothing_is_free_after_it_was_closed(self):
        engine = self.make()
        engine.close()
        engine.close()
        assert engine.free == 0

    def test_waiting_for_nothing_ends(self):
        engine = self.make()
        began = time.monotonic()
        assert engine.next(0.1) is None
        assert time.monotonic() - began < 5
        engine.close()
