"""What an attempt left, on its page: patch, model calls, grader, streams, and each text as it is and in pages."""

from __future__ import annotations

import json

import pytest
from blake3 import blake3

from benchledger.ledger.web.cell.parts import PAGE
from tests.ledgers import checked
from tests.web.browser import axe_faults
from tests.web.evidence_sample import LONG, sample_ledger
from tests.web.serving import serving

MINUS = "\u2212"


class Sample:
    """A server of the sample ledger, and where the pages of its attempts are."""

    def __init__(self, url: str, places: dict[str, str]) -> None:
        self.url, self.places = url, places

    def __getitem__(self, name: str) -> str:
        return self.url + self.places[name]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path, places = sample_ledger(tmp_path_factory.mktemp("evidence"))
    with serving(path) as server:
        yield Sample(server.url, places)
    checked(path)


def texts(page, selector):
    """Return what stands in each element, on one line, with the hyphen for the minus."""
    return [" ".join(text.replace(MINUS, "-").split()) for text in page.locator(selector).all_inner_texts()]


def test_the_patch_of_a_real_run_tells_every_kind_of_file_apart(sample, page):
    page.goto(sample["real"])
    rows = {row.split()[0]: row for row in texts(page, "#patch table.files tbody tr")}
    assert rows["cache.py"].split()[1:] == ["modified", "expected", "+1", "-1"]
    assert rows["notes.txt"].split()[1:] == ["added", "unexpected", "+1", "-0"]
    assert rows["AGENTS.md"].split()[1:5] == ["removed", "destroyed", "protected", "unexpected"]
    assert rows["tests/test_cache.py"].split()[1:4] == ["modified", "protected", "unexpected"]
    assert next(iter(rows)) == "AGENTS.md"
    said = page.locator("#patch-body > p").first.inner_text()
    assert "5 files changed: 1 destroyed, 2 protected, 4 unexpected, 1 expected; no new commit" in said


def test_the_diff_has_line_numbers_signs_and_what_it_cannot_show(sample, page):
    page.goto(sample["real"])
    file = page.locator("#patch details.file", has=page.locator("summary code", has_text="cache.py")).first
    added, removed = (file.locator(f"tr.{kind} td").all_text_contents() for kind in ("added", "removed"))
    assert (added[0], added[2:]) == ("", ["+", "class Cache:  # mended"])
    assert removed[1:] == ["", MINUS, "class Cache:"]
    assert added[1] == removed[0] != ""
    summary = " ".join(file.locator("summary").inner_text().split())
    assert "mode 100644 → 100755" in summary
    binary = page.locator("#patch details.file", has_text="blob.bin")
    assert "Binary" in binary.inner_text()
    page.get_by_role("button", name="Fold all").first.click()
    assert not page.locator("#patch details.file[open]").count()
    page.locator("#patch table.files a", has_text="blob.bin").click()
    assert page.locator("#patch details.file[open]").count() == 1


def test_calls_of_a_real_run_have_numbers_and_open_their_texts(sample, page):
    page.goto(sample["real"])
    rows = texts(page, "#calls table.calls tbody tr")
    assert len(rows) == 4
    assert rows[0].startswith("1 ")
    assert " 200 " in rows[0]
    assert "(both)" in rows[0]
    assert "not recorded" in rows[0]  # the first token of an answer that was no stream
    page.locator("#calls table.calls a[href='#call-2']").click()
    second = page.locator("#call-2")
    assert second.get_attribute("open") is not None
    said = second.inner_text()
    assert "3 messages in messages, 1 of them sent before" in " ".join(said.split())
    assert "calls run_shell_command" in " ".join(said.split())
    assert "cache.py" in said
    twin = json.loads(page.request.get(sample["real"].replace(".html", ".json")).text())
    hashes = [row["request_hash"] for row in twin["sections"]["calls"]["rows"]]
    assert len(set(hashes)) == 4
    assert hashes[1] in said


