"""What holds of every kind of page: read by anybody, asks no other host, and leads nowhere that is not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchledger.ledger.store import Ledger
from benchledger.ledger.web import pages
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings
from tests.attacks.sample import build_small
from tests.ledgers import checked
from tests.web.big import Size, append_sized
from tests.web.browser import axe_faults
from tests.web.hosting import files_served
from tests.web.kinds import KINDS, some_pages, some_places
from tests.web.links import link_faults
from tests.web.serving import Served, serving

OVER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
PAGED = Size("paged", 2_200, 600_000)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ledger with something in every table, and a cell with so many spans and calls that they have pages."""
    made = build_small(tmp_path_factory.mktemp("every") / "runs.db")
    with Ledger.open(made, write=True) as ledger:
        append_sized(ledger, PAGED)
    yield made
    checked(made, use_last_seen=False)


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[Served]:
    with serving(path) as served:
        yield served


@pytest.fixture(scope="module")
def site(path: Path) -> Path:
    out = path.parent / "site"
    write_site(out, path, Settings())
    return out


@pytest.fixture(scope="module")
def places(path: Path) -> list[str]:
    return some_pages(path)


def test_the_ledger_of_these_tests_has_every_kind_of_page(path: Path) -> None:
    assert set(KINDS) <= set(some_places(path))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_for_a_screen_reader_or_a_weak_eye(
    page: Page, server: Served, path: Path, scheme: str
) -> None:
    found = {}
    for place in _firsts(path):
        page.goto(server.url + place)
        found[place] = axe_faults(page, [scheme])
    assert {place: faults for place, faults in found.items() if faults} == {}


def test_no_page_is_wider_than_a_telephone(phone: Page, server: Served, places: list[str]) -> None:
    found = {}
    for place in places:
        phone.goto(server.url + place)
        found[place] = phone.evaluate(OVER)
    assert {place: over for place, over in found.items() if over > 0} == {}


def test_every_page_reads_without_scripts(
    browser: Browser, page: Page, server: Served, places: list[str]
) -> None:
    """What a reader with scripts is shown at first stands in the HTML that the server sends."""
    context = browser.new_context(java_script_enabled=False)
    plain, short = context.new_page(), {}
    for place in places:
        page.goto(server.url + place)
        # what only a script can do, it adds
        page.evaluate("() => document.querySelectorAll('.filters').forEach((bar) => bar.remove())")
        plain.goto(server.url + place)
        with_scripts, without = (len(each.locator("body").inner_text()) for each in (page, plain))
        if without < 0.8 * with_scripts:
            short[place] = f"{without} of {with_scripts} characters"
    context.close()
    assert short == {}


def test_every_link_and_anchor_of_a_written_site_leads_somewhere(site: Path) -> None:
    assert link_faults(site) == []


def test_a_written_site_works_from_a_folder(page: Page, site: Path, places: list[str]) -> None:
    for place in places:
        page.goto((site / place).as_uri())
        assert page.locator("body").inner_text(), place


def test_a_written_site_works_below_a_sub_path(
    page: Page, site: Path, places: list[str], tmp_path: Path
) -> None:
    shutil.copytree(site, tmp_path / "some/where")
    with files_served(tmp_path) as address:
        for place in places:
            page.goto(f"{address}some/where/{place}")
            assert page.locator("body").inner_text(), place


def _firsts(path: Path) -> list[str]:
    """Return one page of each template: a page of a merged ledger looks like one of this."""
    found: dict[str | None, str] = {}
    for place in some_pages(path):
        matched = pages.match(place)
        assert matched is not None
        found.setdefault(matched[0].template, place)
    return list(found.values())
