"""`benchledger run-cell` outside of an image: what it refuses, and the cell that root may run anywhere."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from benchledger.ledger.cell_view import stream_of
from benchledger.ledger.store import Ledger
from benchledger.runners import inside
from benchledger.runners.agents.files import load_agents
from benchledger.runners.agents.install import Installed, recipe_digest
from benchledger.runners.inside import AGENT_RECORD, image_named, installed_inside
from benchledger.runners.sandboxes import run_cell
from benchledger.runners.task import suite_root
from benchledger.schema.errors import UsageError
from tests.cells.parts import PYTHON, blob_text
from tests.cli.calls import answer, call, refused
from tests.cli.test_shapes import CELL, HEAD, TEXT, holds

NOP = ("run-cell", "--agent", "nop", "--task", PYTHON)
BUNDLE = CELL | dict(bundle=TEXT, ledger_id=TEXT, head=HEAD, policy=TEXT)

USERS = [(number, number) for number in (50_000 + os.getpid() % 4_000, 55_000 + os.getpid() % 4_000)]

# Says who it is; the task's own checks do the rest.
CHECK = "import os\nprint('# checks are', os.getuid())\nexec(open('check_2.py').read())\n"


@pytest.fixture
def own_task(tmp_path, monkeypatch):
    """A task for root alone, whose checks say which user they are; and users whom nobody else here is."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root on Linux runs a cell under other users")
    # the users of images may be those of containers that run on this machine
    monkeypatch.setattr(inside, "AGENT", USERS[0])
    monkeypatch.setattr(inside, "CHECKS", USERS[1])
    monkeypatch.setattr(run_cell, "_sees_the_kernel", lambda: False)
    folder = tmp_path / "tasks" / "mine" / "lru"
    shutil.copytree(suite_root() / PYTHON, folder)
    (folder / "checks" / "check.py").rename(folder / "checks" / "check_2.py")
    (folder / "checks" / "check.py").write_text(CHECK)
    (tmp_path / "tasks").chmod(0o700)
    return folder.parent.parent


def test_root_runs_a_cell_under_other_users_and_hands_out_a_bundle(own_task, empty, tmp_path):
    out = tmp_path / "cell.jsonl.gz"
    words = ("run-cell", "--agent", "oracle", "--task", "mine/lru", "--tasks", own_task, "--out", out)
    told = answer(*words, "--sweep", "s")
    holds(told, BUNDLE)
    assert told["composite"] > 0.9
    assert told["sandbox"] == "run-cell"
    assert gzip.decompress(out.read_bytes()).startswith(b'{"format":"benchledger-export-1"')
    assert answer("append", out)["cells"] == 1
    (row,) = answer("cells")
    assert (row["composite"], row["origin"]) == (told["composite"], told["ledger_id"])
    assert "not planned before launch" not in row["standing_reasons"]
    assert "no image identity recorded" in row["standing_reasons"]
    with Ledger.open(empty) as ledger:
        events = ledger.stream(stream_of(f"{row['origin']}:{row['cell_id']}@1"))
        (ran,) = (event.payload for event in events if event.meta.type == "grader.ran")
        assert f"# checks are {USERS[1][0]}" in blob_text(ledger, ran["stdout"])


def test_the_bundle_alone_goes_to_standard_output(own_task, db):
    words = ("run-cell", "--agent", "nop", "--task", "mine/lru", "--tasks", own_task)
    done = call(*words)
    first = gzip.decompress(done.stdout_bytes).splitlines()[0]
    assert first.startswith(b'{"format":"benchledger-export-1"')
    assert "Failed: " in done.stderr
    assert "next: benchledger append FILE" in done.stderr


def test_checks_that_the_agent_could_read_are_refused(own_task):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(own_task, folder, dirs_exist_ok=True)
        Path(folder).chmod(0o755)
        said = refused("run-cell", "--agent", "nop", "--task", "mine/lru", "--tasks", folder, code=3)
    assert "the agent could read" in said
    assert "/checks/" in said


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--json",), 2, "--out"),
        (("--key-stdin", "--key-file", "f"), 2, "exclude each other"),
        (("--key-stdin",), 2, "the key is empty"),
        (("--key-file", "/nowhere/key"), 3, "--key-file cannot be read"),
        (("--sandbox", "docker"), 2, "No such option"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words, code, said):
    result = call(*NOP, *words, code=code, input="")
    assert said in result.stderr
    assert result.stdout == ""


def test_on_a_machine_of_others_it_is_refused(monkeypatch):
    monkeypatch.setattr(run_cell, "_sees_the_kernel", lambda: True)
    assert "in a container of its own" in refused(*NOP, code=3)


def test_without_root_there_are_no_other_users(monkeypatch):
    monkeypatch.setattr(run_cell, "_sees_the_kernel", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "only root can run a program as another user" in refused(*NOP, code=3)


def test_a_digest_is_recorded_as_given_and_only_where_it_is_one():
    digest, other = "sha256:" + "0" * 64, "sha256:" + "1" * 64
    built = {"BENCHLEDGER_IMAGE": "a:1", "BENCHLEDGER_IMAGE_ID": other, "BENCHLEDGER_IMAGE_DIGEST": other}
    assert image_named(digest, built) == {"image": "a:1", "image_id": other, "image_digest": digest}
    assert image_named(None, built)["image_digest"] == other
    assert set(image_named(None, {}).values()) == {None}
    with pytest.raises(UsageError, match="no digest of an image"):
        image_named("latest", {})


def test_the_installation_of_an_image_is_used_where_it_is_the_one_that_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    spec = load_agents()["aider"]
    made = Installed(spec.name, spec.version, recipe_digest(spec), "/opt/aider", "/opt/aider/bin/aider")
    assert installed_inside(spec, tmp_path) is None
    (tmp_path / AGENT_RECORD).write_text(json.dumps(asdict(made)))
    assert installed_inside(spec, tmp_path) == made
    assert installed_inside(load_agents()["codex"], tmp_path) is None
    assert installed_inside(load_agents()["nop"], tmp_path).bin == ""
