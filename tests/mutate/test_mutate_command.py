"""tasks mutate, over small real projects with real toolchains."""

import shutil
import signal
import subprocess
import sys
import time

import pytest

from benchledger.runners.files import folder_digest
from benchledger.runners.maker import folder_contents
from benchledger.runners.mutate.operators import OPERATORS
from benchledger.runners.prove import judge
from benchledger.runners.task import find_tasks, load_task
from tests.cli.calls import COMMAND, answer, call, refused
from tests.cli.test_shapes import TEXT, holds
from tests.mutate.projects import PROJECTS, PYTHON, lay

MUTANT = dict(file=TEXT, line=int, operator=TEXT, before=str, after=str, result=TEXT, hangs=bool, why=list)
SHAPE = dict(
    folder=TEXT,
    project=TEXT,
    seed=int,
    wanted=int,
    candidates=int,
    tried=int,
    counts=dict,
    hang=int,
    seconds=dict,
    left_out=list,
    mutants=list,
)


def mutate(tmp_path, *more, made=PYTHON, root="tasks", code=0):
    """Make tasks of a small project; returns what --json says."""
    project = tmp_path / "project"
    if not project.exists():
        lay(project, made.files)
    return answer(
        *("tasks", "mutate", project / made.source, "--check", made.check, "--project", project),
        *("--tasks", tmp_path / root, *more),
        code=code,
    )


def made_below(root):
    return [load_task(folder) for folder in find_tasks([root]).values()]


@pytest.mark.parametrize("language", PROJECTS)
def test_each_kept_mutant_is_a_sound_task_that_does_not_say_where_the_fault_is(tmp_path, language):
    made = PROJECTS[language]
    if shutil.which(made.needs) is None:
        pytest.skip(f"{made.needs} is not installed")
    chosen = [
        f"--operator={name}" for name in ("boundary", "comparator-swap", "dropped-return", "wrong-default")
    ]
    said = mutate(tmp_path, "--count", 3, "--seed", 3, *chosen, made=made)
    holds(said, SHAPE)
    kept = [row for row in said["mutants"] if row["result"] == "kept"]
    assert said["counts"]["kept"] == len(kept) == 3
    project = folder_contents(tmp_path / "project")
    for row in kept:
        holds(row, MUTANT | dict(task=TEXT))
        task = load_task(tmp_path / "tasks" / row["task"])
        assert judge(task).problems == ()
        workdir, solution = folder_contents(task.workdir), folder_contents(task.solution)
        tests = {name: content for name, content in project.items() if name.startswith("test")}
        assert folder_contents(task.checks_folder) == tests
        assert solution == {row["file"]: project[row["file"]]}
        assert project == workdir | tests | solution
        assert workdir[row["file"]] != solution[row["file"]]
        assert (task.origin.operator, task.origin.line, task.origin.seed) == (row["operator"], row["line"], 3)
        assert (task.language, task.toolchain[0]) == (language, made.check.split()[0])
        told = f"{row['task']} {task.title} {task.instruction}"
        assert row["operator"] not in told
        assert row["file"].rpartition("/")[2] not in told
        assert "line " not in task.instruction


def test_the_ticket_names_the_tests_that_fail_and_what_they_say(tmp_path):
    said = mutate(tmp_path, "--count", 1, "--operator", "dropped-return", "--seed", 1)
    (row,) = [row for row in said["mutants"] if row["task"]]
    task = load_task(tmp_path / "tasks" / row["task"])
    assert f"`{PYTHON.check}` passed until a recent change. Now these tests fail:" in task.instruction
    assert "(test_queue.Clipped.test_" in task.instruction
    assert "AssertionError: None != [" in task.instruction
    assert task.title.endswith("fails")


