"""Ledgers for the command line, each verified when its test is over."""

import shutil

import pytest

from benchledger.ledger.store import Ledger
from tests.cli.calls import PUBLISHED, RUNS
from tests.ledgers import append_file, checked


@pytest.fixture(autouse=True)
def _named_ledger(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHLEDGER_LEDGER", str(tmp_path / "test.db"))
    monkeypatch.delenv("BENCHLEDGER_DEBUG", raising=False)


@pytest.fixture(scope="session")
def _appended(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "filled.db"
    with Ledger.create(path) as ledger:
        for name in (PUBLISHED, *RUNS):
            append_file(ledger, name)
    return path


@pytest.fixture
def db(tmp_path):
    """The path that BENCHLEDGER_LEDGER names; what a test left there is verified."""
    path = tmp_path / "test.db"
    yield path
    if path.exists():
        checked(path, use_last_seen=False)


@pytest.fixture
def empty(db):
    """A new ledger."""
    Ledger.create(db).close()
    return db


@pytest.fixture
def filled(db, _appended):
    """A ledger with the 43 published cells and the run records."""
    shutil.copy(_appended, db)
    return db
