"""A real Docker engine and a base image, or a skip that says what to do."""

from __future__ import annotations

import docker.errors
import pytest

from benchledger.runners.images.base import BASE_TAG, build_base
from benchledger.runners.sandboxes import engine
from benchledger.schema.errors import EnvironmentLacks


@pytest.fixture(scope="session")
def client():
    """A client of the engine that answers."""
    try:
        made = engine.connect()
    except EnvironmentLacks as error:
        pytest.skip(f"no Docker engine answers ({error.message}); start one with runners/images/engine.sh up")
    yield made
    made.close()


@pytest.fixture(scope="session")
def image(client):
    """The id of the base image, made where there is none."""
    try:
        return client.images.get(BASE_TAG).id
    except docker.errors.ImageNotFound:
        pass
    try:
        return build_base(client)["image_id"]
    except EnvironmentLacks as error:
        pytest.skip(f"the base image cannot be made here: {error}")
