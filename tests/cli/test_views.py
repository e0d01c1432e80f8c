"""cells, show, leaderboard and compare: the same numbers, and in words what could be misread."""

import json
from pathlib import Path

import pytest

from benchledger.ledger.cli.leaderboard import footnotes
from benchledger.ledger.store import Ledger
from benchledger.scorers.registry import in_published_order
from tests.cli.calls import COMPLETE, PUBLISHED, RUNS, answer, call, head, refused

AIDER = "aider/meta/llama-4-maverick-17b-128e-instruct"

_BLAST_KEYS = [
    *("blast_radius", "added", "removed", "modified", "unexpected_changes", "expected_changes"),
    *("total_changes", "extra_git_dir"),
]


def test_cells_lists_one_row_a_cell_with_its_composite_under_a_policy(filled):
    rows = {row["cell_id"]: row for row in answer("cells", "--policy", "cab-0.1")}
    assert len(rows) == 43 + len(RUNS)
    row = rows[f"{COMPLETE}#run1"]
    assert row["composite"] == row["published_composite"] == 0.5816402435596588
    assert row["axes"]["latency"]["state"] == "recorded"
    assert (row["agent"], row["task"]) == ("copilot", "mutations/rust-error-negated")


def test_a_cell_without_a_composite_says_why(filled):
    rows = [row for row in answer("cells") if row["outcome"] == "infra_error"]
    assert rows
    assert all(row["composite"] is None and row["reason"] == "excluded:infra_error" for row in rows)
    assert "excluded:infra_error" in call("cells").stdout


def test_cells_are_filtered(filled):
    rows = answer("cells", "--agent", "aider", "--task", "polyglot/go-http-handler-fix")
    assert {(row["agent"], row["task"]) for row in rows} == {("aider", "polyglot/go-http-handler-fix")}
    assert {row["mode"] for row in answer("cells", "--mode", "published")} == {"published"}
    assert answer("cells", "--mode", "replay") == []


def test_an_empty_ledger_lists_no_cells(empty):
    assert answer("cells") == []
    assert "append some" in call("cells").stdout


def test_published_and_imported_cells_are_provisional_with_their_reasons(filled):
    call("verify")
    for row in answer("cells"):
        assert row["standing"] == "provisional"
        assert "not verified on this machine" not in row["standing_reasons"]
        why = "read off a published page" if row["mode"] == "published" else "record of another harness"
        assert why in row["standing_reasons"][0]


def test_show_gives_every_number_with_the_event_behind_it(filled):
    said = answer("show", COMPLETE)
    assert said["cell_id"] == f"{COMPLETE}#run1"
    assert said["composites"]["cab-0.1"]["value"] == said["published_composite"]
    assert said["composites"]["gated-1"]["value"] == 0.0
    assert list(said["axes"]["blast_radius"]["payload"]) == _BLAST_KEYS
    with Ledger.open(filled) as ledger:
        for axis in said["axes"].values():
            event = next(ledger.events(axis["seq"]))
            assert (event.hash.hex(), event.meta.type) == (axis["hash"], "axis.scored")
            assert axis["derived_from"]
    assert [item["type"] for item in said["events"]][:2] == ["record.received", "cell.setup"]


def test_show_prints_the_same_for_people(filled):
    said = call("show", COMPLETE).stdout
    assert "provisional: read off a published page" in said
    assert "latency.wall_clock_ms = 3786.98099999999" in said
    assert "published  0.581640" in said
    assert "running 4 tests" not in said
    assert "running 4 tests" in call("show", COMPLETE, "--blobs").stdout


def test_texts_of_agents_cannot_steer_the_terminal(empty, tmp_path):
    record = json.loads(Path(RUNS[0]).read_text(encoding="utf-8"))
    record["streams"] = {"stdout": "\x1b]0;owned\x07\x1b[2J ok", "stderr": ""}
    (tmp_path / "a.json").write_text(json.dumps(record))
    call("append", tmp_path / "a.json")
    cell = answer("cells")[0]["cell_id"]
    assert "\x1b" not in call("show", cell, "--blobs").stdout
    texts = answer("show", cell, "--blobs")["texts"]
    assert any(item["text"].startswith("\x1b]0;owned") for item in texts)


