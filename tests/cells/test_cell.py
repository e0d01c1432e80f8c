"""One cell from claim to score: what is recorded, in which order, and what it is worth."""

import json
from dataclasses import replace

import pytest

from benchledger.ledger.verdict import verdict
from benchledger.runners.agents.overlay import Overlay, overlaid
from benchledger.runners.cell import run_cell
from benchledger.runners.prepare import Request, plan_cell, prepare
from benchledger.runners.sandboxes.local import Local
from benchledger.schema.errors import Conflict, EnvironmentLacks, UnknownName, UsageError
from tests.cells.parts import PYTHON, agent_file, blob_text, payloads, prepared, run_into, source_of, steps


def test_a_scripted_agent_solves_a_task_and_every_step_is_an_event(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, source_of(parts))
    types = [event.meta.type for event in ledger.stream(f"cell/{ran.ref}")]
    order = ["cell.setup", "cell.launched", "model.called", "cell.exited", "workdir.captured", "grader.ran"]
    assert [types.index(name) for name in order] == sorted(types.index(name) for name in order)
    assert types[0] == "cell.setup"
    assert types[-1] == "cell.finished"
    assert ran.outcome == ("finished", None)
    assert ran.judged.axes["pass_rate"].value == 1
    assert ran.composite is not None
    assert ran.composite > 0.9
    calls = payloads(ledger, ran.ref, "model.called")
    assert len(calls) >= 3
    assert all(call["prompt_tokens"] > 0 and call["status"] == 200 for call in calls)
    kinds = {span["kind"] for span in payloads(ledger, ran.ref, "span.recorded")}
    assert kinds >= {"task_setup", "adapter_run", "container", "tool_call", "model_call", "proxy"}


def test_the_sentence_about_an_attempt_is_made_from_its_records(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, source_of(parts))
    said = verdict(ran.judged.evidence, ran.judged.end)
    assert said.startswith("Passed: 6 of 6 checks; changed cache.py")
    assert "model calls, " in said
    failed = run_into(ledger, parts, steps(parts))
    assert verdict(failed.judged.evidence, failed.judged.end).startswith(
        "Failed: 2 of 6 checks; changed nothing; 1 model call"
    )


@pytest.mark.parametrize(("agent", "low", "high"), [("nop", 0.0, 0.0), ("oracle", 0.95, 1.0)])
def test_doing_nothing_scores_nothing_and_the_solution_scores_all(ledger, agent, low, high):
    parts = prepare(Request(agent=agent, task=PYTHON))
    ran = run_into(ledger, parts, None)
    assert low <= ran.composite <= high
    assert payloads(ledger, ran.ref, "cell.launched")[0]["argv"] == [f"builtin:{agent}"]


def test_what_is_recorded_names_no_path_of_the_operator_and_no_value_of_a_variable(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, source_of(parts))
    launched = payloads(ledger, ran.ref, "cell.launched")[0]
    assert launched["argv"][-2] == "{instruction}"
    assert "TINY_KEY" in launched["env_names"]
    assert not any(str(tmp_path) in text for text in launched["argv"])


def test_a_message_of_a_conversation_is_stored_once_and_named_by_its_first_call(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, source_of(parts))
    calls = payloads(ledger, ran.ref, "model.called")
    named = [part["blob"] for call in calls for part in call.get("parts", ())]
    assert len(named) == len(set(named))
    last = json.loads(blob_text(ledger, calls[-1]["request"]))
    assert {message["blob"] for message in last["messages"]} <= set(named)


def test_each_run_is_the_next_one_and_only_a_lost_one_is_tried_again(ledger, tmp_path):
    parts = prepared(tmp_path)
    refs = [run_into(ledger, parts, source_of(parts)).ref.rpartition("#")[2] for _ in range(2)]
    lost = run_into(ledger, parts, source_of(parts, fault="401"))
    assert lost.outcome == ("infra_error", "auth")
    assert lost.composite is None
    again = run_into(ledger, parts, source_of(parts))
    assert refs == ["run1@1", "run2@1"]
    assert lost.ref.endswith("#run3@1")
    assert again.ref.endswith("#run3@2")


