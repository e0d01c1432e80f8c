"""Environments of the tests' own, an index beside them, and the engine."""

import os
import re
import tempfile
from pathlib import Path

import pytest

from benchledger.ledger.append import declare
from benchledger.ledger.store import Ledger
from benchledger.runners.kept import remove_sealed
from benchledger.scorers.composite import GATED_1
from tests.engine import client, image
from tests.environments.parts import package_index
from tests.ledgers import checked

__all__ = ["client", "image", "ledger"]


@pytest.fixture(autouse=True)
def place(monkeypatch):
    """A data folder of the test's own; not below /tmp, which a cell hides. No settings of pip but the test's."""
    for name in list(os.environ):
        if re.match(r"PIP_|(.*_)?proxy$", name, re.IGNORECASE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("XDG_DATA_HOME", folder)
        yield Path(folder) / "benchledger" / "environments"
        remove_sealed(Path(folder))


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index that pip is told of."""
    (tmp_path / "wheels").mkdir()
    with package_index(tmp_path / "wheels") as made:
        monkeypatch.setenv("PIP_INDEX_URL", made.url)
        yield made


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "cells.db"
    with Ledger.create(path) as made:
        declare(made, GATED_1)
        yield made
    checked(path)
