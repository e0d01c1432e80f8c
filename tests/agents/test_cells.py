"""Every real agent through a whole cell: recorded, graded and scored, in a process and in a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchledger.runners.prepare import Request, prepare
from benchledger.runners.source import scripted
from benchledger.schema.task import matches
from tests.agents.chosen import AGENTS, IN_DOCKER, LOCALLY, each
from tests.cells.conftest import ledger  # noqa: F401 - a fixture
from tests.cells.parts import PYTHON, payloads, run_into
from tests.cells.test_replay_cells import patch_of, scores_of, source_from

QUICK = LOCALLY - IN_DOCKER


def solved(ledger, name, protocol, **request):  # noqa: F811
    """Run one cell of an agent, and hold it to a pass with nothing unexpected but its known strays."""
    spec = AGENTS[name]
    parts = prepare(Request(agent=name, model="test/model-1", task=PYTHON, protocol=protocol, **request))
    ran = run_into(ledger, parts, scripted(parts.task))
    said = f"{ran.judged.end} {payloads(ledger, ran.ref, 'cell.exited')}"
    assert ran.outcome == ("finished", None), said
    assert ran.judged.axes["pass_rate"].value == 1, said
    captured = payloads(ledger, ran.ref, "workdir.captured")[0]
    assert captured["expected"], said
    strays = [path for path in captured["unexpected"] if not matches(path, spec.strays)]
    assert strays == []
    assert not captured["unexpected"] or "known strays" in ran.notes
    calls = payloads(ledger, ran.ref, "model.called")
    assert calls
    assert {call["protocol"] for call in calls} == {protocol}
    assert all(call["prompt_tokens"] and call["completion_tokens"] for call in calls)
    assert ran.judged.axes["tokens"].state == "recorded"
    assert ran.composite > 0.5
    (cells,) = ledger.connection.execute("SELECT count(*) FROM cells").fetchone()
    assert cells == 1
    return ran


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "protocol"), each(LOCALLY))
def test_an_agent_solves_a_task_in_a_local_cell(name, protocol, ready, ledger):  # noqa: F811
    root = Path(ready(name).prefix).parents[2]
    solved(ledger, name, protocol, agents_root=root)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "protocol"), each(IN_DOCKER))
def test_an_agent_solves_a_task_in_a_cell_in_docker(name, protocol, in_image, ledger):  # noqa: F811
    image = in_image(name)
    ran = solved(ledger, name, protocol, sandbox="docker", image=image.image)
    setup = payloads(ledger, ran.ref, "cell.setup")[0]
    assert setup["agent"]["image_id"] == image.image_id
    assert setup["agent"]["version"] == AGENTS[name].version
    container = next(s for s in payloads(ledger, ran.ref, "span.recorded") if s["kind"] == "container")
    assert {"network", "user", "capabilities"} <= set(container["attributes"]["isolation"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["codex", "pi", "qwen-code"])
def test_a_replay_of_a_real_agent_gives_the_same_patch_and_the_same_scores(name, ready, ledger):  # noqa: F811
    root = Path(ready(name).prefix).parents[2]
    first = solved(ledger, name, AGENTS[name].protocols[0], agents_root=root)
    parts = prepare(Request(agent=name, model="test/model-1", task=PYTHON, agents_root=root))
    second = run_into(ledger, parts, source_from(ledger, first.ref))
    assert second.ended.drifts == 0
    assert patch_of(ledger, second.ref) == patch_of(ledger, first.ref)
    assert scores_of(second) == scores_of(first)
