"""The fast way to canonical bytes gives what the definition gives, and leaves to it what it does not know."""

import contextlib
import json
import math
import sqlite3
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.schema.canonical import MAX_INT, canonical_bytes
from benchledger.schema.catalogue import EVENT_TYPES, load_payload
from benchledger.schema.errors import CanonicalError
from benchledger.schema.events import AxisScored, SpanRecorded
from benchledger.schema.plain import NotPlainError, fast_bytes, plain, plain_record
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.schema.test_canonical import FLOATS, TEXT, VALUES

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "format-1.db"
CHARACTERS = st.characters(exclude_categories=["Cs"])
DRAWN = sorted(set(EVENT_TYPES) - {"policy.declared"})


def strategy(schema, shared=()):
    """Return values that pass a core schema of pydantic; `shared` are the definitions that it refers to."""
    kind = schema["type"]
    if kind == "definitions":
        return strategy(schema["schema"], {item["ref"]: item for item in schema["definitions"]})
    if kind == "definition-ref":
        return strategy(shared[schema["schema_ref"]], shared)
    if kind == "model":
        return strategy(schema["schema"], shared)
    if kind in ("default", "nullable"):
        return st.just(... if kind == "default" else None) | strategy(schema["schema"], shared)
    if kind == "model-fields":
        fields = {name: strategy(field["schema"], shared) for name, field in schema["fields"].items()}
        return st.fixed_dictionaries(fields).map(
            lambda drawn: {name: value for name, value in drawn.items() if value is not ...}
        )
    if kind == "tuple":
        return st.lists(strategy(schema["items_schema"][0], shared), max_size=3)
    if kind == "dict":
        return st.dictionaries(TEXT, strategy(schema["values_schema"], shared), max_size=4)
    return scalar(schema)


def scalar(schema):
    kind = schema["type"]
    if kind == "str":
        pattern = schema.get("pattern")
        if pattern:
            return st.from_regex(pattern.replace("$", r"\Z"))
        return st.text(CHARACTERS, min_size=schema.get("min_length", 0), max_size=20)
    if kind == "int":
        return st.integers(schema.get("ge", -MAX_INT), schema.get("le", MAX_INT))
    if kind == "float":
        low, high = schema.get("ge", schema.get("gt")), schema.get("le")
        return st.floats(low, high, allow_nan=False, allow_infinity=False, exclude_min="gt" in schema)
    if kind == "literal":
        return st.sampled_from(schema["expected"])
    return st.booleans() if kind == "bool" else VALUES


@pytest.mark.parametrize("event_type", DRAWN)
def test_a_payload_has_the_bytes_of_the_definition_whatever_it_says(event_type):
    @given(strategy(EVENT_TYPES[event_type].__pydantic_core_schema__))
    def check(value):
        payload = load_payload(event_type, json.dumps(value))
        assert payload.payload_bytes() == canonical_bytes(
            json.loads(payload.model_dump_json(exclude_none=True))
        )

    check()


def test_fields_and_keys_in_any_order_give_the_same_bytes():
    keys = {"a": 1, "b": {"c": 2, "d": [{"x": 0, "y": 0}]}}
    turned = {"b": {"d": [{"y": 0, "x": 0}], "c": 2}, "a": 1}
    wanted = AxisScored(axis="n", scorer="s@1", value=0.5, state="recorded", payload=keys)
    assert list(wanted.__dict__) == sorted(AxisScored.model_fields)
    fields = {"state": "recorded", "scorer": "s@1", "value": 0.5, "axis": "n"}
    for payload in (
        AxisScored(**fields, payload=turned),
        AxisScored.model_construct(**fields, payload=turned),
    ):
        assert payload.payload_bytes() == wanted.payload_bytes() == canonical_bytes(wanted.to_json())


@pytest.mark.parametrize("policy", [CAB_01, GATED_1])
def test_a_declared_policy_has_the_bytes_of_the_definition(policy):
    payload = EVENT_TYPES["policy.declared"](policy_id=policy.policy_id, policy=policy)
    assert fast_bytes(plain_record(payload)) == canonical_bytes(payload.to_json()) == payload.payload_bytes()


def test_what_the_golden_ledger_holds_goes_the_fast_way():
    with contextlib.closing(sqlite3.connect(GOLDEN)) as connection:
        rows = connection.execute("SELECT type, payload FROM events WHERE payload IS NOT NULL").fetchall()
    known = [row for row in rows if row[0] in EVENT_TYPES]
    assert len(known) > 200
    for event_type, text in known:
        assert fast_bytes(plain_record(load_payload(event_type, text))) == text.encode()


def test_every_double_without_an_exponent_is_spelled_as_by_the_definition():
    random = Random(7)
    powers = [math.ldexp(factor, power) for power in range(-13, 53) for factor in (1, 3, 5, 7)]
    beside = [math.nextafter(number, side) for number in powers for side in (0, math.inf)]
    drawn = [10 ** random.uniform(-4, 15.9) for _ in range(50_000)]
    rounded = [round(random.uniform(1, 1e6), random.randrange(9)) for _ in range(50_000)]
    numbers = [number for number in (*powers, *beside, *drawn, *rounded) if 1e-4 <= number < 1e16]
    assert fast_bytes(plain(numbers)).decode() == f"[{','.join(map(repr, numbers))}]"


@given(FLOATS)
def test_a_number_that_needs_an_exponent_is_left_to_the_definition(number):
    wanted = repr(number)
    try:
        assert fast_bytes(plain(number)).decode() == wanted
    except NotPlainError:
        assert "e" in wanted


@pytest.mark.parametrize("held", [1e-5, 5e-324, 1e16, -1e300, [1e-7], {"b": 1e22, "a": 2e-5}])
def test_numbers_with_an_exponent_inside_a_payload_keep_their_spelling(held):
    payload = SpanRecorded(span="0" * 32, kind="k", name="n", started_at=1, attributes={"z": held, "a": 1})
    assert payload.payload_bytes() == canonical_bytes(payload.to_json())
    assert b"e-05" not in payload.payload_bytes() or b"0.0000" not in payload.payload_bytes()


@pytest.mark.parametrize("held", [2**53, -(2**53), [2**60], {"a": {"b": 2**53}}])
def test_an_integer_that_is_too_large_inside_a_payload_is_refused(held):
    payload = AxisScored(axis="a", scorer="s@1", state="recorded", payload={"x": held})
    with pytest.raises(CanonicalError, match="outside"):
        payload.payload_bytes()
