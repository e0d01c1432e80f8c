"""The contract of Sink holds for the ledger and for its in-memory twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchledger.ledger.store import Ledger
from benchledger.schema.memory import MemorySink
from benchledger.schema.ports import Sink
from tests.conformance.sink import SinkConformance
from tests.ledgers import checked


class TestMemorySink(SinkConformance):
    """The in-memory twin."""

    def make(self, folder: Path) -> Sink:
        """Return a list that behaves."""
        sink = MemorySink()
        assert folder.exists()
        return sink


class TestLedger(SinkConformance):
    """The real thing; it verifies clean after every test."""

    @pytest.fixture
    def sink(self, tmp_path: Path) -> Iterator[Sink]:
        """A ledger that is verified at the end."""
        with Ledger.create(tmp_path / "benchledger.db") as ledger:
            yield ledger
        checked(tmp_path / "benchledger.db")
