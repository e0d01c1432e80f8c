"""An engine, and a tiny agent that real installers install without a network."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from benchledger.runners.agents.files import read_toml
from benchledger.runners.agents.install import Installed, install, recipe_digest
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.images.agent import build_agent
from benchledger.runners.images.build import build_layer_image
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
def wheels(tmp_path_factory):
    """A folder from which pip installs without a network."""
    folder = tmp_path_factory.mktemp("wheels")
    wheel_in(folder)
    return folder


@pytest.fixture(scope="session")
def place():
    """A data folder of the tests' own; not below /tmp, which a cell hides."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield folder


def settle(patch, wheels, place):
    patch.setenv("XDG_DATA_HOME", place)
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(wheels))


@pytest.fixture(autouse=True)
def _settled(monkeypatch, wheels, place):
    settle(monkeypatch, wheels, place)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The file of an agent that comes from a folder of wheels; its name is this process's own."""
    file = tmp_path_factory.mktemp("tiny") / "tiny.toml"
    file.write_text(TINY.format(name=f"Tiny-{os.getpid()}"))
    return file


@pytest.fixture(scope="session")
def spec(tiny):
    return read_toml(tiny, AgentSpec)


@pytest.fixture(scope="session")
def ready(spec, wheels, place):
    # not for the whole session: agents of other tests lie in the machine's own place
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, wheels, place)
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
def built(kept):
    """The image of the tiny agent: it starts, on a Python that it brings along."""
    return kept


@pytest.fixture(scope="session")
def small_file(tmp_path_factory):
    """The file of an agent that is a shell script and cannot say its version, so that nothing is started."""
    file = tmp_path_factory.mktemp("small") / "small.toml"
    text = TINY.format(name=f"Small-{os.getpid()}")
    file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("check")))
    return file


@pytest.fixture(scope="session")
def small_spec(small_file):
    return read_toml(small_file, AgentSpec)


@pytest.fixture
def small_ready(small_spec):
    """An installation of a few bytes, which a registry takes at once."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        script = Path(folder) / "bin" / "tiny"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\necho tiny\n")
        script.chmod(0o755)
        recipe = recipe_digest(small_spec)
        yield Installed(small_spec.name, "1.2.3", recipe, folder, str(script), runtime="sh", lock="0" * 64)


@pytest.fixture
def small(client, small_spec, small_ready, tmp_path):
    """The image of the small agent, on a base of one file; gone after the test with all of its names."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_text("x")
    base = build_layer_image(client, {"/": tmp_path / "root"}, f"benchledger-tests-{os.getpid()}:1")
    try:
        yield build_agent(client, small_spec, small_ready, base["image_id"])
    finally:
        found = client.api.images(filters={"label": f"benchledger.agent={small_spec.name}"})
        for each in [*(each["Id"] for each in found), base["image_id"]]:
            client.api.remove_image(each, force=True)
