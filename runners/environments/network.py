"""How a container of a setup reaches the network."""

from __future__ import annotations

import docker

from benchledger.runners.sandboxes import engine

__all__ = ["way_out"]


def way_out(client: docker.DockerClient, *, host: bool = False) -> str:
    """Return a network that leads out: the engine's bridge, or the machine's own where there is none."""
    with engine.translated("name its networks"):
        bridges = client.api.networks(filters={"driver": "bridge"})
    return "bridge" if not host and any(each["Name"] == "bridge" for each in bridges) else "host"
