"""CI runs what the README tells a reader to run."""

import os

from tests.house.tree import ROOT


def test_ci_ends_with_the_test_command_of_the_readme():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line.strip() for line in lines if line.strip().endswith("just test")]
    last = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1]
    # several commands would be as wrong as another one; none means that the README is not written yet
    assert commands in ([], [last])


def test_ci_script_is_executable():
    assert os.access(ROOT / ".ci/run", os.X_OK)
