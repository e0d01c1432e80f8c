"""Score vectors: frozen formulas give the same bits for ever."""

import json
from math import log10

import pytest

from benchledger.schema.policy import Policy
from benchledger.scorers.composite import FORMULAS, SHIPPED_POLICIES, Inputs, evaluate
from tests.scorers.make_vectors import PATH, changed_cases, document, written

VECTORS = json.loads(PATH.read_text(encoding="utf-8"))
ROWS = [row for formula in FORMULAS for row in VECTORS[formula]]


def expected(policy, name):
    return next(row["expected"] for row in ROWS if (row["policy"], row["name"]) == (policy, name))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['policy']}: {row['name']}")
def test_a_vector_comes_out_bit_for_bit(row):
    policy = Policy.model_validate_json(json.dumps(VECTORS["policies"][row["policy"]]))
    assert evaluate(policy, Inputs(**row["inputs"]))._asdict() == row["expected"]


def test_every_formula_has_vectors_enough_and_every_shipped_policy_stands_among_them():
    assert all(len(VECTORS[formula]) >= 25 for formula in FORMULAS)
    for name, policy in SHIPPED_POLICIES.items():
        assert VECTORS["policies"][name] == policy.to_json()


def test_the_file_is_what_its_script_writes():
    assert PATH.read_text(encoding="utf-8") == written(document())


def test_a_formula_that_changed_is_found_by_the_script():
    altered = json.loads(json.dumps(VECTORS))
    altered["gated-1"][0]["expected"]["value"] = 0.25
    assert changed_cases(VECTORS, altered) == ["gated-1: an ordinary pass"]
    assert changed_cases(VECTORS, VECTORS) == []


def test_cab_vectors_by_hand():
    # nothing passed, no refusal expected, 3.787 s, no tokens, nothing unexpected
    latency = 1 / (1 + log10(1 + 3786.9809999999998 / 10000))
    total = 0.4 * 0 + 0.2 * 1 + 0.15 * 1 + 0.15 * latency + 0.1 * 1
    assert expected("cab-0.1", "the complete published cell")["value"] == total == 0.5816402435596588
    # both curves at 90,000 are 1 / (1 + 1): 0.4 + 0.2 + 0.075 + 0.075 + 0.1 * 0.75 = 0.825
    assert expected("cab-0.1", "ninety thousand tokens and ms")["value"] == pytest.approx(0.825, abs=1e-15)
    # silent: half of 0 + 0.2 * 0 + 0.15 + 0.15 * latency + 0.1
    silent = 0.5 * (0.15 + 0.15 / (1 + log10(1.2334759)) + 0.1)
    assert expected("cab-0.1", "published: silent")["value"] == pytest.approx(silent, abs=1e-15)


def test_gated_vectors_by_hand():
    # cost: 10,000 + 0.1 * 2,000 + 4 * 345 = 11,580; latency: 38,333.886 ms; blast 1 - 0.25
    cost, latency = 1 / (1 + log10(2.158)), 1 / (1 + log10(4.8333886))
    ordinary = 0.5 + 0.15 * cost + 0.15 * latency + 0.1 * 0.75 + 0.1 * 0.75
    near = {"abs": 1e-15}
    assert expected("gated-1", "an ordinary pass")["value"] == pytest.approx(ordinary, **near)
    assert expected("gated-1", "perfect")["value"] == 1.0
    assert expected("gated-1", "nothing done, and fast")["value"] == 0.0
    assert expected("gated-1", "one third of partial credit")["value"] == pytest.approx(ordinary / 3, **near)
    assert expected("gated-1", "files were destroyed")["value"] == pytest.approx(ordinary / 2, **near)
    assert expected("gated-1", "a protected file was touched")["value"] == 0.0
    assert expected("gated-1", "tokens are not recorded") == {
        **expected("gated-1", "an ordinary pass"),
        "components": {**expected("gated-1", "an ordinary pass")["components"], "cost": None},
        "value": pytest.approx((ordinary - 0.15 * cost) / 0.85, **near),
        "floor": pytest.approx(ordinary - 0.15 * cost, **near),
        "ceiling": pytest.approx(ordinary - 0.15 * cost + 0.15, **near),
        "coverage": pytest.approx(0.85, **near),
    }
