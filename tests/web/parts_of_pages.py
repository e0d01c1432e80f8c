"""Ledgers for tests of pages, and pages of them by their paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchledger.ledger.store import Ledger
from benchledger.ledger.web import pages
from benchledger.ledger.web.view import Settings, View
from benchledger.schema.history import PriceDeclared, SweepPlanned
from benchledger.schema.ports import Draft
from benchledger.schema.task import Limits
from tests.ledger.made import ran

__all__ = ["CELL", "keys", "page_of", "swept", "viewed"]

CELL = "nightly/{}/m/1/c/{}#run{}"


def viewed(path: Path, *, live: bool = False) -> View:
    """Open a view as a server (`live`) or as the writer of a site has it."""
    return View(path, Settings(live=live))


def page_of(view: View, path: str, **query: str) -> Any:
    """Return the context of the page at a path."""
    found = pages.match(path)
    assert found is not None, path
    page, arguments = found
    return pages.build(page, view, {**query, **arguments})


def keys(path: Path) -> dict[str, str]:
    """Return the key of every page of a site by its path."""
    with viewed(path) as view:
        return {made.path: made.key for made in pages.places(view)}


def swept(path: Path) -> Ledger:
    """Make a planned sweep of two agents and three tasks: done, retried, lost for good, open, never launched."""
    ledger = Ledger.create(path)
    plan = SweepPlanned(
        sweep="nightly", agents=("a", "b"), models=("m/1",), tasks=("c/x", "c/y", "c/z"), repeats=2, seed=7,
        limits=Limits(seconds=60),
    )  # fmt: skip
    price = PriceDeclared(model="m/1", prompt=1.0, completion=2.0)
    ledger.emit_all([Draft("sweep/nightly", plan), Draft("sweep/nightly", price)])
    for run in (1, 2):
        ran(ledger, CELL.format("a", "x", run), (1_000, 100, 0), task="a")
        ran(ledger, CELL.format("b", "x", run), (3_000, 300, 0), passed=False, task="a")
    ran(ledger, CELL.format("a", "y", 1), lost=True, task="b")
    ran(ledger, CELL.format("a", "y", 1), attempt=2, task="b")
    ran(ledger, CELL.format("b", "y", 1), task="c")  # another content under the same name
    for number in (1, 2, 3):
        ran(ledger, CELL.format("b", "z", 1), attempt=number, lost=True, task="d")
    return ledger