def test_the_same_seed_and_source_make_the_same_tasks_byte_for_byte_on_any_number_of_cores(tmp_path):
    one = mutate(tmp_path, "--count", 3, "--jobs", 1, root="one")
    shutil.copytree(tmp_path / "project", tmp_path / "elsewhere/project")
    two = mutate(tmp_path / "elsewhere", "--count", 3, "--jobs", 3, root="two")
    assert one["mutants"] == two["mutants"]
    assert folder_digest(tmp_path / "one") == folder_digest(tmp_path / "elsewhere/two")
    other = mutate(tmp_path, "--count", 3, "--seed", 1, root="other")
    assert [row["task"] for row in other["mutants"]] != [row["task"] for row in one["mutants"]]


def test_an_environment_is_kept_in_the_tasks_and_makes_them_others(tmp_path):
    given = ("--setup", "pip install x", "--setup", "true", "--image", "python:3.12", "--private")
    plain, other = mutate(tmp_path, "--count", 1), mutate(tmp_path, "--count", 1, *given)
    assert other["counts"]["kept"] == 1
    one, two = (load_task(tmp_path / "tasks" / said["mutants"][-1]["task"]) for said in (plain, other))
    assert (two.environment.setup, two.environment.image) == (("pip install x", "true"), "python:3.12")
    assert (one.toolchain, two.toolchain) == (("python3",), ())
    assert (one.private, two.private) == (False, True)
    assert folder_digest(one.workdir) == folder_digest(two.workdir)


def test_tasks_that_are_there_are_not_made_again(tmp_path):
    mutate(tmp_path, "--count", 1)
    before = folder_digest(tmp_path / "tasks")
    said = mutate(tmp_path, "--count", 1)
    assert (said["counts"]["already"], said["counts"]["kept"]) == (1, 0)
    assert folder_digest(tmp_path / "tasks") == before


def test_what_no_test_sees_survives_and_is_counted(tmp_path):
    said = mutate(tmp_path, "--operator", "logic-swap", "--operator", "dropped-not", code=1)
    assert said["counts"] == {"kept": 0, "already": 0, "survived": 2, "unbuilt": 0, "unproven": 0}
    assert {row["operator"] for row in said["mutants"]} == {"logic-swap", "dropped-not"}
    project = tmp_path / "project"
    shown = call(
        *("tasks", "mutate", project, "--check", PYTHON.check, "--project", project),
        *("--operator", "logic-swap", "--tasks", tmp_path / "tasks"),
        code=1,
    ).stdout
    assert "1 mutant of 1 tried" in shown
    assert "1 survived" in shown
    assert "0 of 20 tasks: no more mutants that the tests kill" in shown


def test_a_mutant_that_does_not_build_is_no_task(tmp_path):
    made = PROJECTS["c"]
    if shutil.which("cc") is None:
        pytest.skip("cc is not installed")
    said = mutate(tmp_path, "--operator", "off-by-one", "--count", 99, made=made)
    twice = [row for row in said["mutants"] if (row["line"], row["before"]) == (11, "1")]
    assert [row["result"] for row in twice] == ["unbuilt"]
    assert said["counts"]["kept"] == said["tried"] - 1


def test_a_mutant_that_hangs_is_a_task_whose_checks_give_up_for_themselves(tmp_path):
    said = mutate(tmp_path, "--operator", "dropped-call", "--seconds", 2, "--count", 2)
    (row,) = [row for row in said["mutants"] if row["hangs"]]
    assert (row["before"], row["result"], said["hang"]) == ("items.pop()", "kept", 1)
    task = load_task(tmp_path / "tasks" / row["task"])
    assert task.checks.command == ("timeout", "-s", "KILL", "2", *PYTHON.check.split())
    assert "no longer comes to an end: it was stopped after 2 seconds" in task.instruction
    assert judge(task).problems == ()


def test_a_mutant_that_is_killed_only_now_and_then_is_no_task(tmp_path):
    # the third run of the tests on changed code passes: after the one on spoilt code and the first on the mutant
    flaky = f"grep -qx 'a = 1' a.py && exit; echo >> {tmp_path}/runs; test $(wc -l < {tmp_path}/runs) -ge 3\n"
    project = lay(tmp_path / "project", {"a.py": "a = 1\n", "tests/t.sh": flaky})
    said = answer(
        *("tasks", "mutate", project, "--project", project, "--check", "sh tests/t.sh"),
        *("--tasks", tmp_path / "tasks"),
        code=1,
    )
    (row,) = said["mutants"]
    assert (row["result"], row["task"]) == ("unproven", None)
    assert row["why"] == ["the tests fail only now and then"]
    assert not (tmp_path / "tasks/mutants").exists()


