"""Canonical JSON: one spelling of each value, and no value with two spellings."""

import json
import math
import re
import struct
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchledger.schema.canonical import MAX_DEPTH, MAX_INT, canonical_bytes, parse_json
from benchledger.schema.errors import CanonicalError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
INTEGERS = st.integers(-MAX_INT, MAX_INT)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def spelled(value):
    """The rules of schema/README.md, section 2, written down a second time."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return spelled_float(value)
    if isinstance(value, str):
        inner = (SHORT.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value)
        return f'"{"".join(inner)}"'
    if isinstance(value, list):
        return f"[{','.join(map(spelled, value))}]"
    return "{" + ",".join(f"{spelled(key)}:{spelled(value[key])}" for key in sorted(value)) + "}"


def spelled_float(value):
    exact = Decimal(value)
    for digits in range(1, 18):
        # At a power of two the nearest number of so many digits may read back as another double, its neighbour not.
        near = {Context(digits, way).plus(exact) for way in (ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING)}
        same = [number for number in near if float(number) == value]
        if same:
            break
    nearest = min(same, key=lambda number: (abs(number - exact), number.as_tuple().digits[-1] % 2))
    mantissa, _, exponent = f"{nearest:.{digits - 1}e}".partition("e")
    sign = "-" if math.copysign(1, value) < 0 else ""
    plain, power = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0", int(exponent)
    if not -4 <= power < 16:
        return f"{sign}{plain[0]}{'.' if plain[1:] else ''}{plain[1:]}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{plain}"
    whole = plain[: power + 1].ljust(power + 1, "0")
    return f"{sign}{whole}.{plain[power + 1 :] or '0'}"


def bits(value):
    """Make doubles comparable to the bit, and integers differ from them."""
    if isinstance(value, float):
        return struct.pack(">d", value)
    if isinstance(value, list):
        return [bits(item) for item in value]
    return (
        {key: bits(item) for key, item in value.items()} if isinstance(value, dict) else (type(value), value)
    )


@given(VALUES)
def test_what_was_written_reads_back_as_the_same_value(value):
    assert bits(parse_json(canonical_bytes(value))) == bits(value)


@given(VALUES)
def test_the_spelling_is_that_of_the_normative_text(value):
    assert canonical_bytes(value).decode() == spelled(value)


@given(FLOATS)
@example(2.0**-24)
@example(5e-324)
@example(1.7976931348623157e308)
def test_a_double_has_the_shortest_digits_that_read_back(value):
    assert canonical_bytes(value).decode() == spelled_float(value)


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_keys_and_white_space_of_a_source_do_not_matter(value, random):
    def shuffled(item):
        if isinstance(item, dict):
            keys = list(item)
            random.shuffle(keys)
            return {key: shuffled(item[key]) for key in keys}
        return [shuffled(part) for part in item] if isinstance(item, list) else item

    text = json.dumps(shuffled(value), indent=2, ensure_ascii=random.random() < 0.5)
    assert canonical_bytes(parse_json(text)) == canonical_bytes(value)


def test_the_examples_of_the_normative_text_hold():
    examples = (5.0, 0.0001, 1e15, 1e16, 1.5e-7, 1.7976931348623157e308, -0.0)
    expected = "[5.0,0.0001,1000000000000000.0,1e+16,1.5e-07,1.7976931348623157e+308,-0.0]"
    assert canonical_bytes(list(examples)).decode() == expected


def nested(levels, core):
    for _ in range(levels):
        core = [core]
    return core


@pytest.mark.parametrize("core", [0, "text", None, 0.5])
def test_nesting_ends_at_the_same_level_whatever_lies_inside(core):
    assert parse_json(canonical_bytes(nested(MAX_DEPTH, core))) == nested(MAX_DEPTH, core)
    with pytest.raises(CanonicalError, match="nested deeper"):
        canonical_bytes(nested(MAX_DEPTH + 1, core))
    with pytest.raises(CanonicalError, match="nested deeper"):
        parse_json(json.dumps(nested(MAX_DEPTH + 1, core)))


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        -(2**53),
        {1: 2},
        {None: 1},
        b"x",
        {1},
        1j,
        "\ud800",
        {"\udfff": 1},
    ],
    ids=repr,
)
def test_a_value_without_a_canonical_form_is_refused(value):
    for held in (value, [value], {"key": value}):
        with pytest.raises(CanonicalError):
            canonical_bytes(held)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":1,"a":1}', "stands twice"),
        (b'[{"b":{"c":1,"d":2,"c":3}}]', "stands twice"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"1e999", "outside"),
        (b"9007199254740992", "outside"),
        (b"-9007199254740992", "outside"),
        (b"1" * 5_000, "outside"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"[1,]", "not JSON"),
        (b"01", "not JSON"),
        (b"", "not JSON"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_a_text_that_two_readers_could_read_in_two_ways_is_refused(text, reason):
    with pytest.raises(CanonicalError, match=re.escape(reason)) as caught:
        parse_json(text)
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_any_bytes_are_taken_or_refused_and_never_anything_else(data):
    try:
        value = parse_json(data)
    except CanonicalError:
        return
    assert parse_json(canonical_bytes(value)) == value


@given(TEXT, TEXT)
def test_two_texts_are_never_written_alike(one, other):
    assert (canonical_bytes(one) == canonical_bytes(other)) == (one == other)
