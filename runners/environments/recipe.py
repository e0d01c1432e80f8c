"""What an environment is made from, and so what it is known by."""

from __future__ import annotations

import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from benchledger.runners.files import folder_digest
from benchledger.runners.task import Task
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import SetupFailed
from benchledger.schema.frame import blob_digest

__all__ = ["SETUP_SECONDS", "TASK_ENV", "Ready", "container_recipe", "failed", "local_recipe"]

TASK_ENV = "TASK_ENV"
SETUP_SECONDS = 1800.0
_FORMAT = 1  # of the way in which a setup is run: another one makes other environments
_LINES, _CHARACTERS = 5, 700


@dataclass(frozen=True)
class Ready:
    """An environment that is there. `digest` is that of its recipe.

    In the local sandbox `folder` is TASK_ENV, and `state` what its files were when they were made; in
    docker `image` is a reference to print and `image_id` the image that tells everything.
    """

    digest: str
    folder: str = ""
    state: str = ""
    image: str = ""
    image_id: str = ""
    repo_digests: tuple[str, ...] = field(default=())


def local_recipe(task: Task) -> str:
    """Return the digest of what is made on this machine: commands, files, system, and the usual interpreters."""
    found = {name: shutil.which(name) for name in ("python3", "node")}
    tools = {name: [str(Path(path).resolve()), _version(path)] for name, path in found.items() if path}
    machine = {"system": platform.system(), "machine": platform.machine(), "libc": platform.libc_ver()[1]}
    return _digest(task, {"kind": "local", "tools": tools, **machine})


@cache
def _version(program: str) -> str:
    """Return what a program says of its version: behind one path, such as that of a shim, may be several."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def container_recipe(task: Task, base: str) -> str:
    """Return the digest of what is made on the image whose id is `base`."""
    return _digest(task, {"kind": "docker", "base": base})


def _digest(task: Task, more: dict[str, Any]) -> str:
    setup = list(task.environment.setup)
    files = folder_digest(task.workdir) if setup else None
    return blob_digest(canonical_bytes({"format": _FORMAT, "setup": setup, "workdir": files, **more}))


def failed(task: Task, command: str, how: str, output: bytes) -> SetupFailed:
    """Return the error for a setup that failed, with the last lines that it said."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    last = " | ".join(lines[-_LINES:])[-_CHARACTERS:] or "it said nothing"
    return SetupFailed(f"setup of task {task.id}: `{command}` {how}: {last}")
