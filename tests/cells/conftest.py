"""A ledger for cells, verified when the test is over."""

import pytest

from benchledger.ledger.append import declare
from benchledger.ledger.store import Ledger
from benchledger.scorers.composite import GATED_1
from tests.engine import client, image
from tests.ledgers import checked

__all__ = ["client", "image", "ledger"]


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "cells.db"
    with Ledger.create(path) as made:
        declare(made, GATED_1)
        yield made
    checked(path)
