"""The unrolled formulas against the ones that define a composite, to the bit."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.schema.policy import FORMULA_PARAMETERS, FORMULA_TERMS, OUTCOMES, Policy
from benchledger.scorers.compiled import compiled
from benchledger.scorers.composite import SHIPPED_POLICIES, Inputs, evaluate, unseen

unit = st.sampled_from([0.0, -0.0, 0.5, 1.0]) | st.floats(0, 1)
wild = st.floats(-2, 2)
amount = st.none() | st.sampled_from([0.0, 1.0, 1e4]) | st.floats(0, 1e12)
count = st.sampled_from([None, 0, 1, 3])
inputs = st.builds(
    Inputs,
    outcome=st.sampled_from(OUTCOMES),
    pass_rate=st.none() | unit,
    integrity=st.none() | unit,
    tokens_per_correct=amount,
    prompt_tokens=amount,
    cached_tokens=amount,
    completion_tokens=amount,
    wall_ms=amount,
    lost_ms=amount,
    blast_radius=st.none() | unit | wild,
    constraints=st.none() | unit,
    refusal=st.none() | unit,
    refusal_produced=count,
    protected_touched=count,
    destroyed=count,
    foreign_judge=count,
    not_applicable=st.integers(0, 15),
)


@st.composite
def policies(draw):
    formula = draw(st.sampled_from(sorted(FORMULA_TERMS)))
    weights = {term: draw(st.just(0.0) | st.floats(0, 10)) for term in FORMULA_TERMS[formula]}
    if not any(weights.values()):
        weights["latency"] = 1.0
    factor = {name: draw(st.floats(0, 1)) for name in FORMULA_PARAMETERS[formula] if name.endswith("_factor")}
    exclude = draw(st.sets(st.sampled_from(OUTCOMES)))
    return Policy(
        name="p", formula=formula, weights=weights, parameters=factor, exclude=tuple(sorted(exclude))
    )


def bits(number):
    return None if number is None else struct.pack("<d", number)


@given(st.sampled_from(sorted(SHIPPED_POLICIES)).map(SHIPPED_POLICIES.get) | policies(), inputs)
@settings(max_examples=1000, deadline=None)
def test_a_compiled_policy_gives_the_bits_of_the_plain_function(policy, x):
    value, floor, ceiling, reason, pattern, *products = compiled(policy)(x)
    expected = evaluate(policy, x)
    assert (bits(value), reason) == (bits(expected.value), expected.reason)
    assert (bits(floor), bits(ceiling)) == (bits(expected.floor), bits(expected.ceiling))
    assert len(products) == len(FORMULA_TERMS[policy.formula])
    if expected.g is None:
        assert pattern is None
        return
    components = {term: v for term, v in expected.components.items() if v is not None}
    assert set(pattern.applicable) == expected.components.keys()
    assert list(pattern.recorded) == [term for term in FORMULA_TERMS[policy.formula] if term in components]
    assert pattern.unseen == unseen(policy, x)
    for term, product in zip(FORMULA_TERMS[policy.formula], products, strict=True):
        assert product == pytest.approx(expected.g * components.get(term, 0.0), rel=1e-15, abs=0)
