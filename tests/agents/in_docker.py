"""One real agent in its image, on one task of the suite: a scripted model, captured and graded as a cell is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import docker

from benchledger.runners.agents.plan import plan_launch
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.grade import Graded, grade
from benchledger.runners.images.agent import AgentImage
from benchledger.runners.launch import Endpoint, ExitReport
from benchledger.runners.proxy.config import ProxyConfig
from benchledger.runners.proxy.record import RecordedCall
from benchledger.runners.proxy.server import Proxy
from benchledger.runners.sandboxes.docker import Docker
from benchledger.runners.task import find_task, load_task, suite_root
from benchledger.runners.workdir import WorkdirCapture, capture, make_workdir
from benchledger.schema.task import Limits

LIMITS = Limits(seconds=120, memory_mb=2048, pids=512, cpus=2.0)


@dataclass(frozen=True)
class Cell:
    """What came of it."""

    report: ExitReport
    calls: list[RecordedCall]
    left: WorkdirCapture
    graded: Graded


def run_in_docker(
    client: docker.DockerClient, spec: AgentSpec, image: AgentImage, protocol: str, folder: Path
) -> Cell:
    """Run `spec` over `protocol` on a task that its script solves."""
    task = load_task(find_task("mutations/python-lru-cache", [suite_root()]))
    workdir, calls = folder / "workdir", []
    before = make_workdir(task, workdir)
    with Docker(image.image_id, client=client) as sandbox:
        places = sandbox.places(workdir)
        steps = json.loads((task.folder / "script.json").read_text())["steps"]
        config = ProxyConfig(mode="scripted", script={"steps": steps}, root=places.work)
        with Proxy(config, calls.append) as proxy:
            endpoint = Endpoint(proxy.base_url, proxy.token, protocol, "test/model-1")
            launch = plan_launch(
                spec, endpoint, task.instruction, places.work, places.home, installed=image.installed
            )
            report = sandbox.run(launch, workdir, LIMITS, proxy.address)
    return Cell(report, calls, capture(before, workdir), grade(task, workdir))
