"""An engine, and a tiny agent that real installers install without a network."""

from __future__ import annotations

import contextlib
import os
import tempfile

import docker.errors
import pytest

from benchledger.runners.agents.files import read_toml
from benchledger.runners.agents.install import install
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.images.agent import agent_tag, build_agent
from tests.agents.registry import wheel_in
from tests.engine import client, image

__all__ = ["client", "image"]

TINY = """\
name = "{name}"
version = "1.2.3"
protocols = ["openai-chat"]
notes = "Prints its version. It does nothing else."

[install]
kind = "pip"
packages = ["tiny==1.2.3"]
bin = "tiny"
check = ["{{bin}}", "--version"]

[launch]
argv = ["{{bin}}", "{{instruction}}"]
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The file of an agent that comes from a folder of wheels; its name is this process's own.

    It is installed into a place of the tests' own; not below /tmp, which a cell hides.
    """
    folder = tmp_path_factory.mktemp("tiny")
    wheel_in(folder)
    file = folder / "tiny.toml"
    file.write_text(TINY.format(name=f"Tiny-{os.getpid()}"))
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        patch.setenv("XDG_DATA_HOME", place)
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(folder))
        yield file


@pytest.fixture(scope="session")
def spec(tiny):
    return read_toml(tiny, AgentSpec)


@pytest.fixture(scope="session")
def ready(spec):
    return install(spec)


@pytest.fixture(scope="session")
def kept(client, image, spec, ready):
    """The agent's image, and the client that built it; every image of it is removed at the end."""
    try:
        yield build_agent(client, spec, ready)
    finally:
        for each in client.api.images(filters={"label": f"benchledger.agent={spec.name}"}):
            client.api.remove_image(each["Id"], force=True)


@pytest.fixture
def built(client, spec, kept):
    """The image under its own name alone, whatever the test before did to its names."""
    client.api.tag(kept.image_id, *agent_tag(spec).split(":"))
    seen = client.images.get(kept.image_id).attrs
    for name in {*seen["RepoTags"], *seen["RepoDigests"]} - {kept.image}:
        # the engine forgets a digest together with its tag
        with contextlib.suppress(docker.errors.ImageNotFound):
            client.api.remove_image(name)
    return kept
