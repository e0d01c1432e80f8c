"""A past fix becomes the parts of a task; one that cannot is refused with the reason and the next step."""

from __future__ import annotations

import dataclasses

import pytest

from benchledger.runners import fixes
from benchledger.runners.fixes import FixRequest, fix_of
from benchledger.runners.maker import make_task
from benchledger.runners.prove import judge
from benchledger.schema.errors import BadInput, UsageError
from tests.runners.repos import CHECK, FIXED, NEW_TEST, OLD_TEST, SUM, Repo, sum_repo

RULE = "Your work is checked by tests that take the place of"


def request(repo, commit="HEAD", check=CHECK, **more):
    return FixRequest(commit=commit, check=check, repository=repo.folder, **more)


def refused(repo, error=BadInput, **more):
    with pytest.raises(error) as caught:
        fix_of(request(repo, **more))
    assert caught.value.hint
    return str(caught.value)


@pytest.fixture
def repo(tmp_path):
    """A repository of one commit: a wrong sum and its test."""
    made = Repo(tmp_path / "My Sums.git")
    made.commit({"src/sum.sh": SUM, "tests/test_sum.sh": OLD_TEST})
    return made


def test_the_parent_is_the_workdir_the_new_tests_the_checks_the_rest_the_solution(tmp_path):
    made, fix = sum_repo(tmp_path / "repo")
    found = fix_of(request(made, fix))
    parts = found.parts
    assert (found.commit, found.left_out) == (fix, ())
    assert {name: content.data.decode() for name, content in parts.workdir.items()} == {
        "README.md": "Sums.\n", "src/sum.sh": SUM, "tests/test_sum.sh": OLD_TEST,
    }  # fmt: skip
    assert {name: content.data.decode() for name, content in parts.checks.items()} == {
        "tests/test_sum.sh": NEW_TEST
    }
    assert {name: content.data.decode() for name, content in parts.solution.items()} == {"src/sum.sh": FIXED}
    assert parts.expectations.expected == ("src/sum.sh",)
    assert parts.expectations.protected == ("tests/test_sum.sh",)
    assert (parts.command, parts.toolchain) == (("sh", "tests/test_sum.sh"), ("sh",))
    assert (parts.id, parts.language) == (f"repo/the-sum-is-one-too-large-{fix[:8]}", "shell")
    assert parts.title == "The sum is one too large"
    assert parts.instruction.startswith(
        "# The sum is one too large\n\n`sh src/sum.sh 1 2` prints 4.\n\n" + RULE
    )
    assert judge(make_task(tmp_path / "tasks", parts)).result == "sound"


def test_files_that_come_go_and_move_are_part_of_the_solution_and_of_the_checks(tmp_path, repo):
    files = {
        "src/sum.sh": None,
        "lib/sum.sh": SUM.replace("+ 1))", "))"),
        "data": "d\n",
        "tests/test_old.sh": "exit 1\n",
    }
    repo.commit(files | {"tests/test_sum.sh": "test ! -e tests/test_old.sh && test -e a/b\n"})
    repo.commit({"data": None, "src/run.sh": "true\n", "a": "a\n"})
    test = "test ! -e src && test ! -e tests/test_old.sh && test -e a/b\n"
    gone = {"a": None, "src/run.sh": None, "tests/test_old.sh": None}
    repo.commit(gone | {"a/b": "a\n", "tests/test_new.sh": test}, "Move a")
    parts = fix_of(request(repo, check="sh tests/test_new.sh")).parts
    assert parts.removes == ("a", "src/run.sh")
    assert parts.checks_remove == ("tests/test_old.sh",)
    verdict = judge(make_task(tmp_path / "tasks", parts))
    assert (verdict.problems, verdict.result) == ((), "sound")


def test_bytes_line_ends_and_modes_arrive_as_they_were_committed(tmp_path, repo):
    repo.commit(
        {".gitattributes": "* text=auto eol=lf\n", "dos.txt": b"a\r\nb\r\n", "logo.png": b"\x89PNG\0\r\n"}
    )
    (repo.folder / "src/sum.sh").chmod(0o755)
    test = "grep -q c dos.txt && test -x src/sum.sh && cmp -s tests/logo.bin logo.png\n"
    repo.git("config", "core.autocrlf", "false")
    repo.git("rm", "--quiet", "--cached", ".gitattributes")
    (repo.folder / ".gitattributes").unlink()
    repo.commit({"dos.txt": b"a\r\nc\r\n"}, "Bytes")
    fix = repo.commit({"dos.txt": b"a\r\nc\r\nd\r\n", "caf.txt": b"caf\xe9\n",
                       "tests/logo.bin": b"\x89PNG\0\r\n", "tests/test_dos.sh": test})  # fmt: skip
    parts = fix_of(request(repo, fix, check="sh tests/test_dos.sh")).parts
    assert parts.solution["dos.txt"].data == b"a\r\nc\r\nd\r\n"
    assert parts.solution["caf.txt"].data == b"caf\xe9\n"
    assert parts.checks["tests/logo.bin"].data == b"\x89PNG\0\r\n"
    assert parts.workdir["src/sum.sh"].executable
    assert parts.workdir["logo.png"].data == b"\x89PNG\0\r\n"


