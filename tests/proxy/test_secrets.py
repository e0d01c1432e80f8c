"""A canary never survives masking, whatever form it takes and wherever it stands."""

import base64
import gzip
import html
import json
import time
import urllib.parse
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.runners.secrets import Secrets, mask, mask_json, mask_text

CANARY = "canary-7Qz/9x+Lm_4Vb~2"
KNOWN = Secrets.named({"UPSTREAM_KEY": CANARY})

keys = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cs", "Cc", "Zs"]),
    min_size=10,
    max_size=60,
)
around = st.binary(max_size=40)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def every_escape(text):
    return "".join(f"\\u{ord(letter):04x}" for letter in text).encode()


FORMS = {
    "plain": str.encode,
    "json": lambda text: json.dumps(text).encode(),
    "json in json": lambda text: json.dumps(json.dumps({"a": text})).encode(),
    "json escapes": every_escape,
    "url": lambda text: urllib.parse.quote(text, safe="").encode(),
    "url twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe="").encode(),
    "every byte percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
    "xml": lambda text: html.escape(text).encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 after one byte": lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
    "base64 after two bytes": lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(b"k=" + text.encode()),
    "wrapped base64": lambda text: base64.encodebytes(b"some text before " * 5 + text.encode()),
    "wrapped base64 in json": lambda text: json.dumps(
        base64.encodebytes(b"a" * 50 + text.encode()).decode()
    ).encode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())),
    "hex": lambda text: text.encode().hex().encode(),
    "hex in capitals": lambda text: text.encode().hex().upper().encode(),
    "hex with colons": lambda text: text.encode().hex(":").encode(),
    "hex with spaces": lambda text: text.encode().hex(" ", 2).encode(),
    "gzip": lambda text: gzip.compress(b"line\n" * 9 + text.encode()),
    "zlib": lambda text: zlib.compress(text.encode()),
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text.encode())),
    "gzip in base64 in json": lambda text: json.dumps(
        {"tar": base64.encodebytes(gzip.compress(text.encode() * 2)).decode()}
    ).encode(),
}


def survives(data, text):
    """Look for the canary in `data` by decoding it the plain way, one form after the other."""
    found = [text.encode() in data]
    found.append(
        text
        in urllib.parse.unquote(data.decode("latin-1"), "latin-1")
        .encode("latin-1")
        .decode("utf-8", "replace")
    )
    return any(found)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None)
@given(key=keys, before=around, after=around)
def test_a_known_secret_is_gone_in_every_form(form, key, before, after):
    encoded = FORMS[form](key)
    # bytes that go on where the form begins or ends would make another form of it
    data = before + b"\n = \n" + encoded + b"\n = \n" + after
    masked = mask(data, Secrets.named({"KEY": key}))
    assert encoded not in masked
    assert encoded.strip(b'"\n') not in masked
    assert not survives(masked, key)


@settings(max_examples=100, deadline=None)
@given(prefix=st.binary(max_size=8), suffix=st.binary(max_size=8), cut=st.integers(0, 3))
def test_base64_that_was_cut_at_its_start_is_masked_as_well(prefix, suffix, cut):
    encoded = base64.b64encode(prefix + CANARY.encode() + suffix)[cut if len(prefix) > 2 else 0 :]
    masked = mask(b"out: " + encoded + b".", KNOWN)
    left = masked.removeprefix(b"out: ").removesuffix(b".").replace(b"[masked:UPSTREAM_KEY]", b"")
    assert left == b""


def deltas(pieces, make):
    return b"".join(b"data: " + json.dumps(make(piece)).encode() + b"\n\n" for piece in pieces)


SHAPES = {
    "openai-chat": lambda piece: {"choices": [{"index": 0, "delta": {"content": piece}}]},
    "tool call": lambda piece: {
        "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "function": {"arguments": piece}}]}}]
    },
    "anthropic": lambda piece: {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": piece},
    },
    "responses": lambda piece: {"type": "response.output_text.delta", "output_index": 0, "delta": piece},
    "google": lambda piece: {"candidates": [{"content": {"parts": [{"text": piece}]}}]},
}


def rejoined(data, key):
    texts = []

    def walk(value):
        if isinstance(value, dict):
            for name, item in value.items():
                if name == key and isinstance(item, str):
                    texts.append(item)
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    for line in data.decode().splitlines():
        if line.startswith("data: "):
            walk(json.loads(line[6:]))
    return "".join(texts)


@pytest.mark.parametrize(
    ("shape", "key"),
    [
        ("openai-chat", "content"),
        ("tool call", "arguments"),
        ("anthropic", "text"),
        ("responses", "delta"),
        ("google", "text"),
    ],
)
@settings(max_examples=50, deadline=None)
@given(before=words, after=words, size=st.integers(1, 9))
def test_a_secret_cut_over_the_events_of_a_stream_is_gone_and_the_events_still_parse(
    shape, key, before, after, size
):
    text = f"{before}{CANARY}{after}"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    masked = mask(deltas(pieces, SHAPES[shape]), KNOWN)
    assert CANARY not in rejoined(masked, key)
    assert masked.count(b"data: ") == len(pieces)