def test_each_message_and_response_is_linked_as_it_is(sample, page):
    page.goto(sample["real"])
    page.locator("#call-1 summary").first.click()
    links = page.locator("#call-1 a", has_text="as it").all()
    assert len(links) >= 3
    for link in links:
        address = link.evaluate("e => e.href")
        answer = page.request.get(address)
        assert answer.status == 200
        assert blake3(answer.body()).hexdigest() == address.rsplit("/", 1)[1].removesuffix(".txt")


def test_a_request_put_together_has_the_request_hash_as_its_digest(sample, page):
    page.goto(sample["real"])
    rows = json.loads(page.request.get(sample["real"].replace(".html", ".json")).text())["sections"]["calls"][
        "rows"
    ]
    for row, link in zip(rows, page.locator("#calls a", has_text="put together").all(), strict=True):
        answer = page.request.get(link.evaluate("e => e.href"))
        assert answer.headers["content-type"] == "application/json"
        assert blake3(answer.body()).hexdigest() == row["request_hash"]
        assert len(answer.json()["messages"]) == row["request"]["count"]
    assert page.request.get(f"{sample.url}evidence/{rows[0]['response']['blob']}/request.json").status == 404


def test_the_grader_stands_beside_the_agent_with_each_check(sample, page):
    page.goto(sample["real"])
    facts = " ".join(page.locator("#grader dl").inner_text().split())
    assert "exit code 1" in facts
    assert "agent's exit exit code 0" in facts
    assert "python3 -I -B check.py" in facts
    assert "unchanged while they ran" in facts
    assert "test_writing_again_is_a_use fail failing" in texts(page, "#grader table.checks tbody tr")
    assert "not ok test_writing_again_is_a_use" in page.locator("#grader pre.ansi").first.inner_text()


def test_checks_before_and_after_digests_and_an_empty_stream_are_told(sample, page):
    page.goto(sample["hostile"])
    rows = texts(page, "#grader table.checks tbody tr")
    assert rows == ["two pass fail broken", "<b>one fail pass fixed", "three pass pass still passing"]
    assert "changed while they ran" in page.locator("#grader dl").inner_text()
    assert "exit code 3" in page.locator("#streams").inner_text()
    assert "Empty: nothing was written." in page.locator("#streams").inner_text()


def test_output_has_the_colours_of_its_terminal(sample, page):
    page.goto(sample["long"])
    pre = page.locator("#streams pre.ansi").first
    assert pre.locator("span.f1").first.inner_text() == "line 1 of the output"
    colours = {
        pre.locator(f"span.f{n}").first.evaluate("e => getComputedStyle(e).color") for n in range(1, 8)
    }
    assert len(colours) == 7
    assert "\x1b" not in pre.inner_text()


