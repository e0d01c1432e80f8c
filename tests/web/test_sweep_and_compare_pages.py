"""Pages of sweeps, policies and comparisons against what the ledger's own functions say."""

from __future__ import annotations

import json
import shlex

import pytest

from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.comparison import compare
from benchledger.ledger.merge import append_ledger
from benchledger.ledger.rescore import record, rescore
from benchledger.ledger.store import Ledger
from benchledger.ledger.sweep_status import status_of
from benchledger.ledger.web import pages
from benchledger.ledger.web.view import NotFound
from benchledger.schema.history import Selection
from benchledger.schema.policy import FORMULA_PARAMETERS, FORMULA_TERMS
from benchledger.scorers.composite import CAB_01, GATED_1, SHIPPED_POLICIES
from tests.attacks.sample import build_full
from tests.ledger.made import ran
from tests.ledgers import attempt, checked, published
from tests.web.parts_of_pages import CELL, keys, page_of, swept, viewed


@pytest.fixture
def nightly(tmp_path):
    path = tmp_path / "nightly.db"
    swept(path).close()
    yield path
    checked(path)


def test_a_sweep_says_what_was_planned_shown_and_lost_and_why(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "sweeps/nightly.html")
    assert (page["planned"], page["shown"], page["unplanned"]) == (12, 6, 0)
    assert page["states"] == {"done": 6, "todo": 5, "lost": 1}
    missing = {each["cell"]: each for each in page["missing"]}
    assert len(missing) == 6
    lost = missing[CELL.format("b", "z", 1)]
    assert lost["state"] == "lost"
    assert lost["attempts"] == [f"attempt {number}: infra_error" for number in (1, 2, 3)]
    assert "retries are used up" in lost["why"]
    assert lost["href"] == "cells/nightly/b/m/1/c/z/run1.html"
    assert missing[CELL.format("a", "z", 1)]["why"] == "never launched"
    assert missing[CELL.format("a", "z", 1)]["href"] is None


def test_a_sweep_has_the_numbers_of_its_status(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "sweeps/nightly.html")
        told = json.loads(json.dumps(status_of(view.ledger, "nightly", lambda _: True).to_json()))
    for name in (
        "cells",
        "done",
        "solved",
        "lost",
        "todo",
        "cost",
        "currency",
        "faults",
        "arms",
        "unsolved",
        "policy",
    ):
        assert json.loads(json.dumps(page["status"][name])) == told[name], name
    assert page["faults"] == [{"outcome": "infra_error", "kind": "sandbox", "attempts": 4}]


def test_a_sweep_tells_its_order_seed_and_whether_it_was_planned_before_launch(nightly):
    with viewed(nightly) as view:
        (plan,) = page_of(view, "sweeps/nightly.html")["plans"]
    assert (plan["ordering"], plan["seed"], plan["engine"], plan["infra_retries"]) == (
        "interleaved",
        7,
        "local",
        2,
    )
    assert (plan["launched_before"], plan["attempts"]) == (0, 10)


def test_attempts_before_the_plan_are_counted(tmp_path):
    path = tmp_path / "late.db"
    with swept(path) as ledger:
        ran(ledger, "late/a/m/1/c/x#run1")
        plan = next(ledger.stream("sweep/nightly")).decoded()
        from benchledger.schema.ports import Draft

        ledger.emit(Draft("sweep/late", plan.model_copy(update={"sweep": "late", "repeats": 1})))
    with viewed(path) as view:
        (plan,) = page_of(view, "sweeps/late.html")["plans"]
    assert (plan["launched_before"], plan["attempts"]) == (1, 1)
    checked(path)


def test_attempts_that_were_tried_again_are_listed_with_their_pages(nightly):
    with viewed(nightly) as view:
        retried = page_of(view, "sweeps/nightly.html")["retried"]
    assert [(each["ref"], each["kind"]) for each in retried["attempts"]] == [
        (f"{CELL.format('a', 'y', 1)}@1", "sandbox"),
        (f"{CELL.format('b', 'z', 1)}@1", "sandbox"),
        (f"{CELL.format('b', 'z', 1)}@2", "sandbox"),
    ]
    assert retried["attempts"][0]["href"] == "cells/nightly/a/m/1/c/y/run1/attempt-1.html"


def test_an_open_attempt_is_told_from_one_that_never_began(nightly):
    with Ledger.open(nightly, write=True) as ledger:
        ledger.emit_all(attempt(CELL.format("a", "z", 1), outcome=None))
    with viewed(nightly) as view:
        page = page_of(view, "sweeps/nightly.html")
    assert page["states"]["open"] == 1
    assert page["status"]["claimed"] == [f"{CELL.format('a', 'z', 1)}@1"]
    row = next(row for row in page["matrix"]["rows"] if row["agent"] == "a")
    assert row["states"]["c/z"] == {"open": 1, "todo": 1}


def test_a_sweep_without_a_plan_says_so(tmp_path):
    path = tmp_path / "published.db"
    published(path).close()
    with viewed(path) as view:
        page = page_of(view, "sweeps/free-20260527.html")
        rows = page_of(view, "sweeps.html")["sweeps"]
    assert page["plans"] == []
    assert page["status"] is None
    assert len(page["cells"]) == 18
    assert {row["sweep"]: row["planned"] for row in rows}["free-20260527"] is None
    assert sum(row["cells"] for row in rows) == 43
    checked(path)


