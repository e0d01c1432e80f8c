import shutil

import pytest

from tests.attacks.sample import build_full, build_small


@pytest.fixture(scope="session")
def whole_sample(tmp_path_factory):
    return build_full(tmp_path_factory.mktemp("sample") / "whole.db")


@pytest.fixture(scope="session")
def small_sample(tmp_path_factory):
    return build_small(tmp_path_factory.mktemp("sample") / "small.db")


@pytest.fixture
def sample(whole_sample, tmp_path):
    """A ledger of one's own to attack."""
    return shutil.copy(whole_sample, tmp_path / "sample.db")