MISSING = {
    "published": {
        "patch": ["Not visible in the source: which files", "The source recorded no patch"],
        "calls": ["Not recorded by the source: model calls."],
        "grader": ["Single checks were not recorded", "exit code"],
        "streams": ["Not recorded by the source."],
    },
    "record": {
        "patch": ["1 protected"],
        "calls": ["Not recorded by the source: model calls."],
        "grader": ["Checks"],
        "streams": ["exit code 0"],
    },
    "nop": {
        "patch": ["Nothing happened: no file was changed.", "The patch is empty"],
        "calls": ["Not applicable: this agent uses no model."],
        "grader": ["How the checks stood before the attempt is not recorded."],
    },
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_there_says_why(sample, page, name):
    page.goto(sample[name])
    for section, sentences in MISSING[name].items():
        said = page.locator(f"#{section}").inner_text()
        assert [sentence for sentence in sentences if sentence not in said] == [], said


@pytest.mark.parametrize("name", ["real", "hostile", "long", "published"])
def test_sections_are_accessible_and_fit_a_telephone(sample, page, phone, name):
    page.goto(sample[name])
    assert axe_faults(page) == []
    phone.goto(sample[name])
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_hostile_texts_are_shown_and_do_nothing(sample, page):
    page.goto(sample["hostile"])
    for details in page.locator("#calls details").all():
        details.evaluate("e => e.open = true")
    for section in ("patch", "calls", "grader", "streams"):
        place = page.locator(f"#{section}")
        assert place.locator("script, img, b, i, iframe, [style], [onerror]").count() == 0
        shown = place.inner_text()
        assert not {"\x00", "\x1b", "\u202e", "\u2066"} & set(shown)
        assert "U+202E" in shown or section == "calls"
    assert "<script>alert(3)</script>" in page.locator("#patch tr.added").inner_text()
    assert "http://e.vil.example" not in page.locator("#streams").inner_text()
    hrefs = page.locator("main a[href]").evaluate_all("all => all.map(a => a.href)")
    assert all(href.startswith(sample.url) for href in hrefs)


def test_a_malformed_patch_is_plain_text(sample, page):
    page.goto(sample["long"])
    assert "no patch at all" in page.locator("#patch pre").inner_text()


def test_a_long_patch_has_its_beginning_on_the_page_and_a_page_of_its_own(sample, page):
    page.goto(sample["wide"])
    assert page.locator("#patch tr.added").count() == 200
    assert "more lines of this file are not shown" in page.locator("#patch").inner_text()
    page.locator("#patch a", has_text="on a page of its own").click()
    assert page.url.endswith("/attempt-1/patch.html")
    assert page.locator("tr.added").count() == 700
    assert page.locator("tr.added td:last-child").last.inner_text() == "line 699 of the file"
    assert axe_faults(page) == []
    page.locator("main a").first.click()
    assert page.url.endswith("/run1/attempt-1.html")
    assert page.request.get(sample["real"].replace(".html", "/attempt-1/patch.html")).status == 404


def test_calls_beyond_fifty_are_pages_of_their_own(sample, page):
    page.goto(sample["long"])
    assert len(texts(page, "#calls table.calls tbody tr")) == 50
    page.locator("#calls a", has_text="next").first.click()
    assert page.url.endswith("/attempt-1/calls-2.html")
    rows = texts(page, "table.calls tbody tr")
    assert [row.split()[0] for row in (rows[0], rows[-1])] == ["51", "100"]
    assert axe_faults(page) == []
    page.locator("a", has_text="last").first.click()
    assert len(texts(page, "table.calls tbody tr")) == 20
    page.locator("a", has_text="first").first.click()
    assert texts(page, "table.calls tbody tr")[0].startswith("1 ")
    page.locator("main a").first.click()
    assert page.url.endswith("/run1/attempt-1.html")
    for number in ("0", "4", "x", "99999999999", "1.5"):
        assert page.request.get(page.url.replace(".html", f"/calls-{number}.html")).status == 404


def test_a_long_text_is_shown_at_both_ends_and_read_in_pages(sample, page):
    page.goto(sample["long"])
    streams = page.locator("#streams")
    assert "line 0 of the output" in streams.inner_text()
    assert "line 8999 of the output" in streams.inner_text()
    assert "are left out here" in streams.inner_text()
    streams.locator("a", has_text="in pages").first.click()
    read, pages = "", 0
    while True:
        pages += 1
        read += page.locator("pre.evidence").inner_text().rstrip("\n") + "\n"
        following = page.locator("a", has_text="next")
        if not following.count():
            break
        following.first.click()
    assert pages == -(-len(LONG) // PAGE) > 3
    assert read.split("\n")[:9000] == [f"line {n} of the output" for n in range(9000)]
    assert axe_faults(page) == []
    page.get_by_role("button", name="Do not wrap lines").click()
    assert page.locator("pre.evidence").evaluate("e => getComputedStyle(e).whiteSpace") == "pre"
