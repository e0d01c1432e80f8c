"""Whether an agent is there to be run, and what of the machine it would need to be installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from benchledger.runners.agents.install import Installed, installed
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.agents.tools import find_node, find_npm, find_python, managed_node
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["State", "Status", "status_of"]

State = Literal["built-in", "installed", "not installed", "lacking"]


@dataclass(frozen=True)
class Status:
    """`needs` is what the machine lacks to install it, empty unless `state` is lacking."""

    state: State
    needs: str = ""
    ready: Installed | None = None


def status_of(spec: AgentSpec, root: Path | None = None) -> Status:
    """Return how `spec` stands on this machine; nothing is installed and no network asked."""
    if spec.behaviour != "process":
        return Status("built-in")
    if ready := installed(spec, root):
        return Status("installed", ready=ready)
    needs = _NEEDS[spec.install.kind](spec)
    return Status("lacking", needs) if needs else Status("not installed")


def _pip(spec: AgentSpec) -> str:
    return "" if _has_python(spec.install.python) else f"python{spec.install.python or ''} with venv"


@cache
def _has_python(wanted: str | None) -> bool:
    # starts interpreters, so it is asked once a range
    try:
        find_python(wanted)
    except EnvironmentLacks:
        return False
    return True


def _npm(spec: AgentSpec) -> str:
    try:
        find_npm(spec.name)
    except EnvironmentLacks:
        return "npm"
    if find_node(spec.install.node) is None:
        try:
            managed_node(spec.install.node)
        except EnvironmentLacks:
            return f"node{spec.install.node or ''}"
    return ""


def _none(spec: AgentSpec) -> str:
    return "" if shutil.which(spec.install.bin) else f"{spec.install.bin} on PATH"


_NEEDS: dict[str, Callable[[AgentSpec], str]] = {"pip": _pip, "npm": _npm, "none": _none}
