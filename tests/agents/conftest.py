"""Agents that are installed, and their images: there, made now, or a skip that says why not."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import docker.errors
import pytest

from benchledger.runners.agents.install import install, installed
from benchledger.runners.images.agent import build_agent, image_for
from benchledger.schema.errors import EnvironmentLacks
from tests.agents.chosen import AGENTS, FETCHED, LOCALLY
from tests.engine import absent, client, image

__all__ = ["client", "image"]


def there_or_installed(name, place):
    """Return an agent as `benchledger agents install` put it on this machine, else installed in `place`."""
    spec = AGENTS[name]
    if found := installed(spec):
        return found
    if name in LOCALLY - FETCHED:
        absent("agents", f"{name} is not installed; run `benchledger agents install {name}`")
    try:
        return install(spec, place)
    except EnvironmentLacks as error:
        absent("agents", f"{name} cannot be installed here: {error}")


@pytest.fixture(scope="session")
def ready(tmp_path_factory, worker_id):
    """Return a function that gives an installed agent; workers of one session share what they install."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "agents"
    return lambda name: there_or_installed(name, shared)


@pytest.fixture(scope="session")
def in_image(client):
    """Return a function that gives the image of an agent; one that had to be built is removed at the end."""
    built = []
    # not below /tmp, which a cell hides
    with tempfile.TemporaryDirectory(prefix="bl-", dir="/var/tmp") as place:

        def agent_image(name):
            spec = AGENTS[name]
            if found := image_for(spec, client):
                return found
            built.append(build_agent(client, spec, there_or_installed(name, Path(place))))
            return built[-1]

        yield agent_image
    for each in built:
        with contextlib.suppress(docker.errors.APIError):
            client.api.remove_image(each.image_id, force=True)
