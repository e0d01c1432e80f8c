"""Model calls in pages: each message of a conversation once, whole requests by their parts, bounded texts."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.ledger.store import Ledger
from benchledger.ledger.web.cell.answers import TEXT
from benchledger.ledger.web.cell.calls import CALLS_A_PAGE, call_rows
from benchledger.ledger.web.cell.parts import Parts
from benchledger.ledger.web.cell.requests import Budget, read_request
from benchledger.runners.proxy.pack import pack_request, request_hash
from benchledger.runners.proxy.record import RecordedCall, to_event
from benchledger.schema.events import AgentIdentity, CellSetup, ModelCalled
from benchledger.schema.ports import Draft, blob_ref

CELL = "s-20260131/tiny/test/model-1/mutations/python-lru-cache#run1"
STREAM = f"cell/{CELL}@1"
BEGAN = 1_700_000_000_000_000
ROOM = 1 << 20


def setup():
    agent = AgentIdentity(name="tiny")
    made = CellSetup(cell_id=CELL, agent=agent, model="test/model-1", mode="scripted", started_at=BEGAN)
    return Draft(STREAM, made)


def recorded(number, body, response=b"{}", **more):
    packed = pack_request(body)
    fields = dict.fromkeys(RecordedCall.__dataclass_fields__) | {
        "number": number,
        "protocol": "openai-chat",
        "stream": False,
        "latency_ms": 12.5,
        "queued_ms": 0.0,
        "request": packed.data,
        "parts": packed.parts,
        "request_hash": request_hash(body),
        "response": response,
        "started_at": BEGAN + number * 1_000_000,
    }
    return RecordedCall(**{**fields, **more})


def conversation(turns):
    """Yield the body of each call of a conversation that grows by two messages a call."""
    tools = [{"type": "function", "function": {"name": "run", "description": "Runs. " * 60}}]
    messages = [{"role": "system", "content": "You fix code."}, {"role": "user", "content": "Fix it."}]
    for turn in range(turns):
        yield {"model": "m-1", "temperature": 0, "tools": tools, "messages": list(messages)}
        call = {"function": {"name": "run", "arguments": f'{{"command": "step {turn}"}}'}}
        messages += [{"role": "assistant", "content": None, "tool_calls": [call]}]
        messages += [{"role": "tool", "content": f"output {turn}"}]


def emit(ledger, calls):
    seen: set[str] = set()
    drafts = [setup()]
    for call in calls:
        event, blobs = to_event(call, seen)
        drafts.append(Draft(STREAM, event, blobs=blobs))
    return ledger.emit_all(drafts)[0].seq


@pytest.fixture
def talked(ledger):
    said = json.dumps({"choices": [{"message": {"content": "On it."}}]}).encode()
    first = emit(ledger, [recorded(n, body, said) for n, body in enumerate(conversation(60), 1)])
    return ledger, first


def test_each_message_is_shown_with_the_call_that_brought_it(talked):
    ledger, first = talked
    rows = call_rows(Parts(ledger), first, 1, BEGAN, ROOM)
    assert [row["number"] for row in rows] == list(range(1, CALLS_A_PAGE + 1))
    texts = [
        item["text"] for row in rows for message in row["request"]["messages"] for item in message["said"]
    ]
    assert texts[:3] == ["You fix code.", "Fix it.", '{"command": "step 0"}']
    assert texts.count("output 3") == 1
    last = rows[-1]["request"]
    assert (last["count"], last["known"], last["key"]) == (100, 98, "messages")
    assert [message["number"] for message in last["messages"]] == [1, 2, 3, 98, 99, 100]
    assert last["left"] == 94
    assert [message["new"] for message in last["messages"]] == [False, False, False, False, True, True]


def test_all_parts_of_a_request_are_named_and_parameters_are_shown(talked):
    ledger, first = talked
    (first_call, second_call, *_) = call_rows(Parts(ledger), first, 1, BEGAN, ROOM)
    parameters, tools = first_call["request"]["members"]
    assert json.loads(parameters["text"]) == {"model": "m-1", "temperature": 0}
    assert (tools["name"], tools["new"]) == ("tools", True)
    assert '"description"' in tools["text"]
    assert second_call["request"]["members"][1]["text"] == ""
    assert ledger.blob(second_call["request"]["members"][1]["blob"]).startswith(b"[{")


def test_a_row_has_the_call_on_the_clock_of_the_run_and_its_event(talked):
    ledger, first = talked
    row = call_rows(Parts(ledger), first, 2, BEGAN, ROOM)[0]
    event = next(event for event in ledger.events() if event.seq == row["seq"])
    assert (row["number"], row["clock_ms"], row["hash"]) == (51, 51_000, event.hash.hex())
    assert (row["prompt_tokens"], row["latency_ms"], row["redacted"]) == (None, 12.5, False)
    assert row["response"]["items"][0]["text"] == "On it."
    assert len(call_rows(Parts(ledger), first, 2, None, ROOM)) == 10
    assert call_rows(Parts(ledger), first, 3, BEGAN, ROOM) == []


def test_a_page_shows_no_more_text_than_it_may_and_still_names_every_part(talked):
    ledger, first = talked
    rows = call_rows(Parts(ledger), first, 1, BEGAN, 100)
    shown = json.dumps([row["response"]["items"] for row in rows])
    assert shown.count("On it.") == 0 or len(shown) < 4000
    assert all(row["request"]["count"] for row in rows)
    assert all(message["blob"] for row in rows for message in row["request"]["messages"])
    assert sum(len(m["text"]) for row in rows for m in row["request"]["members"]) <= 100


def test_a_call_without_texts_says_why(ledger):
    ledger.emit_all([setup(), Draft(STREAM, ModelCalled(number=1))])
    (row,) = call_rows(Parts(ledger), 1, 1, BEGAN, ROOM)
    assert (row["request"]["state"], row["response"]["state"], row["clock_ms"]) == ("none", "none", None)


@pytest.mark.parametrize(
    "response",
    [
        b"<html>bad gateway</html>",
        b'{"error": {"message": "quota"}}',
        b"",
        b"\xff" * 10,
        b'{"strange": [1, 2]}',
    ],
)
def test_any_response_is_shown_as_something(ledger, response):
    first = emit(ledger, [recorded(1, {"messages": []}, response, status=502, error="status: 502")])
    (row,) = call_rows(Parts(ledger), first, 1, BEGAN, ROOM)
    assert row["response"]["items"] or row["response"]["text"] is not None
    assert row["error"] == "status: 502"


def test_a_body_that_is_no_object_and_one_that_was_never_packed_are_shown(ledger):
    first = emit(ledger, [recorded(1, ["odd"]), recorded(2, {"messages": []}, request=b"not packed")])
    odd, other = call_rows(Parts(ledger), first, 1, BEGAN, ROOM)
    assert json.loads(odd["request"]["members"][0]["text"]) == ["odd"]
    assert other["request"]["text"]["text"] == "not packed"


def test_a_request_that_another_harness_kept_whole_is_shown_by_its_messages(ledger):
    messages = [{"role": "user", "content": f"turn {n}"} for n in range(40)]
    raw = json.dumps({"model": "m-1", "messages": messages}).encode()
    first = emit(ledger, [recorded(1, {}, request=raw)])
    request = call_rows(Parts(ledger), first, 1, BEGAN, ROOM)[0]["request"]
    assert (request["key"], request["count"], request["left"]) == ("messages", 40, 10)
    assert request["messages"][-1]["said"][0]["text"] == "turn 39"
    assert json.loads(request["members"][0]["text"]) == {"model": "m-1"}


packed = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5), st.just({"blob": "0" * 64, "size": 3})),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["key", "messages", "shared", "rest", "body", "blob", "size"]), inner, max_size=5
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(packed)
def test_no_request_blob_upsets_the_page(tmp_path_factory, value):
    data = json.dumps(value).encode()
    with Ledger.create(tmp_path_factory.mktemp("packed") / "l.db") as ledger:
        ref = blob_ref(data)
        call = ModelCalled(number=1, request=ref)
        ledger.emit_all([setup(), Draft(STREAM, call, blobs={ref.blob: data})])
        made = read_request(Parts(ledger), ref.to_json(), frozenset({"0" * 64}), Budget(ROOM))
    assert made["text"] is not None or made["members"] or made["key"] is not None


def test_huge_messages_and_many_of_them_are_bounded(ledger):
    body = {"messages": [{"role": "user", "content": f"{n} " + "x" * 50_000} for n in range(400)]}
    first = emit(ledger, [recorded(1, body)])
    began = time.process_time()
    (row,) = call_rows(Parts(ledger), first, 1, BEGAN, 100_000)
    assert time.process_time() - began < 1
    request = row["request"]
    assert request["count"] == 400
    assert request["left"] > 300
    texts = [item["text"] for message in request["messages"] for item in message["said"]]
    assert max(map(len, texts)) <= TEXT
    assert sum(map(len, texts)) <= 100_000
