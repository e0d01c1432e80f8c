"""The key of a page changes whenever what stands on it does: else a written site would keep an old page."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchledger.ledger import heads
from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.merge import append_ledger
from benchledger.ledger.rescore import record, rescore
from benchledger.ledger.store import Ledger
from benchledger.ledger.web import pages
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.events import CellRechecked
from benchledger.schema.history import PriceDeclared, Selection, SweepPlanned
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.ledger.made import ran
from tests.ledgers import CELLS, append_file, attempt, checked
from tests.web.parts_of_pages import CELL, swept, viewed

PLAIN = {
    "agent", "model", "task", "category", "sweep", "sweeps", "policy", "compare", "pairs", "ledger", "events",
    "search", "adjudications", "sources", "cells",
}  # fmt: skip
STREAM = f"cell/{CELL.format('a', 'x', 1)}@1"


def made(path: Path) -> dict[str, tuple[str, bytes]]:
    """Return (key, context) of every page beside leaderboard and cell."""
    found = {}
    with viewed(path) as view:
        for place in pages.places(view):
            page, arguments = pages.match(place.path) or pytest.fail(place.path)
            if page.name in PLAIN:
                context = pages.build(page, view, arguments)
                found[place.path] = place.key, canonical_bytes(context)
    return found


def merged(ledger: Ledger) -> None:
    other = ledger.path.with_name("other.db")
    with swept(other) as made_elsewhere:
        append_ledger(ledger, made_elsewhere)


def later_plan(ledger: Ledger) -> None:
    plan = SweepPlanned(sweep="nightly", agents=("c",), models=("m/1",), tasks=("c/new",))
    ledger.emit(Draft("sweep/nightly", plan))


CHANGES = {
    "a cell": lambda ledger: ran(ledger, CELL.format("a", "z", 1), (10, 10, 0), task="d"),
    "a retry": lambda ledger: ran(ledger, CELL.format("b", "z", 1), attempt=4, task="d"),
    "a claim": lambda ledger: ledger.emit_all(attempt(CELL.format("a", "z", 2), outcome=None)),
    "a new agent": lambda ledger: ran(ledger, "other/new/m/2/k/t#run1", passed=False),
    "a scripted run": lambda ledger: ran(ledger, "drill/a/m/1/c/x#run1", mode="scripted"),
    "a dispute": lambda ledger: adjudicate(ledger, Judgement("dispute", "w", "me", cell=CELL.format("a", "x", 1))),
    "a zero": lambda ledger: adjudicate(ledger, Judgement("zero", "w", "me", selection=Selection(agent=("a",)))),
    "a withdrawal": lambda ledger: adjudicate(ledger, Judgement("withdraw", "w", "me", cell=STREAM[5:])),
    "a recheck": lambda ledger: ledger.emit(Draft(STREAM, CellRechecked(times=3, passed=2, agrees=False))),
    "a rescore": lambda ledger: record(ledger, rescore(ledger.connection, CAB_01, GATED_1, Selection())),
    "a price": lambda ledger: ledger.emit(
        Draft("sweep/nightly", PriceDeclared(model="m/1", prompt=9.0, completion=9.0))
    ),
    "a plan": later_plan,
    "published cells": lambda ledger: append_file(ledger, CELLS),
    "a merge": merged,
    "a verify": lambda ledger: heads.note(ledger.ledger_id, ledger.head(), verified=True),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_page_that_changes_has_another_key(tmp_path, change):
    path = tmp_path / "runs.db"
    swept(path).close()
    before = made(path)
    with Ledger.open(path, write=True) as ledger:
        CHANGES[change](ledger)
    after = made(path)
    stale = [
        place
        for place, (key, said) in after.items()
        if place in before and said != before[place][1] and key == before[place][0]
    ]
    assert stale == []
    assert any(said != before.get(place, ("", b""))[1] for place, (_, said) in after.items())
    checked(path, use_last_seen=False)


def test_a_key_stays_while_nothing_changes(tmp_path):
    path = tmp_path / "runs.db"
    swept(path).close()
    assert made(path) == made(path)
    checked(path)
