"""Every JSON shape of the documentation: at least these keys, with these types."""

import pytest

from tests.cli.calls import COMPLETE, PUBLISHED, RUNS, answer

NUMBER = (int, float)
MAYBE = (*NUMBER, type(None))
TEXT, MAYBE_TEXT = str, (str, type(None))
HEAD = {"seq": int, "hash": TEXT}

# fmt: off
APPEND = dict(
    events=int, cells=int, already=int, head=HEAD,
    composites=dict(published=int, reproduced=int, differing=list),
)
VERIFY = dict(ok=bool, level=TEXT, events=int, head=HEAD, defects=list, redacted=list)
CELLS = dict(
    cell_id=TEXT, attempt=int, agent=TEXT, model=TEXT, task=TEXT, outcome=MAYBE_TEXT, outcome_kind=MAYBE_TEXT,
    policy=TEXT, composite=MAYBE, floor=MAYBE, coverage=MAYBE, axes=dict, cost=MAYBE, currency=MAYBE_TEXT,
    standing=TEXT, standing_reasons=list,
    source=TEXT,
)
AXIS = dict(value=MAYBE, state=TEXT, reason=MAYBE_TEXT)
RESCORE = dict(policy=dict, cells=int, recorded=bool, rows=list)
RESCORE_ROW = dict(
    agent=TEXT, model=TEXT, before=MAYBE, after=MAYBE, rank_before=int, rank_after=int, place_before=int,
    place_after=int,
)
POLICY = dict(id=TEXT, name=TEXT, formula=TEXT, weights=dict, parameters=dict)
LEADERBOARD = dict(
    rank=int, tied=bool, agent=TEXT, version=MAYBE_TEXT, model=TEXT, composite=MAYBE, floor=MAYBE, ceiling=MAYBE,
    low=MAYBE, high=MAYBE, pass_rate=MAYBE, passed=int, tasks=int, planned=int, cells=int, cost_per_solved=MAYBE,
    tokens_per_solved=MAYBE, wall_median_ms=MAYBE, infra_faults=int, retried=int, withdrawn=int, coverage=MAYBE,
    standing=TEXT, currency=MAYBE_TEXT,
)
COMPARE = dict(
    policy=TEXT, a=TEXT, b=TEXT, tasks=list, difference=MAYBE, low=MAYBE, high=MAYBE, solved_by_a=list,
    solved_by_b=list, unpaired_a=list, unpaired_b=list, repeats_needed=MAYBE, left_out=list, differs=dict,
    paired_by_id=list, cells_a=int, cells_b=int, shared=int, regression=dict, baseline=MAYBE_TEXT, findings=list,
)
TASK = dict(task=TEXT, a=NUMBER, b=NUMBER, difference=NUMBER)
LEFT_OUT = dict(
    side=TEXT, label=TEXT, task=TEXT, task_digest=MAYBE_TEXT, cells=int, reason=TEXT, detail=MAYBE_TEXT,
)
REGRESSION = dict(found=bool, rule=TEXT, tasks=list)
SHOW = CELLS | dict(
    composites=dict, attempts=list, adjudications=list, events=list, blobs=list, model_calls=list, spans=list,
    setup=dict, published_composite=MAYBE,
)
AGENT = dict(
    agent=TEXT, version=TEXT, protocols=list, uses_model=bool, kind=TEXT, packages=list, state=TEXT, needs=MAYBE_TEXT,
    installed=(dict, type(None)), strays=list, notes=TEXT,
)
INSTALLED = dict(
    agent=TEXT, version=TEXT, recipe=TEXT, prefix=TEXT, bin=TEXT, cache=MAYBE_TEXT, runtime=TEXT, lock=MAYBE_TEXT,
    bytes=int, seconds=NUMBER,
)
IMAGE = dict(
    agent=TEXT, version=TEXT, image=TEXT, image_id=TEXT, size=int, repo_digests=list, base=TEXT, recipe=TEXT,
    lock=MAYBE_TEXT, runtime=TEXT,
)
CELL = dict(
    cell_id=TEXT, attempt=int, agent=TEXT, version=MAYBE_TEXT, model=TEXT, mode=TEXT, sandbox=TEXT, outcome=TEXT,
    outcome_kind=MAYBE_TEXT, verdict=TEXT, composite=MAYBE, reason=MAYBE_TEXT, floor=MAYBE, ceiling=MAYBE,
    coverage=MAYBE, axes=dict, model_calls=int, notes=list, drifts=int,
)
CHECK = CELL | dict(provisional=bool, not_for_citation=list, policy=TEXT)
REGRADE = dict(
    scorers=dict, selection=dict, policy=POLICY, dry_run=bool, attempts=int, moved=int, composites=int, published=int,
    events=int, later=dict, axes=list, skipped=list, cells=list, rows=list, ledger=TEXT, head=HEAD,
)
REGRADE_AXIS = dict(axis=TEXT, before=MAYBE_TEXT, after=TEXT, scored=int, moved=int)
REGRADE_CELL = dict(
    ref=TEXT, axis=TEXT, scorer_before=MAYBE_TEXT, scorer_after=TEXT, before=MAYBE, after=MAYBE,
    state_before=MAYBE_TEXT, state_after=TEXT,
)
RECHECK = dict(
    cells=list, not_rechecked=list, left=int, ledger=TEXT, head=HEAD,
    repeatability=dict(share=MAYBE, cells=int, repeats=int, agreeing=int),
)
RECHECK_CELL = dict(
    ref=TEXT, task=TEXT, sandbox=TEXT, times=int, passed=int, recorded=bool, agrees=bool, seq=int,
)
PUSHED = dict(agent=TEXT, version=TEXT, image_id=TEXT, pushed=TEXT)
# fmt: on


