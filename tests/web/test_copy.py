"""Commands, badges and frames in a browser: copied with a button, read without one, shown elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchledger.ledger.append import declare
from benchledger.ledger.cli.shipped import shipped
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.badge.pages import badge_path, embed_path
from benchledger.ledger.web.paths import cell_path
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings
from benchledger.scorers.composite import GATED_1
from tests.cells.parts import prepared, run_into, source_of
from tests.ledgers import checked
from tests.web.browser import watched
from tests.web.hostile import CELL as HOSTILE
from tests.web.hostile import hostile_ledger
from tests.web.hosting import files_served
from tests.web.serving import Served, serving

HEAD = "<!DOCTYPE html><html lang=en><title>blog</title><link rel=icon href=data:,>"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ledger with one real cell, and its page's place."""
    made = tmp_path_factory.mktemp("copy") / "runs.db"
    with Ledger.create(made) as ledger:
        declare(ledger, GATED_1)
        parts = prepared(made.parent)
        run_into(ledger, parts, source_of(parts))
    yield made
    checked(made, use_last_seen=False)


@pytest.fixture(scope="module")
def place(path: Path) -> str:
    with Ledger.open(path) as ledger:
        return cell_path(str(ledger.connection.execute("SELECT cell FROM cells").fetchone()[0]))


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[Served]:
    with serving(path) as served:
        yield served


@pytest.fixture(scope="module")
def site(path: Path) -> Path:
    write_site(path.parent / "site", path, Settings(url="https://bench.example.org/", shipped=shipped()))
    return path.parent / "site"


def clipboard(page: Page) -> str:
    return str(page.evaluate("() => navigator.clipboard.readText()"))


def test_a_button_copies_the_whole_command_and_says_so(page: Page, server: Served, place: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(server.url + place)
    blocks = page.locator("#run-it-yourself pre.command:visible")
    assert blocks.count() >= 12
    for index in range(blocks.count()):
        block = blocks.nth(index)
        button = block.locator("xpath=..").get_by_role("button")
        button.click()
        page.wait_for_function("(node) => node.textContent === 'Copied'", arg=button.element_handle())
        assert clipboard(page) == block.locator("code").text_content()
    assert page.locator("[role=status].unseen").text_content() == "Copied"
    said = " ".join(page.locator("#run-it-yourself pre.command").all_text_contents())
    for part in (
        "verify",
        "show --json",
        "--scripted",
        "--replay",
        "docker run",
        "doctor",
        "check",
        "recheck",
        "append",
    ):
        assert part in said


def test_a_button_is_reached_and_used_by_keys_alone(page: Page, server: Served, place: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(server.url + place)
    page.locator("#run-it-yourself pre.command").first.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Copy"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.textContent === 'Copied'")
    assert clipboard(page).startswith("benchledger ")


def test_where_the_clipboard_is_refused_the_text_is_selected(page: Page, server: Served, place: str) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined});")
    page.goto(server.url + place)
    block = page.locator("#run-it-yourself pre.command").first
    block.locator("xpath=..").get_by_role("button").click()
    assert page.evaluate("() => getSelection().toString()").split() == (block.text_content() or "").split()


def test_without_scripts_the_commands_stand_there_to_be_selected(
    browser: Browser, server: Served, place: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url + place)
    assert page.locator("#run-it-yourself pre.command").count() >= 12
    assert page.get_by_role("button", name="Copy").count() == 0
    context.close()


def test_a_written_page_copies_from_a_folder_too(page: Page, site: Path, place: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto((site / place).as_uri())
    page.locator("#embed pre.command").nth(1).locator("xpath=..").get_by_role("button").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].some((b) => b.textContent === 'Copied')"
    )
    assert clipboard(page).startswith("[![benchledger: tiny")
    assert f"https://bench.example.org/{badge_path(place)}" in clipboard(page)


def test_the_badge_of_a_page_is_drawn(page: Page, server: Served, site: Path, place: str) -> None:
    for address in (server.url + place, (site / place).as_uri()):
        page.goto(address)
        picture = page.locator("#embed img")
        size = picture.evaluate("(image) => [image.complete, image.naturalWidth, image.naturalHeight]")
        assert size[0]
        assert size[1] > 300
        assert size[2] == 20
        assert "gated-1" in (picture.get_attribute("alt") or "")


def test_the_text_of_a_badge_stays_within_it(page: Page, server: Served, place: str) -> None:
    page.goto(server.url + badge_path(place))
    for text in page.locator("text").all():
        inner = text.bounding_box()
        outer = page.locator("svg").bounding_box()
        assert inner is not None
        assert outer is not None
        assert inner["x"] >= outer["x"]
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1


def test_the_snippets_show_the_cell_in_a_page_of_another_site(
    browser: Browser, server: Served, site: Path, place: str, tmp_path: Path
) -> None:
    """The printed HTML and frame, on a page of another origin, with the address of a real server in place."""
    with watched(browser) as page:
        page.goto((site / place).as_uri())
        found = {
            block.get_attribute("aria-label"): (block.text_content() or "").replace(
                "https://bench.example.org/", server.url
            )
            for block in page.locator("#embed pre.command").all()
        }
    body = found["Latest, HTML"] + found["Permanent, Frame"]
    (tmp_path / "index.html").write_text(f"{HEAD}{body}", "utf-8")
    with files_served(tmp_path) as other, watched(browser) as page:
        page.goto(f"{other}index.html")
        page.locator("iframe").scroll_into_view_if_needed()
        frame = page.frame_locator("iframe")
        frame.locator(".verdict").wait_for()
        assert "Passed: 6 of 6 checks" in frame.locator(".verdict").inner_text()
        assert "gated-1" in frame.locator(".result").inner_text()
        # the style sheet of the server has come, too
        assert frame.locator(".verdict").evaluate("(node) => getComputedStyle(node).borderLeftWidth") == "5px"
        assert frame.locator("html").evaluate("(node) => node.scrollHeight <= innerHeight")
        assert page.locator("img").evaluate("(image) => image.naturalWidth") > 300
        assert page.frames[1].url == server.url + embed_path(place.replace(".html", "/attempt-1.html"))


def test_names_that_want_out_stay_in_commands_snippets_and_badges(browser: Browser, tmp_path: Path) -> None:
    ledger = hostile_ledger(tmp_path / "runs.db")
    with serving(ledger) as server, watched(browser) as page:
        page.goto(server.url + cell_path(HOSTILE))
        texts = page.locator("pre.command").all_text_contents()
        assert texts
        assert all(text.replace("\n", "").isprintable() for text in texts)
        assert page.evaluate("() => window.pwned") is None
        assert page.locator("[data-pwned]").count() == 0
        page.goto(server.url + badge_path(cell_path(HOSTILE)))
        assert page.evaluate("() => window.pwned") is None
        assert page.locator("svg *").evaluate_all("(all) => [...new Set(all.map((one) => one.tagName))].sort()") == [
            "g", "rect", "text", "title",
        ]  # fmt: skip
    checked(ledger, use_last_seen=False)
