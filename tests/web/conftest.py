"""A browser and pages in it, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.web.browser import chromium, chromium_path, watched


# Not for the whole session: while it lives, no other test of this process can run an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of this folder that follow each other."""
    chromium_path()
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1280 × 900; console errors, refusals by policy and foreign requests fail the test at its end."""
    with watched(browser) as opened:
        yield opened


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """The same, as wide as a telephone."""
    with watched(browser, width=390, height=844) as opened:
        yield opened
