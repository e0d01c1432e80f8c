"""An installed agent becomes an image that starts anywhere, is found by what it holds, and can be pushed."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from benchledger.runners.agents.files import load_agents
from benchledger.runners.agents.install import Installed, install
from benchledger.runners.images import carried as carrying
from benchledger.runners.images.agent import agent_images, agent_tag, build_agent, image_for
from benchledger.runners.images.build import build_layer_image
from benchledger.runners.images.layers import write_layer
from benchledger.runners.images.push import push_image
from benchledger.runners.launch import Launch
from benchledger.runners.sandboxes.docker import Docker
from benchledger.schema.errors import EnvironmentLacks, UsageError
from tests.engine import registry
from tests.sandboxes.parts import LIMITS


def test_an_image_is_found_by_agent_version_and_recipe(client, small_spec, small):
    assert image_for(small_spec, client) == small
    assert small in agent_images(client)
    assert image_for(small_spec.model_copy(update={"version": "1.2.4"}), client) is None
    other = small_spec.install.model_copy(update={"python": ">=3.11"})
    assert image_for(small_spec.model_copy(update={"install": other}), client) is None


def test_an_image_says_what_it_holds(client, small_spec, small_ready, small):
    assert small.image == agent_tag(small_spec) == f"benchledger-{small_spec.name.lower()}:1.2.3"
    assert small.installed == small_ready
    assert small.repo_digests == ()
    layers = client.images.get(small.image_id).attrs["RootFS"]["Layers"]
    assert client.images.get(small.base).attrs["RootFS"]["Layers"] == layers[:-1]


def test_the_same_installation_gives_the_same_image(client, small_spec, small_ready, small):
    again = build_agent(client, small_spec, small_ready, small.base)
    assert again == small


def test_a_later_build_takes_the_name_and_is_the_one_that_is_found(client, small_spec, small_ready, small):
    (Path(small_ready.prefix) / "more").write_text("more")
    later = build_agent(client, small_spec, small_ready, small.base)
    assert later.image_id != small.image_id
    assert image_for(small_spec, client) == later
    assert small.image_id not in [each.image_id for each in agent_images(client)]


def test_an_agent_brings_its_python_where_the_base_has_another_one(client, built, tmp_path):
    script = "import ssl, sqlite3, sys; print(sys.base_prefix, sys.version.split()[0])"
    python = str(Path(built.installed.bin).with_name("python"))
    here = subprocess.check_output([python, "-I", "-c", script], text=True)
    with Docker(built.image_id, client=client) as sandbox:
        report = sandbox.run(Launch((python, "-I", "-c", script), {}, {}), tmp_path, LIMITS, None)
    assert report.stdout.decode() == here, report.stderr


def test_an_agent_on_the_system_python_gets_that_of_the_base(client, tiny, spec, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("XDG_DATA_HOME", f"{os.environ['XDG_DATA_HOME']}/system")
    own = spec.model_copy(update={"version": "1.2.3", "name": f"{spec.name}-system"})
    ready = install(own)
    if not str((Path(ready.prefix) / "venv/bin/python").resolve()).startswith("/usr/bin/"):
        pytest.skip("the system's Python cannot make environments here")
    assert [path for path in carrying.carried(ready, lambda _: True) if "python" in path] == []
    try:
        made = build_agent(client, own, ready)
        assert made.size < 2 * client.images.get(made.base).attrs["Size"]
    finally:
        for each in client.api.images(filters={"label": f"benchledger.agent={own.name}"}):
            client.api.remove_image(each["Id"], force=True)


def from_source(client, image_id, workdir, python, module):
    """Return the files that Python compiles when it imports `module` in a container."""
    with Docker(image_id, client=client) as sandbox:
        launch = Launch((python, "-I", "-v", "-c", f"import {module}"), {}, {})
        said = sandbox.run(launch, workdir, LIMITS, None).stderr.decode()
    loaded = re.findall(r"# code object from '(.*)'", said)
    assert [path for path in loaded if Path(path).name.startswith(f"{module}.")]
    return [path for path in loaded if path.endswith(".py")]


def test_what_no_cell_can_write_is_compiled_already(client, image, built, tmp_path):
    assert from_source(client, image, tmp_path, "python3", "shutil") == []
    python = str(Path(built.installed.bin).with_name("python"))
    assert from_source(client, built.image_id, tmp_path, python, "shutil") == []
    assert from_source(client, built.image_id, tmp_path, python, "tiny") == []


def test_an_image_that_does_not_start_gets_no_name(client, spec, ready, built, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "empty").write_text("")
    bare = build_layer_image(client, {"/": tmp_path / "root"}, "benchledger-tests-bare:1")
    label = {"label": f"benchledger.agent={spec.name}"}
    try:
        with pytest.raises(EnvironmentLacks, match=r"does not start in its image.*exec sh failed"):
            build_agent(client, spec, ready, base=bare["image"])
        assert [each["Id"] for each in client.api.images(filters=label)] == [built.image_id]
    finally:
        client.api.remove_image(bare["image_id"], force=True)
    assert image_for(spec, client) == built


def test_what_is_no_program_or_not_ours_has_no_image(client):
    oracle = load_agents()["oracle"]
    with pytest.raises(UsageError, match="oracle is not installed by us"):
        build_agent(client, oracle, install(oracle))


def test_libraries_that_the_base_has_are_not_carried(ready):
    lacking = carrying.carried(ready, lambda _: False)
    assert set(carrying.carried(ready, lambda _: True)) <= set(lacking)
    assert [path for path in lacking if "libc.so" in path or "ld-linux" in path] == []
    assert all(path.is_file() for path in lacking.values())


def test_an_interpreter_behind_links_is_carried_with_every_link(tmp_path):
    for folder in ("v24/bin", "agent/node"):
        (tmp_path / folder).mkdir(parents=True)
    program = tmp_path / "v24/bin/node-24"
    shutil.copy(shutil.which("true"), program)
    (tmp_path / "v24/bin/node").symlink_to("node-24")
    (tmp_path / "current").symlink_to("v24")
    (tmp_path / "agent/node/node").symlink_to(tmp_path / "current/bin/node")
    ready = Installed("a", "1", "", str(tmp_path / "agent"), "a")
    names = [tmp_path / "current", tmp_path / "v24/bin/node", program]
    found = carrying.carried(ready, lambda _: True)
    assert sorted(found) == sorted(map(str, names))
    sink = io.BytesIO()
    write_layer(found, sink)
    sink.seek(0)
    with tarfile.open(fileobj=sink) as tar:
        links = {entry.name: entry.linkname for entry in tar if entry.issym()}
    inside = str(tmp_path).lstrip("/")
    assert links == {f"{inside}/current": "v24", f"{inside}/v24/bin/node": "node-24"}


def test_a_pushed_image_has_a_digest_that_names_it_elsewhere(client, small_spec, small, tmp_path):
    with registry(tmp_path) as place:
        pushed = push_image(client, small_spec, small, f"{place}/bench")
        name = agent_tag(small_spec).split(":")[0]
        assert pushed.startswith(f"{place}/bench/{name}@sha256:")
        assert image_for(small_spec, client).repo_digests == (pushed,)
        # as on another machine: nothing but what the registry has
        client.api.remove_image(small.image_id, force=True)
        assert image_for(small_spec, client) is None
        client.api.pull(pushed)
        pulled = image_for(small_spec, client)
        assert (pulled.image, pulled.image_id) == (pushed, small.image_id)
        assert pulled.installed == small.installed


def test_a_registry_that_takes_nothing_leaves_no_name_behind(client, small_spec, small):
    with pytest.raises(EnvironmentLacks, match=r"was not pushed: .*docker login 127\.0\.0\.1:9"):
        push_image(client, small_spec, small, "127.0.0.1:9")
    assert client.images.get(small.image_id).tags == [small.image]
    for wrong in ("https://127.0.0.1:9", "", "a@b"):
        with pytest.raises(UsageError, match="is no registry"):
            push_image(client, small_spec, small, wrong)
