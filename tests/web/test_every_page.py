"""What holds of every kind of page: read by anybody, asks no other host, and leads nowhere that is not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from benchledger.ledger.store import Ledger
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings
from tests.attacks.sample import build_small
from tests.ledgers import checked
from tests.web.big import Size, append_sized
from tests.web.browser import axe_faults
from tests.web.hosting import files_served
from tests.web.kinds import KINDS, some_places
from tests.web.links import link_faults
from tests.web.serving import Served, serving

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
def places(path: Path) -> dict[str, list[str]]:
    return some_places(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_no_serious_fault_for_a_screen_reader_or_a_weak_eye(
    page: Page, server: Served, places: dict[str, list[str]], kind: str
) -> None:
    assert places[kind], "the ledger of this test holds something for every kind of page"
    for place in filter(_is_page, places[kind]):
        page.goto(server.url + place)
        assert axe_faults(page) == [], place


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_fits_a_telephone_and_has_no_fault_there(
    phone: Page, server: Served, places: dict[str, list[str]], kind: str
) -> None:
    for place in filter(_is_page, places[kind][:1]):
        phone.goto(server.url + place)
        wide = phone.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, place
        assert axe_faults(phone, ["light"]) == [], place


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_reads_without_scripts(
    page: Page, server: Served, places: dict[str, list[str]], kind: str
) -> None:
    """What a reader with scripts is shown at first stands in the HTML that the server sends."""
    for place in filter(_is_page, places[kind][:1]):
        page.goto(server.url + place)
        page.evaluate(
            "document.querySelectorAll('.filters').forEach((bar) => bar.remove())"
        )  # controls only add
        with_scripts = page.locator("main").inner_text()
        assert page.context.browser is not None
        plain = page.context.browser.new_context(java_script_enabled=False).new_page()
        plain.goto(server.url + place)
        without = plain.locator("main").inner_text()
        plain.context.close()
        assert len(without) >= 0.8 * len(with_scripts), place


def test_every_link_and_anchor_of_a_written_site_leads_somewhere(site: Path) -> None:
    assert link_faults(site) == []


def test_a_written_site_works_from_a_folder(page: Page, site: Path, places: dict[str, list[str]]) -> None:
    for place in filter(_is_page, (place for found in places.values() for place in found)):
        page.goto((site / place).as_uri())
        assert page.locator("h1").count() == 1, place


def test_a_written_site_works_below_a_sub_path(
    page: Page, site: Path, places: dict[str, list[str]], tmp_path: Path
) -> None:
    shutil.copytree(site, tmp_path / "some/where")
    with files_served(tmp_path) as address:
        for place in filter(_is_page, (found[0] for found in places.values())):
            page.goto(f"{address}some/where/{place}")
            assert page.locator("h1").count() == 1, place


def _is_page(place: str) -> bool:
    return place.endswith(".html")
