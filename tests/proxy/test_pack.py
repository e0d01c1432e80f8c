"""Packing loses nothing and stores each message once."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.runners.proxy.pack import pack_request, request_hash, unpack_request
from benchledger.schema.canonical import canonical_bytes, parse_json
from benchledger.schema.errors import BadInput
from benchledger.schema.frame import blob_digest

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
long_texts = st.builds(lambda text, times: text * times, texts, st.integers(1, 40))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | long_texts
    | st.just({"blob": "0" * 64, "size": 3}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
names = (
    st.sampled_from(["messages", "input", "contents", "tools", "system", "rest", "shared", "key", "body"])
    | texts
)
bodies = st.dictionaries(names, values, max_size=6) | st.builds(
    lambda body, key, messages: {**body, key: messages},
    st.dictionaries(names, values, max_size=4),
    st.sampled_from(["messages", "input", "contents"]),
    st.lists(values, max_size=6),
)


@settings(max_examples=200, deadline=None)
@given(body=bodies | values)
def test_unpacking_gives_the_request_back(body):
    packed = pack_request(body)
    again = unpack_request(packed.data, packed.parts.__getitem__)
    assert canonical_bytes(again) == canonical_bytes(body)
    assert request_hash(again) == request_hash(body)
    assert canonical_bytes(parse_json(packed.data)) == packed.data
    assert all(blob_digest(data) == digest for digest, data in packed.parts.items())


@pytest.mark.parametrize("body", [b"no json \xff", {"n": 10**30}, {"messages": [{"n": 2**60}]}])
def test_what_has_no_canonical_form_is_kept_as_it_was(body):
    packed = pack_request(body)
    assert unpack_request(packed.data, packed.parts.__getitem__) == body
    assert request_hash(body) is None


def test_a_conversation_of_fifty_calls_costs_little_more_than_its_last_request():
    tools = [{"name": f"tool{number}", "description": "what it does " * 40} for number in range(15)]
    messages, stored, sent = [{"role": "system", "content": "rules " * 2000}], {}, 0
    for number in range(50):
        messages += [
            {"role": "assistant", "content": f"I read file {number}."},
            {"role": "tool", "content": f"line {number}\n" * 60},
        ]
        body = {"model": "m", "messages": messages, "tools": tools, "stream": True}
        packed = pack_request(body)
        stored |= {blob_digest(packed.data): packed.data, **packed.parts}
        sent += len(json.dumps(body))
    last = len(json.dumps(body))
    assert sum(map(len, stored.values())) < sent / 5
    assert sum(len(data) for data in packed.parts.values()) < last


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"rest":{}}', b'{"body":1}'])
def test_what_was_never_packed_is_refused(data):
    with pytest.raises(BadInput, match="packed"):
        unpack_request(data, {}.__getitem__)
