"""Fixtures for all tests: the last-seen heads of a test never meet those of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchledger.ledger.store import Ledger
from tests.ledgers import checked


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv("BENCHLEDGER_LEDGER", raising=False)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A new ledger; whatever the test did to it, it must verify at the end."""
    made = Ledger.create(tmp_path / "benchledger.db")
    try:
        yield made
    finally:
        made.close()
    checked(tmp_path / "benchledger.db")
