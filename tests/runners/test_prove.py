"""What is wrong with a task is said before anybody is graded by it."""

from __future__ import annotations

import pytest

from benchledger.runners.prove import check_task
from tests.runners.tasks import TOML, made_task


def test_a_sound_task_has_no_problems(tmp_path):
    proof = check_task(made_task(tmp_path))
    assert proof.ok
    assert proof.problems == ()
    assert proof.oracle.checks_before == proof.nop.checks_after


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"solution/sum.txt": "6\n"}, "the solution fails its checks (exit code 1"),
        ({"workdir/sum.txt": "4\n", "solution/sum.txt": "4\n"}, "doing nothing passes the checks"),
        ({"solution/stray.txt": "x\n"}, "files that are not expected: stray.txt"),
        ({"solution/tests/visible.sh": "true\n"}, "changes protected files: tests/visible.sh"),
        ({"workdir/hint.txt": "4\n"}, "workdir/hint.txt has the content of a hidden file"),
        ({"checks/src/kept.txt": "kept\n"}, "workdir/src/kept.txt has the content of a hidden file"),
        ({"checks/check.sh": "exit 1\n"}, "the checks report no names"),
        (
            {"checks/check.sh": "grep -qx 4 sum.txt && echo 'ok new' && exit; exit 1\n"},
            "before and after: new",
        ),
        ({"checks/check.sh": "echo 'ok a'; rm check.sh; exit 1\n"}, "the checks change while they run"),
        (
            {
                "task.toml": TOML
                + '[[expectations.constraints]]\nkind = "file-not-touched"\npattern = "*.txt"\n'
            },
            "breaks the constraint file-not-touched '*.txt'",
        ),
        ({"task.toml": TOML.replace('["sum.txt"]', '["sum.txt", "b"]')}, "changes nothing that matches 'b'"),
    ],
)
def test_what_is_wrong_with_a_task_is_said(tmp_path, files, said):
    proof = check_task(made_task(tmp_path, files))
    assert any(said in problem for problem in proof.problems), proof.problems
    assert not proof.ok
