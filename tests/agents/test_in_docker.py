"""Real agents in their images: they start, and change a file as a scripted model tells them to.

Ordinary tests run three of them, whose images CI builds; the others come under the mark `slow`.
"""

from __future__ import annotations

import pytest

from benchledger.runners.agents.template import fill
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.docker import Docker
from benchledger.schema.task import matches
from tests.agents.chosen import AGENTS, IN_DOCKER, each
from tests.agents.in_docker import LIMITS, run_in_docker


@pytest.mark.timeout(900)  # the slowest installation takes minutes on a busy machine
@pytest.mark.parametrize("name", each(IN_DOCKER, protocols=False))
def test_an_agent_starts_in_its_image_without_network_rights_or_a_place_to_write(
    name, client, in_image, tmp_path
):
    spec, made = AGENTS[name], in_image(name)
    if not spec.install.check:
        pytest.skip(f"{name} cannot say its version; that it solves a task is another test")
    with Docker(made.image_id, client=client) as sandbox:
        places = sandbox.places(tmp_path)
        values = {"bin": made.installed.bin, "home": places.home}
        argv = tuple(fill(text, values) for text in spec.install.check)
        env = {spec.install.cache_env: made.installed.cache} if spec.install.cache_env else {}
        report = sandbox.run(Launch(argv, env, {}), tmp_path, LIMITS, None)
        assert {"network", "files", "user", "capabilities"} <= set(sandbox.isolation)
    assert report.exit_code == 0, report.stderr
    assert spec.version in (report.stdout + report.stderr).decode()
    assert report.survivors == 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "protocol"), each(IN_DOCKER))
def test_an_agent_solves_a_task_in_docker_as_the_script_says(name, protocol, client, in_image, tmp_path):
    cell = run_in_docker(client, AGENTS[name], in_image(name), protocol, tmp_path)
    said = (cell.report.stdout + cell.report.stderr).decode(errors="replace")[-2000:]
    assert cell.report.exit_code == 0, said
    changed = [path for path in cell.left.changes.all if not matches(path, AGENTS[name].strays)]
    assert [path for path in changed if "__pycache__" not in path] == ["cache.py"], said
    assert cell.graded.exit_code == 0, cell.graded.stdout
    assert {call.protocol for call in cell.calls} == {protocol}
    assert all(call.status == 200 and call.failure is None for call in cell.calls)
