"""A cell of hundreds of thousands of events and a hundred megabytes opens as a small one does, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page

from benchledger.ledger.web.paths import cell_path
from tests.ledgers import checked
from tests.web.big import EVERYDAY, HUGE, SMALL, Size, cell_of, sized_ledger
from tests.web.serving import Served, peak_mib, serving

PEAK_MIB = 300
WHOLE_PAGE = 2 * 2**20  # bytes; what is more has pages of its own
PAINTED = "() => performance.getEntriesByType('paint').find((it) => it.name === 'first-contentful-paint')?.startTime"


class Large(NamedTuple):
    """A server over a ledger with a small cell and a large one."""

    server: Served
    size: Size

    def place(self, size: Size, again: int) -> str:
        # another query is another page to the server, which keeps what it made
        return f"{cell_path(cell_of(size))}?again={again}"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(EVERYDAY, id="everyday"),
        pytest.param(HUGE, id="huge", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
    ],
)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    path = sized_ledger(tmp_path_factory.mktemp("large") / "runs.db", SMALL, request.param)
    with serving(path) as served:
        served.get("no-such-page.html")  # what is imported once is imported now
        yield Large(served, request.param)
        assert peak_mib(served) < PEAK_MIB
    checked(path, use_last_seen=False)
    Path(path).unlink()


def test_what_lies_far_from_the_ends_of_a_stream_is_on_the_page(large: Large) -> None:
    place = cell_path(cell_of(large.size)).replace(".html", ".json")
    page = json.loads(large.server.get(place).body)
    assert {"cell.setup", "cell.exited", "workdir.captured", "grader.ran", "cell.finished"} <= {
        event["type"] for event in page["events"]["listed"]
    }
    assert page["verdict"]["result"] == "pass"


def test_a_page_holds_no_more_of_a_large_cell_than_a_reader_takes_in(page: Page, large: Large) -> None:
    # how long it takes is measured by tests/bench/rows/page.py, for a timed test fails where others run
    answer = large.server.get(large.place(large.size, 100))
    assert answer.body.rstrip().endswith(b"</html>")
    assert len(answer.body) < WHOLE_PAGE
    page.goto(large.server.url + large.place(large.size, 101))
    page.wait_for_function(PAINTED)


def test_the_replay_and_the_further_pages_of_a_large_cell_work(page: Page, large: Large) -> None:
    page.goto(large.server.url + large.place(large.size, 200))
    page.locator("#replay").scroll_into_view_if_needed()
    now = page.locator("[data-show=now]")
    page.keyboard.press("ArrowRight")
    first = now.text_content()
    page.keyboard.press("ArrowRight")
    assert first
    assert now.text_content() != first
    for kind in ("spans", "calls"):
        page.goto(large.server.url + large.place(large.size, 200))
        page.locator(f"a[href$='{kind}-1.html']").first.click()
        page.wait_for_url(f"**/{kind}-1.html")
        page.locator("a[rel=next]").first.click()
        page.wait_for_url(f"**/{kind}-2.html")
