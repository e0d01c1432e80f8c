"""Live cells: an endpoint on loopback behind the recording proxy, from preflight to a number that may be cited."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from benchledger.runners.images.base import BASE_TAG
from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.server import Proxy
from benchledger.runners.task import find_task, load_task, suite_root
from tests.cells.parts import PYTHON, agent_file
from tests.cli.calls import answer, call, refused
from tests.engine import client, image  # noqa: F401 - fixtures
from tests.ledgers import checked

KEY = "sk-live-0123456789abcdefghij"


@contextmanager
def endpoint(**more):
    """Serve a model that plays the task's script, as a provider would: on all four protocols, for one key."""
    script = load_task(find_task(PYTHON, [suite_root()])).script()
    steps = [step.model_dump(mode="json", exclude_none=True) for step in script.variant()]
    calls = []
    config = ProxyConfig(mode="scripted", script={"steps": steps, **more}, root="/cell/work", token=KEY)
    with Proxy(config, calls.append) as served:
        yield served, calls


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHLEDGER_LEDGER", str(tmp_path / "live.db"))
    monkeypatch.setenv("LIVE_KEY", KEY)
    call("init")
    yield ("run", "--agent-file", agent_file(tmp_path), "--agent", "tiny", "--model", "m/1", "--task", PYTHON)
    checked(tmp_path / "live.db", use_last_seen=False)


def test_a_live_cell_in_docker_may_be_cited_once_it_is_verified(arguments, image):  # noqa: F811
    with endpoint() as (served, calls):
        where = ("--endpoint", served.base_url, "--key-env", "LIVE_KEY")
        told = answer(*arguments, *where, "--sandbox", "docker", "--image", BASE_TAG)["cells"][0]
    assert told["outcome"] == "finished"
    assert told["axes"]["pass_rate"]["value"] == 1
    # one small question of the preflight, and the agent's own
    assert len(calls) == told["model_calls"] + 1
    [before] = answer("cells")
    assert before["standing"] == "provisional"
    assert before["standing_reasons"] == ["not verified on this machine"]
    assert answer("verify")["ok"]
    [after] = answer("cells")
    assert after["standing"] == "citable"
    assert after["standing_reasons"] == []
    assert answer("leaderboard")[0]["standing"] == "citable"


def test_a_live_cell_in_a_plain_process_says_why_it_may_not_be_cited(arguments):
    with endpoint() as (served, calls):
        url = served.base_url
        told = answer(*arguments, "--endpoint", url, "--key-env", "LIVE_KEY", "--no-preflight")
    assert told["cells"][0]["model_calls"] == len(calls)
    [row] = answer("cells")
    assert "sandbox local, not docker or run-cell" in row["standing_reasons"]
    shown = answer("show", row["cell_id"])
    assert shown["setup"]["endpoint_origin"] == url
    assert shown["setup"]["protocol"] == "openai-chat"


def test_an_agent_that_shares_no_protocol_is_unsupported_and_not_failed(arguments):
    with endpoint() as (served, _):
        wrong = ("--endpoint", f"{served.base_url}/elsewhere", "--key-env", "LIVE_KEY")
        said = refused(*arguments, *wrong, code=2)
    assert "unsupported(protocol)" in said
    assert answer("cells") == []


def test_a_wrong_key_is_found_before_anything_is_claimed(arguments, monkeypatch):
    monkeypatch.setenv("LIVE_KEY", "sk-live-wrong-0123456789abcdef")
    with endpoint() as (served, _):
        said = refused(*arguments, "--endpoint", served.base_url, "--key-env", "LIVE_KEY", code=3)
    assert "--key-env" in said
    assert answer("cells") == []
