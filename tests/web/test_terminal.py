"""The terminal of a cell in a browser: played, sought, copied, in step with the trace; hostile ones do no harm."""

import re
import time

import pytest
from playwright.sync_api import expect

from benchledger.ledger.web import pages, render, vendored
from benchledger.ledger.web.site import write_site
from benchledger.ledger.web.view import Settings, View
from tests.engine import absent
from tests.ledgers import checked
from tests.web.browser import axe_faults, watched
from tests.web.serving import serving
from tests.web.traced import PLACE, call, cast, span, traced_ledger

SPANS = (
    span(1, 100, 1900, kind="container", name="local"),
    call(1, 600, 100.0),
)
EVENTS = (
    [0.1, "o", "$ make\r\n"],
    [0.6, "o", "\x1b[31mred\x1b[0m words\r\n"],
    [1.5, "o", "done </script>\r\n"],
)
ESC = "\x1b"
BOMBS = {
    "repeat": f"a{ESC}[65535b" * 20_000,
    "scroll": f"{ESC}[65535S" * 20_000,
    "newlines": "\n" * 2_000_000,
    "clear": f"{ESC}[2J" * 200_000,
    "reset": f"{ESC}c" * 200_000,
    "aligned": f"{ESC}#8" * 100_000,
    "null bytes": "\x00" * 500_000,
    "long line": "x" * 1_000_000,
    "title without end": f"{ESC}]0;" + "z" * 500_000,
    "colours": "".join(f"{ESC}[38;2;{n % 256};{n // 256 % 256};7mx" for n in range(50_000)),
}


@pytest.fixture(autouse=True)
def _player():
    if reason := vendored.why_not("asciinema-player"):
        absent("browser", reason)


@pytest.fixture
def served(tmp_path):
    """Return what serves a cell with this recording."""
    made, servers = [], []

    def serve(recording, *spans, **more):
        made.append(traced_ledger(tmp_path / f"{len(made)}.db", spans or SPANS, recording, **more))
        servers.append(serving(made[-1]))
        return servers[-1].__enter__().url + PLACE

    yield serve
    for server in servers:
        server.__exit__(None, None, None)
    for path in made:
        checked(path)


def opened(page, address):
    page.goto(address)
    page.locator("#terminal").scroll_into_view_if_needed()
    page.wait_for_function("() => window.benchledger.terminal")
    page.wait_for_function(
        "() => benchledger.terminal.getDuration() > 0 || document.querySelector('.ap-term-text')"
    )


def screen(page):
    return page.locator(".ap-term-text").text_content()


def seek(page, seconds):
    page.evaluate(
        "(at) => Promise.race([benchledger.terminal.seek(at), new Promise((ok) => setTimeout(ok, 8000))])",
        seconds,
    )


def test_the_terminal_waits_for_the_reader_then_plays_and_seeks(served, page):
    opened(page, served(cast(*EVENTS)))
    page.wait_for_function("() => document.querySelector('.ap-term-text').textContent.includes('done')")
    # what is shown is the end, and nothing plays
    assert page.evaluate("benchledger.terminal.getCurrentTime()") == 1.5
    page.select_option("#terminal-player [data-do=speed]", "4")
    page.wait_for_timeout(200)
    began = time.perf_counter()
    page.locator(".ap-playback-button").click()
    page.wait_for_function("() => benchledger.terminal.getCurrentTime() < 1.4")
    page.wait_for_function("() => benchledger.terminal.getCurrentTime() >= 1.5", timeout=5000)
    assert time.perf_counter() - began < 1.2  # 1.5 s at four times the speed
    seek(page, 0.7)
    page.wait_for_function("() => !document.querySelector('.ap-term-text').textContent.includes('done')")
    assert "red words" in screen(page)
    seek(page, 1.5)
    page.wait_for_function(
        "() => document.querySelector('.ap-term-text').textContent.includes('done </script>')"
    )


def test_text_of_the_terminal_can_be_selected_and_is_there_without_playing(served, page):
    opened(page, served(cast(*EVENTS)))
    seek(page, 0.7)
    selected = page.evaluate(
        "() => { const range = document.createRange(); const selection = getSelection();"
        " range.selectNodeContents(document.querySelector('.ap-term-text'));"
        " selection.removeAllRanges(); selection.addRange(range); return selection.toString(); }"
    )
    assert "red words" in selected
    assert page.evaluate("getComputedStyle(document.querySelector('.ap-term-text')).userSelect") != "none"
    page.get_by_text("Its text, without playing").click()
    text = page.locator("#terminal details pre")
    expect(text).to_contain_text("red words")
    expect(text).to_contain_text("done </script>")
    assert "\x1b" not in text.text_content()


def test_model_calls_are_markers_and_the_clock_follows_the_replay(served, page):
    opened(page, served(cast(*EVENTS)))
    # the call starts 600 ms, and the recording 100 ms after the attempt: half a second into 1.5 s
    marker = page.locator(".ap-marker-container").first
    box, bar = marker.bounding_box(), page.locator(".ap-progressbar").bounding_box()
    assert (box["x"] + box["width"] / 2 - bar["x"]) / bar["width"] == pytest.approx(0.5 / 1.5, abs=0.03)
    page.evaluate("benchledger.replay.go(750)")
    page.wait_for_function("() => Math.abs(benchledger.terminal.getCurrentTime() - 0.65) < 0.01")
    page.wait_for_function("() => document.querySelector('.ap-term-text').textContent.includes('red words')")
    assert "done" not in screen(page)
    page.locator("[data-do=follow]").uncheck()
    page.evaluate("benchledger.replay.go(1900)")
    page.wait_for_timeout(300)
    assert page.evaluate("benchledger.terminal.getCurrentTime()") == pytest.approx(0.65, abs=0.01)


