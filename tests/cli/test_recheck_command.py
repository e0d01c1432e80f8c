"""recheck: real cells again, verdicts as events, flaky checks in sight, and every reason why one cannot be."""

import json

import pytest

from benchledger.ledger.project import rebuild
from benchledger.ledger.rechecks import repeatability
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import verify
from benchledger.runners.scaffold import new_task
from benchledger.schema.errors import SandboxFailed
from benchledger.schema.events import CellRechecked
from benchledger.schema.history import PayloadRedacted, Selection
from benchledger.schema.ports import Draft
from tests.cells.parts import PYTHON, agent_file
from tests.cli.calls import COMPLETE, PUBLISHED, answer, call, head, refused
from tests.cli.test_shapes import RECHECK, RECHECK_CELL, holds
from tests.engine import client, image
from tests.environments.parts import PLAIN, task_with

__all__ = ["client", "image"]


def ran(agent, *extra, task=PYTHON):
    """Run one cell; return its id."""
    told = answer("run", "--agent", agent, "--task", task, "--sweep", "s", *extra)
    return told["cells"][0]["cell_id"]


@pytest.fixture
def flaky(tmp_path):
    """A root with a task whose checks throw a coin."""
    folder = new_task(tmp_path / "tasks", "mine/coin", "python")
    text = (folder / "task.toml").read_text()
    checks = text[text.index("[checks]") :].partition("\n\n")[0]
    coin = "import os, sys; sys.exit(os.urandom(1)[0] % 2)"
    text = text.replace(checks, f'[checks]\ncommand = ["python3", "-c", "{coin}"]')
    (folder / "task.toml").write_text(text)
    return tmp_path / "tasks"


def events(path, kind):
    with Ledger.open(path) as ledger:
        return [event for event in ledger.events() if event.meta.type == kind]


def test_a_recheck_repeats_the_verdicts_and_has_its_documented_shape(empty, tmp_path):
    tiny = ("--agent-file", agent_file(tmp_path), "--model", "m/1", "--scripted")
    cells = [ran("nop"), ran("oracle"), ran("tiny", *tiny), ran("tiny", *tiny, "--variant", "fail")]
    told = answer("recheck", "--sweep", "s", "--times", 2)
    holds(told, RECHECK)
    for cell in told["cells"]:
        holds(cell, RECHECK_CELL)
    assert sorted(cell["ref"] for cell in told["cells"]) == sorted(f"{cell}@1" for cell in cells)
    assert {(cell["recorded"], cell["passed"]) for cell in told["cells"]} == {(False, 0), (True, 2)}
    assert all(cell["agrees"] and cell["sandbox"] == "local" for cell in told["cells"])
    assert told["not_rechecked"] == []
    found = told["repeatability"]
    assert (found["share"], found["cells"], found["repeats"], found["flaky"]) == (1.0, 4, 8, [])
    assert found["tasks"] == {PYTHON: {"share": 1.0, "cells": 4, "repeats": 8, "agreeing": 8}}
    assert told["head"]["hash"] == head(empty).hash


def test_a_verdict_is_an_event_with_what_the_checks_said(empty):
    cell = ran("oracle")
    call("recheck", cell)
    (event,) = events(empty, "cell.rechecked")
    assert event.meta.stream == f"cell/{cell}@1"
    assert event.payload["task_digest"] == events(empty, "cell.setup")[0].payload["task"]["digest"]
    with Ledger.open(empty) as ledger:
        (repeat,) = json.loads(ledger.blob(event.payload["grader"]["blob"]))["repeats"]
    assert repeat["grader"]["exit_code"] == 0
    assert "ok " in repeat["stdout"]


def test_a_recheck_is_shown_with_its_event(empty):
    cell = ran("nop")
    said = call("recheck", cell, "--times", 3).stdout
    assert "fail      0 of 3  agrees" in said
    assert "grading repeatability: 100.0%, 3 of 3 repeats of 1 cell gave the recorded verdict" in said
    assert "flaky tasks: -" in said
    shown = call("show", cell).stdout
    assert "rechecked: 0 of 3 passed, which agrees with the recorded verdict; event " in shown
    assert "recheck disagrees" not in shown
    (view,) = answer("show", cell)["rechecks"]
    assert (view["times"], view["passed"], view["agrees"]) == (3, 0, True)


def test_flaky_checks_show_themselves(empty, flaky):
    cell = ran("oracle", "--tasks", flaky, task="mine/coin")
    ran("nop")
    told = answer("recheck", "--sweep", "s", "--times", 20, "--tasks", flaky, code=1)
    by_task = {each["task"]: each for each in told["cells"]}
    coin, steady = by_task["mine/coin"], by_task[PYTHON]
    assert 0 < coin["passed"] < 20
    assert not coin["agrees"]
    assert steady["agrees"]
    found = told["repeatability"]
    assert found["flaky"] == ["mine/coin"]
    assert found["tasks"]["mine/coin"]["agreeing"] == (
        coin["passed"] if coin["recorded"] else 20 - coin["passed"]
    )
    assert found["agreeing"] == 20 + found["tasks"]["mine/coin"]["agreeing"]
    said = call("recheck", cell, "--tasks", flaky, "--times", 20, code=1).stdout
    assert "DISAGREES" in said
    assert "flaky: mine/coin, " in said
    assert "DISAGREES with the recorded verdict" in call("show", cell).stdout
    reasons = {row["task"]: row["standing_reasons"] for row in answer("cells")}
    assert "recheck disagrees" in reasons["mine/coin"]
    assert "recheck disagrees" not in reasons[PYTHON]


