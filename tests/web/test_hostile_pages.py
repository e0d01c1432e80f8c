"""A ledger of hostile text: whatever page or badge shows it, it stays text, and can be seen for what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from benchledger.ledger.web.paths import cell_path
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings
from tests.ledgers import checked
from tests.web.hostile import CELL, hostile_ledger
from tests.web.inert import active_parts, badge_faults, page_faults
from tests.web.kinds import all_places, some_pages, some_places
from tests.web.serving import Served, serving


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = hostile_ledger(tmp_path_factory.mktemp("hostile") / "runs.db")
    yield made
    checked(made, use_last_seen=False)


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[Served]:
    with serving(path) as served:
        yield served


@pytest.fixture(scope="module")
def site(path: Path) -> Path:
    out = path.parent / "site"
    write_site(out, path, Settings(url="https://bench.example.org/"))
    return out


def test_no_text_of_a_hostile_ledger_gets_out_of_its_place_in_a_written_page(site: Path) -> None:
    names = [name for name in sorted(site.rglob("*.html")) if name.is_file()]
    assert names
    faults = {name.relative_to(site).as_posix(): page_faults(name.read_text("utf-8")) for name in names}
    assert {name: found for name, found in faults.items() if found} == {}


def test_no_text_of_a_hostile_ledger_gets_out_of_its_place_in_a_served_page(
    path: Path, server: Served
) -> None:
    for place in all_places(path):
        answer = server.get(place)
        assert answer.status == 200, place
        assert "text/html" not in answer.headers["Content-Type"] or place.endswith(".html"), place
        if place.endswith(".html"):
            assert page_faults(answer.text) == [], place
        elif place.endswith(".svg"):
            assert badge_faults(answer.body) == [], place
        else:
            assert "sandbox" in (answer.headers["Content-Security-Policy"] or ""), place


def test_what_cannot_be_seen_is_written_out(site: Path) -> None:
    text = (site / cell_path(CELL)).read_text("utf-8")
    assert "U+202E" in text
    assert "\N{SYMBOL FOR ESCAPE}" in text
    assert "\N{SYMBOL FOR NULL}" in text


def test_in_a_browser_nothing_of_a_hostile_ledger_comes_alive(page: Page, path: Path, server: Served) -> None:
    found = {}
    for place in _shown(path):
        page.goto(server.url + place)
        # evidence as it is may hold anything, and a browser shows it as plain text
        raw = place.startswith("evidence/") and place.endswith(".txt")
        found[place] = [line for line in active_parts(page) if not (raw and line.startswith("U+"))]
    assert {place: lines for place, lines in found.items() if lines} == {}


def test_long_lines_do_not_make_a_page_wider_than_a_telephone(
    phone: Page, path: Path, server: Served
) -> None:
    found = {}
    for place in some_pages(path):
        phone.goto(server.url + place)
        found[place] = phone.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    assert {place: over for place, over in found.items() if over > 0} == {}


def test_written_pages_of_a_hostile_ledger_work_from_a_folder(page: Page, path: Path, site: Path) -> None:
    found = {}
    for place in some_pages(path):
        page.goto((site / place).as_uri())
        found[place] = active_parts(page)
    assert {place: lines for place, lines in found.items() if lines} == {}


def _shown(path: Path) -> list[str]:
    """Return the ends of every kind and each run of the cell, for each has another recording."""
    ends = (place for places in some_places(path).values() for place in places)
    runs = (cell_path(CELL.replace("#run1", f"#run{run}")) for run in (1, 2, 3))
    return list(dict.fromkeys((*ends, *runs)))
