"""A reader who comes back is told what changed on the leaderboard since the last visit."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from benchledger.ledger.store import Ledger
from tests.ledger.made import ran
from tests.ledgers import checked
from tests.web.serving import serving


def append(path: Path, agent: str, usage: tuple[int, int, int]) -> None:
    with Ledger.open(path, write=True) as ledger:
        ran(ledger, f"s/{agent}/lab/m/c/t#run1", usage)


def test_rows_that_are_new_or_moved_since_the_last_visit_are_named(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    Ledger.create(path).close()
    append(path, "b", (5000, 10, 0))
    with serving(path) as server:
        since = page.locator("#since")
        page.goto(server.url)
        page.reload()
        expect(since).to_be_hidden()
        append(path, "a", (100, 10, 0))
        page.goto(server.url)
        expect(since.locator("summary")).to_contain_text("Changed since your last visit")
        since.locator("summary").click()
        lines = since.locator("li").all_inner_texts()
        assert [line for line in lines if line.startswith("a 1 with lab/m (live): new, rank 1, composite 0.")]
        assert [line for line in lines if line.startswith("b 1 with lab/m (live): rank 1 → 2")]
        page.reload()
        expect(since).to_be_visible()  # until something else changes
        page.goto("about:blank")
    checked(path, use_last_seen=False)


def test_runs_that_asked_no_model_are_left_out_by_name_and_shown_on_demand(
    page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "runs.db"
    Ledger.create(path).close()
    append(path, "b", (5000, 10, 0))
    with Ledger.open(path, write=True) as ledger:
        ran(ledger, "s/c/lab/m/c/t#run1", (10, 10, 0), mode="scripted")
    with serving(path) as server:
        page.goto(server.url)
        rows = page.locator("table.board tbody tr")
        expect(rows).to_have_count(1)
        expect(page.locator("#board-head")).to_contain_text(
            "Left out: 1 scripted cell, which asked no model."
        )
        page.get_by_role("link", name="Show them, too").click()
        expect(rows).to_have_count(2)
        page.goto("about:blank")
    checked(path, use_last_seen=False)


def test_a_browser_that_keeps_nothing_shows_the_page_as_ever(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    Ledger.create(path).close()
    append(path, "b", (5000, 10, 0))
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }});")
    with serving(path) as server:
        page.goto(server.url)
        expect(page.locator("table.board tbody tr")).to_have_count(1)
        expect(page.locator("#since")).to_be_hidden()
        page.goto("about:blank")
    checked(path, use_last_seen=False)
