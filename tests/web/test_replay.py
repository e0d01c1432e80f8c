"""The replay of a trace in a browser: every key, scrubbing, the current span, calls on the same clock."""

import re
import time

import pytest
from playwright.sync_api import expect

from benchledger.ledger.store import Ledger
from benchledger.schema.events import AgentIdentity, CellSetup
from benchledger.schema.ports import Draft
from tests.ledgers import checked
from tests.web.browser import axe_faults, watched
from tests.web.serving import serving
from tests.web.traced import CELL, OBSERVED, PLACE, START, call, span, traced_ledger

SPANS = (
    span(1, 0, 1900, kind="adapter_run", name="agent-1"),
    span(2, 100, 1800, 1, kind="container", name="local", attributes={"image": "img:1", "argv": ["a", "b"]}),
    span(3, 300, 500, 2, name="first tool"),
    span(4, 800, 900, 2, name="second tool", error="exit status 2", attributes={"path": "<b>bold</b>\u202e"}),
    span(5, 1000, None, 2, name="third tool"),
    call(1, 150, 100.0, model_answered="lab/model-1"),
    call(2, 600, 100.0, error="connection reset"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    path = traced_ledger(tmp_path_factory.mktemp("replay") / "traced.db", SPANS)
    with serving(path) as served:
        yield served
    checked(path)


@pytest.fixture
def replay(page, server):
    page.goto(server.url + PLACE)
    page.locator("#replay").scroll_into_view_if_needed()
    return page


def clock(page):
    return page.evaluate("benchledger.replay.time()")


def current(page):
    return page.locator("[data-current]").text_content()


def timeline(page):
    return page.locator("svg.timeline").bounding_box()


def test_arrows_go_span_by_span_and_show_each_with_its_attributes_and_error(replay):
    seen = []
    for _ in range(6):
        seen.append((clock(replay), re.match(r"\w+ (.*?)( \(failed\))?:", current(replay))[1]))
        replay.keyboard.press("ArrowRight")
    assert seen == [
        (0, "agent-1"), (100, "local"), (300, "first tool"), (800, "second tool"), (1000, "third tool"),
        (1000, "third tool"),
    ]  # fmt: skip
    replay.keyboard.press("ArrowLeft")
    now = replay.locator("[data-show=now]")
    expect(now).to_contain_text("exit status 2")
    expect(now).to_contain_text("<b>bold</b>\u27e8U+202E\u27e9")
    assert now.locator("b").count() == 0
    for _ in range(2):
        replay.keyboard.press("ArrowLeft")
    expect(now).to_contain_text('["a", "b"]')
    expect(replay.locator("tr.on")).to_have_attribute("id", f"span-{2:032x}")


def test_comma_and_point_go_a_tenth_of_a_second_and_home_and_end_to_the_ends(replay):
    replay.keyboard.press(".")
    replay.keyboard.press(".")
    replay.keyboard.press(".")
    replay.keyboard.press(",")
    assert clock(replay) == 200
    assert "local" in current(replay)
    replay.locator("[data-do=scrub]").focus()
    replay.keyboard.press("End")
    assert clock(replay) == 1900
    replay.keyboard.press("Home")
    assert clock(replay) == 0
    replay.keyboard.press(",")
    assert clock(replay) == 0


def test_space_plays_and_pauses_and_is_told_to_who_cannot_see(replay):
    replay.select_option("[data-do=speed]", "0.5")
    replay.evaluate("document.activeElement.blur()")
    replay.keyboard.press(" ")
    expect(replay.locator("[data-do=play]")).to_have_text("Pause")
    replay.wait_for_timeout(1300)
    assert replay.locator("[data-show=said]").text_content() == ""  # not while it plays
    replay.keyboard.press(" ")
    at = clock(replay)
    assert 400 <= at <= 900
    expect(replay.locator("[data-show=said]")).to_have_text(re.compile(rf"{at / 1000:.3f} s: "))
    replay.wait_for_timeout(700)
    assert clock(replay) == at


def test_it_plays_smoothly_unless_motion_is_unwanted_and_stops_at_the_end(browser, server):
    moves = {}
    for motion in ("reduce", "no-preference"):
        with watched(browser) as page:
            page.emulate_media(reduced_motion=motion)
            page.goto(server.url + PLACE)
            page.evaluate(
                "window.moves = 0; document.addEventListener('benchledger:clock', () => { window.moves += 1; })"
            )
            page.locator("[data-do=play]").click()
            page.wait_for_timeout(1200)
            moves[motion] = page.evaluate("window.moves")
            page.select_option("[data-do=speed]", "20")
            page.wait_for_function("() => !benchledger.replay.playing()")
            assert clock(page) == 1900
    assert moves["reduce"] <= 3
    assert moves["no-preference"] > 8


def test_scrubbing_by_the_slider_and_on_the_timeline_moves_the_clock(replay):
    replay.locator("[data-do=scrub]").fill("850")
    assert (clock(replay), "second tool" in current(replay)) == (850, True)
    box = timeline(replay)
    replay.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] - 1)
    assert clock(replay) == pytest.approx(950, abs=3)
    replay.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 3)
    replay.mouse.down()
    replay.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 60, steps=4)
    assert clock(replay) == pytest.approx(380, abs=3)
    assert "first tool" in current(replay)
    replay.mouse.move(box["x"] - 200, box["y"])
    replay.mouse.up()
    assert clock(replay) == 0
    replay.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 3)
    assert clock(replay) == 0