def test_a_task_that_cannot_be_proved_is_not_kept_and_says_why(tmp_path):
    # the tests pass in a folder of the right name only
    tests = "case $PWD in */graded) exit 1;; esac; grep -qx 'a = 1' a.py\n"
    project = lay(tmp_path / "project", {"a.py": "a = 1\n", "tests/t.sh": tests})
    said = answer(
        *("tasks", "mutate", project, "--project", project, "--check", "sh tests/t.sh"),
        *("--tasks", tmp_path / "tasks"),
        code=1,
    )
    (row,) = said["mutants"]
    assert row["result"] == "unproven"
    assert "the solution fails its checks" in row["why"][0]


def test_a_project_whose_tests_fail_as_it_is_is_refused_with_what_they_say(tmp_path):
    project = lay(tmp_path / "project", PYTHON.files)
    (project / "src/queue.py").write_text("clipped = drained = 1 / 0\n")
    said = refused("tasks", "mutate", project, "--check", PYTHON.check, "--project", project, code=1)
    assert "does not pass on the project as it is: exit code 1" in said
    assert "FAILED (errors=1)" in said


def test_a_command_that_tests_something_else_is_refused(tmp_path):
    project = lay(tmp_path / "project", PYTHON.files)
    said = refused("tasks", "mutate", project, "--check", "true", "--project", project, code=2)
    assert "'true' passes whatever stands in src/queue.py" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--check", "true"), "PATH is missing"),
        (("a.py",), "--check CMD is missing"),
        (("no.py", "--check", "true"), "no.py does not exist"),
        ((".", "--check", "true", "--operator", "boundry"), "did you mean 'boundary'?"),
        ((".", "--check", "true", "--category", "a/b"), "write it as polyglot/python-page-links"),
        ((".", "--check", "true", "--tests", "*.none"), "no file that is a test by that glob"),
        ((".", "--check", "true", "--tests", "*.py"), "can be mutated"),
        (("empty.py", "--check", "true", "--tests", "t.txt"), "no operator finds a site"),
    ],
)
def test_a_call_that_is_wrong_says_what_to_write(tmp_path, monkeypatch, arguments, said):
    lay(tmp_path, {"a.py": "a = 1\n", "empty.py": "", "t.txt": "test\n"})
    monkeypatch.chdir(tmp_path)
    assert said in refused("tasks", "mutate", *arguments, code=2)


def test_interrupted_it_keeps_what_is_done_and_goes_on_from_there(tmp_path):
    project = lay(tmp_path / "project", PYTHON.files)
    arguments = ["tasks", "mutate", project, "--check", PYTHON.check, "--project", project, "--jobs", "1"]
    command = [*COMMAND, *map(str, arguments), "--tasks", str(tmp_path / "tasks")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "tasks").glob("*/*/task.toml")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in err
    made = made_below(tmp_path / "tasks")
    assert made
    assert "mutant" in out
    assert " tried " in out
    assert all(judge(task).result == "sound" for task in made)
    said = mutate(tmp_path, "--count", len(made) + 1)
    assert (said["counts"]["already"], said["counts"]["kept"]) == (len(made), 1)


def test_the_operators_are_listed_with_their_languages():
    rows = answer("tasks", "mutate", "--list-operators")
    assert [row["operator"] for row in rows] == list(OPERATORS)
    assert {"python", "rust", "shell"} <= set(rows[1]["languages"])
    shown = call("tasks", "mutate", "--list-operators").stdout
    assert all(row["about"] in shown for row in rows)


def test_help_reads_no_parser():
    code = (
        "import sys; from benchledger.ledger.cli.main import cli; cli(['tasks', 'mutate', '--help'], "
        "standalone_mode=False); print({'libcst', 'tree_sitter'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()"
