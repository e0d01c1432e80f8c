"""Environments as images: what a setup, an image or a Dockerfile gives to agent and checks, and to nobody else."""

import fcntl
import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchledger.runners.agents.files import read_toml
from benchledger.runners.agents.install import Installed, recipe_digest
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.environments.bases import base_of
from benchledger.runners.environments.container import TAG, _found, _trial_of
from benchledger.runners.environments.find import task_image
from benchledger.runners.environments.recipe import container_recipe
from benchledger.runners.images.agent import image_for
from benchledger.runners.images.build import build_layer_image
from benchledger.runners.images.find import image_on
from benchledger.runners.prepare import Request, prepare
from benchledger.runners.proving import judge_in
from benchledger.runners.sandboxes.engine import OWNER_LABEL, owner
from benchledger.schema.errors import EnvironmentLacks, SetupFailed, UsageError
from tests.cells.parts import everything, payloads, prepared, run_into, steps
from tests.environments.parts import PASSWORD, PIP, PLAIN, index_check, passes, task_with

WORD = "mkdir -p $TASK_ENV && echo made > $TASK_ENV/word"


def unique(command):
    """Return the command in a spelling that no other test has, so that its image is this test's own."""
    return f"{command}; : {uuid.uuid4().hex}"


@pytest.fixture
def alone(tmp_path_factory):
    """Keep the tests of this file apart in time, in any process: each clears away what came meanwhile."""
    with (tmp_path_factory.getbasetemp().parent / "environments.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def _images(alone, client):
    """Remove every image that the test made."""
    wanted = ("benchledger.environment", "benchledger.dockerfile")
    before = {each["Id"] for each in client.api.images()}
    yield
    for each in client.api.images():
        labels = each["Labels"] or {}
        if each["Id"] not in before and any(name in labels for name in wanted):
            client.api.remove_image(each["Id"], force=True)


def containers(client):
    return client.api.containers(all=True, filters={"label": f"{OWNER_LABEL}={owner()}"})


def inside(client, image_id, *argv):
    return client.containers.run(
        image_id, list(argv), remove=True, network_mode="none", labels={OWNER_LABEL: owner()}
    ).decode()


def test_packages_of_a_setup_are_proven_in_docker_and_the_index_is_out_of_reach_afterwards(
    tmp_path, client, image, index
):
    task = task_with(tmp_path, (PIP[0], unique(PIP[1])), index_check(index))
    told = []
    verdict = judge_in(task, "docker", told.append)
    assert (verdict.result, verdict.oracle, verdict.nop) == ("sound", True, False), verdict
    assert [line for line in told if "setup 2 of 2" in line]
    assert judge_in(task, "docker").result == "sound"
    assert index.fetched == 1
    made = task_image(task)
    told_by_engine = json.dumps(client.images.get(made.image_id).attrs) + json.dumps(
        client.api.history(made.image_id)
    )
    assert "INDEX_URL" not in told_by_engine
    assert PASSWORD not in told_by_engine
    find = f"grep -rl {PASSWORD} /opt /etc /root /usr/lib /var /tmp /cell /home 2>/dev/null; echo done"
    assert inside(client, made.image_id, "sh", "-c", find) == "done\n"
    assert inside(client, made.image_id, "sh", "-c", "ls -A /cell; echo $TASK_ENV $PATH").startswith(
        "/opt/task /opt/task/bin:"
    )
    assert containers(client) == []


def test_agent_and_checks_of_a_cell_run_on_the_environment_and_the_ledger_names_its_image(
    tmp_path, client, image, ledger
):
    root = tmp_path / "tasks"
    task = task_with(root, (unique(WORD), "apt-get --version 2>/dev/null; id -u > /etc/of-setup"), PLAIN)
    parts = prepared(tmp_path, task="made/sum", roots=[root], sandbox="docker")
    ran = run_into(
        ledger,
        parts,
        steps(parts, "cat $TASK_ENV/word /etc/of-setup; echo x > $TASK_ENV/word; echo 4 > sum.txt"),
    )
    assert passes(ran), ran.notes
    made = task_image(task)
    (setup,) = payloads(ledger, ran.ref, "cell.setup")
    assert (setup["agent"]["image_id"], setup["host"]["environment"]) == (made.image_id, made.digest)
    said = ledger.blob(payloads(ledger, ran.ref, "cell.exited")[0]["stdout"]["blob"]).decode()
    assert "\nmade\n0\n" in said
    assert "Read-only file system" in said
    assert passes(
        run_into(
            ledger, prepare(Request(agent="oracle", task="made/sum", roots=[root], sandbox="docker")), None
        )
    )
    assert str(tmp_path).encode() not in everything(tmp_path / "cells.db")


@pytest.fixture
def small(tmp_path):
    """An installed agent that is a shell script, and its specification."""
    name = f"small-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    file = tmp_path / "small.toml"
    file.write_text(
        f'name = "{name}"\nversion = "1.2.3"\nprotocols = ["openai-chat"]\n'
        '[install]\nkind = "pip"\npackages = ["tiny==1.2.3"]\nbin = "tiny"\n'
        '[launch]\nargv = ["{bin}", "{instruction}"]\n'
    )
    spec = read_toml(file, AgentSpec)
    folder = Path(os.environ["XDG_DATA_HOME"]) / "agents"
    build = folder / name / "1.2.3"
    (build / "bin").mkdir(parents=True)
    script = build / "bin" / "tiny"
    script.write_text("#!/bin/sh\ncat $TASK_ENV/word\n")
    script.chmod(0o755)
    ready = Installed(
        name, "1.2.3", recipe_digest(spec), str(build), str(script), runtime="sh", lock="0" * 64
    )
    (build / "installed.json").write_text(json.dumps(asdict(ready)))
    return spec, folder


def test_an_agent_is_layered_on_the_environment_once_and_other_tasks_do_not_get_that_image(
    tmp_path, client, image, small
):
    spec, root = small
    below = task_image(task_with(tmp_path / "tasks", (unique(WORD),), PLAIN))
    told = []
    found = image_on(spec, below, root, told.append)
    assert told
    assert image_on(spec, below, root, told.append) == found
    assert len(told) == 2
    attrs = client.images.get(found.image_id).attrs
    assert attrs["RootFS"]["Layers"][:-1] == client.images.get(below.image_id).attrs["RootFS"]["Layers"]
    assert inside(client, found.image_id, found.installed.bin) == "made\n"
    assert image_for(spec, client) is None
    other = task_image(task_with(tmp_path / "other", (unique(WORD),), PLAIN))
    assert image_for(spec, client, other.digest, other.image_id) is None
    with pytest.raises(EnvironmentLacks, match="is not installed"):
        image_on(spec, other, tmp_path)


def test_a_setup_that_fails_in_a_container_says_its_last_lines_and_leaves_nothing(tmp_path, client, image):
    task = task_with(tmp_path, ("echo begun", unique("echo no such thing >&2; exit 9")), PLAIN)
    digest = container_recipe(task, base_of(client, task).image_id)
    with pytest.raises(
        SetupFailed, match=r"`echo no such thing.*` ends with exit code 9: begun . no such thing"
    ):
        task_image(task)
    assert _found(client, digest) is None
    # of this setup: other tests make images of their own at the same time
    assert client.api.images(all=True, filters={"label": f"benchledger.environment={digest}"}) == []
    assert containers(client) == []


MAKER = """\
import sys
from pathlib import Path
from benchledger.runners.environments.find import task_image
from benchledger.runners.environments.recipe import container_recipe
from benchledger.runners.task import load_task
task_image(load_task(Path(sys.argv[1])), lambda line: print(line, flush=True))
"""


def test_a_maker_that_is_killed_leaves_no_container_and_no_image_that_looks_ready(tmp_path, client, image):
    word = uuid.uuid4().hex
    task = task_with(tmp_path, (f"sleep 600; : {word}",), PLAIN)
    tags = {tag for each in client.api.images() for tag in each["RepoTags"] or ()}
    with subprocess.Popen([sys.executable, "-c", MAKER, task.folder], stdout=subprocess.PIPE) as maker:
        while word.encode() not in (line := maker.stdout.readline()):
            assert line, "the maker ended"
        maker.kill()

    def left():
        found = client.api.containers(filters={"label": OWNER_LABEL})
        return [each for each in found if f"/{maker.pid}/" in each["Labels"][OWNER_LABEL]]

    deadline = time.monotonic() + 60
    while left():
        assert time.monotonic() < deadline, "the container outlived its maker"
        time.sleep(0.2)
    made = {tag for each in client.api.images() for tag in each["RepoTags"] or ()} - tags
    assert not [tag for tag in made if tag.startswith(TAG) and "trial" not in tag]


def test_what_a_killed_maker_committed_is_removed_by_the_next_one(tmp_path, client, image):
    with subprocess.Popen(["true"]) as gone:
        pass
    trial = f"{_trial_of()}-{gone.pid}-1-0123456789ab"
    other = f"trial-0123456789ab-{gone.pid}-1-0123456789ab"
    for tag in (trial, other):
        client.api.tag(image, TAG, tag)
    try:
        task_image(task_with(tmp_path, (unique(WORD),), PLAIN))
        left = {tag for each in client.api.images(TAG) for tag in each["RepoTags"]}
        assert f"{TAG}:{trial}" not in left
        assert f"{TAG}:{other}" in left
    finally:
        client.api.remove_image(f"{TAG}:{other}")


def test_a_setup_that_does_not_end_in_its_container_is_ended(tmp_path, client, image, monkeypatch):
    monkeypatch.setattr("benchledger.runners.environments.container.SETUP_SECONDS", 1.5)
    with pytest.raises(SetupFailed, match="takes more than 0 minutes: slow"):
        task_image(task_with(tmp_path, (unique("echo slow; sleep 600"),), PLAIN))
    assert containers(client) == []


def test_a_dockerfile_is_built_from_its_folder_and_again_where_that_changed(tmp_path, client, image):
    text = f"FROM {image}\nCOPY word /opt/word\nRUN mkdir /opt/own && cp /opt/word /opt/own/\nENV TASK_ENV=/opt/own\n"
    key = 'dockerfile = "environment/Dockerfile"\n'
    made = []
    for word in ("made", "other"):
        files = {"environment__Dockerfile": text, "environment__word": f"{word}\n"}
        task = task_with(tmp_path / word, (), PLAIN, key, **files)
        told = []
        verdict = judge_in(task, "docker", told.append)
        assert verdict.result == ("sound" if word == "made" else "finding"), verdict
        assert any("Step 3/" in line for line in told)
        made.append(task_image(task, told.append))
    assert made[0].image_id != made[1].image_id
    assert made[0].digest != made[1].digest
    on_top = task_with(tmp_path / "top", (unique("cat /opt/word > $TASK_ENV/word"),), PLAIN, key,
                       environment__Dockerfile=text, environment__word="made\n")  # fmt: skip
    assert judge_in(on_top, "docker").result == "sound"


def test_a_dockerfile_that_cannot_be_built_says_why(tmp_path, client, image):
    text = f"FROM {image}\nRUN echo nothing here {uuid.uuid4().hex} && exit 5\n"
    task = task_with(tmp_path, (), PLAIN, 'dockerfile = "env/Dockerfile"\n', env__Dockerfile=text)
    verdict = judge_in(task, "docker")
    assert verdict.result == "finding"
    assert "cannot be built" in verdict.problems[0]
    assert "returned a non-zero code: 5" in verdict.problems[0]


def test_a_named_image_is_used_as_it_is_and_one_that_nobody_has_is_named(tmp_path, client, image):
    check = 'import os, sys\nsys.exit(not os.path.exists("/own-file") or open("sum.txt").read() != "4\\n")\n'
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "own-file").write_text("x")
    name = f"benchledger-tests-{uuid.uuid4().hex[:8]}:1"
    build_layer_image(client, {"/": tmp_path / "layer"}, name, base=image)
    try:
        task = task_with(tmp_path / "tasks", (), check + 'print("ok sum")\n', f'image = "{name}"\n')
        assert task_image(task).image == name
        request = Request(agent="oracle", task="made/sum", roots=[tmp_path / "tasks"], sandbox="docker")
        assert prepare(request).identity.image == name
        with pytest.raises(UsageError, match=r"has an .environment. of its own"):
            prepare(replace(request, image=image))
    finally:
        client.api.remove_image(name, force=True)
    lacking = task_with(tmp_path / "other", (), check, 'image = "127.0.0.1:1/no/such:1"\n')
    with pytest.raises(EnvironmentLacks, match=r"no/such:1 is not here and cannot be pulled"):
        task_image(lacking)
    assert judge_in(lacking, "docker").result == "skipped"


def test_without_an_engine_a_proof_in_docker_is_skipped_with_that_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    verdict = judge_in(task_with(tmp_path, (WORD,), PLAIN), "docker")
    assert verdict.result == "skipped"
    assert "no Docker engine answers" in verdict.missing[0]
