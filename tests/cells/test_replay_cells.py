"""A cell again from its record: the same patch and the same scores, or drift that says where it went astray."""

import json

import pytest

from benchledger.ledger.recorded import recorded_run
from benchledger.runners.cell_plan import CellPlan
from benchledger.runners.sandboxes.port import Places
from benchledger.runners.source import Recorded, replayed
from tests.cells.parts import blob_text, payloads, prepared, run_into, source_of

SCORED = ("pass_rate", "tokens", "blast_radius", "refusal", "integrity", "constraints")


def unchanged(_call, data):
    return data


def source_from(ledger, ref, change=unchanged):
    found = recorded_run(ledger, ref)
    places = Places(found.places["home"], found.places["tmp"], found.places["workdir"])
    answers = {call.response.blob: call for call in found.calls if call.response}

    def get(digest):
        data = found.get(digest)
        return change(answers[digest], data) if digest in answers else data

    return replayed(Recorded(found.ref, found.calls, get, places))


def patch_of(ledger, ref):
    """Return the text that `git apply` takes, without binary by-products, which hold the time of their making."""
    patch = blob_text(ledger, payloads(ledger, ref, "workdir.captured")[0]["patch"])
    return [part for part in patch.split("diff --git ") if "\nGIT binary patch\n" not in part]


def scores_of(ran):
    return {name: (ran.judged.axes[name].value, ran.judged.axes[name].state) for name in SCORED}


@pytest.mark.parametrize("variant", ["steps", "fail"])
def test_a_replay_gives_the_same_patch_and_the_same_scores(ledger, tmp_path, variant):
    parts = prepared(tmp_path)
    first = run_into(ledger, parts, source_of(parts, variant))
    second = run_into(ledger, parts, source_from(ledger, first.ref))
    assert second.ended.drifts == 0
    assert patch_of(ledger, second.ref) == patch_of(ledger, first.ref)
    assert scores_of(second) == scores_of(first)
    assert payloads(ledger, second.ref, "cell.setup")[0]["mode"] == "replay"
    spans = payloads(ledger, second.ref, "span.recorded")
    assert [s["attributes"]["replay_of"] for s in spans if s["kind"] == "task_setup"] == [first.ref]


def test_an_altered_response_is_told_as_drift_with_a_diff_and_is_not_scored(ledger, tmp_path):
    parts = prepared(tmp_path)
    first = run_into(ledger, parts, source_of(parts))

    def altered(call, data):
        return data.replace(b"cat ", b"head -3 ") if call.number == 1 else data

    second = run_into(ledger, parts, source_from(ledger, first.ref, altered))
    assert second.ended.drifts >= 1
    assert second.outcome == ("infra_error", "drift")
    assert second.composite is None
    drifts = [span for span in payloads(ledger, second.ref, "span.recorded") if span["kind"] == "drift"]
    assert drifts[0]["attributes"]["nearest"] == 2
    diff = blob_text(ledger, drifts[0]["attributes"]["diff"])
    assert any(line.startswith("+") and "head -3 " in line for line in diff.splitlines())


def test_a_replay_takes_the_paths_of_old_only_where_they_are_of_our_making(ledger, tmp_path):
    parts = prepared(tmp_path)
    first = run_into(ledger, parts, source_of(parts))
    source = source_from(ledger, first.ref)
    recorded = source.recorded
    forged = Places(str(tmp_path / "x" / "home"), str(tmp_path / "x" / "tmp"), str(tmp_path / "x" / "work"))

    def moved(plan: CellPlan) -> CellPlan:
        from dataclasses import replace

        return replace(plan, places=forged)

    second = run_into(ledger, parts, source, moved)
    seen = [s for s in payloads(ledger, second.ref, "span.recorded") if s["kind"] == "task_setup"]
    assert not seen[0]["attributes"]["workdir"].startswith(str(tmp_path))
    assert not (tmp_path / "x").exists()
    assert recorded is not None


def test_a_cell_that_asked_no_model_cannot_be_replayed(ledger):
    from benchledger.runners.prepare import Request, prepare
    from benchledger.schema.errors import BadInput

    ran = run_into(ledger, prepare(Request(agent="nop", task="mutations/python-lru-cache")), None)
    with pytest.raises(BadInput, match="recorded no model call"):
        source_from(ledger, ran.ref)
    assert json.dumps(payloads(ledger, ran.ref, "cell.setup")[0]["mode"]) == '"live"'
