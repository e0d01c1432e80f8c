"""Installing: pinned, in one step, found again, and a reason with the next step where it cannot be."""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from benchledger.runners.agents.install import cache_altered, default_root, install, installed
from benchledger.runners.agents.recipes import _npm_lock
from benchledger.runners.agents.spec import AgentSpec, Install, LaunchTemplate
from benchledger.runners.agents.tools import find_node, find_python, managed_node, run_tool
from benchledger.runners.agents.versions import in_range
from benchledger.schema.errors import EnvironmentLacks
from tests.agents.registry import npm_registry, wheel_in

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on PATH")


def tiny(**recipe) -> AgentSpec:
    made = {
        "kind": "pip",
        "packages": ("tiny==1.2.3",),
        "bin": "tiny",
        "check": ("{bin}", "--version"),
    } | recipe
    launch = LaunchTemplate(argv=("{bin}", "{instruction}"))
    return AgentSpec(
        name="tiny", version="1.2.3", protocols=("openai-chat",), install=Install(**made), launch=launch
    )


def tiny_npm(**recipe) -> AgentSpec:
    return tiny(kind="npm", packages=("tiny@1.2.3",), **recipe)


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    (tmp_path / "wheels").mkdir()
    wheel_in(tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))


@pytest.fixture
def registry(monkeypatch):
    with npm_registry() as url:
        monkeypatch.setenv("npm_config_registry", url)
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        yield


def builds(root: Path) -> list[Path]:
    return sorted((root / "tiny" / ".builds").iterdir())


def test_a_pip_agent_is_installed_once_and_found_again(tmp_path, wheels):
    root, said = tmp_path / "agents", []
    assert installed(tiny(), root) is None
    ready = install(tiny(), root, said.append)
    assert subprocess.check_output([ready.bin], text=True) == "tiny 1.2.3\n"
    assert ready.runtime.startswith("python 3.")
    assert installed(tiny(), root) == ready
    assert install(tiny(), root, said.append) == ready
    assert said[0] == "pip install tiny==1.2.3"
    assert said[-1] == "tiny 1.2.3 is installed"
    place = root / "tiny" / "1.2.3"
    assert json.loads((place / "installed.json").read_text())["lock"] == ready.lock
    assert "tiny==1.2.3" in (place / "lock.txt").read_text()


@needs_npm
def test_another_recipe_is_another_installation_and_replaces_the_first(tmp_path, registry):
    first = install(tiny_npm(), tmp_path)
    assert installed(tiny_npm(check=()), tmp_path) is None
    second = install(tiny_npm(check=()), tmp_path)
    assert builds(tmp_path) == [Path(second.prefix)]
    assert first.prefix != second.prefix


