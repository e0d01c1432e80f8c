"""The trace of an attempt: one clock, every fault shown and named, bounded whatever was recorded."""

import itertools
import json
import time

import pytest

from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.span_rows import SPANS_FIRST
from benchledger.ledger.web.cell.timing import timing
from benchledger.ledger.web.cell.trace import trace
from benchledger.ledger.web.pages import build, match, places
from benchledger.ledger.web.view import NotFound, Settings, View
from tests.ledgers import checked, published
from tests.web.traced import CELL, START, call, span, traced_ledger


@pytest.fixture
def traced(tmp_path):
    """Return what makes a ledger and returns its view and attempt; each ledger is verified at the end."""
    made, views = [], []

    def make(*spans, **more):
        made.append(traced_ledger(tmp_path / f"{len(made)}.db", spans, **more))
        views.append(View(made[-1], Settings()))
        return Attempt(views[-1], CELL)

    yield make
    for view in views:
        view.close()
    for path in made:
        checked(path)


def faults(found):
    return {each["name"]: each["faults"] for each in found["spans"] if each["faults"]}


def test_times_count_from_the_start_of_the_attempt_and_keep_their_microseconds(traced):
    found = trace(traced(span(1, 1.234, 5.5), call(1, 2.001, 0.25)))
    (one,), (first,) = found["spans"], found["calls"]
    assert (one["start_ms"], one["end_ms"], one["duration_text"]) == (1.234, 5.5, "4.3 ms")
    assert one["started_at"] == "2026-09-21T14:13:20.001234Z"
    assert (first["start_ms"], first["end_ms"], first["latency_text"]) == (2.001, 2.251, "250 µs")
    assert found["clock"]["start"] == START


def test_spans_lie_below_their_parents_and_beside_those_of_the_same_time(traced):
    spans = (span(1, 0, 100), span(2, 10, 60, 1), span(3, 20, 40, 2), span(4, 30, 90, 1), span(5, 70, 80, 1))
    found = {each["name"]: each for each in trace(traced(*spans))["spans"]}
    depths = {name: each["depth"] for name, each in found.items()}
    assert depths == {"step 1": 0, "step 2": 1, "step 3": 2, "step 4": 1, "step 5": 1}
    lanes = {name: each["lane"] for name, each in found.items()}
    assert lanes == {"step 1": 0, "step 2": 1, "step 4": 2, "step 5": 1, "step 3": 3}


def test_every_fault_of_a_span_is_named(traced):
    found = trace(
        traced(
            span(1, 5, 50, name="whole"),
            span(2, 10, 20, 99, name="orphan"),
            span(3, 10, 20, 4, name="round"),
            span(4, 10, 20, 3, name="and round"),
            span(5, 10, 20, 5, name="own parent"),
            span(6, 10, 20, 5, name="below a ring"),
            span(7, 10, None, 1, name="open"),
            span(8, 10, 4, 1, name="backwards"),
            span(9, -3, 6, 1, name="early"),
        )
    )
    assert faults(found) == {
        "orphan": ["its parent was not recorded"],
        "round": ["its parents lead back to it"],
        "and round": ["its parents lead back to it"],
        "own parent": ["its parents lead back to it"],
        "open": ["not finished"],
        "backwards": ["ends before it starts"],
        "early": ["starts before the attempt", "starts before its parent"],
    }
    assert found["drawn"]["from_ms"] == -3
    assert all(0 <= each["x"] <= 100 and 0 < each["width"] <= 100 for each in found["spans"])


def test_a_chain_of_parents_as_long_as_the_page_is_drawn(traced):
    chain = [span(n, n, 500, n - 1 if n else None) for n in range(SPANS_FIRST)]
    found = trace(traced(*chain))
    assert found["spans"][-1]["depth"] == SPANS_FIRST - 1
    assert found["drawn"]["height"] < 1500


def test_more_spans_at_once_than_lanes_are_drawn_over_each_other_and_it_is_said(traced):
    found = trace(traced(*(span(n, n / 1000, 500) for n in range(150))))
    assert found["drawn"]["crowded"]
    assert max(each["lane"] for each in found["spans"]) < 60


def test_the_last_time_that_can_be_recorded_is_drawn(traced):
    found = trace(traced(span(1, 0, 1), span(2, 0, (2**53 - 1 - START) / 1000)))
    assert found["spans"][1]["ended_at"] == "2255-06-05T23:47:34.740991Z"
    assert [each["width"] for each in found["spans"]] == [0.05, 100]
    assert 4 <= len(found["drawn"]["ticks"]) <= 7


def test_attributes_are_bounded_and_say_what_they_leave_out(traced):
    many = {f"key {n:02}": n for n in range(50)}
    attempt = traced(
        span(1, 1, 2, attributes={"argv": ["a", "b"], "text": "x" * 5000}),
        span(2, 3, 4, attributes=many),
        span(3, 5, 6, attributes={"text": "y" * 100_000}),
    )
    first, second, third = (each["attributes"] for each in trace(attempt)["spans"])
    assert first["pairs"] == [["argv", '["a", "b"]'], ["text", "x" * 300 + "… (4,700 more)"]]
    assert (len(second["pairs"]), second["left"]) == (20, 30)
    assert third["pairs"] == []
    assert third["size"] > 100_000