def test_cells_of_other_harnesses_and_published_ones_are_left(filled):
    told = answer("recheck", "--agent", "copilot")
    assert told["cells"] == told["not_rechecked"] == []
    assert told["left"] > 0
    assert "no recheck so far" in call("recheck", "--agent", "copilot").stdout
    named = answer("recheck", COMPLETE, code=1)
    assert named["not_rechecked"][0]["reason"].startswith(
        "no patch and manifest of its workdir were recorded"
    )
    assert PUBLISHED


def test_a_task_that_changed_is_named_with_both_digests(empty, flaky):
    cell = ran("nop", "--tasks", flaky, task="mine/coin")
    (flaky / "mine/coin/instruction.md").write_text("Do something else.\n")
    said = call("recheck", cell, "--tasks", flaky, code=1).stdout
    assert "could not be rechecked: s/nop/none/mine/coin#run1@1: task mine/coin has the digest" in said
    assert "task mine/coin is not here" in call("recheck", cell, code=1).stdout
    assert events(empty, "cell.rechecked") == []


def test_a_patch_that_was_redacted_is_named(empty):
    cell = ran("oracle")
    (captured,) = events(empty, "workdir.captured")
    digest = captured.payload["patch"]["blob"]
    with Ledger.open(empty, write=True) as ledger, ledger.writing():
        ledger.emit(Draft("ledger", PayloadRedacted(blob=digest, reason="named a person")))
        ledger.connection.execute("DELETE FROM blobs WHERE lower(hex(digest)) = ?", (digest,))
    told = answer("recheck", cell, code=1)
    assert told["not_rechecked"][0]["reason"].startswith("its patch was redacted, or is gone")


@pytest.mark.parametrize("extra", [(), ("--sweep", "s", "x/a/m/c/t")])
def test_cells_or_a_filter_have_to_be_named(filled, extra):
    assert "name cells, or a filter" in refused("recheck", *extra, code=2)


def test_what_the_machine_lacks_is_no_verdict_and_writes_no_event(empty, monkeypatch, tmp_path):
    from benchledger.runners.sandboxes.local import Local

    cell = ran("nop")
    before = head(empty)

    def breaks(*_):
        raise SandboxFailed("the namespace is gone")

    monkeypatch.setattr(Local, "run", breaks)
    assert "recheck again" in refused("recheck", cell, code=3)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs python3" in refused("recheck", cell, code=3)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert "no Docker engine answers" in refused("recheck", cell, "--sandbox", "docker", code=3)
    assert head(empty) == before


def test_verify_counts_a_recheck_again(empty):
    cell = ran("nop")
    call("recheck", cell)
    (event,) = events(empty, "cell.rechecked")
    good = CellRechecked.model_validate_json(json.dumps(event.payload))
    forged = {
        "passed": "the recheck passed 1 of 1, and agrees says otherwise",
        "agrees": "the recheck passed 0 of 1, and agrees says otherwise",
        "times": "the recheck does not count what its checks said",
        "task_digest": "the recheck is of another task than that of its cell",
    }
    values = {"passed": 1, "agrees": False, "times": 2, "task_digest": "00" * 32}
    copy = empty.with_name("forged.db")
    copy.write_bytes(empty.read_bytes())
    with Ledger.open(copy, write=True) as ledger:
        for name in forged:
            ledger.emit(Draft(event.meta.stream, good.model_copy(update={name: values[name]})))
    assert [defect.detail for defect in verify(copy).defects] == [*forged.values()]


def test_repeatability_is_a_query_and_survives_a_rebuild(empty):
    call("recheck", ran("nop"), "--times", 2)
    with Ledger.open(empty, write=True) as ledger:
        before = repeatability(ledger.connection, Selection())
        with ledger.writing():
            rebuild(ledger.connection)
        assert repeatability(ledger.connection, Selection()) == before
        assert (before.share, before.cells, before.repeats, before.flaky) == (1.0, 1, 2, [])
        assert repeatability(ledger.connection, Selection(agent=("oracle",))).share is None


def test_a_cell_in_a_container_is_rechecked_in_its_image(empty, image):
    cell = ran("oracle", "--sandbox", "docker")
    (told,) = answer("recheck", cell)["cells"]
    assert (told["sandbox"], told["recorded"], told["agrees"]) == ("docker", True, True)
    (told,) = answer("recheck", cell, "--sandbox", "local")["cells"]
    assert (told["sandbox"], told["agrees"]) == ("local", True)


def test_a_recheck_has_the_environment_of_the_task(empty, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    setup = ("mkdir -p $TASK_ENV && echo made > $TASK_ENV/word",)
    task_with(tmp_path / "tasks", setup, PLAIN)
    cell = ran("oracle", "--tasks", tmp_path / "tasks", task="made/sum")
    told = answer("recheck", cell, "--tasks", tmp_path / "tasks")
    assert [(each["passed"], each["agrees"]) for each in told["cells"]] == [(1, True)]