def test_a_click_on_a_bar_shows_that_span(replay):
    # of two that are open at that time, the outer one
    replay.locator(f'rect[data-span="{1:032x}"]').click(position={"x": 400, "y": 7})
    assert "agent-1" in current(replay)


def test_model_calls_stand_on_the_same_clock(replay):
    box = timeline(replay)
    bar = replay.locator('rect[data-call="2"]').bounding_box()
    assert (bar["x"] - box["x"]) / box["width"] == pytest.approx(600 / 1900, abs=0.003)
    assert "failed" in replay.locator('rect[data-call="2"]').get_attribute("class")
    for _ in range(2):
        replay.keyboard.press(".")
    expect(replay.locator("[data-show=clock]")).to_have_text("0.200 s · model call 1")
    expect(replay.locator("rect.call.on")).to_have_count(1)
    replay.keyboard.press(".")
    expect(replay.locator("[data-show=clock]")).to_have_text("0.300 s")


def test_keys_belong_to_who_has_the_focus(replay):
    replay.evaluate(
        "document.querySelector('#timing').insertAdjacentHTML('beforeend',"
        " '<input id=typed aria-label=typed><button id=other>other</button>')"
    )
    for place in ("#typed", "#other", "[data-do=speed]"):
        replay.locator(place).focus()
        for key in ("ArrowRight", ".", ",", "Home"):
            replay.keyboard.press(key)
        assert clock(replay) == 0, place
    assert replay.locator("#typed").input_value() == ".,"
    replay.locator("[data-do=on]").focus()
    replay.keyboard.press(" ")  # a button's own key: one span on
    assert (clock(replay), replay.evaluate("benchledger.replay.playing()")) == (100, False)
    # far from the replay the page scrolls as pages do
    replay.evaluate("document.activeElement.blur(); window.scrollTo(0, document.body.scrollHeight)")
    replay.keyboard.press("ArrowRight")
    assert clock(replay) == 100
    expect(replay.locator(".keys")).to_be_visible()


def test_the_timeline_and_the_table_read_without_scripts(browser, server):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.url + PLACE)
    expect(page.locator("svg.timeline rect")).to_have_count(7)
    expect(page.locator("#spans tbody tr")).to_have_count(5)
    row = page.locator(f"#span-{4:032x}")
    expect(row).to_contain_text("exit status 2")
    expect(row).to_contain_text("800.0 ms")
    expect(page.locator(f"#span-{5:032x}")).to_contain_text("not finished")
    expect(page.locator(".controls").first).to_be_hidden()
    context.close()


def test_the_replay_has_no_serious_fault_of_accessibility(replay, phone, server):
    replay.keyboard.press("ArrowRight")
    assert axe_faults(replay) == []
    phone.goto(server.url + PLACE)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_cell_with_20_000_spans_stays_usable(page, tmp_path):
    spans = [span(0, 0, 20_000, name="root"), *(span(n, n, n + 0.9, 0) for n in range(1, 20_000))]
    path = traced_ledger(tmp_path / "long.db", spans)
    with serving(path) as served:
        began = time.perf_counter()
        page.goto(served.url + PLACE)
        expect(page.locator("#spans tbody tr")).to_have_count(100)
        opened = time.perf_counter() - began
        page.get_by_role("link", name="all spans, 20 pages").click()
        page.get_by_role("link", name="last").first.click()
        expect(page.locator("table.spans tbody tr")).to_have_count(1000)
        page.locator("[data-do=scrub]").focus()
        took = page.evaluate(
            "() => { const began = performance.now(); for (let n = 0; n < 50; n += 1)"
            " document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}));"
            " return (performance.now() - began) / 50; }"
        )
        assert "step 19050" in current(page)
        page.goto("about:blank")
    checked(path)
    assert opened < 5
    assert took < 50  # ms a key


def test_the_trace_of_a_running_attempt_grows_while_the_replay_stays_where_it_is(tmp_path, page):
    stream = f"cell/{CELL}@1"
    agent = AgentIdentity(name="agent-1")
    setup = CellSetup(
        cell_id=CELL, agent=agent, model="lab/model-1", mode="live", started_at=START, observed=OBSERVED
    )
    with Ledger.create(tmp_path / "running.db") as ledger:
        ledger.emit_all([Draft(stream, each) for each in (setup, span(1, 10, 500), span(2, 100, 400, 1))])
    with serving(tmp_path / "running.db") as served:
        page.goto(served.url + PLACE)
        expect(page.locator("#live")).to_have_text("live: this page is up to date")
        page.evaluate("benchledger.replay.go(50)")
        with Ledger.open(tmp_path / "running.db", write=True) as ledger:
            ledger.emit(Draft(stream, span(3, 600, 1000)))
        expect(page.locator("#spans tbody tr")).to_have_count(3, timeout=20_000)
        expect(page.locator("svg.timeline rect")).to_have_count(3)
        assert clock(page) == 50
        page.locator("#replay").scroll_into_view_if_needed()
        page.keyboard.press(".")
        assert clock(page) == 150
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert "step 3" in current(page)
        page.goto("about:blank")
    checked(tmp_path / "running.db")
