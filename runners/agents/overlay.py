"""Overlays: files, environment and arguments added to an agent, and named in its identity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from benchledger.runners.agents.files import read_toml
from benchledger.runners.agents.spec import (
    ARGS,
    AgentSpec,
    EnvName,
    Template,
    Wire,
    checked_templates,
)
from benchledger.runners.agents.template import BUILT_IN
from benchledger.schema.base import Record, Text
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import UsageError
from benchledger.schema.frame import blob_digest

__all__ = [
    "FACTORY",
    "Overlay",
    "behaviour_mode",
    "overlaid",
    "overlay_identity",
    "plugin_stack",
    "read_overlay",
]

FACTORY = "factory"  # what an agent is without any overlay


class Overlay(Record):
    """One addition to an agent. Its texts are templates, as in the agent's own file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,128}$")]
    agents: tuple[Text, ...] = Field(default=(), description="agents that it is made for; empty is any")
    args: tuple[Template, ...] = Field(default=(), description="arguments, put where argv has {args}")
    env: dict[EnvName, Template] = {}
    files: dict[Text, Template] = Field(default={}, description="path under HOME -> text")
    notes: Text = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name == FACTORY:
            raise ValueError(f"{FACTORY} is an agent without overlays")
        wire = Wire(args=self.args, env=self.env, files=self.files)
        list(checked_templates("overlay", wire, BUILT_IN))
        if not (self.args or self.env or self.files):
            raise ValueError("an overlay adds args, env or files; this one adds nothing")
        return self


def read_overlay(path: Path) -> Overlay:
    """Read one overlay; raises UsageError (no such file) or BadInput (field and reason)."""
    return read_toml(path, Overlay)


def overlaid(spec: AgentSpec, overlays: Sequence[Overlay]) -> AgentSpec:
    """Return `spec` with overlays on top, the later over the earlier, all over its own settings.

    Raises UsageError where two have one name, or one is made for another agent.
    """
    names = [overlay.name for overlay in overlays]
    for overlay in overlays:
        if names.count(overlay.name) > 1:
            raise UsageError(f"overlay {overlay.name!r} is given twice", "give each overlay once")
        if overlay.agents and spec.name not in overlay.agents:
            raise UsageError(
                f"overlay {overlay.name!r} is for {', '.join(overlay.agents)}, not for {spec.name}",
                "leave it out for this agent",
            )
        if spec.behaviour != "process":
            raise UsageError(f"{spec.name} starts no process", "leave overlays out for it")
    for overlay in overlays:
        spec = _laid(spec, overlay)
    return spec


def _laid(spec: AgentSpec, overlay: Overlay) -> AgentSpec:
    argv = spec.launch.argv if ARGS in spec.launch.argv else (*spec.launch.argv, ARGS)
    launch = spec.launch.model_copy(
        update={
            "argv": argv,
            "args": (*spec.launch.args, *overlay.args),
            "env": {**spec.launch.env, **overlay.env},
            "files": {**spec.launch.files, **overlay.files},
        }
    )
    # what a protocol sets would otherwise win over the overlay
    protocol = {
        name: wire.model_copy(
            update={
                "env": {key: text for key, text in wire.env.items() if key not in overlay.env},
                "files": {path: text for path, text in wire.files.items() if path not in overlay.files},
            }
        )
        for name, wire in spec.protocol.items()
    }
    return spec.model_copy(update={"launch": launch, "protocol": protocol})


def plugin_stack(overlays: Sequence[Overlay]) -> tuple[str, ...]:
    """Return the names of the overlays in the order in which they lie."""
    return tuple(overlay.name for overlay in overlays)


def behaviour_mode(overlays: Sequence[Overlay]) -> str:
    """Return `factory`, or the names of the overlays joined by `+`."""
    return "+".join(plugin_stack(overlays)) or FACTORY


def overlay_identity(overlays: Sequence[Overlay]) -> dict[str, Any]:
    """Return what is recorded: digest, argv and names by overlay, never the value of a variable."""
    return {
        overlay.name: {
            "digest": blob_digest(canonical_bytes(overlay.to_json())),
            "args": list(overlay.args),
            "env_names": sorted(overlay.env),
            "files": sorted(overlay.files),
        }
        for overlay in overlays
    }
