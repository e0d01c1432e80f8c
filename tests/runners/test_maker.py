"""A task that a program makes is whole or not there, and is read as one written by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib

import pytest

from benchledger.runners.maker import Content, folder_contents, make_task
from benchledger.runners.prove import judge
from benchledger.runners.task import find_tasks, load_task
from benchledger.schema.errors import BadInput, UsageError
from benchledger.schema.task import Expectations
from tests.runners.made import contents, made_parts

KILLED = """
import sys, time
from pathlib import Path
from benchledger.runners.maker import make_task
from tests.runners.made import made_parts

def never(task):
    print("proving", flush=True)
    time.sleep(60)

make_task(Path(sys.argv[1]), made_parts(), never)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_parts_become_a_sound_task_with_files_that_come_go_and_may_be_run(tmp_path):
    task = make_task(tmp_path, made_parts())
    assert judge(task).problems == ()
    assert judge(task).result == "sound"
    assert find_tasks([tmp_path]) == {"made/sum": tmp_path / "made/sum"}
    assert names(tmp_path) == ["made"]
    assert folder_contents(task.solution) == made_parts().solution


def test_what_the_parts_say_is_what_task_toml_says_without_defaults(tmp_path):
    task = make_task(tmp_path, made_parts(environment={"setup": ["pip install x"]}, report="exit"))
    said = tomllib.loads((task.folder / "task.toml").read_text())
    assert said["title"] == 'The "sum" is\twrong'
    assert said["checks"] == {"command": ["sh", "t/check.sh"], "removes": ["t/old.sh"]}
    assert said["environment"] == {"setup": ["pip install x"]}
    assert task.removes == ("old/gone.txt",)
    assert "constraints" not in said["expectations"]


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path):
    make_task(tmp_path, made_parts())
    with pytest.raises(UsageError, match=r"made/sum exists; choose another name"):
        make_task(tmp_path, made_parts(title="other"))
    assert load_task(tmp_path / "made/sum").title == made_parts().title


def test_a_folder_that_appears_while_a_task_is_proved_is_left_as_it_is(tmp_path):
    with pytest.raises(UsageError, match="exists; another process made it meanwhile"):
        make_task(tmp_path, made_parts(), lambda _: make_task(tmp_path, made_parts(title="first")))
    assert load_task(tmp_path / "made/sum").title == "first"


def test_nothing_stays_where_the_proof_fails_or_the_parts_make_no_task(tmp_path):
    def unsound(_):
        raise BadInput("unsound", "mend it")

    with pytest.raises(BadInput, match="unsound"):
        make_task(tmp_path, made_parts(), unsound)
    with pytest.raises(BadInput, match="no checks/ with a file in it"):
        make_task(tmp_path, made_parts(checks={}))
    with pytest.raises(BadInput, match="expectations name neither"):
        make_task(tmp_path, made_parts(expectations=Expectations()))
    with pytest.raises(BadInput, match=r"task made/sum: language: "):
        make_task(tmp_path, made_parts(language="two words"))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file is no folder"):
        make_task(tmp_path / "file", made_parts())
    (tmp_path / "file").unlink()
    with pytest.raises(UsageError, match="write it as"):
        make_task(tmp_path, made_parts(name="../up"))
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    assert find_tasks([tmp_path]) == {}


def test_a_process_killed_while_it_proves_leaves_no_task_and_the_next_one_cleans_up(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, env={**os.environ}
    ) as process:
        assert process.stdout.readline() == b"proving\n"
        assert find_tasks([tmp_path]) == {}
        make_task(tmp_path, made_parts(name="other"))  # which leaves the living one alone
        assert len(list(tmp_path.glob(".making-*"))) == 1
        process.send_signal(signal.SIGKILL)
    assert list(find_tasks([tmp_path])) == ["made/other"]
    make_task(tmp_path, made_parts())
    assert names(tmp_path) == ["made"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"removes": ("none.txt",)}, "removes names 'none.txt', and there is no workdir/none.txt"),
        ({"removes": ("sum.txt",)}, "removes takes away 'sum.txt', and solution/sum.txt brings it"),
        ({"checks_remove": ("t",)}, "checks.removes names 't', and there is no workdir/t"),
        ({"removes": ("../up",)}, "removes.0: not a plain path"),
    ],
)
def test_a_removal_that_means_nothing_is_refused(tmp_path, changed, said):
    with pytest.raises(BadInput) as caught:
        make_task(tmp_path, made_parts(**changed))
    assert said in str(caught.value)


def test_a_solution_may_consist_of_removals_alone(tmp_path):
    parts = made_parts(
        workdir=contents({"bad.txt": "x\n", "kept.txt": "x\n"}),
        solution={},
        removes=("bad.txt",),
        checks=contents({"check.sh": "test ! -e bad.txt\n"}),
        checks_remove=(),
        command=("sh", "check.sh"),
        expectations=Expectations(expected=("bad.txt",)),
        script=None,
    )
    assert judge(make_task(tmp_path, parts)).result == "sound"


def test_bytes_of_any_kind_arrive_as_they_are(tmp_path):
    data = bytes(range(256)) * 9
    task = make_task(tmp_path, made_parts(workdir=dict(made_parts().workdir) | {"b": Content(data, True)}))
    assert folder_contents(task.workdir)["b"] == Content(data, True)
