"""`benchledger check`: a score out of nothing, marked as what it is, and no file left of it."""

import re
import sqlite3

import pytest

from tests.agents.registry import wheel_in
from tests.cells.parts import PYTHON, agent_file
from tests.cli.calls import answer, call, refused
from tests.cli.test_shapes import AXIS, CHECK, holds

INSTALLABLE = """\
name = "tiny-pip"
version = "1.2.3"
protocols = ["openai-chat"]
[install]
kind = "pip"
packages = ["tiny==1.2.3"]
bin = "tiny"
check = ["{bin}", "--version"]
[launch]
argv = ["{bin}", "{instruction}"]
"""


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty folder to stand in, and no ledger anywhere."""
    place = tmp_path / "empty"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.delenv("BENCHLEDGER_LEDGER")
    return place


@pytest.fixture
def installable(tmp_path, monkeypatch):
    """An agent that real installers install without a network, and that is not installed yet."""
    wheel_in(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    file = tmp_path / "tiny-pip.toml"
    file.write_text(INSTALLABLE)
    return file


def test_a_check_scores_without_a_ledger_and_leaves_no_file(nowhere, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **_: opened.append(given))
    told = answer(
        "check", "--agent", "tiny", "--agent-file", agent_file(tmp_path), "--task", PYTHON, "--scripted"
    )
    holds(told, CHECK)
    for axis in told["axes"].values():
        holds(axis, AXIS)
    assert told["outcome"] == "finished"
    assert told["composite"] > 0.9
    assert told["model_calls"] >= 3
    assert told["cell_id"].startswith("check-")
    assert told["provisional"] is True
    assert {"kept in no ledger", "mode scripted: no model was asked", "not planned before launch"} <= set(
        told["not_for_citation"]
    )
    assert list(nowhere.iterdir()) == []
    assert opened == []


def test_a_check_is_the_same_as_a_run_but_for_what_is_kept(empty, tmp_path):
    words = ("--agent", "oracle", "--task", PYTHON)
    checked, (ran,) = answer("check", *words), answer("run", *words)["cells"]
    assert set(checked) == set(ran) | {"provisional", "not_for_citation", "policy"}
    same = ("outcome", "coverage", "mode", "sandbox", "agent", "version", "model")
    assert {name: checked[name] for name in same} == {name: ran[name] for name in same}
    assert checked["composite"] == pytest.approx(ran["composite"], abs=0.02)


def test_what_is_printed_says_that_it_is_not_for_citation(nowhere):
    said = call("check", "--agent", "nop", "--task", PYTHON).stdout
    assert said.startswith("Failed: ")
    assert "composite 0.000 under gated-1" in said
    assert "\nprovisional, not for citation: kept in no ledger; " in said
    assert "composite 0.000 under cab-0.1" not in said
    assert " under cab-0.1" in call("check", "--agent", "nop", "--task", PYTHON, "--policy", "cab-0.1").stdout


def test_an_agent_that_is_not_installed_is_installed_first_and_that_is_said(nowhere, installable, tmp_path):
    words = ("check", "--agent", "tiny-pip", "--agent-file", installable, "--task", PYTHON, "--scripted")
    said = refused(*words, "--no-install", code=3)
    assert "tiny-pip 1.2.3 is not installed" in said
    assert not (tmp_path / "data").exists()
    first = call(*words, "--json")
    assert first.stderr == (
        f"tiny-pip 1.2.3 is not installed: installing it into {tmp_path}/data/benchledger/agents\n"
    )
    # it prints its version and asks no model
    assert '"outcome_kind": "no_call"' in first.stdout
    again = call(*words, "--no-install")
    assert again.stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--task", "mutations/none"), 2, "unknown task"),
        (("--task", PYTHON, "--scripted", "--endpoint", "http://127.0.0.1:9"), 2, "exclude each other"),
        (("--task", PYTHON), 2, "name it with --model"),
        (("--task", PYTHON, "--model", "m"), 2, "asks a model; give --endpoint URL"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_installed(
    nowhere, installable, words, code, said, tmp_path
):
    line = refused("check", "--agent", "tiny-pip", "--agent-file", installable, *words, code=code)
    assert re.search(said, line), line
    assert not (tmp_path / "data").exists()
