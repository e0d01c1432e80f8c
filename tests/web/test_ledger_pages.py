"""Pages of the ledger itself, of its events, judgements and sources."""

from __future__ import annotations

import json

import pytest

from benchledger.ledger import heads
from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.chart import stacked
from benchledger.ledger.web.lists import events_page, tally
from benchledger.ledger.web.view import NotFound
from benchledger.schema.events import SpanRecorded
from benchledger.schema.history import Selection
from benchledger.schema.ports import Draft
from tests.attacks.sample import OTHER_ID, build_full
from tests.ledger.made import ran
from tests.ledgers import checked
from tests.web.parts_of_pages import CELL, keys, page_of, swept, viewed


@pytest.fixture
def full(tmp_path):
    path = build_full(tmp_path / "full.db")
    yield path
    checked(path)


@pytest.fixture
def nightly(tmp_path):
    path = tmp_path / "nightly.db"
    swept(path).close()
    yield path
    checked(path)


def _by_type(view):
    return dict(view.connection.execute("SELECT type, count(*) FROM events GROUP BY type"))


def test_the_ledger_page_counts_each_event_once(full):
    with viewed(full) as view:
        page = page_of(view, "ledger.html")
        assert {each["type"]: each["events"] for each in page["by_type"]} == _by_type(view)
        assert page["events"] == view.head.seq + 1
    over_time = page["over_time"]
    assert sum(row["events"] for row in over_time["rows"]) == page["events"]
    assert page["unknown_types"] == [{"type": "future.thing", "schema": 1, "events": 1}]
    assert [each["reason"] for each in page["redactions"]] == ["named a person"]
    assert [each["origin"] for each in page["origins"]] == [OTHER_ID]
    assert page["checkpoints"] == []


def test_counts_grow_with_the_ledger_and_start_again_with_another_one(nightly, tmp_path):
    with viewed(nightly) as view:
        tally.tally(view)
    with Ledger.open(nightly, write=True) as ledger:
        ran(ledger, CELL.format("a", "z", 1), task="d")
    with viewed(nightly) as view:
        seen = []
        view.connection.set_trace_callback(seen.append)
        found = tally.tally(view)
        view.connection.set_trace_callback(None)
        assert found.by_type() == _by_type(view)
        assert not any("seq > -1" in text for text in seen), "what was counted is counted again"
    other = build_full(tmp_path / "other.db")
    other.replace(nightly)
    with viewed(nightly) as view:
        assert tally.tally(view).by_type() == _by_type(view)


def test_the_ledger_page_says_how_far_this_machine_verified(nightly):
    with viewed(nightly) as view:
        assert page_of(view, "ledger.html")["verified"]["up_to"] == -1
        ledger_id, head = view.ledger.ledger_id, view.head
    heads.note(ledger_id, head, verified=True)
    with Ledger.open(nightly, write=True) as ledger:
        ran(ledger, CELL.format("a", "z", 1), task="d")
    with viewed(nightly) as view:
        page = page_of(view, "ledger.html")
    assert page["verified"]["up_to"] == head.seq
    assert page["verified"]["behind"] == page["head"]["seq"] - head.seq
    since = " ".join(page["commands"]["since"].replace("\\\n", " ").split())
    assert since.endswith(f" verify --head {page['head']['seq']}:{page['head']['hash']}")