def test_what_no_task_can_hold_is_left_out_and_named_unless_the_fix_changes_it(repo):
    (repo.folder / "link").symlink_to("src")
    repo.commit({"caf\udce9": "x", "pkg/a.pyc": b"\0"})
    repo.commit({"src/sum.sh": FIXED, "tests/test_sum.sh": NEW_TEST})
    found = fix_of(request(repo))
    assert found.left_out == (
        "caf\\xe9: a name that is not printable UTF-8", "link: a symbolic link", "pkg/a.pyc: compiled Python",
    )  # fmt: skip
    assert sorted(found.parts.workdir) == ["src/sum.sh", "tests/test_sum.sh"]
    (repo.folder / "link").unlink()
    (repo.folder / "link").symlink_to("tests")
    repo.commit({"caf\udce9": "y", "src/sum.sh": SUM, "tests/test_sum.sh": OLD_TEST})
    said = refused(repo)
    assert (
        "changes what no task can hold: caf\\xe9 (a name that is not printable UTF-8), link (a symbolic link)"
        in said
    )


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"src/sum.sh": FIXED},
            "adds or changes no test (by their paths); it changes src/sum.sh; choose a fix that",
        ),
        ({"src/sum.sh": FIXED, "tests/test_sum.sh": None}, "adds or changes no test"),
        ({"tests/test_sum.sh": NEW_TEST}, "changes nothing but tests (by their paths): tests/test_sum.sh"),
        ({}, "adds or changes no test (by their paths); it changes nothing"),
        (
            {"logo.png": b"\0", "tests/test_sum.sh": NEW_TEST},
            "changes binary files: logo.png; no patch can record",
        ),
    ],
)
def test_a_commit_that_is_no_fix_with_tests_is_refused(repo, files, said):
    repo.commit(files)
    assert said in refused(repo)


@pytest.mark.parametrize("most", [{"files": 1}, {"hashed": 9}, {"hashed_per_file": 9}])
def test_a_repository_that_is_too_large_to_be_graded_is_refused(repo, monkeypatch, most):
    repo.commit({"src/sum.sh": FIXED, "tests/test_sum.sh": NEW_TEST})
    monkeypatch.setattr(fixes, "RESULT_BOUNDS", dataclasses.replace(fixes.RESULT_BOUNDS, **most))
    assert "the repository has 2 files of 0 MiB before the fix" in refused(repo)


def test_the_category_is_the_name_of_the_repository_wherever_in_it_one_stands(repo):
    repo.commit({"src/sum.sh": FIXED, "tests/test_sum.sh": NEW_TEST}, "Sums")
    found = fix_of(FixRequest(commit="HEAD", check=CHECK, repository=repo.folder / "src"))
    assert found.parts.category == "my-sums"


def test_globs_say_which_files_are_tests(repo):
    repo.commit({"src/sum.sh": FIXED, "check.txt": "x\n", "tests/test_sum.sh": NEW_TEST})
    parts = fix_of(request(repo, tests=("check.*",), allowed=("*.log",))).parts
    assert sorted(parts.checks) == ["check.txt"]
    assert sorted(parts.solution) == ["src/sum.sh", "tests/test_sum.sh"]
    assert parts.expectations.allowed == ("*.log",)
    assert "no test (by --tests)" in refused(repo, tests=("none/**",))


def test_an_instruction_of_the_users_takes_the_place_of_the_message(repo):
    repo.commit({"src/sum.sh": FIXED, "tests/test_sum.sh": NEW_TEST}, "#1")
    parts = fix_of(request(repo, instruction="# Put it right\n\nAll of it.\n")).parts
    assert parts.title == "Put it right"
    assert parts.instruction.startswith("# Put it right\n\nAll of it.\n\n" + RULE)
    assert "says nothing that could be told; give --instruction" in refused(repo, UsageError)
    assert "--instruction is empty" in refused(repo, UsageError, instruction=" ")


def test_a_message_that_holds_lines_of_the_fix_does_not_give_it_away(repo):
    message = (
        f"Sum\n\nIt should read\n\n    {FIXED.splitlines()[-1]} # yes\n    total=$((total + each * 2))\n"
    )
    files = {"src/sum.sh": FIXED.replace("+ each", "+ each * 2"), "tests/test_sum.sh": NEW_TEST}
    repo.commit(files, message)
    said = fix_of(request(repo)).parts.instruction
    assert "It should read" in said
    assert "each * 2" not in said


@pytest.mark.parametrize(
    ("check", "command"),
    [
        ("python3 -m pytest -q tests/a.py", ("python3", "-m", "pytest", "-q", "tests/a.py")),
        ("make test && echo 'ok'", ("sh", "-c", "make test && echo 'ok'")),
        ("A=1 ./run", ("sh", "-c", "A=1 ./run")),
    ],
)
def test_a_check_is_its_words_or_a_line_of_shell(repo, check, command):
    repo.commit({"src/sum.sh": FIXED, "tests/test_sum.sh": NEW_TEST})
    assert fix_of(request(repo, check=check)).parts.command == command
    assert "--check is empty" in refused(repo, UsageError, check=" ")


def test_an_environment_is_carried_and_brings_the_toolchain(repo):
    repo.commit({"src/sum.sh": FIXED, "tests/test_sum.sh": NEW_TEST})
    parts = fix_of(request(repo, environment={"setup": ["pip install x"]})).parts
    assert parts.environment == {"setup": ["pip install x"]}
    assert parts.toolchain == ()
