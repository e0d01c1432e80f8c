"""CI runs what the README tells a reader to run, and has every part that tests can ask for."""

import os
import re

from tests.agents.chosen import IN_DOCKER, LOCALLY
from tests.engine import NEED, PARTS
from tests.house.tree import ROOT

SCRIPT = (ROOT / ".ci/run").read_text(encoding="utf-8")


def array(name):
    """Return the words of a bash array, comments left out; additions of `name+=(…)` included."""
    found = re.findall(rf"^(?:if .* then )?{name}\+?=\((.*?)\)(?:; fi)?$", SCRIPT, re.MULTILINE | re.DOTALL)
    return [word for text in found for word in re.sub(r"#.*", "", text).split()]


def test_ci_ends_with_the_test_command_of_the_readme():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line.strip() for line in lines if line.strip().endswith("just test")]
    last = SCRIPT.splitlines()[-1]
    # several commands would be as wrong as another one; none means that the README is not written yet
    assert commands in ([], [last])


def test_ci_script_is_executable():
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_one_list_names_all_that_ci_installs():
    pairs = array("wanted")
    assert {"git:git", "node:nodejs", "npm:npm", "chromium:chromium"} <= set(pairs)
    assert {"dockerd:docker.io", "docker-registry:docker-registry"} <= set(pairs)
    assert all(re.fullmatch(r"[a-z0-9.-]+:[a-z0-9.+-]+", pair) for pair in pairs)
    assert len(set(pairs)) == len(pairs)
    assert re.findall(r"apt-get install.*", SCRIPT) == [
        'apt-get install -y --no-install-recommends "${apt[@]}" "${missing[@]}"'
    ]


def test_ci_skips_nothing_for_want_of_a_part_that_it_installs():
    always, with_engine = re.findall(rf'{NEED}="(.*)"', SCRIPT)
    assert set(always.split()) == {"browser"}
    assert set(with_engine.split()) == PARTS
    assert SCRIPT.index("engine.sh up") < SCRIPT.index(with_engine) < SCRIPT.index("images build")


def test_ci_installs_and_puts_into_images_the_agents_that_ordinary_tests_run():
    assert set(array("in_docker")) == IN_DOCKER
    assert set(array("locally")) == LOCALLY - IN_DOCKER
    assert 'agents install "${in_docker[@]}" "${locally[@]}"' in SCRIPT
    assert 'images build "${in_docker[@]}"' in SCRIPT
