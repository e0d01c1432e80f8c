"""The README's first command: a real agent, against a scripted model, in a ledger of its own."""

import json

import pytest

from tests.cli.calls import spawn
from tests.ledgers import checked


@pytest.mark.timeout(600)  # the agent is installed at the first use
def test_the_demo_runs_a_real_agent_beside_two_that_are_none(tmp_path):
    done = spawn("demo", "--json", cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["lacking"] is None
    assert told["verify"]["ok"]
    found = {(cell["agent"], cell["cell_id"].split("/")[-2]): cell for cell in told["cells"]}
    assert len(found) == 9
    for category in ("mutations", "polyglot", "integrity"):
        assert found["oracle", category]["composite"] >= 0.95
        assert found["nop", category]["composite"] == 0
    for category, low in (("mutations", 0.6), ("polyglot", 0.6)):
        cell = found["mini-swe-agent", category]
        assert cell["axes"]["pass_rate"]["value"] == 1
        assert cell["composite"] >= low
        assert cell["model_calls"] >= 4
    assert found["mini-swe-agent", "integrity"]["composite"] == 0
    [nop] = [row for row in told["rescore"] if row["agent"] == "nop"]
    assert nop["before"] == 0
    assert nop["after"] > 0.4
    checked(tmp_path / "benchledger-demo.db", use_last_seen=False)


def test_the_demo_goes_on_without_the_agent_where_it_cannot_be_installed(tmp_path):
    import os

    nowhere = {
        **os.environ,
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    }
    nowhere |= {"PIP_RETRIES": "0", "PIP_TIMEOUT": "2", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
    done = spawn("demo", cwd=tmp_path, env=nowhere, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    said = done.stdout.decode()
    assert "on with oracle and nop" in said
    assert "no defect" in said
