"""Bytes on disk, and the start of the command."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchledger.ledger.store import Ledger
from benchledger.schema.events import SpanRecorded
from benchledger.schema.ports import Draft
from tests.bench.measure import Bench, Result, turns

__all__ = ["rows"]

EVENTS = 5_000
_EVIDENCE = "SELECT sum(pgsize) FROM dbstat WHERE name IN ('events', 'events_id', 'events_stream')"


def rows(bench: Bench) -> Iterator[Result]:
    yield _stored(bench)
    yield _help(bench)


def _stored(bench: Bench) -> Result:
    """Events with their indexes, as SQLite's dbstat counts their pages, against payloads of 1 KiB."""
    with Ledger.create(bench.folder / "size.db") as ledger:
        ledger.emit_all([_kibibyte(number) for number in range(EVENTS)])
        connection = ledger.connection
        (pages,) = connection.execute(_EVIDENCE).fetchone()
        (payload,) = connection.execute("SELECT sum(payload_len) FROM events").fetchone()
    detail = f"{pages / EVENTS:,.0f} against {payload / EVENTS:,.0f} bytes an event"
    return Result("events with indexes / payload of 1 KiB", 1.65, [pages / payload], detail)


def _kibibyte(number: int) -> Draft:
    cell, version = divmod(number, 10)
    span = SpanRecorded(
        span=f"{number:032x}", kind="tool_call", name="edit", started_at=0, attributes={"text": "x" * 896}
    )
    return Draft(f"cell/sweep/agent/lab/model/polyglot/task#run{cell + 1}@1", span, version=version + 1)


def _help(bench: Bench) -> Result:
    times = turns(
        lambda: _run(str(Path(sys.executable).with_name("benchledger")), "--help"),
        lambda: _run(sys.executable, "-c", "import click"),
        repetitions=bench.repetitions + 4,
    )
    ratios = [a / b for a, b in zip(*times, strict=True)]
    detail = f"{min(times[0]) * 1000:.0f} against {min(times[1]) * 1000:.0f} ms"
    return Result("benchledger --help / import click", 3.0, ratios, detail)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
