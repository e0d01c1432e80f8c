"""A cell of hundreds of thousands of events and a hundred megabytes opens as a small one does, in bounded memory."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page

from benchledger.ledger.web.paths import cell_path
from tests.ledgers import checked
from tests.web.big import EVERYDAY, HUGE, SMALL, Size, cell_of, sized_ledger
from tests.web.serving import Served, serving

PEAK_MIB = 300
TIMES = 2.0
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


def peak_mib(server: Served) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    (found,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found) / 1024


def test_what_lies_far_from_the_ends_of_a_stream_is_on_the_page(large: Large) -> None:
    place = cell_path(cell_of(large.size)).replace(".html", ".json")
    page = json.loads(large.server.get(place).body)
    assert {"cell.setup", "cell.exited", "workdir.captured", "grader.ran", "cell.finished"} <= {
        event["type"] for event in page["events"]["listed"]
    }
    assert page["verdict"]["result"] == "pass"


def seconds_to_the_verdict(url: str) -> float:
    began = time.perf_counter()
    with urlopen(url, timeout=60) as answer:
        seen = b""
        while b'class="verdict' not in seen:
            seen += answer.read1()
        taken = time.perf_counter() - began
        seen += answer.read()
    assert seen.rstrip().endswith(b"</html>")
    assert len(seen) < WHOLE_PAGE
    return taken


def test_the_server_sends_the_verdict_of_a_large_cell_in_at_most_twice_the_time_of_a_small_one(
    large: Large,
) -> None:
    times: dict[Size, list[float]] = {SMALL: [], large.size: []}
    for again in range(7):
        for size, taken in times.items():
            taken.append(seconds_to_the_verdict(large.server.url + large.place(size, again)))
    small, big = min(times[SMALL]), min(times[large.size])
    assert big <= TIMES * small, f"{big * 1000:.1f} ms against {small * 1000:.1f} ms"


def test_a_browser_paints_a_large_page_in_at_most_twice_the_time_of_a_small_one(
    page: Page, large: Large
) -> None:
    times: dict[Size, list[float]] = {SMALL: [], large.size: []}
    for again in range(100, 105):
        for size, taken in times.items():
            page.goto(large.server.url + large.place(size, again))
            page.wait_for_function(PAINTED)
            taken.append(page.evaluate(PAINTED))
    small, big = min(times[SMALL]), min(times[large.size])
    assert big <= TIMES * small, f"{big:.0f} ms against {small:.0f} ms"


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
