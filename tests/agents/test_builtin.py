"""Oracle and nop are done by us, not by a process."""

import pytest

from benchledger.runners.agents.builtin import act
from benchledger.runners.agents.files import load_agents
from benchledger.schema.errors import BadInput, UsageError

AGENTS = load_agents()


@pytest.fixture
def folders(tmp_path):
    solution, workdir = tmp_path / "solution", tmp_path / "workdir"
    (solution / "deep").mkdir(parents=True)
    (solution / "a.py").write_text("right")
    (solution / "deep" / "run.sh").write_text("#!/bin/sh")
    (solution / "deep" / "run.sh").chmod(0o755)
    workdir.mkdir()
    (workdir / "a.py").write_text("wrong")
    (workdir / "b.py").write_text("kept")
    return solution, workdir


def test_oracle_lays_the_solution_over_the_workdir_and_keeps_the_rest(folders):
    solution, workdir = folders
    (solution / "__pycache__").mkdir()
    (solution / "__pycache__" / "a.cpython-311.pyc").write_text("an installer compiled it")
    act(AGENTS["oracle"], solution, workdir)
    assert (workdir / "a.py").read_text() == "right"
    assert not (workdir / "__pycache__").exists()
    assert (workdir / "b.py").read_text() == "kept"
    assert (workdir / "deep" / "run.sh").stat().st_mode & 0o777 == 0o755


def test_nop_changes_nothing_and_needs_no_solution(folders, tmp_path):
    act(AGENTS["nop"], tmp_path / "none", folders[1])
    assert (folders[1] / "a.py").read_text() == "wrong"


def test_oracle_without_a_solution_and_agents_that_are_programs_are_refused(folders, tmp_path):
    with pytest.raises(UsageError, match="there is no solution"):
        act(AGENTS["oracle"], tmp_path / "none", folders[1])
    with pytest.raises(UsageError, match="pi is a process"):
        act(AGENTS["pi"], *folders)


@pytest.mark.parametrize("side", [0, 1])
def test_oracle_follows_no_link_out_of_the_workdir(folders, tmp_path, side):
    outside = tmp_path / "outside"
    outside.mkdir()
    (folders[0] / "link").mkdir()
    (folders[0] / "link" / "x").write_text("x")
    if side == 0:
        (folders[0] / "other").symlink_to(outside)
    else:
        (folders[1] / "link").symlink_to(outside)
    with pytest.raises(BadInput, match="link"):
        act(AGENTS["oracle"], *folders)
    assert list(outside.iterdir()) == []
