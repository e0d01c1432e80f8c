"""regrade: what it prints, its JSON, its exit codes, with a scorer that an installed package brings."""

import json

import pytest

from benchledger.schema.errors import UsageError
from benchledger.scorers import registry
from tests.bumped import bumped, plug
from tests.cli.calls import answer, call, environment, refused, spawn
from tests.cli.test_shapes import REGRADE, REGRADE_AXIS, REGRADE_CELL, RESCORE_ROW, holds


@pytest.fixture
def records(filled, monkeypatch):
    """A ledger whose run records the tests regrade; a bumped version alone can check it afterwards."""
    copy = filled.with_name("records.db")
    filled.rename(copy)
    monkeypatch.setenv("BENCHLEDGER_LEDGER", str(copy))
    return copy


def test_a_regrade_has_its_documented_shape(records):
    with bumped("latency@2"):
        told = answer("regrade")
        holds(told, REGRADE)
        for item in told["axes"]:
            holds(item, REGRADE_AXIS)
        for item in told["cells"]:
            holds(item, REGRADE_CELL)
        for item in told["rows"]:
            holds(item, RESCORE_ROW)
        assert told["scorers"]["latency"] == "latency@2"
        assert told["attempts"] == told["axes"][0]["scored"] > 0
        assert answer("verify")["ok"]


def test_a_regrade_prints_cells_axes_and_rows_that_moved_and_what_it_left(records):
    with bumped("latency@2"):
        said = call("regrade", "--agent", "example-agent").stdout
        assert "left as published" not in said
        assert "latency  latency@1  latency@2" in said
        assert "attempt that moved" in said
        assert "latency -0." in said
        assert "appended: ledger" in said
        said = call("regrade").stdout
        assert "left as published: 43 attempts" in said


def test_nothing_to_regrade_is_said(filled):
    said = call("regrade", "--dry-run").stdout
    assert "0 attempts regraded" in said
    assert "dry run: nothing was appended" in said
    assert "every score that can be made is by the current scorers" in said


def test_a_name_that_the_ledger_does_not_have_is_refused(filled):
    assert "no cell has the agent" in refused("regrade", "--agent", "nobody", code=2)


def test_a_package_brings_a_scorer_and_an_axis_of_its_own(records, tmp_path):
    plug(tmp_path / "site", **{"latency@1+test": "slow_scorers:slow", "width@1+test": "slow_scorers:width"})
    with_it = environment(PYTHONPATH=str(tmp_path / "site"), BENCHLEDGER_LEDGER=str(records))
    told = json.loads(spawn("regrade", "--json", env=with_it).stdout)
    assert {item["after"] for item in told["axes"]} == {"latency@1+test", "width@1+test"}
    assert json.loads(spawn("regrade", "--json", env=with_it).stdout)["events"] == 0
    checked = json.loads(spawn("verify", "--json", env=with_it).stdout)
    assert checked["ok"]
    assert checked["unchecked"] == []
    without = answer("verify")
    assert without["ok"]
    assert {item["kind"] for item in without["unchecked"]} == {"scorer"}
    assert "could not be checked" in call("verify").stdout
    assert "no defect in what could be checked" in call("verify").stdout


def test_a_scorer_of_a_package_that_fails_is_named_and_supersedes_nothing(records, tmp_path):
    plug(tmp_path / "site", **{"latency@1+test": "slow_scorers:broken"})
    with_it = environment(PYTHONPATH=str(tmp_path / "site"), BENCHLEDGER_LEDGER=str(records))
    told = json.loads(spawn("regrade", "--json", env=with_it).stdout)
    assert told["events"] == 0
    assert {item["reason"] for item in told["skipped"]} == {"latency@1+test failed: KeyError: 'what'"}
    ran = spawn("run", "--agent", "nop", "--task", "mutations/python-lru-cache", "--json", env=with_it)
    assert json.loads(ran.stdout)["cells"][0]["axes"]["latency"]["state"] == "recorded"


def test_no_package_can_take_the_name_of_a_shipped_scorer(filled, tmp_path):
    plug(tmp_path / "site", **{"latency@1": "slow_scorers:slow", "latency@2": "slow_scorers:slow"})
    with_it = environment(PYTHONPATH=str(tmp_path / "site"), BENCHLEDGER_LEDGER=str(filled))
    refusal = spawn("regrade", env=with_it)
    assert refusal.returncode == 2
    assert b"scorer 'latency@1' of a package has no label of its own" in refusal.stderr
    assert json.loads(spawn("verify", "--json", env=with_it).stdout)["unchecked"] == []


def test_a_scorer_that_cannot_be_loaded_is_named(monkeypatch, tmp_path):
    plug(tmp_path / "site", **{"latency@1+test": "no_such_module:slow"})
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry._plugged.cache_clear()
    try:
        assert registry.current_scorers()["latency"] == "latency@1+test"
        with pytest.raises(UsageError, match=r"'latency@1\+test' \(no_such_module:slow\) cannot be loaded"):
            registry.derive("latency@1+test", "latency", None)
    finally:
        registry._plugged.cache_clear()
