"""Every command of three real cell pages, local, docker and endpoint, is pasted into a shell, and does what is said.

The agents are real programs, the engine, the registry and the endpoint are real servers on this machine.
"""

import contextlib
import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import docker.errors
import pytest

from benchledger.ledger.cli.shipped import shipped
from benchledger.ledger.store import Ledger
from benchledger.ledger.web import pages, render
from benchledger.ledger.web.paths import cell_path
from benchledger.ledger.web.view import Settings, View
from benchledger.runners.agents.files import load_agents
from benchledger.runners.agents.install import installed
from tests.agents.fake import Script, serving
from tests.cells.parts import PYTHON, agent_file, everything
from tests.engine import absent, client, image, registry
from tests.ledgers import checked

__all__ = ["client", "image"]

# Images are built and every number of a page is verified: minutes on a machine that has other work.
pytestmark = pytest.mark.timeout(900)

AGENT, TASK = "pi", "mutations/shell-csv-sum"
KEY = "canary-5be1f07c93d24a68"
SECONDS = 240
BUILT = set()  # commands that make an image: the same one on another page would do nothing else


@pytest.fixture(scope="module", autouse=True)
def _leaves_no_image(client):
    """Remove the names that a page's commands gave to images, but not those that were there."""
    before = _names(client)
    yield
    for name in _names(client) - before:
        with contextlib.suppress(docker.errors.APIError):
            client.api.remove_image(name, force=True)


def _names(client):
    ours = (f"benchledger-{AGENT}:", f"benchledger-tiny-{os.getpid()}", "127.0.0.1:")
    return {name for each in client.api.images() for name in each["RepoTags"] or () if name.startswith(ours)}


@pytest.fixture
def real():
    if installed(load_agents()[AGENT]) is None:
        absent("agents", f"{AGENT} is not installed; run `benchledger agents install {AGENT}`")
    if shutil.which("docker") is None:
        absent("engine", "there is no command `docker` on PATH; Debian's docker.io has it")
    return AGENT


@pytest.fixture
def endpoint():
    """A model of another make, on loopback, that wants one file changed."""
    with serving(Script("sed -i s/x/x/ sum.sh", "")) as script:
        yield script


