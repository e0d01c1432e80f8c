"""The leaderboard's page: what it says, and that its sliders and filters give the digits of the commands."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from benchledger.ledger.leaderboard import leaderboard
from benchledger.ledger.policy_files import weighted
from benchledger.ledger.rescore import rescore
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.render import NONE
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings
from benchledger.schema.history import Selection
from benchledger.schema.policy import FORMULA_TERMS, Policy
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.bench.synthetic import append_cells
from tests.ledger.made import ran
from tests.ledgers import checked
from tests.web.board_rows import as_row, key_of, named, said, settled, shown, weigh
from tests.web.browser import axe_faults
from tests.web.serving import PROGRAM, serving
from tests.web.varied import TASKS, varied, weightings

NAME = "runs.db"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a ledger in which everything happens, and its site."""
    folder = tmp_path_factory.mktemp("board")
    with Ledger.create(folder / NAME) as ledger:
        varied(ledger)
    write_site(folder / "site", folder / NAME, Settings(name=NAME))
    yield folder
    checked(folder / NAME, use_last_seen=False)


def url(place: Path, path: str = "index.html") -> str:
    return (place / "site" / path).as_uri()


@pytest.mark.parametrize("base", [GATED_1, CAB_01], ids=lambda policy: policy.name)
def test_sliders_show_the_digits_of_rescore_on_twenty_weightings(
    page: Page, place: Path, base: Policy
) -> None:
    page.goto(url(place, f"leaderboard/{base.name}.html"))
    with Ledger.open(place / NAME) as ledger:
        for given in weightings(base, 20, seed=7):
            policy = weighted(base, given)
            weigh(page, {term: policy.weight(term) for term in FORMULA_TERMS[base.formula]})
            told = [row.to_json() for row in leaderboard(ledger.connection, policy, Selection())]
            rows = [as_row(line) for line in shown(page)]
            assert rows == [said(row) for row in told]
            for row in (row.to_json() for row in rescore(ledger.connection, policy, base, Selection()).rows):
                (line,) = [line for line in rows if line[:3] == named(row)]
                assert (line[3], line[5], line[6], *line[8:]) == (
                    row["rank_after"], row["after"], row["floor"], row["low"], row["high"],
                )  # fmt: skip
            texts = {f"{row['composite']:.3f}" for row in told if row["composite"] is not None}
            assert {line["composite"][0] for line in shown(page)} == texts | {NONE}


def test_the_command_on_the_page_prints_what_the_page_shows(page: Page, place: Path) -> None:
    page.goto(url(place))
    weigh(
        page,
        {
            "pass_rate": 0.2,
            "integrity": 0,
            "cost": 0.125,
            "latency": 3,
            "blast_radius": 0,
            "constraints": 1e-7,
        },
    )
    page.locator("[data-filter=category] summary").click()
    page.get_by_label("polyglot", exact=True).check()
    page.locator("[data-filter=agent] summary").click()
    page.get_by_label("alpha", exact=True).check()
    page.get_by_label("twin-1", exact=True).check()
    settled(page)
    words = shlex.split(page.locator("#board-command").inner_text())
    assert words[0] == "benchledger"
    ran = subprocess.run(
        [*PROGRAM, *words[1:], "--json"], cwd=place, capture_output=True, text=True, check=True
    )
    lines = {line[:3]: line for line in map(as_row, shown(page))}
    rows = json.loads(ran.stdout)["rows"]
    assert len(rows) == len(lines) > 2
    for row in rows:
        line = lines[named(row)]
        assert (line[3], line[5], line[6]) == (row["rank_after"], row["after"], row["floor"])
        assert line[8:] == (row["low"], row["high"])


FILTERS: list[tuple[dict[str, list[str]], dict[str, tuple[str, ...]]]] = [
    ({"task": [TASKS[0], TASKS[1]]}, {"task": TASKS[:2]}),
    ({"category": ["mutations"]}, {"task": ("mutations/off-by-one", "mutations/swapped")}),
    ({"sweep": ["second"]}, {"sweep": ("second",)}),
    ({"model": ["lab/small"], "agent": ["alpha", "beta"]}, {"model": ("lab/small",), "agent": ("alpha", "beta")}),
    ({"language": ["go"]}, {"task": TASKS[1::3]}),
    ({"language": ["go"], "category": ["polyglot"]}, {"task": (TASKS[1], TASKS[4])}),
    ({"mode": ["scripted"]}, {"mode": ("scripted",)}),
]  # fmt: skip