def test_bars_lie_on_each_other_and_the_highest_fills_the_chart():
    rows = [
        {"place": 0, "from": "a", "events": 3, "types": {"x": 1, "y": 2}},
        {"place": 4, "from": "b", "events": 10, "types": {"x": 4, **{f"n{at}": 1 for at in range(6)}}},
    ]
    order = ["x", "y", *(f"n{at}" for at in range(6))]
    chart = stacked(rows, order, 5)
    for place in (0, 4):
        bars = [bar for bar in chart["bars"] if bar["x"] == place * 720 // 24]
        foot = 160
        for bar in bars:
            assert bar["y"] + bar["height"] == foot
            foot = bar["y"]
        assert foot == 160 - 160 * rows[place // 4]["events"] // 10
    assert [each["type"] for each in chart["legend"]][-1] == "1 other types"


def test_pages_of_events_hold_each_event_once_with_the_hash_that_it_builds_on(full):
    with viewed(full) as view:
        events, at = [], "events/0.html"
        while at is not None:
            page = page_of(view, at)
            assert len(page["events"]) <= 200
            events += page["events"]
            at = page["next"]
        stored = list(view.ledger.events())
        assert [event["hash"] for event in events] == [event.hash.hex() for event in stored]
        assert [event["prev"] for event in events] == [None, *(event.hash.hex() for event in stored[:-1])]
        for event, is_so in zip(events, stored, strict=True):
            assert (event["id"], event["stream"], event["version"]) == (
                is_so.meta.id,
                is_so.meta.stream,
                is_so.meta.version,
            )
            if not event["cut"]:
                assert (None if event["payload"] is None else json.loads(event["payload"])) == is_so.payload
    assert [event["seq"] for event in events if event["redacted"]] == [
        event.seq for event in stored if event.payload is None
    ]


def test_a_long_payload_is_cut_and_its_blobs_are_found_all_the_same(nightly):
    with Ledger.open(nightly, write=True) as ledger:
        stream = f"cell/{CELL.format('a', 'x', 1)}@1"
        long = SpanRecorded(
            span="ab" * 16, kind="note", name="long", started_at=0, attributes={"text": "é" * 50_000}
        )
        seq = ledger.emit(Draft(stream, long)).seq
    with viewed(nightly) as view:
        page = page_of(view, f"events/{seq // 200}.html")
    (event,) = [event for event in page["events"] if event["seq"] == seq]
    assert event["cut"]
    assert len(event["payload"]) == 3_000
    assert event["payload_bytes"] > 100_000


def test_references_to_evidence_are_links_only_where_it_is_kept(full):
    with viewed(full) as view:
        page = page_of(view, "events/0.html")
        linked = [blob for event in page["events"] for blob in event["blobs"]]
        assert linked
        stored = {row[0].hex() for row in view.connection.execute("SELECT digest FROM blobs")}
        for blob in linked:
            assert (blob["href"] == f"evidence/{blob['blob']}.txt") == (blob["blob"] in stored)


@pytest.mark.parametrize("number", ["5", "-1", "00", "x", "9" * 40])
def test_a_page_beyond_the_last_event_is_no_page(full, number):
    with viewed(full) as view, pytest.raises(NotFound):
        page_of(view, f"events/{number}.html")


def test_full_pages_of_events_keep_their_keys(full):
    before = keys(full)
    with Ledger.open(full, write=True) as ledger:
        ran(ledger, "more/a/m/1/c/x#run1")
    after = keys(full)
    assert [before[f"events/{number}.html"] == after[f"events/{number}.html"] for number in range(5)] == [
        *[True] * 4,
        False,
    ]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"type": "cell.setup"}, "type = 'cell.setup'"),
        ({"stream": "ledger"}, "stream = 'ledger'"),
        ({"stream": "aider", "type": "grader.ran"}, "instr(stream, 'aider') AND type = 'grader.ran'"),
        ({"q": "the example referee"}, "instr(payload, 'the example referee')"),
        ({"type": "axis.scored", "from": "300"}, "type = 'axis.scored' AND seq >= 300"),
    ],
)
def test_a_search_finds_all_events_that_match(full, asked, where):
    with viewed(full, live=True) as view:
        wanted = [
            row[0] for row in view.connection.execute(f"SELECT seq FROM events WHERE {where} ORDER BY seq")
        ]
        found, query = [], dict(asked)
        for _ in range(10):
            page = page_of(view, "events.html", **query)
            found += [event["seq"] for event in page["events"]]
            if page["more"] is None:
                break
            query["from"] = str(page["more"])
    assert wanted
    assert found == wanted