def test_an_attempt_is_claimed_by_one_launcher_only(ledger, tmp_path):
    parts = prepared(tmp_path)
    plan = plan_cell(parts, source_of(parts), "test-20260131", 1, 1)
    run_cell(plan, ledger)
    with pytest.raises(Conflict):
        run_cell(plan, ledger)


def test_an_overlay_is_part_of_the_identity_and_of_the_trace(ledger, tmp_path):
    from dataclasses import replace

    parts = prepared(tmp_path)
    overlay = Overlay(name="loud", env={"LOUD": "1"})
    parts = replace(parts, agent=overlaid(parts.agent, [overlay]), overlays=(overlay,))
    ran = run_into(ledger, parts, source_of(parts))
    setup = payloads(ledger, ran.ref, "cell.setup")[0]
    assert setup["behavior_mode"] == "loud"
    assert setup["plugin_stack"] == ["loud"]
    applied = [span for span in payloads(ledger, ran.ref, "span.recorded") if span["kind"] == "tool_call"]
    assert applied[0]["attributes"]["env_keys"] == ["LOUD"]
    assert applied[0]["attributes"]["applied"] == ["loud"]


def test_a_terminal_is_recorded_where_the_agent_asks_for_one(ledger, tmp_path):
    parts = prepare(
        Request(agent="tiny", task=PYTHON, model="m", agent_files=[agent_file(tmp_path, pty=True)])
    )
    ran = run_into(ledger, parts, source_of(parts))
    exited = payloads(ledger, ran.ref, "cell.exited")[0]
    lines = blob_text(ledger, exited["recording"]).splitlines()
    assert json.loads(lines[0])["version"] == 2
    assert any("$ " in json.loads(line)[2] for line in lines[1:])


@pytest.mark.parametrize(
    ("request_", "error", "said"),
    [
        ({"agent": "tiny", "task": "mutations/none"}, UnknownName, "choices"),
        ({"agent": "aiderr", "task": PYTHON}, UnknownName, "did you mean 'aider'"),
        ({"agent": "tiny", "task": PYTHON, "model": None}, UsageError, "--model"),
        ({"agent": "tiny", "task": PYTHON, "image": "debian"}, UsageError, "--sandbox docker"),
        ({"agent": "tiny", "task": PYTHON, "limits": {"second": 3}}, UsageError, "limits are"),
        ({"agent": "tiny", "task": PYTHON, "limits": {"seconds": -3.0}}, UsageError, "limit seconds"),
        ({"agent": "openhands", "task": PYTHON}, EnvironmentLacks, "benchledger agents install openhands"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_claimed(tmp_path, monkeypatch, request_, error, said):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with pytest.raises(error, match=said):
        prepared(tmp_path, **request_)


def test_an_agent_that_asks_a_model_wants_a_source_of_answers(tmp_path):
    with pytest.raises(UsageError, match="--scripted"):
        plan_cell(prepared(tmp_path), None, "s", 1, 1)


def test_the_untouched_workdir_is_checked_once_for_all_cells_under_the_same_limits(ledger):
    made = []

    def counted():
        made.append(Local())
        return made[-1]

    def sandboxes_of(**limits):
        made.clear()
        parts = prepare(Request(agent="oracle", task=PYTHON, limits=limits))
        ran = run_into(ledger, parts, None, lambda plan: replace(plan, sandbox=counted))
        assert ran.judged.axes["pass_rate"].value == 1
        before = payloads(ledger, ran.ref, "grader.ran")[0]["checks_before"]
        assert set(before.values()) == {True, False}
        return len(made)

    # the agent's own, that of the checks, and that of the checks before
    assert [sandboxes_of(), sandboxes_of(), sandboxes_of(pids=200), sandboxes_of(pids=200)] == [3, 2, 3, 2]
