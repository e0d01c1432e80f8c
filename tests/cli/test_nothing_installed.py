"""`check` where nothing is installed: from a wheel into a fresh environment, and by uvx and pipx."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.cells.parts import PYTHON, agent_file
from tests.house.tree import ROOT, kept_files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What git keeps, as a clone has it."""
    tree = tmp_path_factory.mktemp("clone") / "tree"
    for name in kept_files():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    return tree


@pytest.fixture(scope="module")
def wheel(clone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", folder, clone], check=True)
    (made,) = folder.glob("*.whl")
    return made


def environment_with(folder, *what):
    """Make a fresh virtual environment with `what` in it; return its bin."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", *what], check=True)
    return folder / "bin"


def checked(command, tmp_path, *words, **variables):
    """Run a check in an empty folder; what it says as JSON. Nothing is left in the folder."""
    empty = tmp_path / "empty"
    empty.mkdir()
    state = {"XDG_DATA_HOME": tmp_path / "data", "XDG_STATE_HOME": tmp_path / "state"}
    env = {**os.environ, **{name: str(value) for name, value in (state | variables).items()}}
    given = [*command, "check", "--task", PYTHON, "--json", *words]
    done = subprocess.run(given, cwd=empty, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(empty.iterdir()) == []
    told = json.loads(done.stdout)
    assert told["provisional"]
    assert told["not_for_citation"][0] == "kept in no ledger"
    return told


def test_a_wheel_in_a_fresh_environment_is_all_that_a_check_needs(wheel, tmp_path):
    command = environment_with(tmp_path / "fresh", wheel) / "benchledger"
    words = ("--agent", "tiny", "--agent-file", agent_file(tmp_path), "--scripted")
    told = checked([command], tmp_path, *words)
    assert told["composite"] > 0.9
    assert told["model_calls"] >= 3


@pytest.fixture(scope="module")
def runners(tmp_path_factory):
    """The folder with uvx and pipx."""
    try:
        return environment_with(tmp_path_factory.mktemp("runners"), "uv", "pipx")
    except subprocess.CalledProcessError:
        pytest.skip("no package index has uv and pipx here")


def test_pipx_runs_a_check_from_a_wheel(runners, wheel, tmp_path):
    command = [runners / "pipx", "run", "--spec", wheel, "benchledger"]
    told = checked(command, tmp_path, "--agent", "oracle", PIPX_HOME=tmp_path / "pipx")
    assert told["composite"] > 0.95


def test_uvx_runs_a_check_from_a_clone(runners, clone, tmp_path):
    command = [runners / "uvx", "--from", clone, "benchledger"]
    told = checked(command, tmp_path, "--agent", "oracle", UV_CACHE_DIR=tmp_path / "uv")
    assert told["composite"] > 0.95
