"""Inside the image of an agent: what `run-cell` finds there, and what a program must not see of it.

/opt/benchledger/            for root alone: this package, and so the checks of every task
/opt/benchledger/agent.json  what is installed here, as `Installed`
/opt/benchledger/agents/     files of agents that do not ship
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchledger.runners.agents.install import Installed, installed, recipe_digest
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.files import files_of
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.port import Sandbox
from benchledger.runners.sandboxes.run_cell import AGENT, CHECKS, RunCell
from benchledger.runners.task import Task
from benchledger.schema.errors import EnvironmentLacks, UsageError
from benchledger.schema.task import Limits

__all__ = [
    "AGENTS", "AGENT_RECORD", "IMAGE", "IMAGE_DIGEST", "IMAGE_ID", "PLACE",
    "image_named", "installed_inside", "look_around", "sandboxes_inside",
]  # fmt: skip

PLACE = Path("/opt/benchledger")
AGENT_RECORD, AGENTS = "agent.json", "agents"  # below PLACE

# Variables that an image is built with or started with.
IMAGE, IMAGE_ID, IMAGE_DIGEST = "BENCHLEDGER_IMAGE", "BENCHLEDGER_IMAGE_ID", "BENCHLEDGER_IMAGE_DIGEST"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SECONDS = 60.0


def installed_inside(spec: AgentSpec, place: Path = PLACE) -> Installed | None:
    """Return the installation that the image was built with, else the one that is found as on any machine."""
    try:
        made = Installed(**json.loads((place / AGENT_RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return installed(spec)
    wanted = (spec.name, spec.version, recipe_digest(spec))
    return made if (made.agent, made.version, made.recipe) == wanted else installed(spec)


def image_named(digest: str | None, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the identity of the image as it was given; nothing in a container can find it out.

    Raises UsageError for a digest that is none.
    """
    given = digest or environment.get(IMAGE_DIGEST) or None
    if given is not None and not _DIGEST.fullmatch(given):
        raise UsageError(f"{given!r} is no digest of an image", "write sha256: and 64 hex digits")
    return {
        "image": environment.get(IMAGE) or None,
        "image_id": environment.get(IMAGE_ID) or None,
        "image_digest": given,
    }


def sandboxes_inside() -> tuple[Callable[[], Sandbox], Callable[[], Sandbox]]:
    """Return what makes a sandbox for the agent, and one for the checks."""
    return partial(RunCell, AGENT), partial(RunCell, CHECKS)


def look_around(make: Callable[[], Sandbox], task: Task, hidden: Iterable[Path]) -> tuple[str, ...]:
    """Start a program as the agent will be; return what the sandbox does not isolate.

    Raises EnvironmentLacks where it can read a part of the task that it must not, or one of `hidden`.
    """
    inner = [path for folder in (task.checks_folder, task.solution) for _, path in files_of(folder)]
    asked = [*inner, task.folder / "script.json", *hidden]
    script = 'for each in "$@"; do [ -r "$each" ] && printf "%s\\n" "$each"; done; exit 0'
    with tempfile.TemporaryDirectory(prefix="benchledger-ask-") as empty, make() as sandbox:
        launch = Launch(("sh", "-c", script, "sh", *map(str, asked)), {}, {})
        report = sandbox.run(launch, Path(empty), Limits(seconds=_SECONDS), None)
        isolation = sandbox.isolation
    if report.exit_code != 0:
        said = report.stderr.decode(errors="replace").strip()[-200:]
        raise EnvironmentLacks(
            f"no program can be started for the agent: {said}", "see that the image has sh"
        )
    if seen := report.stdout.decode(errors="replace").splitlines():
        raise EnvironmentLacks(
            f"the agent could read {seen[0]}",
            "give it to root alone (chmod 600); a key also comes by --key-stdin",
        )
    return () if "network" in isolation else ("network",)