def test_attributes_of_a_whole_page_are_bounded_together(traced):
    texts = {f"k{n:02}": "z" * 300 for n in range(20)}
    attempt = traced(*(span(n, n, n + 1, attributes=texts) for n in range(1000)))
    assert len(json.dumps(trace(attempt, 1))) < 1_500_000


def test_calls_without_a_time_are_counted_and_not_on_the_clock(traced):
    found = trace(traced(call(1, None), call(2, 10), call(3, 5, error="reset")))
    assert [each["number"] for each in found["calls"]] == [3, 2]
    assert [each["failed"] for each in found["calls"]] == [True, False]
    assert found["calls_left"] == 1


def test_without_a_start_the_clock_begins_with_the_first_span_and_says_so(traced):
    found = trace(traced(span(1, 250, 300), started_at=None))
    assert found["spans"][0]["start_ms"] == 0
    assert "no start was recorded" in found["clock"]["basis"]


def test_a_cell_without_a_trace_says_why(traced, tmp_path):
    assert trace(traced())["reason"] == "No span was recorded."
    published(tmp_path / "published.db").close()
    with View(tmp_path / "published.db", Settings()) as view:
        cells = view.connection.execute("SELECT cell FROM cells").fetchall()
        reasons = {trace(Attempt(view, cell))["reason"] for (cell,) in cells}
    checked(tmp_path / "published.db")
    assert reasons == {"The source recorded no spans and no timed model calls."}


def test_pages_hold_every_span_once_in_order_of_start_with_the_calls_of_their_time(traced):
    # recorded from the last to the first, so that the order is none of the stream's
    spans = [span(n, n, n + 0.5, 0 if n else None) for n in range(2500)]
    calls = [call(n, n * 25 + 0.1, 1.0) for n in range(1, 101)]
    attempt = traced(*reversed(spans), *calls)
    pages = [trace(attempt, number) for number in (1, 2, 3)]
    starts = [each["start_ms"] for page in pages for each in page["spans"]]
    assert starts == [float(n) for n in range(2500)]
    assert [len(page["calls"]) for page in pages] == [39, 40, 21]
    # what lies elsewhere and has children here comes along
    assert [[each["name"] for each in page["above"]] for page in pages] == [[], ["step 0"], ["step 0"]]
    assert {page["total"] for page in pages} == {2500}
    assert not any(faults(page) for page in pages)


def test_a_page_of_a_very_long_attempt_costs_what_a_page_costs(traced):
    spans = (span(n, n, n + 0.5, 0) for n in range(1, 30_000))
    attempt = traced(*spans, span(0, 0, 30_000, name="root"))
    took = []
    for number in (1, 15, 30):
        began = time.perf_counter()
        found = trace(attempt, number)
        took.append(time.perf_counter() - began)
        assert found["order"] == "recorded"
        assert [each["name"] for each in found["above"]] in (["root"], [])
        assert found["spans"] == sorted(found["spans"], key=lambda each: each["start_ms"])
    first = trace(attempt)
    assert len(first["spans"]) < SPANS_FIRST
    assert min(took) < 0.5
    assert first["pages"] == -(-attempt.length // 1000)


def test_further_pages_are_pages_of_the_site_and_others_are_not_found(traced):
    attempt = traced(*(span(n, n, n + 1) for n in range(1201)))
    view = attempt.view
    listed = [made.path for made in places(view) if "/spans-" in made.path]
    folder = "cells/t-20261101/agent-1/lab/model-1/mutations/traced/run1/attempt-1"
    assert listed == [f"{folder}/spans-1.html", f"{folder}/spans-2.html"]
    page, arguments = match(listed[1])
    assert len(build(page, view, arguments)["trace"]["spans"]) == 201
    for wrong in ("3", "0", "-1", "1x", "9" * 30, "٣"):
        with pytest.raises(NotFound):
            build(page, view, arguments | {"number": wrong})


def test_timing_tells_what_was_not_recorded_from_what_has_not_happened(traced, tmp_path):
    attempt = traced(call(1, 10, 40), call(2, 100, 60, error="reset", finish_reason=None))
    facts = {each["name"]: (each["value"], each["why"]) for each in timing(attempt.view, attempt)["facts"]}
    values = {name: value for name, (value, _) in facts.items()}
    assert values == {
        "started at": "2026-09-21T14:13:20.000000Z",
        "ended at": "2026-09-21T14:13:22.000000Z",
        "duration": "2.000 s",
        "wall time": "2.000 s",
        "active": "1.500 s",
        "model time": "100.0 ms",
        "lost upstream": "60.0 ms",
        "grading": "1.234 s",
    }
    bare = traced(
        grader={}, exited={"wall_ms": None, "active_ms": None, "ended_at": None}, started_at=None, observed=()
    )
    said = {each["name"]: each["why"] for each in timing(bare.view, bare)["facts"] if each["value"] is None}
    assert said == dict.fromkeys(
        ("started at", "ended at", "duration", "wall time", "active", "grading"), "not recorded"
    ) | (
        dict.fromkeys(
            ("model time", "lost upstream"), "not recorded: the source did not watch the model calls"
        )
    )


def test_any_ring_of_parents_ends(traced):
    rings = itertools.permutations(range(4))
    spans = (
        span(at * 4 + own, own, own + 1, at * 4 + parent)
        for at, ring in enumerate(rings)
        for own, parent in enumerate(ring)
    )
    found = trace(traced(*spans))
    assert len(faults(found)) == 24 * 4
    assert {each["depth"] for each in found["spans"]} == {0}
