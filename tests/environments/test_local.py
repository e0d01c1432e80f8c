"""Environments on this machine: made once, whole or not at all, and the same for every cell."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchledger.runners.environments import local
from benchledger.runners.environments.recipe import Ready
from benchledger.runners.prepare import Request, prepare
from benchledger.runners.proving import judge_in
from benchledger.runners.task import load_task
from benchledger.schema.errors import BadInput, SetupFailed, UsageError
from tests.cells.parts import everything, payloads, prepared, run_into, steps
from tests.environments.parts import PASSWORD, PIP, PLAIN, index_check, passes, task_with, toml_with
from tests.runners.tasks import write_task

WORD = ("mkdir -p $TASK_ENV && echo made > $TASK_ENV/word",)


def test_packages_of_a_setup_are_there_for_agent_and_checks_and_are_fetched_once(
    tmp_path, index, ledger, place
):
    task = task_with(tmp_path / "tasks", PIP, index_check(index))
    told = []
    parts = prepare(Request(agent="oracle", task="made/sum", roots=[tmp_path / "tasks"]), told.append)
    ran = run_into(ledger, parts, None)
    assert passes(ran), ran.notes
    assert told[1] == f"made/sum: setup 2 of 2: {PIP[1]}"
    tiny = prepared(tmp_path, task="made/sum", roots=[tmp_path / "tasks"])
    asked = run_into(ledger, tiny, steps(tiny, "tiny > sum.txt; echo $TASK_ENV; command -v tiny; env"))
    said = ledger.blob(payloads(ledger, asked.ref, "cell.exited")[0]["stdout"]["blob"]).decode()
    ready = local.local_environment(task)
    assert f"\n{ready.folder}\n{ready.folder}/bin/tiny\n" in said
    assert "INDEX_URL" not in said
    assert index.fetched == 1
    (setup,) = payloads(ledger, ran.ref, "cell.setup")
    assert setup["host"]["environment"] == ready.digest
    assert PASSWORD.encode() not in everything(tmp_path / "cells.db")


def test_another_setup_or_other_files_make_another_environment_and_another_condition(tmp_path, ledger, place):
    tasks = [
        task_with(tmp_path / "1", WORD, PLAIN),
        task_with(tmp_path / "2", (*WORD, "true"), PLAIN),
        task_with(tmp_path / "3", WORD, PLAIN, workdir__requirements="x"),
    ]
    assert len({local.local_environment(task).digest for task in tasks}) == 3
    assert local.local_environment(task_with(tmp_path / "4", WORD, PLAIN + "\n")) == local.local_environment(
        tasks[0]
    )
    for root in ("1", "2"):
        parts = prepare(Request(agent="oracle", task="made/sum", roots=[tmp_path / root]))
        assert passes(run_into(ledger, parts, None))
    found = ledger.connection.execute(
        "SELECT DISTINCT json_extract(condition, '$.environment') FROM settings"
    )
    assert {row[0] for row in found} == {local.local_environment(task).digest for task in tasks[:2]}


def test_another_interpreter_makes_another_environment(tmp_path, place, monkeypatch):
    task = task_with(tmp_path / "tasks", WORD, PLAIN)
    digests = {local.local_environment(task).digest}
    for number in (1, 2):
        fake = tmp_path / str(number) / "python3"
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/sh\necho Python 3.99.{number}\n")
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
        digests.add(local.local_environment(task).digest)
    assert len(digests) == 3


def test_a_setup_runs_in_a_copy_of_the_workdir_and_changes_no_file_of_the_task(tmp_path, place):
    task = task_with(tmp_path, ("cat sum.txt > $TASK_ENV/word; echo 9 > sum.txt; rm -r src",), PLAIN)
    ready = local.local_environment(task)
    assert (Path(ready.folder) / "word").read_text() == "5\n"
    assert (task.workdir / "sum.txt").read_text() == "5\n"
    assert (task.workdir / "src" / "kept.txt").exists()


def test_a_setup_that_fails_says_its_last_lines_and_leaves_nothing(tmp_path, place):
    task = task_with(tmp_path, ("echo begun > $TASK_ENV/word", "echo no such thing >&2; exit 7"), PLAIN)
    for _ in range(2):
        with pytest.raises(
            SetupFailed, match="`echo no such thing >&2; exit 7` ends with exit code 7: no such thing"
        ):
            local.local_environment(task)
    assert not list(place.glob("*/.builds/*"))
    assert not list(place.glob("*/ready"))
    verdict = judge_in(task)
    assert (verdict.result, verdict.oracle) == ("finding", None)
    assert "exit code 7" in verdict.problems[0]


def test_a_setup_that_does_not_end_is_ended(tmp_path, place, monkeypatch):
    monkeypatch.setattr(local, "SETUP_SECONDS", 1.0)
    task = task_with(tmp_path, ("echo slow; sleep 600",), PLAIN)
    with pytest.raises(SetupFailed, match="takes more than 0 minutes: slow"):
        local.local_environment(task)
    assert not list(place.glob("*/.builds/*"))


MAKER = """\
import sys
from pathlib import Path
from benchledger.runners.environments.local import local_environment
from benchledger.runners.task import load_task
local_environment(load_task(Path(sys.argv[1])))
"""


def test_a_maker_that_is_killed_leaves_nothing_that_looks_ready_and_no_process(tmp_path, place):
    log = tmp_path / "pid"
    slow = f"[ -e {tmp_path}/quick ] || {{ echo $$ > {log}; sleep 600; }}; echo made > $TASK_ENV/word"
    task = task_with(tmp_path / "tasks", (slow,), PLAIN)
    with subprocess.Popen([sys.executable, "-c", MAKER, task.folder]) as maker:
        deadline = time.monotonic() + 30
        while not log.exists() or not log.read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        maker.send_signal(signal.SIGKILL)
    assert not list(place.glob("*/ready"))
    (left,) = place.glob("*/.builds/*")
    pid = int(log.read_text())
    deadline = time.monotonic() + 30
    while os.path.exists(f"/proc/{pid}"):  # noqa: PTH110
        assert time.monotonic() < deadline, "the setup outlived its maker"
        time.sleep(0.05)
    (tmp_path / "quick").touch()
    assert judge_in(task).result == "sound"
    assert not left.exists()


def test_of_two_makers_one_builds_and_the_other_waits(tmp_path, place):
    log = tmp_path / "log"
    task = task_with(tmp_path / "tasks", (f"echo run >> {log}; sleep 0.5", *WORD), PLAIN)
    with ThreadPoolExecutor(3) as pool:
        made = [future.result() for future in [pool.submit(local.local_environment, task) for _ in range(3)]]
    assert log.read_text() == "run\n"
    assert len(set(made)) == 1


def test_an_agent_that_alters_the_environment_gains_nothing_by_it(tmp_path, ledger, place):
    check = PLAIN + "\nimport json\n"  # a module that the agent shadows
    setup = (*WORD, 'mkdir $TASK_ENV/bin; ln -s "$(command -v python3)" $TASK_ENV/bin/python3')
    root = tmp_path / "tasks"
    task = task_with(root, setup, check)
    before = local.local_environment(task)
    parts = prepared(tmp_path, task="made/sum", roots=[root])
    cheat = (
        "chmod -R u+w $TASK_ENV && rm $TASK_ENV/bin/python3 && "
        "printf '#!/bin/sh\\necho ok sum; echo ok kept\\n' > $TASK_ENV/bin/python3 && chmod +x $TASK_ENV/bin/python3"
    )
    ran = run_into(ledger, parts, steps(parts, cheat))
    assert ran.outcome == ("finished", None)
    (graded,) = payloads(ledger, ran.ref, "grader.ran")
    assert (graded["exit_code"], graded["checks_after"]) == (1, {"sum": False, "kept": True})
    assert "the agent altered the task's environment" in ran.notes
    again = run_into(ledger, parts, steps(parts, "cat $TASK_ENV/word; echo 4 > sum.txt"))
    assert passes(again)
    assert "altered" not in again.notes
    after = local.local_environment(task)
    assert after.folder != before.folder
    honest = run_into(ledger, prepare(Request(agent="oracle", task="made/sum", roots=[root])), None)
    assert passes(honest)
    assert "altered" not in honest.notes


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_environment_is_sealed_against_writes_by_accident(tmp_path, place):
    ready = local.local_environment(task_with(tmp_path, WORD, PLAIN))
    with pytest.raises(PermissionError):
        (Path(ready.folder) / "word").write_text("x")


def test_python_that_is_merely_used_does_not_alter_an_environment(tmp_path, place):
    setup = (
        *WORD,
        "python3 -m venv --without-pip $TASK_ENV",
        "echo x = 1 > $(echo $TASK_ENV/lib/python3*/site-packages)/fresh.py",
    )
    task = task_with(tmp_path, setup, "import fresh\n" + PLAIN)
    ready = local.local_environment(task)
    assert judge_in(task).result == "sound"
    assert not local.altered(ready)
    Path(ready.folder, "word").chmod(0o600)
    assert local.altered(ready)
    assert not local.altered(None)
    assert not local.altered(Ready("0" * 64, image_id="sha256:1"))


@pytest.mark.parametrize("key", ["image", "dockerfile"])
def test_a_task_that_wants_an_image_is_refused_in_a_plain_process(tmp_path, key):
    name = "environment/Dockerfile"
    task = task_with(tmp_path, (), PLAIN, f'{key} = "{name}"\n', environment__Dockerfile="FROM x\n")
    with pytest.raises(UsageError, match=f"environment.{key}.*local") as caught:
        prepare(Request(agent="nop", task="made/sum", roots=[tmp_path]))
    assert caught.value.hint == "use --sandbox docker"
    assert judge_in(task).result == "skipped"
    with pytest.raises(UsageError, match="run-cell cannot make"):
        prepare(Request(agent="nop", task="made/sum", roots=[tmp_path], sandbox="run-cell"))


@pytest.mark.parametrize(
    "name", ["Dockerfile", "checks/Dockerfile", "solution/deep/Dockerfile", "../Dockerfile"]
)
def test_a_dockerfile_beside_solution_or_checks_is_refused(tmp_path, name):
    files = {name: "FROM x\n", "checks/check.py": PLAIN}
    folder = write_task(tmp_path, files, task_toml=toml_with(more=f'dockerfile = "{name}"\n'))
    with pytest.raises(BadInput, match="would give solution and checks away"):
        load_task(folder)


def test_a_tool_that_only_the_setup_brings_counts_as_there(tmp_path, ledger, place):
    tool = "$TASK_ENV/bin/own-tool"
    setup = (*WORD, f"mkdir $TASK_ENV/bin && printf '#!/bin/sh\n' > {tool} && chmod +x {tool}")
    toml = toml_with(setup).replace('["python3"]', '["python3", "own-tool"]')
    write_task(tmp_path / "tasks", {"checks/check.py": PLAIN}, task_toml=toml)
    parts = prepare(Request(agent="oracle", task="made/sum", roots=[tmp_path / "tasks"]))
    assert passes(run_into(ledger, parts, None))