def test_keys_in_the_player_leave_the_replay_alone(served, page):
    opened(page, served(cast(*EVENTS)))
    page.locator(".ap-wrapper").focus()
    for key in (".", "ArrowRight", "Home"):
        page.keyboard.press(key)
    assert page.evaluate("benchledger.replay.time()") == 0


def test_only_a_page_with_a_recording_may_run_web_assembly(served, tmp_path):
    from urllib.request import urlopen

    policies = []
    for recording in (cast(*EVENTS), None):
        with urlopen(served(recording)) as answer:
            policies.append("'wasm-unsafe-eval'" in answer.headers["Content-Security-Policy"])
            assert ("asciinema-player" in answer.read().decode()) is policies[-1]
    assert policies == [True, False]


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_recording_cannot_hold_the_page_up(served, browser, name):
    bomb = BOMBS[name]
    events = [[at / 1e5, "o", bomb[at : at + 4000]] for at in range(0, len(bomb), 4000)]
    with watched(browser) as page:
        page.set_default_timeout(20_000)
        opened(page, served(cast(*events, [30, "o", "\r\nthe end"])))
        began = time.perf_counter()
        seek(page, 30)
        page.evaluate("benchledger.replay.go(100)")
        assert page.evaluate("benchledger.replay.time()") == 100
    assert time.perf_counter() - began < 8


def test_a_screen_that_none_has_is_cut_and_the_page_says_so(served, page):
    header = {"version": 2, "width": 10_000, "height": 10_000, "title": "<b>x</b>"}
    opened(
        page,
        served(
            cast(
                [1, "o", "here"], "garbage \x00", [2, "r", "9999x9999"], [3, "o", " and there"], header=header
            )
        ),
    )
    seek(page, 3)
    page.wait_for_function(
        "(text) => document.querySelector('.ap-term-text').textContent.includes(text)", arg="here and there"
    )
    section = page.locator("#terminal")
    expect(section).to_contain_text("a screen of 10000 by 10000 is drawn as 300 by 100")
    expect(section).to_contain_text("1 malformed line is left out")
    expect(section.get_by_role("link", name="The recording as it is")).to_have_count(1)


def test_a_long_recording_comes_as_a_script_from_a_server_and_from_a_folder(browser, tmp_path):
    recording = cast(*([n / 100, "o", f"step {n:05} of many\r\n"] for n in range(6000)))
    path = traced_ledger(tmp_path / "long.db", SPANS, recording)
    write_site(tmp_path / "site", path, Settings())
    with serving(path) as server:
        for address in (server.url, (tmp_path / "site").as_uri() + "/"):
            with watched(browser) as page:
                opened(page, address + PLACE)
                assert page.locator("#terminal-recording").count() == 0
                seek(page, 59.99)
                page.wait_for_function(
                    "(text) => document.querySelector('.ap-term-text').textContent.includes(text)",
                    arg="step 05999",
                )
    checked(path)


def test_without_the_player_the_text_is_there_with_the_reason(tmp_path, monkeypatch):
    path = traced_ledger(tmp_path / "bare.db", SPANS, cast(*EVENTS))
    monkeypatch.setattr(vendored, "why_not", lambda name: f"{name} is not there: npm was not found")
    with View(path, Settings()) as view:
        page, arguments = pages.match(PLACE)
        context = pages.build(page, view, arguments)
        html = render.html(page.template, context, view, PLACE).decode()
    checked(path)
    assert "No playback: asciinema-player is not there: npm was not found" in html
    assert "red" in re.sub("<[^>]*>", "", html.partition('id="terminal"')[2])
    assert (context["wasm"], "vendor/" in html) == (False, False)


def section_of(path):
    with View(path, Settings()) as view:
        page, arguments = pages.match(PLACE)
        context = pages.build(page, view, arguments)
        html = render.html(page.template, context, view, PLACE).decode()
    checked(path)
    return context["sections"]["terminal"], re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def test_a_cell_without_a_recording_has_a_summary_of_its_spans_and_the_reason(tmp_path):
    spans = (span(1, 0, 900, kind="container"), span(2, 10, 40, 1, error="no"), span(3, 50, 60, 1))
    section, text = section_of(traced_ledger(tmp_path / "none.db", spans))
    assert section["reason"].startswith("Not applicable: the agent ran without a terminal")
    assert "container 1 900.0 ms 0" in text
    assert "tool_call 2 40.0 ms 1" in text


def test_a_recording_of_another_format_is_linked_and_not_played(tmp_path):
    section, text = section_of(traced_ledger(tmp_path / "other.db", SPANS, b"\x00\x01 no asciicast"))
    assert section["state"] == "unreadable"
    assert "The recording as it is" in text


def test_the_terminal_has_no_serious_fault_of_accessibility(served, page):
    opened(page, served(cast(*EVENTS)))
    assert axe_faults(page) == []
