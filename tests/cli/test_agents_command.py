"""`benchledger agents`: which there are, how they stand here, and installing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.registry import wheel_in
from tests.cli.calls import answer, call, refused
from tests.cli.test_shapes import AGENT, INSTALLED, holds

TINY = """\
name = "tiny"
version = "1.2.3"
protocols = ["openai-chat"]
notes = "Prints its version. It does nothing else."

[install]
kind = "pip"
packages = ["{package}"]
bin = "tiny"
{more}

[launch]
argv = ["{{bin}}", "{{instruction}}"]
"""


@pytest.fixture(autouse=True)
def _own_place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    wheel_in(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    def file(package="tiny==1.2.3", more=""):
        made = tmp_path / "tiny.toml"
        made.write_text(TINY.format(package=package, more=more))
        return made

    return file


def rows():
    return {row["agent"]: row for row in answer("agents", "list")}


def test_every_agent_that_ships_is_listed_with_what_is_known_of_it():
    found = rows()
    assert {"aider", "copilot", "opencode", "oracle", "nop"} <= set(found)
    for row in found.values():
        holds(row, AGENT)
    assert found["oracle"]["state"] == found["nop"]["state"] == "built-in"
    assert found["aider"]["packages"] == ["aider-chat==0.86.2"]
    assert found["copilot"]["protocols"] == ["openai-chat", "openai-responses", "anthropic"]
    text = call("agents", "list").stdout
    assert "aider" in text
    assert "Exit code 0 whatever happens, 401 and an unreachable endpoint included." in text


def test_an_agent_of_the_users_own_is_installed_once_and_then_listed_as_installed(tiny):
    own = ("--agent-file", tiny())
    listed = call("agents", "list", *own).stdout
    assert "Prints its version." in next(line for line in listed.splitlines() if line.startswith("tiny"))
    first = call("agents", "install", "tiny", *own).stdout
    assert first.startswith("tiny 1.2.3 is installed in ")
    (ready,) = answer("agents", "install", "tiny", "tiny", *own)
    holds(ready, INSTALLED)
    assert ready["prefix"] in first
    assert Path(ready["bin"]).is_file()
    (row,) = (row for row in answer("agents", "list", *own) if row["agent"] == "tiny")
    assert (row["state"], row["installed"]) == ("installed", ready)
    assert f"installed ({ready['runtime']}, " in call("agents", "list", *own).stdout


def test_what_the_machine_lacks_is_listed(tiny):
    own = ("--agent-file", tiny(more='python = ">=3.98,<3.99"'))
    (row,) = (row for row in answer("agents", "list", *own) if row["agent"] == "tiny")
    assert (row["state"], row["needs"]) == ("lacking", "python>=3.98,<3.99 with venv")
    assert "needs python>=3.98,<3.99 with venv" in call("agents", "list", *own).stdout
    said = refused("agents", "install", "tiny", *own, code=3)
    assert "no Python >=3.98,<3.99" in said


def test_an_agent_without_a_recipe_needs_its_program_on_path(tmp_path, monkeypatch):
    file = tmp_path / "own.toml"
    text = TINY.format(package="", more="").replace('"pip"', '"none"').replace('packages = [""]\n', "")
    file.write_text(text.replace('bin = "tiny"', 'bin = "no-such-program"'))
    (row,) = (row for row in answer("agents", "list", "--agent-file", file) if row["agent"] == "tiny")
    assert (row["state"], row["needs"]) == ("lacking", "no-such-program on PATH")


def test_one_that_cannot_be_installed_does_not_keep_the_others_from_it(tiny, tmp_path):
    good = tiny()
    bad = tmp_path / "bad.toml"
    bad.write_text(good.read_text().replace('name = "tiny"', 'name = "bad"').replace("==1.2.3", "==9.9"))
    files = ("--agent-file", good, "--agent-file", bad)
    result = call("agents", "install", "bad", "tiny", *files, code=3)
    assert "does not have this version" in result.stderr
    assert result.stdout.startswith("tiny 1.2.3 is installed in ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("aidr",), "unknown agent 'aidr'; did you mean 'aider'? choices: aider, "),
        ((), "--all; choices: aider, "),
        (("aider", "--all"), "--all; choices: aider, "),
        (("aider", "--agent-file", "nowhere.toml"), "there is no file nowhere.toml"),
    ],
)
def test_what_is_wrong_in_the_call_is_said_before_anything_is_installed(words, said):
    assert said in refused("agents", "install", *words, code=2)


def test_an_agent_file_that_is_wrong_is_named_with_its_field(tmp_path):
    (tmp_path / "a.toml").write_text('name = "a"\n')
    said = refused("agents", "list", "--agent-file", tmp_path / "a.toml", code=1)
    assert "a.toml: version: Field required" in said


def test_progress_is_for_terminals(tiny):
    result = call("agents", "install", "tiny", "--agent-file", tiny())
    assert result.stderr == ""
