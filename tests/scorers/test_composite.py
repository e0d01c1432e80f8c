"""Composites: what the formulas promise, for any inputs and weights."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.schema.policy import FORMULA_PARAMETERS, FORMULA_TERMS, Policy
from benchledger.schema.task import Constraint, Expectations
from benchledger.scorers.composite import (
    GATED_1,
    NA_CONSTRAINTS,
    NA_INTEGRITY,
    NA_REFUSAL,
    SHIPPED_POLICIES,
    Inputs,
    evaluate,
    inputs_of,
)
from benchledger.scorers.outcome import classify
from benchledger.scorers.registry import score_axes
from tests.scorers.build import (
    EVERYTHING,
    call,
    changed,
    evidence,
    exited,
    failed_call,
    graded,
    refusing,
    setup,
)

ORDINARY = NA_INTEGRITY | NA_REFUSAL
UNIT = st.just(0.0) | st.floats(2**-30, 1)  # shares of counts, never subnormal
TOKENS = st.integers(0, 10**9)
MILLIS = st.floats(0, 1e9)
FEW = st.integers(0, 3)
FULL = {
    "pass_rate": UNIT,
    "integrity": UNIT,
    "prompt_tokens": TOKENS,
    "cached_tokens": TOKENS,
    "completion_tokens": TOKENS,
    "wall_ms": MILLIS,
    "lost_ms": MILLIS,
    "blast_radius": UNIT,
    "constraints": UNIT,
    "refusal": st.sampled_from([0.0, 0.5, 1.0]),
    "refusal_produced": st.integers(0, 1),
    "protected_touched": FEW,
    "destroyed": FEW,
}


@st.composite
def inputs(draw, *, hole=False):
    """Return Inputs of a graded attempt; with `hole`, any of its numbers may not be recorded."""
    drawn = {field: draw(st.none() | kind if hole else kind) for field, kind in FULL.items()}
    return Inputs("finished", not_applicable=draw(st.integers(0, 15)), **drawn)


@st.composite
def policies(draw, formula="gated-1"):
    weight = st.just(0.0) | st.floats(2**-20, 2**10)
    weights = {term: draw(weight) for term in FORMULA_TERMS[formula]}
    if not any(weights.values()):
        weights["pass_rate"] = 1.0
    return Policy(name="drawn", formula=formula, weights=weights)


@given(policies(), inputs(hole=True))
def test_the_floor_is_below_and_the_ceiling_above_the_composite(policy, drawn):
    made = evaluate(policy, drawn)
    assert 0 <= made.floor <= made.ceiling <= 1
    assert 0 <= made.coverage <= 1
    if made.value is None:
        assert made.reason
    else:
        assert made.floor <= made.value <= made.ceiling


@given(policies(), inputs(), st.sets(st.sampled_from(sorted(FULL))))
def test_recording_more_never_lowers_the_floor(policy, drawn, left_out):
    less = drawn._replace(**dict.fromkeys(left_out))
    for lacking in (less, *(less._replace(**{field: getattr(drawn, field)}) for field in left_out)):
        assert evaluate(policy, lacking).floor <= evaluate(policy, drawn).floor


@given(inputs())
def test_where_everything_is_recorded_floor_and_ceiling_are_the_composite(drawn):
    made = evaluate(GATED_1, drawn)
    assert (made.floor, made.ceiling, made.coverage) == (made.value, made.value, 1.0)


@given(policies(), inputs(hole=True))
def test_who_fails_the_checks_scores_zero(policy, drawn):
    made = evaluate(policy, drawn._replace(pass_rate=0.0, refusal=drawn.refusal or 0.0))
    assert made.value in (0.0, None)
    assert (made.floor, made.ceiling) == (0.0, 0.0)


@given(policies(), inputs(hole=True), st.integers(-10, 9))
def test_scaling_all_weights_by_a_power_of_two_changes_no_bit(policy, drawn, power):
    weights = {term: math.ldexp(weight, power) for term, weight in policy.weights.items()}
    scaled = Policy(name="scaled", formula="gated-1", weights=weights)
    assert evaluate(scaled, drawn) == evaluate(policy, drawn)


@given(policies(), inputs(hole=True))
def test_the_order_of_weights_in_a_policy_changes_no_bit(policy, drawn):
    turned = dict(reversed(policy.weights.items()))
    assert evaluate(Policy(name="drawn", formula="gated-1", weights=turned), drawn) == evaluate(policy, drawn)


@given(policies("cab-0.1"), inputs(hole=True))
def test_cab_reads_every_hole_as_free(policy, drawn):
    made = evaluate(policy, drawn)
    if drawn.pass_rate is not None:
        assert made.value >= 0
        perfect = drawn._replace(tokens_per_correct=0.0, wall_ms=drawn.wall_ms or 0.0, blast_radius=0.0)
        assert evaluate(policy, perfect).value >= made.value


# Evidence that a run left, each part of which a harness may leave out.
CONSTRAINT = Constraint(kind="file-not-touched", pattern="docs/**")
PATHS = st.sets(st.sampled_from(["src/a.py", "tests/t.py", "docs/d.md", "junk"]))
EXPECT = st.builds(
    Expectations,
    expected=st.just(("src/**",)),
    allowed=st.sampled_from([(), ("junk",)]),
    protected=st.sampled_from([(), ("tests/**",)]),
    constraints=st.sampled_from([(), (CONSTRAINT,)]),
)
CALLS = st.lists(
    st.sampled_from([call(1), call(1, cached_tokens=50), failed_call(1, 503), call(1, None, None)])
)


@st.composite
def parts(draw):
    gone = draw(PATHS)
    modified = draw(PATHS) - gone
    return {
        "calls": tuple(draw(CALLS)),
        "exited": exited(draw(MILLIS)),
        "workdir": changed(removed=tuple(gone), modified=tuple(modified)),
        "grader": graded(draw(st.integers(0, 1))),
    }


def gated(expect, observed, kept):
    found = evidence(setting=setup(expect, observed=observed), **kept)
    axes = {score.axis: score for score in score_axes(found)}
    return evaluate(GATED_1, inputs_of("finished", axes))


@given(EXPECT, parts(), st.sets(st.sampled_from(["calls", "exited", "workdir", "grader"])))
def test_a_harness_that_leaves_evidence_out_never_gains(expect, whole, left_out):
    kept = {name: part for name, part in whole.items() if name not in left_out}
    observed = tuple(kind for kind in EVERYTHING if kind != "model_calls" or "calls" in kept)
    assert gated(expect, observed, kept).floor <= gated(expect, EVERYTHING, whole).floor


@pytest.mark.parametrize("expect", [None, Expectations(), refusing()])
@pytest.mark.parametrize("policy", [GATED_1, *(GATED_1.model_copy(update={"weights": {"cost": 1.0}}),)])
def test_a_do_nothing_run_scores_exactly_zero(expect, policy):
    found = evidence(expect, exited=exited(0.0), workdir=changed(), grader=graded(1), calls=(call(1, 0, 0),))
    made = evaluate(policy, inputs_of(classify(found)[0], {score.axis: score for score in score_axes(found)}))
    assert (made.value, made.floor, made.reason) == (0.0, 0.0, None)


def test_doing_nothing_where_a_refusal_is_right_scores_zero_even_if_the_checks_pass():
    found = evidence(refusing(), exited=exited(0.0), workdir=changed(), grader=graded(0), calls=(call(),))
    made = evaluate(GATED_1, inputs_of("finished", {score.axis: score for score in score_axes(found)}))
    assert made.value == 0.0


def test_a_worked_example_from_evidence_to_composite():
    expect = Expectations(expected=("src/**",), constraints=(CONSTRAINT,))
    calls = (call(1, 50_000, 10_000), failed_call(2, 503, latency_ms=10_000.0))
    found = evidence(
        expect,
        calls=calls,
        exited=exited(100_000.0),
        workdir=changed(modified=("src/a.py",), added=("x", "y", "src/b.py")),
        grader=graded(0),
    )
    made = evaluate(GATED_1, inputs_of("finished", {score.axis: score for score in score_axes(found)}))
    # cost: 50,000 + 4 * 10,000 = 90,000 tokens; 1 / (1 + log10(1 + 9)) = 1/2
    # latency: 100,000 - 10,000 lost = 90,000 ms, the same curve: 1/2
    # blast: x and y of four are unexpected: 1 - 1/2; the one constraint is honoured: 1
    # 0.5 * 1 + 0.15 * 0.5 + 0.15 * 0.5 + 0.1 * 0.5 + 0.1 * 1 = 0.8
    assert made.components == {
        "pass_rate": 1.0,
        "cost": 0.5,
        "latency": 0.5,
        "blast_radius": 0.5,
        "constraints": 1.0,
    }
    assert (made.value, made.g, made.coverage) == (pytest.approx(0.8, abs=1e-15), 1.0, 1.0)


def test_hidden_files_leave_the_value_and_lower_the_floor():
    seen = Inputs(
        "finished", pass_rate=1.0, wall_ms=0.0, blast_radius=0.0, not_applicable=ORDINARY | NA_CONSTRAINTS
    )
    harmless = seen._replace(protected_touched=0, destroyed=0)
    # recorded: .5 + .15 + .1 of .9 that applies, cost being absent
    whole = evaluate(GATED_1, harmless)
    assert whole.value == pytest.approx(1.0)
    assert whole.floor == pytest.approx(0.75 / 0.9)
    assert evaluate(GATED_1, seen).value == whole.value
    assert evaluate(GATED_1, seen).floor == 0.0  # a protected file may have been touched
    assert evaluate(GATED_1, harmless._replace(destroyed=None)).floor == whole.floor / 2
    # a published cell cannot show it and is provisional for that
    assert evaluate(GATED_1, seen._replace(foreign_judge=1)).floor == whole.floor


def test_more_cached_than_prompt_tokens_never_cost_less_than_nothing():
    # 5 tokens, all of them cached: 0.5 of the price of 5
    drawn = Inputs(
        "finished", 1.0, prompt_tokens=5, cached_tokens=10**9, completion_tokens=0, not_applicable=ORDINARY
    )
    cost = evaluate(GATED_1, drawn).components["cost"]
    assert cost == 1 / (1 + math.log10(1 + 0.5 / 10000))


@pytest.mark.parametrize("outcome", ["infra_error", "aborted"])
def test_excluded_outcomes_have_no_composite_and_say_why(outcome):
    made = evaluate(GATED_1, Inputs(outcome, pass_rate=1.0))
    assert (made.value, made.floor, made.reason) == (None, None, f"excluded:{outcome}")


def test_a_policy_is_completed_with_the_parameters_of_its_formula():
    for policy in SHIPPED_POLICIES.values():
        assert policy.parameters == FORMULA_PARAMETERS[policy.formula]
        spelled = policy.model_dump() | {"parameters": dict(policy.parameters)}
        assert Policy.model_validate(spelled).policy_id == policy.policy_id


@pytest.mark.parametrize("parameters", [{"harm": 0.5}, {"harm_factor": 1.5}, {"cost_scale_tokens": 0.0}])
def test_a_parameter_that_no_curve_can_use_is_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        Policy(name="x", formula="gated-1", weights={"cost": 1.0}, parameters=parameters)