@pytest.mark.parametrize(("chosen", "selection"), FILTERS, ids=",".join)
def test_a_filter_gives_the_rows_of_the_leaderboard_with_it(
    page: Page, place: Path, chosen: dict[str, list[str]], selection: dict[str, tuple[str, ...]]
) -> None:
    page.goto(url(place))
    for name, values in chosen.items():
        group = page.locator(f"[data-filter={name}]")
        group.locator("summary").click()
        for value in values:
            group.get_by_label(value, exact=True).check()
    settled(page)
    with Ledger.open(place / NAME) as ledger:
        rows = [row.to_json() for row in leaderboard(ledger.connection, GATED_1, Selection(**selection))]
    assert [as_row(line) for line in shown(page)] == [said(row) for row in rows]
    for line, row in zip(shown(page), rows, strict=True):
        assert line["passed"][0] == f"{row['passed']}/{row['cells']}"
        assert line["tasks"][0] == f"{row['tasks']}/{row['planned']}"
        for name in ("pass_rate", "wall_median_ms", "tokens_per_solved", "cost_per_solved", "coverage"):
            assert line[name][1] == (() if row[name] is None else (row[name],))
        for name in ("infra_faults", "retried", "withdrawn", "standing"):
            assert line[name][0] == str(row[name])


def test_rows_are_sorted_from_the_keyboard_and_say_so(page: Page, place: Path) -> None:
    page.goto(url(place))
    head = page.locator("th[data-col=wall_median_ms]")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    settled(page)
    walls = [value for line in shown(page) for value in line["wall_median_ms"][1]]
    assert walls == sorted(walls)
    assert shown(page)[-1]["wall_median_ms"][0] == NONE  # what is not known comes last
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    settled(page)
    expect(page.locator("th[aria-sort]")).to_have_count(1)
    walls = [value for line in shown(page) for value in line["wall_median_ms"][1]]
    assert walls == sorted(walls, reverse=True)


def test_an_address_carries_weights_filters_and_order(page: Page, browser: Browser, place: Path) -> None:
    page.goto(url(place))
    weigh(page, {"pass_rate": 0.25, "cost": 0.75, "latency": 0, "blast_radius": 0, "constraints": 0})
    page.locator("[data-filter=model] summary").click()
    page.get_by_label("lab/large", exact=True).check()
    page.locator("th[data-col=composite] button").click()
    page.wait_for_url("**sort=-composite")
    settled(page)
    address, before = page.url, shown(page)
    assert "w.cost=0.75" in address
    assert "model=lab%2Flarge" in address
    other = browser.new_context().new_page()
    other.goto(address)
    settled(other)
    assert shown(other) == before
    assert other.locator("[data-number=cost]").input_value() == "0.75"
    assert other.locator("[data-slider=pass_rate]").input_value() == "0.25"
    assert other.get_by_label("lab/large", exact=True).is_checked()
    other.context.close()


def test_a_reset_brings_back_what_the_server_wrote(page: Page, place: Path) -> None:
    page.goto(url(place))
    first = shown(page)
    weigh(page, {"pass_rate": 0, "cost": 1, "latency": 0, "blast_radius": 0, "constraints": 0})
    assert shown(page) != first
    expect(page.locator("#board-moved h3")).to_have_text("What moved")
    assert page.locator("#board-moved li").count() > 0
    assert page.locator(".was").count() == page.locator("#board-moved li").count()
    page.get_by_role("button", name="Reset to gated-1").click()
    settled(page)
    assert shown(page) == first
    assert page.locator("#board-moved").inner_text() == ""


def test_weights_that_mean_nothing_are_refused_in_words(page: Page, place: Path) -> None:
    page.goto(url(place))
    first = shown(page)
    page.locator("[data-number=cost]").fill("-1")
    expect(page.locator("#board-fault")).to_contain_text("from 0 to 1,000,000")
    for term in FORMULA_TERMS["gated-1"]:
        page.locator(f"[data-number={term}]").fill("0")
    expect(page.locator("#board-fault")).to_contain_text("above 0")
    page.get_by_role("button", name="Reset to gated-1").click()
    expect(page.locator("#board-fault")).to_be_empty()
    settled(page)
    assert shown(page) == first