def holds(value, shape):
    assert isinstance(value, dict)
    for key, kind in shape.items():
        assert key in value, key
        if isinstance(kind, dict):
            holds(value[key], kind)
        else:
            assert isinstance(value[key], kind), (key, value[key])
            assert kind is bool or kind in (bool, dict, list, str) or value[key] is not True


def test_append_and_verify_have_their_documented_shapes(empty):
    holds(answer("append", PUBLISHED, *RUNS), APPEND)
    holds(answer("verify"), VERIFY)


def test_a_defect_has_its_documented_shape(filled):
    (defect,) = answer("verify", "--head", f"1:{'0' * 64}", code=1)["defects"]
    holds(defect, {"seq": int, "kind": TEXT, "detail": TEXT})


@pytest.mark.parametrize("policy", ["gated-1", "cab-0.1"])
def test_cells_and_leaderboard_have_their_documented_shapes(policy, filled):
    rows = answer("cells", "--policy", policy)
    assert rows
    for row in rows:
        holds(row, CELLS)
        assert row["policy"] == policy
        assert row["task"].count("/") == 1
        for axis in row["axes"].values():
            holds(axis, AXIS)
            assert (axis["reason"] is None) == (axis["state"] == "recorded") or axis["reason"]
    for row in answer("leaderboard", "--policy", policy):
        holds(row, LEADERBOARD)


def test_rescore_has_its_documented_shape(filled):
    said = answer("rescore", "--policy", "cab-0.1")
    holds(said, RESCORE)
    holds(said["policy"], POLICY)
    for row in said["rows"]:
        holds(row, RESCORE_ROW)


def test_show_and_compare_have_their_documented_shapes(filled):
    holds(answer("show", COMPLETE), SHOW)
    said = answer("compare", "aider", "opencode")
    holds(said, COMPARE | {"regression": REGRESSION})
    assert said["tasks"]
    assert said["left_out"]
    for name, shape in (("tasks", TASK), ("left_out", LEFT_OUT)):
        for item in said[name]:
            holds(item, shape)
    for values in said["differs"].values():
        holds(values, {"a": list, "b": list})


def test_the_other_commands_have_theirs(filled, tmp_path):
    holds(answer("init", "--ledger", tmp_path / "new.db"), {"ledger": TEXT, "ledger_id": TEXT, "head": HEAD})
    holds(answer("export", tmp_path / "o.gz"), {"file": TEXT, "events": int, "blobs": int, "head": HEAD})
    holds(answer("rebuild"), {"ledger": TEXT, "head": HEAD, "tables": dict})
    for item in answer("doctor"):
        holds(item, {"check": TEXT, "state": TEXT, "detail": TEXT})
    for item in answer("policy", "list"):
        holds(item, POLICY | {"ships": bool})
    judged = answer("adjudicate", "dispute", COMPLETE, "--reason", "r", "--author", "a")
    holds(judged, {"action": TEXT, "event": HEAD, "cells": list, "ledger": TEXT, "head": HEAD})
    demo = answer("demo", "--published", "--into", tmp_path / "demo.db")
    holds(demo, {"append": APPEND, "verify": VERIFY, "rescore": list, "leaderboards": dict})