def test_keys_that_are_not_published_follow_by_name():
    payload = {"zeta": 1, "wall_clock_ms": 2, "alpha": 3, "container_active_ms": 4}
    assert list(in_published_order("latency", payload)) == [
        *("wall_clock_ms", "container_active_ms", "alpha", "zeta")
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COMPLETE.replace("rust-error-negated", "rust-eror-negated"), "did you mean"),
        (f"{COMPLETE}#run1@9", "has no attempt 9"),
        (f"{COMPLETE}#run7", "there is no cell"),
        ("nothing", "there is no cell"),
    ],
)
def test_a_cell_that_is_not_there_is_said_with_near_ones(text, said, filled):
    assert said in refused("show", text, code=1)


def test_the_leaderboard_says_in_words_what_could_be_misread(filled):
    said = call("leaderboard").stdout
    assert said.startswith("policy gated-1, at head ")
    assert "lack a value on" in said
    assert "--common ranks over what all rows have" in said
    assert "= is a rank that rows share" in said
    assert "provisional: not for citation" in said


def test_rows_whose_cells_differ_in_their_condition_say_so():
    row = {"agent": "a", "model": "m", "differs": ["sandbox", "limits"], "standing": "citable"}
    row |= {"tied": False, "tasks": 3, "planned": 3}
    assert footnotes([row], common=False) == ["cells of a with m differ in sandbox, limits"]


def test_few_tasks_are_said_to_give_no_interval():
    row = {"agent": "a", "model": "m", "differs": [], "standing": "citable"}
    row |= {"tied": True, "tasks": 1, "planned": 2}
    notes = footnotes([row, row], common=False)
    assert "lack a value on 1 of the 2 tasks" in notes[0]
    assert "over 2 tasks there is no interval" in notes[1]


def test_a_leaderboard_of_an_earlier_head_is_that_of_then(empty):
    call("append", PUBLISHED)
    then = answer("leaderboard")
    seq = head(empty).seq
    call("append", *RUNS)
    assert answer("leaderboard") != then
    assert answer("leaderboard", "--as-of", seq) == then
    assert f"at event {seq}" in call("leaderboard", "--as-of", seq).stdout
    assert "there is no event 99999" in refused("leaderboard", "--as-of", "99999", code=1)


def test_common_ranks_over_the_tasks_that_all_rows_have(filled):
    rows = answer("leaderboard", "--common", "--model", "openai/gpt-oss-120b")
    assert len({row["planned"] for row in rows}) == 1
    call("leaderboard", "--common")


def test_replayed_and_scripted_runs_count_only_when_asked_for(empty, tmp_path):
    record = json.loads(Path(RUNS[0]).read_text(encoding="utf-8")) | {"mode": "scripted"}
    (tmp_path / "a.json").write_text(json.dumps(record))
    call("append", tmp_path / "a.json")
    assert answer("leaderboard") == []
    assert "name a --mode" in call("leaderboard").stdout
    assert [row["mode"] for row in answer("leaderboard", "--mode", "scripted")] == ["scripted"]


def test_compare_pairs_tasks_and_names_what_is_left_out(filled):
    said = answer(
        "compare", AIDER, "openhands/meta/llama-4-maverick-17b-128e-instruct", "--policy", "cab-0.1"
    )
    assert (said["a"], said["policy"]) == (AIDER, "cab-0.1")
    for task in said["tasks"]:
        assert task["difference"] == task["a"] - task["b"]
    text = call("compare", AIDER, "openhands/meta/llama-4-maverick-17b-128e-instruct").stdout
    assert "mean difference over" in text
    assert "solved by" in text
    assert "left out" in text


def test_compare_of_agents_pairs_the_same_model_only(filled):
    rows = answer("cells", "--policy", "cab-0.1")
    said = answer("compare", "aider", "opencode", "--policy", "cab-0.1")

    def having(agent):
        return {(row["task"], row["model"]) for row in rows if row["agent"] == agent}

    both = having("aider") & having("opencode")
    assert {task["task"] for task in said["tasks"]} == {task for task, _ in both}
    assert len(said["unpaired_a"]) == len(having("aider") - both)


def test_compare_of_a_side_with_itself_finds_no_difference(filled):
    said = answer("compare", "aider", "aider")
    assert said["difference"] == 0
    assert said["unpaired_a"] == said["unpaired_b"] == said["solved_by_a"] == []


def test_compare_takes_sweeps(filled):
    sweeps = sorted({row["cell_id"].split("/")[0] for row in answer("cells")})
    assert answer("compare", sweeps[0], sweeps[0])["difference"] == 0


def test_what_cannot_be_compared_is_said(filled):
    assert "did you mean 'aider'?" in refused("compare", "aidr", "pi", code=2)
    assert "no task in common" in refused("compare", "example-agent", "aider", code=1)
