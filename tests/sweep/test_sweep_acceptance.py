"""A sweep of real agents, whose launcher is killed three times; and the same plan in two shards, merged."""

import json

import pytest

from tests.agents.conftest import ready
from tests.bumped import bumped
from tests.cli.calls import call
from tests.ledgers import checked
from tests.sweep.parts import Sweeping, kill_tree
from tests.sweep.test_sweeps import rows

__all__ = ["ready"]

AGENTS = ("claude-code", "codex", "pi")
PLAN = (
    "--model",
    "test/model-1",
    "--task",
    "mutations/python-*,polyglot/python-*",
    "--repeat",
    2,
    "--scripted",
    "--seed",
    4,
)


@pytest.fixture
def agents(ready):
    """The agents where `sweep` looks for them: installed by `benchledger agents install`."""
    places = {ready(name).prefix for name in AGENTS}
    if any("pytest" in str(place) for place in places):
        pytest.skip(f"run `benchledger agents install {' '.join(AGENTS)}`: a sweep runs what is installed")
    return ",".join(AGENTS)


def sweeping(folder, agents):
    folder.mkdir()
    return Sweeping(folder, *PLAN, agent=agents)


@pytest.mark.timeout(600)
def test_a_sweep_of_three_agents_survives_three_kills_and_two_shards_give_the_same_table(tmp_path, agents):
    whole = sweeping(tmp_path / "whole", agents)
    for kills, finished in enumerate((2, 7, 13), 1):
        with whole.running("--workers", 2) as process:
            whole.wait_for(finished)
            calls = whole.query("SELECT count(*) FROM events WHERE type = 'model.called'")[0][0]
            whole.wait_for(calls + 1, "model.called")  # so that some cell is in the middle of its work
            kill_tree(process)
        checked(whole.path, use_last_seen=False)
        assert whole.outcomes()[None] >= 1, f"kill {kills} struck nobody"
    told = whole.answer("--workers", 2)
    assert (told["cells"], told["done"], told["left"], told["lost"]) == (24, 24, [], {})
    assert len(whole.results()) == 24
    assert set(whole.results().values()) == {1}
    assert whole.outcomes()["aborted"] >= 3
    assert whole.query(
        "SELECT count(*) FROM scores WHERE counted = 1 AND gated = 1 AND value IS NOT NULL"
    ) == [(24,)]
    checked(whole.path)
    judged_again(whole)

    shards = [sweeping(tmp_path / str(number), agents) for number in (1, 2)]
    for number, shard in enumerate(shards, 1):
        assert shard.answer("--workers", 2, "--shard", f"{number}/2")["cells"] == 12
    one, other = shards
    call("--ledger", one.path, "append", other.path)
    assert without_attempts(rows(one)) == without_attempts(rows(whole))
    status = json.loads(call("--ledger", one.path, "sweep", "status", "--json").stdout)
    assert (status["cells"], status["done"], status["solved"]) == (24, 24, 24)
    checked(one.path)


def without_attempts(table):
    """Leave out what the kills alone made different."""
    return sorted(({**row, "retried": None, "rank": None} for row in table), key=str)


def judged_again(sweep):
    """Hold that every verdict is repeated, and that a newer scorer reaches all cells without any sandbox."""
    told = json.loads(call("--ledger", sweep.path, "recheck", "--sweep", "big", "--json").stdout)
    assert len(told["cells"]) == 24
    assert all(each["agrees"] for each in told["cells"])
    assert (told["repeatability"]["share"], told["repeatability"]["flaky"]) == (1.0, [])
    checked(sweep.path)
    before = sweep.query("SELECT count(*) FROM events WHERE type IN ('cell.launched', 'grader.ran')")
    with bumped("latency@2"):
        moved = json.loads(call("--ledger", sweep.path, "regrade", "--sweep", "big", "--json").stdout)
        assert {item["after"] for item in moved["axes"]} == {"latency@2"}
        # an attempt that was cut off after its agent had ended has a latency too
        assert len({each["ref"].rpartition("@")[0] for each in moved["cells"]}) == 24
        checked(sweep.path)
        again = json.loads(call("--ledger", sweep.path, "regrade", "--sweep", "big", "--json").stdout)
        assert again["events"] == 0
    assert sweep.query("SELECT count(*) FROM events WHERE type IN ('cell.launched', 'grader.ran')") == before
