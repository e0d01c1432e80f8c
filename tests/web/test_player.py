"""What the terminal player of npm needs of the pages' policy: the one word that lets WebAssembly run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchledger.ledger.web import vendored
from tests.engine import absent
from tests.web.browser import watched
from tests.web.hosting import files_served

POLICY = (
    "default-src 'none'; script-src 'self'{}; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'"
)
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>A recording</title>
<link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="{policy}"><link rel="stylesheet" href="asciinema-player.css">
<script defer src="asciinema-player.min.js"></script><script defer src="start.js"></script></head>
<body><main><h1>A recording</h1><div id="terminal"></div>
<script type="application/json" id="recording">{recording}</script></main></body></html>"""
START = """"use strict";
const text = JSON.parse(document.getElementById("recording").textContent);
window.player = AsciinemaPlayer.create({data: () => text}, document.getElementById("terminal"), {preload: true});
"""
EVENTS = [[0.01, "o", "\x1b[31mred\x1b[0m and "], [0.02, "o", "\x1b[38;2;1;2;3mnearly black\x1b[0m\r\n"]]
RECORDING = "\n".join(map(json.dumps, [{"version": 2, "width": 40, "height": 4}, *EVENTS]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if reason := vendored.why_not("asciinema-player"):
        absent("browser", reason)
    for name, path in vendored.files().items():
        shutil.copy(path, tmp_path / name)
    (tmp_path / "start.js").write_text(START, encoding="utf-8")
    for name, word in (("plays", " 'wasm-unsafe-eval'"), ("refused", "")):
        text = PAGE.format(
            policy=POLICY.format(word), recording=json.dumps(RECORDING).replace("<", "\\u003c")
        )
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
    return tmp_path


def play(page: Page, address: str) -> None:
    page.goto(address)
    page.evaluate("() => { window.player.play(); }")
    page.wait_for_function("() => document.querySelector('.ap-term').innerText.includes('nearly black')")


def test_the_player_plays_under_the_policy_of_pages_with_a_recording(page: Page, folder: Path) -> None:
    with files_served(folder) as address:
        play(page, f"{address}plays.html")


def test_the_player_plays_without_a_server(page: Page, folder: Path) -> None:
    play(page, (folder / "plays.html").as_uri())


def refusals(browser: Browser, address: str) -> list[str]:
    try:
        with watched(browser) as page:
            page.goto(address)
            page.wait_for_timeout(500)
    except AssertionError as faults:
        return re.findall(r"refused by policy: (.*?) \(", str(faults))
    return []


def test_webassembly_and_nothing_else_is_what_the_policy_of_other_pages_refuses_the_player(
    browser: Browser, folder: Path
) -> None:
    assert refusals(browser, (folder / "refused.html").as_uri()) == ["script-src wasm-eval"]
