"""What comes with this version of benchledger. The command line finds it out, for pages know no runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from blake3 import blake3

from benchledger.schema.canonical import canonical_bytes

__all__ = ["Shipped", "ShippedAgent", "ShippedTask"]


@dataclass(frozen=True, slots=True)
class ShippedAgent:
    """An agent that this version knows. `installs`: there is something to install, and to put into an image."""

    version: str
    protocols: tuple[str, ...] = ()
    installs: bool = True


@dataclass(frozen=True, slots=True)
class ShippedTask:
    """A task that this version brings, by the digest of its folder, with its own limits."""

    digest: str
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shipped:
    """Agents by name, tasks by id, and the version of benchledger that brings them."""

    version: str = ""
    agents: Mapping[str, ShippedAgent] = field(default_factory=dict)
    tasks: Mapping[str, ShippedTask] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return a digest of all of it: commands on pages change with it."""
        return blake3(canonical_bytes(asdict(self))).hexdigest(length=6)
