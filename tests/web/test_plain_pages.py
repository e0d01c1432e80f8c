"""Pages beside leaderboard and cell in a real browser, against the JSON of the commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchledger.ledger.store import Ledger
from benchledger.ledger.web.render import number
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings
from tests.attacks.sample import build_full
from tests.ledger.made import ran
from tests.ledgers import checked
from tests.web.links import link_faults
from tests.web.parts_of_pages import CELL, swept
from tests.web.serving import PROGRAM, Served, serving


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = build_full(tmp_path_factory.mktemp("full") / "full.db")
    yield path
    checked(path)


@pytest.fixture(scope="module")
def server(full: Path) -> Iterator[Served]:
    with serving(full) as served:
        yield served


@pytest.fixture(scope="module")
def site(full: Path) -> Path:
    out = full.parent / "site"
    write_site(out, full, Settings())
    return out


@pytest.fixture
def nightly(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "nightly.db"
    swept(path).close()
    yield path
    checked(path)


def told(ledger: Path, *words: str):
    command = [*PROGRAM, "--ledger", str(ledger), *words, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def column(page: Page, table: str, name: str) -> list[str]:
    """Return the texts of one column of a table, in the rows that are in sight."""
    heads = page.locator(f"{table} thead th").all_inner_texts()
    at = [head.strip().split("\n")[0].rstrip(" ▲▼") for head in heads].index(name) + 1
    cells = page.locator(f"{table} tbody tr:not([hidden]) > :nth-child({at})")
    return [text.strip() for text in cells.all_inner_texts()]


def test_rows_of_an_agent_show_the_numbers_of_the_leaderboard_command(page, server, full):
    page.goto(f"{server.url}agents/openhands.html")
    rows = [row for row in told(full, "leaderboard") if row["agent"] == "openhands"]
    table = "#rows table"
    assert column(page, table, "Model") == [row["model"] for row in rows]
    assert column(page, table, "Composite") == [number(row["composite"]) for row in rows]
    assert column(page, table, "Tasks") == [f"{row['tasks']}/{row['planned']}" for row in rows]
    assert column(page, table, "Solved") == [f"{row['passed']}/{row['cells']}" for row in rows]
    assert column(page, table, "Infra faults") == [str(row["infra_faults"]) for row in rows]


def test_cells_show_the_numbers_of_the_cells_command(page, server, full):
    page.goto(f"{server.url}cells.html")
    cells = told(full, "cells")
    shown = column(page, "#cells-table", "Composite")
    assert len(shown) == len(cells) == 57
    valued = sorted(number(cell["composite"]) for cell in cells if cell["composite"] is not None)
    assert sorted(text for text in shown if text[:1].isdigit()) == valued


def test_a_comparison_shows_what_its_printed_command_says(page, server, full):
    page.goto(
        f"{server.url}compare/openhands~2fmeta~2fllama-4-maverick-17b-128e-instruct--vs--aider~2fmeta~2fllama-4-maverick-17b-128e-instruct.html"
    )
    words = page.locator("pre.command").last.inner_text().replace("\\\n", " ").split()
    assert words[:2] == ["benchledger", "--ledger"]
    report = told(full, *words[3:])
    assert column(page, "table[data-filter=tasks]", "Task") == [task["task"] for task in report["tasks"]]
    shown = column(page, "table[data-filter=tasks]", "a \u2212 b")
    assert shown == [f"{task['difference']:+.3f}" for task in report["tasks"]]
    assert f"by {abs(report['difference']):.3f}" in page.locator("#difference .verdict").inner_text()
    left_out = page.locator("section[aria-labelledby=left-h] tbody tr").count()
    assert left_out == len(report["left_out"])


def test_a_sweep_shows_the_numbers_of_its_status_command(page, nightly):
    with serving(nightly) as server:
        page.goto(f"{server.url}sweeps/nightly.html")
        status = told(nightly, "sweep", "status", "nightly")
        said = page.locator("#status").inner_text()
        assert f"{status['done']} of {status['cells']} planned cells have a result" in said
        assert f"solved {status['solved']} of {status['done']}" in said
        assert "0.0096 USD" in said or f"{status['cost']:.6f} USD" in said
        table = "#sweep-arms table"
        for name, key in (("Planned", "planned"), ("With a result", "done"), ("Solved", "solved")):
            assert column(page, table, name) == [str(arm[key]) for arm in status["arms"]]
        assert column(page, table, "Mean composite") == [number(arm["composite"]) for arm in status["arms"]]
        why = dict(
            zip(column(page, "#missing-table", "Cell"), column(page, "#missing-table", "Why"), strict=True)
        )
        assert "retries are used up" in why[CELL.format("b", "z", 1)]


def test_a_running_sweep_appears_while_a_filter_stays(page, nightly):
    with serving(nightly) as server:
        page.goto(f"{server.url}sweeps/nightly.html")
        expect(page.locator("#live")).to_contain_text("up to date")
        missing = page.get_by_role("search", name="Filter cells").first.get_by_label("Filter", exact=True)
        missing.fill("/c/z")
        assert column(page, "#missing-table", "Cell") == [
            CELL.format("a", "z", 1), CELL.format("a", "z", 2), CELL.format("b", "z", 1), CELL.format("b", "z", 2)
        ]  # fmt: skip
        with Ledger.open(nightly, write=True) as ledger:
            ran(ledger, CELL.format("a", "z", 1), task="d")
        expect(page.locator("#status .verdict")).to_contain_text("7 of 12 planned cells", timeout=30_000)
        assert missing.input_value() == "/c/z"
        assert column(page, "#missing-table", "Cell") == [
            CELL.format("a", "z", 2), CELL.format("b", "z", 1), CELL.format("b", "z", 2)
        ]  # fmt: skip


def test_a_table_is_sorted_by_size_and_filtered_by_choice_and_text(page, server):
    page.goto(f"{server.url}cells.html")
    head = page.locator("#cells-table thead th", has_text="Wall").get_by_role("button")
    head.click()
    walls = [
        float(text.removesuffix(" s").replace(",", ""))
        for text in column(page, "#cells-table", "Wall")
        if text != "\u2013"
    ]
    assert walls == sorted(walls, reverse=True)
    head.focus()
    page.keyboard.press("Enter")
    assert page.locator("#cells-table thead th[aria-sort]").get_attribute("aria-sort") == "ascending"
    page.get_by_label("Agent", exact=True).select_option("pi 0.73.1")
    assert set(column(page, "#cells-table", "Agent")) == {"pi 0.73.1"}
    page.get_by_label("Filter", exact=True).fill("polyglot/rust")
    assert column(page, "#cells-table", "Task") == ["polyglot/rust-error-handling"]
    assert page.locator(".filters .said").inner_text() == "1 of 57 cells"


def test_events_are_searched_by_a_server_and_opened_by_a_link(page, server, full):
    page.goto(f"{server.url}events.html")
    page.get_by_label("Type", exact=True).select_option("cell.adjudicated")
    page.get_by_label("Text", exact=True).fill("the example referee")
    page.get_by_role("button", name="Search").click()
    found = page.locator("ol.events > li")
    assert found.count() == 1
    found.locator("a.seq").click()
    page.wait_for_url("**/events/3.html#e*")
    opened = page.locator("ol.events > li:target")
    assert opened.locator("details").get_attribute("open") is not None
    assert "the checks were edited" in opened.locator("pre").inner_text()
    with Ledger.open(full) as ledger:
        seq = int(opened.get_attribute("id").removeprefix("e"))
        before, event = ledger.events(seq - 1, seq + 1)
    assert event.hash.hex() in opened.inner_text()
    assert before.hash.hex() in opened.inner_text()


def test_a_written_page_of_events_is_filtered_without_a_server(page, site):
    page.goto(f"file://{site}/events/0.html")
    page.get_by_label("Type", exact=True).select_option("grader.ran")
    kinds = page.locator("ol.events > li:not([hidden])").evaluate_all(
        "items => items.map(i => i.dataset.type)"
    )
    assert kinds
    assert set(kinds) == {"grader.ran"}
    page.goto(f"file://{site}/events.html")
    assert page.locator("form").count() == 0
    assert "benchledger serve" in page.locator(".banner").inner_text()


def test_every_link_of_a_written_site_leads_somewhere(site):
    source = "leads out: https://codingagentbench.com/"
    assert [fault for fault in link_faults(site) if source not in fault] == []


def test_the_json_twin_of_a_page_is_what_it_was_made_of(server):
    for place in (
        "ledger",
        "sweeps",
        "adjudications",
        "sources",
        "cells",
        "compare",
        "events/0",
        "policies/cab-0.1",
    ):
        twin = json.loads(server.get(f"{place}.json").body)
        assert twin["title"].split(",")[0] in server.get(f"{place}.html").text


COMMAND = re.compile('<pre class="command" tabindex="0"><code>(.*?)</code>', re.DOTALL)


def test_every_command_on_these_pages_runs_as_it_is_pasted(server, full, tmp_path):
    """All but those that need a value of the reader's (A B), or that never end (serve)."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/benchledger"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(PROGRAM)} "$@"\n')
    program.chmod(0o755)
    places = (
        "agents/aider", "models/openai/gpt-oss-120b", "tasks/examples/pass", "sweeps/planned-1",
        "sweeps/free-20260527", "policies/cab-0.1",
        "ledger", "adjudications", "cells",
        "compare/openhands~2fmeta~2fllama-4-maverick-17b-128e-instruct--vs--aider~2fmeta~2fllama-4-maverick-17b-128e-instruct",
    )  # fmt: skip
    shown = {unescape(text) for place in places for text in COMMAND.findall(server.get(f"{place}.html").text)}
    assert len(shown) >= len(places)
    before = full.stat().st_size
    for command in sorted(shown):
        env = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout, command
    assert full.stat().st_size == before, "a page prints no command that writes"