def test_a_sweep_whose_cells_came_from_another_ledger_names_it(tmp_path, nightly):
    path = tmp_path / "whole.db"
    with Ledger.create(path) as ledger, Ledger.open(nightly) as other:
        append_ledger(ledger, other)
        origin = other.ledger_id
    with viewed(path) as view:
        page = page_of(view, "sweeps/nightly.html")
        sources = page_of(view, "sources.html")
    assert [(each["origin"], each["cells"]) for each in page["origins"]] == [(origin, 7)]
    assert page["shown"] == 6
    assert [plan["origin"] for plan in page["plans"]] == [origin]
    (merged,) = sources["origins"]
    assert (merged["origin"], merged["cells"]) == (origin, 7)
    assert [each["sweep"] for each in merged["sweeps"]] == ["nightly"]
    checked(path)


@pytest.mark.parametrize("name", SHIPPED_POLICIES)
def test_a_policy_page_names_each_term_and_parameter_of_its_formula(nightly, name):
    with viewed(nightly) as view:
        page = page_of(view, f"policies/{name}.html")
    policy = SHIPPED_POLICIES[name]
    assert page["policy_id"] == policy.policy_id
    assert page["policy"] == policy.to_json()
    assert sum(each["share"] for each in page["weights"]) == pytest.approx(1)
    said = " ".join(page["mathematics"])
    assert all(parameter in said for parameter in FORMULA_PARAMETERS[policy.formula])
    assert all(term in said for term in FORMULA_TERMS[policy.formula])


def test_a_rescore_shows_under_its_policy_with_its_digest_and_head(nightly):
    with Ledger.open(nightly, write=True) as ledger:
        result = rescore(ledger.connection, CAB_01, GATED_1, Selection())
        assert record(ledger, result, "somebody")
    with viewed(nightly) as view:
        page = page_of(view, "policies/cab-0.1.html")
        (listed,) = page_of(view, "ledger.html")["rescores"]
    (told,) = page["rescores"]
    assert (told["table_digest"], told["cells"]) == (result.table_digest, result.cells)
    assert listed["table_digest"] == result.table_digest
    assert told["head_seq"] < told["seq"]
    (declared,) = page["declared"]
    assert declared["same"]
    assert declared["actor"] == "somebody"
    assert page["leaderboard_href"] == "leaderboard/cab-0.1.html"


def test_an_unknown_policy_is_no_page(nightly):
    with viewed(nightly) as view, pytest.raises(NotFound):
        page_of(view, "policies/mine.html")


def test_every_pair_of_a_site_is_what_compare_json_says(tmp_path):
    path = build_full(tmp_path / "full.db")
    with viewed(path) as view:
        pairs = page_of(view, "compare.html")["pairs"]
        assert len(pairs) == 66
        common = 0
        for place in pairs.values():
            page = page_of(view, place)
            *_, a, b = shlex.split(page["command"].replace("\\\n", " "))
            assert [a, b] == [page["a"], page["b"]]
            if page["nothing"] is None:
                common += 1
                told = compare(view.ledger, GATED_1, (page["a"], page["b"]), Selection()).to_json()
                assert [{key: task[key] for key in told["tasks"][0]} for task in page["tasks"]] == told[
                    "tasks"
                ]
                for name in (
                    "difference",
                    "low",
                    "high",
                    "solved_by_a",
                    "solved_by_b",
                    "repeats_needed",
                    "differs",
                ):
                    assert page[name] == told[name], name
        assert common > 10
        assert {made.path for made in pages.places(view)} >= set(pairs.values())
    checked(path)


def test_sides_without_a_common_task_say_so(tmp_path):
    path = build_full(tmp_path / "full.db")
    with viewed(path) as view:
        page = page_of(
            view, "compare/example-agent~2fexample~2fmodel-1--vs--aider~2fopenai~2fgpt-oss-120b.html"
        )
    assert "no task in common" in page["nothing"]
    checked(path)


def test_a_comparison_names_what_separates_the_sides_and_what_is_left_out(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "compare/a~2fm~2f1--vs--b~2fm~2f1.html")
    assert [task["task"] for task in page["separating"]] == ["c/x"]
    assert page["solved_by_a"] == ("c/x",)
    assert {(item["task"], item["reason"]) for item in page["left_out"]} >= {("c/y", "other_digest")}
    assert not page["sure"]


def test_versions_of_one_agent_are_sides_of_their_own(tmp_path):
    path = tmp_path / "versions.db"
    with swept(path) as ledger:
        ran(ledger, "later/a/m/1/c/x#run1", version="2", task="a", passed=False)
    with viewed(path) as view:
        index = page_of(view, "compare.html")
        assert {row["side"] for row in index["rows"]} >= {"a@1/m/1", "a@2/m/1", "b/m/1"}
        page = page_of(view, index["pairs"]["a@1/m/1--vs--a@2/m/1"])
    assert page["sides"]["a"]["version"] == "1"
    assert page["solved_by_a"] == ("c/x",)
    checked(path)


@pytest.mark.parametrize("pair", ["a~2fm~2f1--vs--nobody", "a~2fm~2f1", "--vs--"])
def test_a_pair_of_unknown_sides_is_no_page(nightly, pair):
    with viewed(nightly) as view, pytest.raises(NotFound):
        page_of(view, f"compare/{pair}.html")


def test_a_withdrawn_cell_changes_the_key_of_the_pairs_of_its_row_alone(nightly):
    with Ledger.open(nightly, write=True) as ledger:
        for agent in ("c", "d"):
            ran(ledger, CELL.format(agent, "x", 1), task="a")
    before = keys(nightly)
    with Ledger.open(nightly, write=True) as ledger:
        adjudicate(ledger, Judgement("withdraw", "a slip", "me", cell=CELL.format("c", "x", 1)))
    after = keys(nightly)
    changed = {path for path in before if path.startswith("compare/") and before[path] != after.get(path)}
    assert changed
    assert all("c~2fm~2f1" in path for path in changed)
