"""tasks: list, show, check and new, over the tasks that ship and those of a user."""

import json
import signal
import subprocess
import time

import pytest

from benchledger.runners.task import find_tasks, identity, load_task, suite_root
from tests.cli.calls import COMMAND, answer, call, refused, spawn
from tests.cli.test_shapes import TEXT, holds
from tests.runners.tasks import TOML, write_task

SHIPPED = find_tasks([suite_root()])
ROW = dict(
    task=TEXT,
    category=TEXT,
    language=TEXT,
    title=TEXT,
    toolchain=list,
    available=bool,
    missing=list,
    limits=dict,
)
SHOWN = ROW | dict(
    folder=TEXT, checks=dict, environment=dict, expectations=dict, digests=dict, script=list, instruction=TEXT
)
VERDICT = dict(task=TEXT, result=TEXT, problems=list, missing=list, seconds=float)
LACKING = TOML.replace("python3", "no-such-compiler")


def test_the_list_has_its_documented_shape_with_and_without_its_name():
    rows = answer("tasks")
    assert answer("tasks", "list") == rows
    assert [row["task"] for row in rows] == list(SHIPPED)
    for row in rows:
        holds(row, ROW)
        assert set(row) == set(ROW)
        assert row["available"] is not bool(row["missing"])
        assert row["limits"]["seconds"] > 0


def test_a_missing_toolchain_is_named_in_the_list(tmp_path):
    write_task(tmp_path, task_toml=LACKING)
    said = call("tasks", "--tasks", tmp_path).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("made/sum")]
    assert "no: no-such-compiler is missing" in line
    assert f"{len(SHIPPED) + 1} tasks in 4 categories" in said
    (row,) = [row for row in answer("tasks", "list", "--tasks", tmp_path) if row["task"] == "made/sum"]
    assert (row["available"], row["missing"]) == (False, ["no-such-compiler"])


def test_options_before_the_subcommand_count_for_it(tmp_path):
    write_task(tmp_path)
    said = json.loads(call("tasks", "--tasks", tmp_path, "--json", "check").stdout)
    assert [row["task"] for row in said] == ["made/sum"]
    call("tasks", "--tasks", tmp_path / "other", "new", "mine/first")
    assert (tmp_path / "other/mine/first/task.toml").is_file()


def test_a_task_that_cannot_be_read_is_named_after_the_others(tmp_path):
    write_task(tmp_path, task_toml=TOML.replace("title", "tittle"))
    result = call("tasks", "--tasks", tmp_path, code=1)
    assert "mutations/c-bitset" in result.stdout
    assert "unknown field; did you mean 'title'?" in result.stderr
    assert len(answer("tasks", "--tasks", tmp_path, code=1)) == len(SHIPPED)
    (verdict,) = answer("tasks", "check", "--tasks", tmp_path, code=1)
    assert verdict["result"] == "finding"
    assert any("did you mean 'title'?" in problem for problem in verdict["problems"])


def test_show_says_what_the_agent_is_told_and_what_it_is_judged_by():
    name = "integrity/contradictory-tests"
    task = load_task(SHIPPED[name])
    said = answer("tasks", "show", name)
    holds(said, SHOWN)
    assert said["instruction"] == task.instruction
    assert said["expectations"]["refusal_documents"] == ["REFUSAL.md"]
    known = identity(task)
    assert said["digests"] == {
        "task": known.digest,
        "instruction": known.instruction_digest,
        "workdir": known.workdir_digest,
        "checks": known.checks_digest,
    }
    assert said["script"] == ["steps", "fabricate", "weaken"]
    shown = call("tasks", "show", name).stdout
    for text in ("limits.seconds", "REFUSAL.md", known.digest, "no-new-dependency requirements*.txt"):
        assert text in shown
    assert task.instruction.strip() in shown


def test_a_task_that_does_not_exist_gets_the_nearest(tmp_path):
    assert "did you mean 'mutations/c-bitset'" in refused("tasks", "show", "mutations/c-bitse", code=2)
    assert "did you mean 'mutations/c-bitset'" in refused("tasks", "check", "mutations/c-bitse", code=2)
    assert "is no folder" in refused("tasks", "--tasks", tmp_path / "none", code=1)
    assert "tasks new" in refused("tasks", "check", "--tasks", tmp_path, code=2)


