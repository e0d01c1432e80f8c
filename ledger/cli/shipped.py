"""What this version of benchledger brings: its agents and tasks, for pages that print commands and know no runner."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchledger.ledger.web.shipped import Shipped

__all__ = ["shipped"]


@cache
def shipped() -> Shipped:
    """Return the agents by name and the tasks by id; read once a process, for neither changes under it."""
    from importlib.metadata import version

    from benchledger.ledger.web.shipped import Shipped, ShippedAgent, ShippedTask
    from benchledger.runners.agents.files import load_agents
    from benchledger.runners.files import folder_digest
    from benchledger.runners.task import find_tasks, load_task, suite_root

    agents = {
        spec.name: ShippedAgent(
            spec.version,
            spec.protocols,
            installs=spec.behaviour == "process" and spec.install.kind != "none",
        )
        for spec in load_agents().values()
    }
    tasks = {
        task_id: ShippedTask(
            folder_digest(folder), load_task(folder).limits.model_dump(mode="json", exclude_none=True)
        )
        for task_id, folder in find_tasks([suite_root()]).items()
    }
    return Shipped(version("benchledger"), agents, tasks)
