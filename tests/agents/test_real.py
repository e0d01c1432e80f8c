"""Real agents, installed from the registry, change a file as a scripted model tells them to.

An agent that `benchledger agents install` put on this machine is taken as it is; `chosen.py` says which others
are installed for the tests.
"""

import json
import shutil
from pathlib import Path

import pytest

from benchledger.runners.agents.install import cache_altered, install
from benchledger.runners.agents.overlay import overlaid, read_overlay
from benchledger.schema.task import matches
from tests.agents.chosen import AGENTS, LOCALLY, each
from tests.agents.real import AFTER, RULE, TOKEN, run_agent
from tests.agents.test_spec import readme_blocks, written

# They read AGENTS.md by themselves. The others know it only from a task that tells them to.
READS_RULES = {"claude-code", "codex", "copilot", "opencode", "openhands", "pi", "qwen-code"}


@pytest.mark.timeout(900)  # the slowest installation takes minutes on a busy machine
@pytest.mark.parametrize(("name", "protocol"), each(LOCALLY))
def test_an_agent_changes_the_file_and_nothing_else_over_its_protocol(name, protocol, ready, tmp_path):
    spec = AGENTS[name]
    agent = ready(name)
    run = run_agent(spec, agent, tmp_path, protocol)
    assert run.text == AFTER, run.output[-2000:]
    assert run.code == 0
    assert [path for path in run.changed if not matches(path, spec.strays)] == ["adder.py"]
    assert {call["protocol"] for call in run.seen if call["protocol"]} == {protocol}
    assert all(TOKEN in call["key"] for call in run.seen)
    assert (RULE in json.dumps(run.seen)) is (name in READS_RULES)
    assert not cache_altered(agent)


@pytest.mark.timeout(900)
def test_nothing_of_one_launch_is_there_in_the_next(ready, tmp_path):
    agent = ready("codex")
    homes = []
    for number in ("one", "two"):
        (tmp_path / number).mkdir()
        run = run_agent(AGENTS["codex"], agent, tmp_path / number)
        homes.append(run.home)
        assert len([call for call in run.seen if call["protocol"]]) == 2
        assert str(homes[0]) not in json.dumps(run.seen) or number == "one"
    assert homes[0] != homes[1]


@pytest.mark.timeout(900)
def test_an_overlay_reaches_the_agent(ready, tmp_path):
    spec = overlaid(AGENTS["codex"], [read_overlay(written(tmp_path, readme_blocks()[1], "o.toml"))])
    run = run_agent(spec, ready("codex"), tmp_path)
    asked = json.dumps(run.seen[0]["request"])
    assert "Answer in one sentence." in asked
    assert run.seen[0]["request"]["reasoning"]["effort"] == "low"
    assert run.text == AFTER


@pytest.mark.timeout(900)
@pytest.mark.slow
def test_a_node_is_installed_beside_an_agent_that_needs_a_newer_one(ready, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin" / "node"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo v18.0.0 && exit\nexec /usr/bin/node "$@"\n')
    old.chmod(0o755)
    if not Path("/usr/bin/node").exists() or shutil.which("npm") is None:
        pytest.skip("the machine has no Node.js of its own to stand behind an old one")
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    agent = install(AGENTS["pi"], tmp_path / "agents")
    assert agent.runtime == "node 24.21.0"
    assert run_agent(AGENTS["pi"], agent, tmp_path).text == AFTER