def test_a_sound_task_of_a_user_is_proved_alone(tmp_path):
    write_task(tmp_path)
    (verdict,) = answer("tasks", "check", "--tasks", tmp_path)
    holds(verdict, VERDICT)
    assert set(verdict) == {*VERDICT, "oracle", "nop"}
    assert (verdict["task"], verdict["result"]) == ("made/sum", "sound")
    assert (verdict["oracle"], verdict["nop"]) == (True, False)
    said = call("tasks", "check", "--tasks", tmp_path).stdout.splitlines()
    assert said[1].split()[:4] == ["made/sum", "sound", "passes", "fails"]
    assert said[-1] == "1 task: 1 sound, 0 with findings, 0 skipped"


def test_a_task_that_is_named_is_looked_for_everywhere(tmp_path):
    write_task(tmp_path)
    said = answer("tasks", "check", "made/sum", "mutations/shell-csv-sum", "--tasks", tmp_path)
    assert [(row["task"], row["result"]) for row in said] == [
        ("made/sum", "sound"),
        ("mutations/shell-csv-sum", "sound"),
    ]


def test_a_finding_leaves_with_one_and_is_said_in_words(tmp_path):
    write_task(tmp_path, {"solution/sum.txt": "6\n"})
    said = call("tasks", "check", "--tasks", tmp_path, code=1).stdout
    assert "made/sum: the solution fails its checks (exit code 1" in said
    assert "0 sound, 1 with findings, 0 skipped" in said


def test_a_missing_toolchain_is_a_skip_and_no_failure(tmp_path):
    write_task(tmp_path, task_toml=LACKING)
    (verdict,) = answer("tasks", "check", "--tasks", tmp_path)
    assert (verdict["result"], verdict["missing"]) == ("skipped", ["no-such-compiler"])
    said = call("tasks", "check", "--tasks", tmp_path).stdout
    assert "no-such-compiler is missing" in said
    assert "0 with findings, 1 skipped" in said


def test_a_new_task_says_what_to_fill_in_and_check_says_it_again(tmp_path):
    root = tmp_path / "my tasks"
    said = answer("tasks", "new", "mine/first", "--tasks", root, "--language", "shell")
    holds(said, {"task": TEXT, "folder": TEXT, "fill_in": list})
    (verdict,) = answer("tasks", "check", "--tasks", root, code=1)
    assert verdict["problems"] == said["fill_in"]
    assert any(
        "workdir/clamp.sh:1: fill in the same code with one defect" in mark for mark in said["fill_in"]
    )
    shown = call("tasks", "new", "mine/second", "--tasks", root).stdout
    assert shown.splitlines()[-1] == f"next: benchledger tasks check mine/second --tasks '{root}'"
    assert "exists; choose another name" in refused("tasks", "new", "mine/second", "--tasks", root, code=2)
    assert "choices: c, go," in refused(
        "tasks", "new", "mine/third", "--tasks", root, "--language", "cobol", code=2
    )


def test_several_tasks_are_proved_at_a_time_in_a_process_of_its_own(tmp_path):
    for number in range(3):
        write_task(tmp_path / str(number)).rename(tmp_path / str(number) / "made" / f"sum-{number}")
    roots = [word for number in range(3) for word in ("--tasks", tmp_path / str(number))]
    done = spawn("tasks", "check", "--jobs", "3", *roots, "--json", text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["task"] for row in json.loads(done.stdout)] == ["made/sum-0", "made/sum-1", "made/sum-2"]


def test_an_interrupt_starts_nothing_more(tmp_path):
    started = tmp_path / "started"
    check = f"touch {started}-$$; sleep 4; exit 1\n"
    write_task(
        tmp_path / "root", checks_check_sh=check, task_toml=TOML.replace("partial_credit = true\n", "")
    )
    # a shell that started the tests in the background may have had the signal ignored
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [*COMMAND[:-1], heed + COMMAND[-1], "tasks", "check", "--tasks", str(tmp_path / "root")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list(tmp_path.glob("started-*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.count("\n")) == (130, 1)
    assert said.startswith("Interrupted")
    assert len(list(tmp_path.glob("started-*"))) == 1  # of the two that a proof takes


@pytest.mark.slow
def test_every_shipped_task_is_sound_or_skipped():
    said = answer("tasks", "check")
    assert [row["task"] for row in said] == list(SHIPPED)
    assert [row for row in said if row["result"] == "finding"] == []
    assert [row for row in said if row["result"] == "skipped" and not row["missing"]] == []