def test_a_search_for_a_hash_finds_its_event(full):
    with viewed(full, live=True) as view:
        digest = page_of(view, "events/1.html")["events"][7]["hash"]
        (event,) = page_of(view, "events.html", q=digest.upper())["events"]
    assert event["seq"] == 207


def test_a_search_ends_in_time_and_says_from_where_to_go_on(full, monkeypatch):
    monkeypatch.setattr(events_page, "_SECONDS", 0.0)
    monkeypatch.setattr(events_page, "_CHUNK", 100)
    with viewed(full, live=True) as view:
        page = page_of(view, "events.html", q="nowhere in here")
    assert page["events"] == []
    assert (page["more"], page["looked"]) == (100, 99)


def test_words_of_a_search_are_never_read_as_sql(full):
    with viewed(full, live=True) as view:
        page = page_of(view, "events.html", q="' OR 1=1 --", type="x' OR '1", stream="%")
    assert page["events"] == []


def test_a_written_site_lists_types_and_says_that_it_cannot_search(full):
    with viewed(full) as view:
        page = page_of(view, "events.html", q="aider")
        kinds = _by_type(view)
    assert not page["can_search"]
    assert page["events"] == []
    assert {each["type"]: each["events"] for each in page["types"]} == kinds
    assert (
        next(each for each in page["types"] if each["type"] == "ledger.created")["href"] == "events/0.html#e0"
    )


def test_judgements_say_what_they_reached_and_what_holds_now(full):
    with viewed(full) as view:
        page = page_of(view, "adjudications.html")
        cells = [
            row[0]
            for row in view.connection.execute("SELECT cell FROM cells WHERE origin = '' ORDER BY cell")
        ]
    dispute, zero = page["judgements"]
    assert (zero["action"], zero["touched"][0]["cell"], zero["author"]) == (
        "zero",
        cells[1],
        "the example referee",
    )
    assert dispute["selection"] == {"agent": ["example-agent"]}
    assert len(dispute["touched"]) == dispute["count"] == page["now"]["disputed"]["count"] == 12
    assert [each["cell"] for each in page["now"]["zero"]["cells"]] == [cells[1]]
    assert page["now"]["withdraw"]["count"] == 0


def test_a_withdrawn_attempt_and_an_answered_dispute_show(nightly):
    cell = CELL.format("a", "x", 1)
    link = "javascript:alert(1)"
    with Ledger.open(nightly, write=True) as ledger:
        adjudicate(ledger, Judgement("dispute", "why", "me", cell=cell, link=link))
        adjudicate(ledger, Judgement("answer", "so", "you", cell=cell, link="https://example.org/answer"))
        adjudicate(ledger, Judgement("withdraw", "a slip", "me", cell=f"{cell}@1"))
        adjudicate(ledger, Judgement("invalidate", "broken", "me", selection=Selection(task=("c/y",))))
    with viewed(nightly) as view:
        page = page_of(view, "adjudications.html")
    assert page["now"]["disputed"]["count"] == 0
    (withdrawn,) = page["now"]["withdraw"]["cells"]
    assert (withdrawn["cell"], withdrawn["withdrawn"]) == (cell, [1])
    assert page["now"]["invalidate"]["count"] == 2
    assert [each["link"] for each in page["judgements"]] == [None, None, "https://example.org/answer", link]


def test_sources_say_what_they_brought(full):
    with viewed(full) as view:
        page = page_of(view, "sources.html")
    by_name = {each["name"]: each for each in page["sources"]}
    assert by_name["cab-cells.jsonl"]["brought"]["attempts"] == by_name["cab-cells.jsonl"]["records"] == 43
    assert all(each["brought"]["attempts"] == each["records"] for each in page["sources"])
    (merged,) = page["origins"]
    assert (merged["origin"], merged["cells"]) == (OTHER_ID, 2)