@needs_npm
def test_two_installers_at_once_make_one_installation(tmp_path, registry):
    found = []
    threads = [threading.Thread(target=lambda: found.append(install(tiny_npm(), tmp_path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert len(builds(tmp_path)) == 1


def test_a_version_that_is_not_there_leaves_nothing_behind(tmp_path, wheels):
    with pytest.raises(EnvironmentLacks, match="does not have this version"):
        install(tiny(packages=("tiny==9.9",)), tmp_path)
    assert builds(tmp_path) == []
    assert installed(tiny(packages=("tiny==9.9",)), tmp_path) is None


@needs_npm
def test_an_agent_that_is_not_what_its_file_says_is_refused(tmp_path, registry):
    wrong = tiny_npm().model_copy(update={"version": "2.0.0"})
    with pytest.raises(EnvironmentLacks, match=r"says it is 'tiny 1\.2\.3 .*', not 2\.0\.0"):
        install(wrong, tmp_path)
    with pytest.raises(EnvironmentLacks, match="has no executable 'large'"):
        install(tiny_npm(bin="large"), tmp_path)
    assert builds(tmp_path) == []


@needs_npm
def test_what_a_killed_installer_left_is_removed_by_the_next(tmp_path, registry):
    left = tmp_path / "tiny" / ".builds" / "dead" / "cache"
    left.mkdir(parents=True)
    left.chmod(0o500)
    (tmp_path / "tiny" / ".dead.link").symlink_to("nowhere")
    ready = install(tiny_npm(), tmp_path)
    assert builds(tmp_path) == [Path(ready.prefix)]
    assert not (tmp_path / "tiny" / ".dead.link").is_symlink()


@needs_npm
def test_an_npm_agent_starts_on_its_own_node_whatever_the_path(tmp_path, registry):
    ready = install(tiny_npm(), tmp_path)
    said = subprocess.check_output([ready.bin, "a b"], text=True, env={"PATH": "/nowhere:/bin:/usr/bin"})
    assert said.startswith("tiny 1.2.3 scripted=false")
    assert said.endswith("a b\n")
    assert ready.runtime.startswith("node ")
    assert "tiny 1.2.3 sha512-" in (Path(ready.prefix) / "lock.txt").read_text()


@needs_npm
def test_install_scripts_run_only_for_packages_that_the_recipe_names(tmp_path, registry):
    ready = install(tiny_npm(scripts=("tiny",)), tmp_path)
    assert "scripted=true" in subprocess.check_output([ready.bin], text=True)


@needs_npm
def test_the_check_fills_the_shared_cache_and_a_change_in_it_is_noticed(tmp_path, registry):
    ready = install(tiny_npm(cache_env="TINY_CACHE"), tmp_path)
    warm = Path(ready.cache) / "warm"
    assert warm.stat().st_mode & 0o222 == 0
    assert not cache_altered(ready)
    warm.chmod(0o600)
    warm.write_text("a note to the next cell")
    assert cache_altered(ready)


@needs_npm
@pytest.mark.parametrize(
    ("package", "said"), [("tiny@9.9.9", "does not have this version"), ("gone@1.0.0", "does not have this")]
)
def test_a_package_that_npm_does_not_find_is_said_so(tmp_path, registry, package, said):
    with pytest.raises(EnvironmentLacks, match=said):
        install(tiny(kind="npm", packages=(package,)), tmp_path)
    assert builds(tmp_path) == []


@needs_npm
def test_a_registry_that_does_not_answer_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with pytest.raises(EnvironmentLacks, match=r"cannot be reached; check the network"):
        install(tiny_npm(), tmp_path)


def test_no_npm_on_path_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentLacks, match=r"there is no npm on PATH; install Node\.js"):
        install(tiny_npm(), tmp_path)


def test_no_python_in_the_range_is_said_so():
    with pytest.raises(EnvironmentLacks, match=r"no Python >=3\.98,<3\.99 with the modules venv"):
        find_python(">=3.98,<3.99")
    assert find_python(">=3.11").name.startswith("python")


def test_a_node_too_old_is_not_taken_and_another_is_named():
    assert find_node(">=900") is None
    assert managed_node(">=22.19")[0].startswith("node-")
    with pytest.raises(EnvironmentLacks, match=r"Node\.js >=900 is needed"):
        managed_node(">=900")


def test_an_agent_without_a_recipe_is_looked_for_on_path(tmp_path, monkeypatch):
    spec = tiny(kind="none", packages=(), check=())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed(spec) is None
    with pytest.raises(EnvironmentLacks, match="needs 'tiny' on PATH"):
        install(spec)
    (tmp_path / "tiny").write_text("#!/bin/sh\n")
    (tmp_path / "tiny").chmod(0o755)
    assert install(spec).bin == str(tmp_path / "tiny")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo ENOSPC >&2; exit 1", "disk is full"),
        ("echo one; echo two >&2; exit 7", "exit code 7: two | one"),
        ("echo getaddrinfo EAI_AGAIN >&2; exit 1", "cannot be reached"),
    ],
)
def test_a_failed_step_says_what_the_tool_said(tmp_path, script, said):
    with pytest.raises(EnvironmentLacks) as caught:
        run_tool(["/bin/sh", "-c", script], tmp_path, {}, "the step")
    assert said in str(caught.value)
    assert caught.value.hint


def test_an_installer_never_sees_the_environment_that_we_run_in(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    assert "elsewhere" not in run_tool(["/usr/bin/env"], tmp_path, {}, "env")


def test_a_lock_says_nothing_of_the_registry_that_it_came_from():
    entry = {"version": "1.0.0", "resolved": "http://127.0.0.1/a.tgz", "integrity": "sha512-x"}
    text = json.dumps({"packages": {"": {}, "node_modules/a": entry, "node_modules/b": {"link": True}}})
    assert _npm_lock(text) == "a 1.0.0 sha512-x\nb - -\n"


def test_agents_lie_in_the_data_folder_of_the_user(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/d")
    assert default_root() == Path("/d/benchledger/agents")
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_root() == Path.home() / ".local/share/benchledger/agents"


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ((3, 11, 7), ">=3.11,<3.13", True),
        ((3, 13, 0), ">=3.11,<3.13", False),
        ((20, 20, 2), ">=22.19", False),
    ],
)
def test_a_range_counts_numbers_not_letters(version, wanted, fits):
    assert in_range(version, wanted) is fits


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path, wheels):
    tmp_path.chmod(0o500)
    with pytest.raises(EnvironmentLacks, match="cannot be written"):
        install(tiny(), tmp_path)
