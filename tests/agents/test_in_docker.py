"""Real agents in their images start under the settings of a cell; that they solve a task is in test_cells.py.

Ordinary tests run three of them, whose images CI builds; the others come under the mark `slow`.
"""

from __future__ import annotations

import pytest

from benchledger.runners.agents.template import fill
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.docker import Docker
from benchledger.schema.task import Limits
from tests.agents.chosen import AGENTS, IN_DOCKER, each

LIMITS = Limits(seconds=120, memory_mb=2048, pids=512, cpus=2.0)


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