def test_two_texts_that_are_streamed_in_turns_hide_no_secret():
    events = []
    for left, right in zip(CANARY, CANARY[::-1], strict=True):
        events += [
            {"index": 0, "delta": {"text": left}},
            {"index": 1, "delta": {"text": right}},
        ]
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    masked = mask(data, KNOWN)
    first = [json.loads(line[6:]) for line in masked.decode().splitlines() if line]
    assert CANARY not in "".join(event["delta"]["text"] for event in first if event["index"] == 0)


LETTERS = "Ab3dEf6hIj9kLmN0pQrS5tUvW8xYzA1bC2dE4f"


@pytest.mark.parametrize(
    "key",
    [
        f"sk-{LETTERS}",
        f"sk-ant-api03-{LETTERS}-{LETTERS}",
        f"sk-proj-{LETTERS}",
        f"AIza{LETTERS[:35]}",
        f"ghp_{LETTERS}",
        f"github_pat_{LETTERS}",
        f"xoxb-1234567890-{LETTERS}",
        "AKIAABCDEFGHIJKLMNOP",
        f"hf_{LETTERS}",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ],
)
@pytest.mark.parametrize("form", ["plain", "json in json", "json escapes", "base64", "hex", "gzip in base64"])
def test_keys_of_common_providers_are_masked_though_nobody_named_them(key, form):
    data = b"export KEY=" + FORMS[form](key) + b" # end"
    masked = mask(data, Secrets())
    assert FORMS[form](key) not in masked
    assert masked.endswith(b" # end")
    assert b"[masked:" in masked


def test_a_bearer_token_is_masked_and_the_word_before_it_stays():
    assert mask(b"Authorization: Bearer abc123def456ghi789", Secrets()) == (
        b"Authorization: Bearer [masked:bearer-token]"
    )


def test_the_private_part_of_a_key_file_is_masked_line_by_line():
    lines = [f"{number}" + "ABCDefgh1234" * 5 for number in range(4)]
    text = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(lines) + "\n-----END PRIVATE KEY-----\n"
    assert not [line for line in lines if line in mask(text.encode(), Secrets()).decode()]
    one = mask(f"only {lines[2]} of it".encode(), Secrets.named({"PEM": text}))
    assert one == b"only [masked:PEM] of it"


@pytest.mark.parametrize(
    "text",
    [
        "the disk-usage-of-every-mounted-file-system",
        "class='sk-folding-cube-of-many-colours'",
        "usr/lib/python3/dist-packages/setuptools/command/build_py",
        '{"role":"user","content":"Fix the comparator\\nin sorter.py, please."}',
        "Bearer authentication is what the header says",
        "f3a9c2d1e0b4958677889900aabbccddeeff0011",
    ],
)
def test_ordinary_text_is_left_as_it_is(text):
    assert mask(text.encode(), KNOWN) == text.encode()


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300), cut=st.integers(0, 300))
def test_masking_twice_changes_nothing_more(data, cut):
    once = mask(data[:cut] + CANARY.encode() + data[cut:], KNOWN)
    assert CANARY.encode() not in once
    assert mask(once, KNOWN) == once


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | words | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=json_values, place=words)
def test_masked_json_is_json_without_the_secret_and_else_the_same(value, place):
    plain = {"value": value, "text": f"{place}{CANARY}{place}", CANARY: 1}
    masked = mask_json(plain, KNOWN)
    assert CANARY not in json.dumps(masked, ensure_ascii=False)
    assert masked["text"] == mask_text(plain["text"], KNOWN)


def test_a_secret_after_a_backslash_leaves_valid_json():
    secrets = Secrets.named({"KEY": "nabcdefghij"})
    data = json.dumps({"text": "one\nabcdefghij"}).encode()
    assert "abcdefghij" not in json.loads(mask(data, secrets))["text"]


def test_values_too_short_to_mask_are_named_and_leave_text_alone():
    secrets = Secrets.named({"SHORT": "abc", "EMPTY": "", "LONG": "abcdefgh1"})
    assert secrets.too_short == ("SHORT",)
    assert mask(b"abc abcdefgh1", secrets) == b"abc [masked:LONG]"


def test_the_spelling_of_secrets_shows_their_names_only():
    assert repr(KNOWN) == "Secrets(UPSTREAM_KEY)"
    assert CANARY not in repr(KNOWN)


def test_a_secret_that_the_marker_would_spell_does_not_come_back():
    secrets = Secrets.named({"upstream_key": "upstream_key"})
    assert b"upstream_key" not in mask(b"an upstream_key here", secrets)


def cost(pattern, size):
    data = (pattern * (size // len(pattern) + 1))[:size]
    took = []
    for _ in range(3):
        began = time.thread_time()
        mask(data, KNOWN)
        took.append(time.thread_time() - began)
    return min(took)


# each of them once took time that grew with the square of its length
@pytest.mark.parametrize("pattern", [b"eyJ", b"sk-", b"\x1f\x8b\x08\x08\1\1\1\1\1\1"])
def test_what_an_agent_prints_to_stall_the_masking_costs_time_in_proportion(pattern):
    assert cost(pattern, 1 << 18) < 8 * cost(pattern, 1 << 16) + 0.05
