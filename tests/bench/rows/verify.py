"""Verifying and rebuilding: against a bare scan, and against each other."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from benchledger.ledger import database
from benchledger.ledger.lock import WriterLock
from benchledger.ledger.project import rebuild
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.history import Head
from tests.bench.measure import MILLION, Bench, Result, peak_mib, scan_events, turns
from tests.bench.synthetic import EVENTS_A_CELL

__all__ = ["rows"]

SINCE = 1_000


def rows(bench: Bench) -> Iterator[Result]:
    yield from _speeds(bench)
    yield _since(bench)
    yield from _memory(bench)


def _verify(path: Path, options: VerifyOptions) -> None:
    report = verify(path, options)
    assert report.ok, report.defects[:3]


def _rebuild(path: Path) -> None:
    """Do what `benchledger rebuild` does to the tables, without the digests that it prints."""
    connection, lock = database.connect(path), WriterLock(path)
    with lock.held():
        connection.execute("BEGIN IMMEDIATE")
        rebuild(connection)
        connection.execute("COMMIT")
        connection.close()
    lock.close()


def _cpu(work: Callable[[], object]) -> tuple[float, float]:
    """Return how many seconds of processor `work` took here and in other processes: a busy machine adds none."""
    before = os.times()
    work()
    after = os.times()
    here = after.user + after.system - before.user - before.system
    return here, after.children_user + after.children_system - before.children_user - before.children_system


def _speeds(bench: Bench) -> Iterator[Result]:
    """Time scan, chain, full verify and rebuild in turns over one ledger, and rebuild of a smaller one too."""
    large, small = bench.large, bench.small
    chain_only = VerifyOptions(chain_only=True, use_last_seen=False)
    repetitions = 1 if bench.cells >= MILLION else bench.repetitions
    scan, chain, full, rebuilt, less = turns(
        lambda: scan_events(large),
        lambda: _verify(large, chain_only),
        lambda: _verify(large, VerifyOptions(use_last_seen=False)),
        lambda: _rebuild(large),
        lambda: _rebuild(small),
        repetitions=repetitions,
    )
    events = bench.cells * EVENTS_A_CELL
    rate = f"{events / min(chain):,.0f} against {events / min(scan):,.0f} events/s"
    ratios = [a / b for a, b in zip(scan, chain, strict=True)]
    yield Result("verify --chain with Merkle root / bare scan", 0.4, ratios, rate, floor=True)
    ratios = [a / (b + c) for a, b, c in zip(full, chain, rebuilt, strict=True)]
    whole, part = (
        _cpu(lambda: _verify(large, VerifyOptions(use_last_seen=False))),
        _cpu(lambda: _rebuild(large)),
    )
    seconds = f"{min(full):.2f} s against {min(chain):.2f} + {min(rebuilt):.2f} s"
    cpu = f"CPU {whole[0]:.1f} + {whole[1]:.1f} s in two processes, rebuild {part[0]:.1f} s"
    yield Result("full verify / (--chain + rebuild)", 1.3, ratios, f"{seconds}; {cpu}")
    ratios = [a / b for a, b in zip(scan, rebuilt, strict=True)]
    yield Result("rebuild / bare scan", 0.05, ratios, f"{events / min(rebuilt):,.0f} events/s", floor=True)
    growth = bench.cells / bench.small_cells
    ratios = [a / b / growth for a, b in zip(rebuilt, less, strict=True)]
    sizes = f"{bench.small_cells:,} and {bench.cells:,} cells"
    yield Result("rebuild, time an event: large / small ledger", 1.3, ratios, sizes)


def _since(bench: Bench) -> Result:
    """Verify the last 1,000 events of a small and a large ledger."""
    options = []
    for path in (bench.large, bench.small):
        with Ledger.open(path) as ledger:
            head = ledger.head()
            assert head is not None
            (event,) = ledger.events(head.seq - SINCE, head.seq - SINCE + 1)
            since = Head(seq=event.seq, hash=event.hash.hex())
        options.append(VerifyOptions(since=since, use_last_seen=False))
    times = turns(
        lambda: _verify(bench.large, options[0]),
        lambda: _verify(bench.small, options[1]),
        repetitions=bench.repetitions + 2,
    )
    ratios = [a / b for a, b in zip(*times, strict=True)]
    detail = f"{min(times[0]) * 1000:.1f} against {min(times[1]) * 1000:.1f} ms for {SINCE:,} events"
    return Result("verify since a head: large / small ledger", 1.5, ratios, detail)


def _memory(bench: Bench) -> Iterator[Result]:
    for work in ("verify", "rescore"):
        large, small = peak_mib(work, bench.large), peak_mib(work, bench.small)
        detail = f"{large:.0f} against {small:.0f} MiB"
        yield Result(f"peak memory of {work}: large / small ledger", 1.15, [large / small], detail)
