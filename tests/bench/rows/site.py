"""The site of 5,000 cells: how many pages a second, and what one cell more costs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from benchledger.ledger.store import Ledger
from benchledger.ledger.web.site import Report, write_site
from benchledger.ledger.web.view import Settings
from tests.bench.measure import Bench, Result, scan_events, seconds, turns
from tests.bench.synthetic import EVENTS_A_CELL, append_cells, drafts

__all__ = ["rows"]

CELLS = 5_000


def rows(bench: Bench) -> Iterator[Result]:
    """Tell how long a first build takes, and one after a cell more; the first one is too long to be repeated."""
    cells = CELLS if bench.repetitions > 2 else CELLS // 20
    path, out = bench.folder / "site.db", bench.folder / "site"
    with Ledger.create(path) as ledger:
        append_cells(ledger, cells)
    (scans,) = turns(lambda: scan_events(path), repetitions=bench.repetitions)
    first, report = _built(out, path)
    pace = f"{report.pages:,} pages, {report.pages / first:.0f} a second, {report.size / 2**20:.0f} MiB"
    yield Result(
        f"site of {cells:,} cells / reading its events", None, [first / scan for scan in scans], pace
    )
    again, kept = _built(out, path)
    assert kept.written == 0, "nothing changed, so nothing is written"
    yield Result("site, nothing new / first build", None, [again / first], f"{again:.2f} s")
    ratios, written = [], []
    for more in range(1, bench.repetitions + 1):
        _one_more(path, cells + more)
        took, report = _built(out, path)
        ratios.append(took / first)
        written.append(report.written)
    detail = f"{max(written):,} of {report.written + report.kept:,} files written"
    yield Result("site after one new cell / first build", None, ratios, detail)


def _built(out: Path, path: Path) -> tuple[float, Report]:
    found: list[Report] = []
    took = seconds(lambda: found.append(write_site(out, path, Settings())))
    return took, found[0]


def _one_more(path: Path, cells: int) -> None:
    """Append the last of so many cells; the ones before it are there."""
    with Ledger.open(path, write=True) as ledger:
        ledger.emit_all(list(islice(drafts(cells), (cells - 1) * EVENTS_A_CELL, None)))