def test_many_rows_get_their_ranks_and_places_when_the_hand_rests(page: Page, tmp_path: Path) -> None:
    with Ledger.create(tmp_path / NAME) as ledger:
        append_cells(ledger, 300)  # more rows than one frame can take
        write_site(tmp_path / "site", tmp_path / NAME, Settings(name=NAME))
        page.goto(url(tmp_path))
        weights = {"pass_rate": 0, "cost": 0, "latency": 1, "blast_radius": 0.5, "constraints": 0}
        weigh(page, weights)
        policy = weighted(GATED_1, ["latency=1", "blast_radius=0.5"])
        told = [row.to_json() for row in leaderboard(ledger.connection, policy, Selection())]
    assert len(told) > 100
    assert [as_row(line) for line in shown(page)] == [said(row) for row in told]
    checked(tmp_path / NAME, use_last_seen=False)


def test_charts_follow_the_weights(page: Page, place: Path) -> None:
    page.goto(url(place))
    chart = page.locator("svg[data-field=wall_median_ms]")
    before = chart.locator("g[data-row='0'] circle").get_attribute("cy")
    weigh(page, {"pass_rate": 0, "cost": 0, "latency": 1, "blast_radius": 0, "constraints": 0})
    (first,) = [
        line for line in page.evaluate("benchledger.board.rows") if named(line) == named(key_of(page, 0))
    ]
    after = float(chart.locator("g[data-row='0'] circle").get_attribute("cy") or "")
    assert after != float(before or "")
    assert after == pytest.approx(296 - 282 * first["composite"], abs=0.06)
    assert f"{first['composite']:.3f}" in (page.locator("#cost table.points").last.text_content() or "")
    squares = page.locator("#heat-0 td a").all_inner_texts()
    classes = [cell.get_attribute("class") for cell in page.locator("#heat-0 td:has(a)").all()]
    assert len(squares) > 5
    for text, name in zip(squares, classes, strict=True):
        assert text == "no score" or abs(float(text) * 10 - int((name or "").removeprefix("heat-"))) <= 0.55


def test_all_is_there_without_scripts(browser: Browser, place: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url(place))
    with Ledger.open(place / NAME) as ledger:
        rows = [row.to_json() for row in leaderboard(ledger.connection, GATED_1, Selection())]
    assert page.locator("table.board tbody tr").count() == len(rows)
    assert page.locator("#heat tbody tr").count() == len(rows)
    expect(page.locator("svg.scatter")).to_have_count(2)
    expect(page.locator("#board-form")).to_be_hidden()
    expect(page.locator("#weights")).to_contain_text("benchledger rescore --policy gated-1 -w pass_rate=0.5")
    context.close()


def test_no_grave_fault_of_accessibility_is_found(page: Page, phone: Page, place: Path) -> None:
    with serving(place / NAME) as server:
        for opened in (page, phone):
            opened.goto(server.url)
            assert axe_faults(opened) == []
            assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
            opened.goto("about:blank")


def test_a_page_that_is_live_renews_itself_under_the_weights_of_its_reader(
    page: Page, tmp_path: Path
) -> None:
    path = tmp_path / NAME
    with Ledger.create(path) as ledger:
        for agent in ("a", "b"):
            ran(ledger, f"s/{agent}/lab/m/c/t#run1", (100, 10, 0))
    with serving(path) as server:
        page.goto(server.url)
        weigh(page, {"pass_rate": 0, "cost": 1, "latency": 0, "blast_radius": 0, "constraints": 0})
        expect(page.locator("table.board tbody tr")).to_have_count(2)
        with Ledger.open(path, write=True) as ledger:
            ran(ledger, "s/new/lab/m/c/t#run1", (9000, 10, 0))
        expect(page.locator("table.board tbody tr")).to_have_count(3)
        settled(page)
        with Ledger.open(path) as ledger:
            policy = weighted(GATED_1, ["cost=1"])
            rows = [row.to_json() for row in leaderboard(ledger.connection, policy, Selection())]
        assert [as_row(line) for line in shown(page)] == [said(row) for row in rows]
        page.goto("about:blank")
    checked(path, use_last_seen=False)