class Reader:
    """A person with a shell in a folder that holds the ledger."""

    def __init__(self, folder, **variables):
        self.folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = {**os.environ, "PATH": path, "BENCHLEDGER_LEDGER": "elsewhere.db", **variables}

    def paste(self, command, code=0):
        done = subprocess.run(
            ["bash", "--norc"], input=f"{command}\n", cwd=self.folder, env=self.env,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"$ {command}\n{done.stdout}{done.stderr}"
        assert KEY not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def page(self):
        """Return the values of the page of the first attempt, and the commands that its HTML shows, in order."""
        settings = Settings(name="benchledger.db", shipped=shipped())
        with View(self.folder / "benchledger.db", settings) as view:
            query = "SELECT cell, attempt FROM attempts ORDER BY first_seq LIMIT 1"
            place = cell_path(*view.connection.execute(query).fetchone())
            page, arguments = pages.match(place)
            context = pages.build(page, view, arguments)
            text = render.html(page.template, context, view, place).decode()
        section = text.partition('<section id="run-it-yourself"')[2].partition("</section>")[0]
        shown = [
            html.unescape(found)
            for found in re.findall(r"<pre class=.command.*?<code>(.*?)</code>", section, re.DOTALL)
        ]
        return context["sections"]["run-it-yourself"], shown

    def pastes_all(self):
        """Paste every command of the page, in the order in which it stands there; return what each said."""
        told, shown = self.page()
        assert all(group["commands"] or group["missing"] for group in told["groups"])
        listed = [each["command"] for group in told["groups"] for each in group["commands"]]
        assert shown == listed + [number["command"] for number in told["numbers"]]
        said = {}
        for command in shown:
            if " images build " in command and command in BUILT:
                continue
            BUILT.add(command)
            said[command] = self.paste(command)
        checked(self.folder / "benchledger.db")
        assert KEY.encode() not in everything(self.folder / "benchledger.db")
        return said


def first_run(reader, *words):
    reader.paste("benchledger --ledger benchledger.db init")
    reader.paste(" ".join(["benchledger --ledger benchledger.db run", *map(str, words)]))


def cells(reader):
    with Ledger.open(reader.folder / "benchledger.db") as ledger:
        query = "SELECT sandbox, mode, outcome, outcome_kind FROM attempts ORDER BY first_seq"
        return ledger.connection.execute(query).fetchall()


def test_every_command_of_a_local_cell_works(real, image, endpoint, tmp_path):
    reader = Reader(tmp_path, MODEL_ENDPOINT=endpoint.url, MODEL_ID="test/model-1", MODEL_KEY=KEY)
    first_run(reader, "--agent", real, "--model scripted --scripted --task", TASK)
    said = reader.pastes_all()
    assert len(said) >= 20
    text = "\n".join(said.values())
    assert "provisional, not for citation" in text
    assert "agrees" in text
    assert "no defect" in text
    # itself, again, from its calls, in docker, with another model; and the one of the container, appended
    assert cells(reader) == [
        ("local", "scripted", "finished", None),
        ("local", "scripted", "finished", None),
        ("local", "replay", "finished", None),
        ("docker", "scripted", "finished", None),
        ("local", "live", "finished", None),
        ("run-cell", "scripted", "finished", None),
    ]


def test_every_command_of_a_cell_in_docker_works(client, real, image, endpoint, tmp_path):
    name = f"tiny-{os.getpid()}"
    agent_file(tmp_path, name=name)
    reader = Reader(tmp_path, MODEL_ENDPOINT=endpoint.url, MODEL_ID="test/model-1", MODEL_KEY=KEY)
    (tmp_path / "registry").mkdir()
    with registry(tmp_path / "registry") as place:
        client.api.tag(image, f"{place}/agents/{name}", "1.0")
        client.api.push(f"{place}/agents/{name}", "1.0")
        words = f"--agent {name} --agent-file {name}.toml --scripted --task {PYTHON} --sandbox docker"
        first_run(reader, words, f"--image {place}/agents/{name}:1.0")
        said = reader.pastes_all()
    (pull,) = (command for command in said if command.startswith("docker pull "))
    assert pull.removeprefix("docker pull ").startswith(f"{place}/agents/{name}@sha256:")
    assert pull.count("sha256:") == 1
    digest = pull.partition("@")[2]
    assert f"Digest: {digest}" in said[pull]
    with Ledger.open(tmp_path / "benchledger.db") as ledger:
        query = "SELECT DISTINCT image_digest FROM attempts WHERE sandbox = 'docker' AND mode = 'scripted'"
        assert ledger.connection.execute(query).fetchall() == [(digest,)]
    assert {row[0] for row in cells(reader)} == {"docker", "run-cell"}
    assert {row[1] for row in cells(reader)} == {"scripted", "replay", "live"}


def test_every_command_of_a_cell_with_an_endpoint_works(real, image, endpoint, tmp_path):
    # run-cell reaches a loopback endpoint by the network of the machine, as the page says
    reader = Reader(
        tmp_path, MODEL_ENDPOINT=endpoint.url, MODEL_ID="test/model-1", MODEL_KEY=KEY, NETWORK="host"
    )
    live = '--endpoint "$MODEL_ENDPOINT" --key-env MODEL_KEY --price 1.5,6'
    first_run(reader, "--agent", real, "--model test/model-1 --task", TASK, live)
    (again,) = (group for group in reader.page()[0]["groups"] if group["name"] == "again")
    assert endpoint.url in " ".join(again["needs"])
    said = reader.pastes_all()
    assert any("--key-stdin" in command and "docker run" in command for command in said)
    assert {row[1] for row in cells(reader)} == {"live", "replay"}
    assert {row[0] for row in cells(reader)} == {"local", "docker", "run-cell"}
    assert {row[3] for row in cells(reader)} == {None}


def test_a_command_without_its_variables_says_what_is_wanting(real, tmp_path):
    reader = Reader(tmp_path)
    first_run(reader, "--agent", real, "--model scripted --scripted --task", TASK)
    (group,) = (each for each in reader.page()[0]["groups"] if each["name"] == "endpoint")
    doctor, run = (each["command"] for each in group["commands"])
    assert "the variable of --key-env is not set; export it" in reader.paste(doctor, code=3)
    assert "give --endpoint URL" in reader.paste(run, code=2) or "--model" in reader.paste(run, code=2)
    checked(tmp_path / "benchledger.db")
