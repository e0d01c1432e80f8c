"""The table of sandboxes. Others join by the entry point group `benchledger.sandboxes`."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from benchledger.schema.errors import UnknownName

__all__ = ["ENTRY_POINTS", "SANDBOXES", "sandbox_type"]

SANDBOXES = {
    "local": "benchledger.runners.sandboxes.local:Local",
    "docker": "benchledger.runners.sandboxes.docker:Docker",
    "run-cell": "benchledger.runners.sandboxes.run_cell:RunCell",
}
ENTRY_POINTS = "benchledger.sandboxes"


def sandbox_type(name: str) -> Any:
    """Return the class of that name; `docker` takes an image first. UnknownName with the choices."""
    if name in SANDBOXES:
        module, _, attribute = SANDBOXES[name].partition(":")
        return getattr(import_module(module), attribute)
    plugged = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name not in plugged:
        raise UnknownName("sandbox", name, [*SANDBOXES, *plugged])
    return plugged[name].load()
