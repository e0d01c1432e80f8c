"""rescore and policies: weights, files, what moves, what is recorded."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.policy_files import load_policy, policy_toml, weighted
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BenchledgerError
from benchledger.schema.policy import FORMULA_PARAMETERS, FORMULA_TERMS, OUTCOMES, Policy
from benchledger.scorers.composite import CAB_01, GATED_1, SHIPPED_POLICIES
from tests.cli.calls import answer, call, head, refused, spawn


def test_rescore_records_the_policy_and_the_table_once(filled):
    before = head(filled).seq
    said = answer("rescore", "-w", "pass_rate=0.5", "-w", "cost=0.5")
    assert said["recorded"]
    assert said["head"] == head(filled).to_json()
    assert head(filled).seq == before + 2
    with Ledger.open(filled) as ledger:
        assert [event.meta.type for event in ledger.events(before + 1)] == [
            "policy.declared",
            "history.rescored",
        ]
    assert not answer("rescore", "-w", "cost=0.5", "-w", "pass_rate=0.5")["recorded"]
    assert head(filled).seq == before + 2


def test_a_dry_run_shows_the_same_and_appends_nothing(filled):
    before = head(filled)
    dry = answer("rescore", "--policy", "cab-0.1", "--dry-run")
    assert not dry["recorded"]
    assert head(filled) == before
    assert answer("rescore", "--policy", "cab-0.1")["rows"] == dry["rows"]


def test_weights_replace_those_of_the_base_and_keep_its_formula(filled):
    said = answer("rescore", "--policy", "cab-0.1", "-w", "pass_rate=1", "--dry-run")
    assert said["policy"]["name"] == "cab-0.1+pass_rate=1"
    assert said["policy"]["formula"] == "cab-0.1"
    assert said["policy"]["weights"] == {"pass_rate": 1.0}
    assert said["before"]["name"] == "cab-0.1"


def test_before_is_the_default_policy_unless_it_is_named(filled):
    assert answer("rescore", "--policy", "cab-0.1", "--dry-run")["before"]["name"] == "gated-1"
    other = answer("rescore", "-w", "cost=1", "--before", "cab-0.1", "--dry-run")
    assert other["before"]["name"] == "cab-0.1"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["speed=1"], "unknown axis of formula gated-1 'speed'; choices: blast_radius, constraints"),
        (["latancy=1"], "did you mean 'latency'?"),
        (["cost=-1"], "negative"),
        (["cost=0", "latency=0"], "every weight is 0"),
        (["cost=nan"], "finite"),
        (["cost=inf"], "finite"),
        (["cost=1e9"], "above 1,000,000"),
        (["cost="], "nothing after the sign"),
        (["cost"], "has no `=`"),
        (["cost=much"], "is no number"),
        (["cost=1", "cost=2"], "names cost twice"),
    ],
)
def test_a_wrong_weight_is_wrong_usage_and_says_why(texts, said, filled):
    args = [part for text in texts for part in ("-w", text)]
    assert said in refused("rescore", *args, code=2)


def test_the_table_shows_rank_and_place_and_what_moved_most(filled):
    said = call("rescore", "--policy", "cab-0.1", "--dry-run").stdout
    assert "55 cells: gated-1 -> cab-0.1" in said
    assert "moved by" in said
    assert "-> " in said
    rows = answer("rescore", "--policy", "cab-0.1", "--dry-run")["rows"]
    both = [row for row in rows if row["before"] is not None and row["after"] is not None]
    most = max(both, key=lambda row: abs(row["after"] - row["before"]))
    assert f"moved: {most['agent']} with {most['model']}" in said
    assert f"most by {most['moved_by']}" in said
    assert "of 1,000 nearby weightings" in said


def test_places_are_positions_and_ranks_may_be_shared(filled):
    rows = answer("rescore", "--policy", "cab-0.1", "--dry-run")["rows"]
    assert [row["place_after"] for row in rows] == list(range(1, len(rows) + 1))
    assert sorted(row["place_before"] for row in rows) == list(range(1, len(rows) + 1))
    assert all(row["rank_after"] <= row["place_after"] for row in rows)


def test_filters_choose_cells_and_an_unknown_name_lists_near_ones(filled):
    rows = answer("rescore", "--agent", "aider", "--agent", "pi", "--dry-run")["rows"]
    assert {row["agent"] for row in rows} == {"aider", "pi"}
    assert answer("rescore", "--task", "polyglot/go-http-handler-fix", "--dry-run")["cells"] > 0
    line = refused("rescore", "--agent", "aidr", code=2)
    assert "no cell has the agent 'aidr'; did you mean aider" in line
    assert "there is " in refused("rescore", "--task", "%", code=2)
    call("rescore", "--mode", "dreamt", code=2)


def test_an_empty_ledger_is_said_to_be_empty(empty):
    assert "no cell that counts matches" in call("rescore", "--dry-run").stdout


def test_a_policy_that_ships_is_printed_so_that_it_reads_back_as_the_same(tmp_path):
    for policy in (GATED_1, CAB_01):
        path = tmp_path / "my.toml"
        path.write_bytes(spawn("policy", "show", policy.name).stdout)
        assert load_policy(str(path)).policy_id == policy.policy_id
        assert answer("policy", "check", path)["id"] == policy.policy_id


@given(data=st.data())
def test_any_policy_written_as_toml_reads_back_to_the_bit(data, tmp_path_factory):
    formula = data.draw(st.sampled_from(sorted(FORMULA_TERMS)))
    weight = st.floats(min_value=0, max_value=1e6)
    weights = data.draw(st.dictionaries(st.sampled_from(FORMULA_TERMS[formula]), weight, min_size=1))
    weights |= {FORMULA_TERMS[formula][0]: data.draw(st.floats(min_value=1e-9, max_value=1e6))}
    scales = [name for name in FORMULA_PARAMETERS[formula] if "_scale_" in name]
    parameters = data.draw(
        st.dictionaries(st.sampled_from(scales), st.floats(min_value=1e-9, max_value=1e12))
    )
    name = data.draw(
        st.text("abcXYZ019._+=,~-", min_size=1, max_size=20).filter(lambda n: n not in SHIPPED_POLICIES)
    )
    exclude = tuple(data.draw(st.lists(st.sampled_from(OUTCOMES), unique=True)))
    policy = Policy(name=name, formula=formula, weights=weights, parameters=parameters, exclude=exclude)
    path = tmp_path_factory.mktemp("policy") / "any.toml"
    path.write_text(policy_toml(policy), encoding="utf-8")
    assert load_policy(str(path)) == policy


@given(st.lists(st.sampled_from(FORMULA_TERMS["gated-1"]), unique=True, min_size=1), st.data())
def test_weights_in_any_order_give_one_policy(axes, data):
    values = {axis: data.draw(st.floats(min_value=1e-6, max_value=1e6)) for axis in axes}
    texts = [f"{axis}={value!r}" for axis, value in values.items()]
    made = weighted(GATED_1, texts)
    assert made.policy_id == weighted(GATED_1, texts[::-1]).policy_id
    assert made.weights == values
    assert made.parameters == GATED_1.parameters


@given(st.text(max_size=30))
def test_any_text_for_a_weight_is_taken_or_refused_with_the_next_step(text):
    try:
        made = weighted(GATED_1, [text])
    except BenchledgerError as error:
        refusal = (error.exit_code, bool(error.hint))
    else:
        refusal = (2, all(math.isfinite(value) and value >= 0 for value in made.weights.values()))
    assert refusal == (2, True)


def test_a_policy_file_is_used_by_name_of_the_file_and_then_known_by_its_own(filled, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "formula": "gated-1", "weights": {"pass_rate": 1}}))
    assert answer("rescore", "--policy", path)["policy"]["name"] == "mine"
    assert answer("policy", "show", "mine")["weights"] == {"pass_rate": 1.0}
    assert "mine" in [item["name"] for item in answer("policy", "list")]
    assert answer("leaderboard", "--policy", "mine")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.toml", "name = 'a'\n[weights]\ncost = 1", "formula: is missing"),
        ("a.toml", "name = 'a'\nformula = 'gated-1'\n[weights]\nspeed = 1", "no term 'speed'"),
        ("a.toml", "name = 'a'\nformula = 'gated-1'\n[weights]\ncost = -1", "weights.cost: "),
        ("a.toml", "name = 'a'\nformula = 'gated-1'\n[weights]\ncost = nan", "finite"),
        ("a.toml", "name = 'a'\nformula = 'gated-1'\n[weights]\ncost = '1'", "weights.cost: "),
        ("a.toml", "name = 'gated-1'\nformula = 'gated-1'\n[weights]\ncost = 1", "ships"),
        ("a.toml", "name = ", "not TOML"),
        ("a.json", "{", "not JSON"),
        ("a.json", '{"name": "a", "name": "b"}', "twice"),
        ("a.json", "[1]", "; "),
    ],
)
def test_a_wrong_policy_file_is_refused_by_field(name, text, said, tmp_path):
    (tmp_path / name).write_text(text)
    line = refused("policy", "check", tmp_path / name, code=1)
    assert said in line
    assert "policy show gated-1 > my.toml" in line or "rename" in line


def test_a_policy_that_is_not_there_lists_the_choices(filled):
    assert "did you mean 'gated-1'?" in refused("leaderboard", "--policy", "gated-2", code=2)
    assert "there is no policy file" in refused("leaderboard", "--policy", "my.toml", code=2)


def test_policies_that_ship_need_no_ledger(db):
    assert [item["name"] for item in answer("policy", "list")] == ["gated-1", "cab-0.1"]
    assert "unknown policy" in refused("policy", "show", "mine", code=2)
    assert not db.exists()


def test_a_new_policy_starts_from_another_under_its_own_name(tmp_path):
    text = call("policy", "new", "frugal", "-w", "pass_rate=0.5", "-w", "cost=0.5").stdout
    (tmp_path / "frugal.toml").write_text(text)
    made = load_policy(str(tmp_path / "frugal.toml"))
    assert (made.name, made.weights) == ("frugal", {"cost": 0.5, "pass_rate": 0.5})
    assert made.exclude == GATED_1.exclude
    assert "ships" in refused("policy", "new", "gated-1", code=2)
    assert "'a b' is no name" in refused("policy", "new", "a b", code=2)
