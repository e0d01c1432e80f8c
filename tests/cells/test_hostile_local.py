"""What SECURITY.md says of the plain process: what a hostile agent can do there, and what it cannot."""

from __future__ import annotations

from benchledger.ledger.verdict import verdict
from benchledger.runners.files import files_of
from tests.cells import hostile_programs as programs
from tests.cells.parts import blob_text, everything, payloads, prepared, run_into, steps

# A user's own check, which prints what it finds beside the code that it tests.
CHECK = """import sys
sys.path.insert(0, ".")
from one import one
print("ok imports", flush=True)
good = one() == 1
print("ok one" if good else "not ok one")
sys.exit(0 if good else 1)
"""
TASK = """title = "One"
language = "python"
toolchain = ["python3"]
limits = {seconds = 60}
checks = {command = ["python3", "-I", "-B", "check.py"], seconds = 20, report = "names"}
expectations = {expected = ["one.py"]}
"""
SECRET = "CANARY-OF-THE-OPERATOR-9sWd2Kf8z"


def shown(ledger, ran):
    return blob_text(ledger, payloads(ledger, ran.ref, "cell.exited")[0]["stdout"])


def test_planted_checks_modules_and_programs_change_no_score_in_a_plain_process(ledger, tmp_path):
    parts = prepared(tmp_path)
    plants = [command.replace("MARK", str(tmp_path / "ran")) for command in programs.PLANTS[:-2]]
    text = (parts.task.solution / "cache.py").read_text()
    solve = programs.python(f"open('cache.py', 'w').write({text!r})")
    cheat = run_into(ledger, parts, steps(parts, *plants))
    honest = run_into(ledger, parts, steps(parts, *plants, solve))
    assert [each.judged.axes["pass_rate"].value for each in (cheat, honest)] == [0, 1]
    assert not (tmp_path / "ran").exists()


def test_a_plain_process_can_read_and_write_what_its_user_can_and_find_the_hidden_tests(ledger, tmp_path):
    parts = prepared(tmp_path)
    (tmp_path / "note.txt").write_text("what the user can read\n")
    hidden = next(path for name, path in files_of(parts.task.checks_folder) if name == "hidden_tests.py")
    commands = [f"cat {tmp_path}/note.txt", f"echo planted >{tmp_path}/outside", f"head -c 200 {hidden}"]
    ran = run_into(ledger, parts, steps(parts, *commands))
    assert "what the user can read" in shown(ledger, ran)
    assert "class Hidden" in shown(ledger, ran)
    assert (tmp_path / "outside").read_text() == "planted\n"


def test_the_environment_of_a_plain_process_holds_no_key_and_a_known_one_that_it_reads_is_masked(
    ledger, tmp_path, monkeypatch
):
    monkeypatch.setenv("OPERATOR_API_KEY", SECRET)
    parts = prepared(tmp_path)
    (tmp_path / "key.txt").write_text(SECRET)
    source = steps(parts, "env | grep -c OPERATOR_API", f"cat {tmp_path}/key.txt")
    ran = run_into(ledger, parts, source, secrets={"OPERATOR_API_KEY": SECRET})
    assert "OPERATOR_API\n0\n" in shown(ledger, ran)
    assert "[masked:OPERATOR_API_KEY]" in shown(ledger, ran)
    assert SECRET.encode() not in everything(tmp_path / "cells.db")


def test_code_that_leaves_before_its_checks_report_fails_in_a_users_own_task_as_well(ledger, tmp_path):
    folder = tmp_path / "tasks" / "made" / "early"
    files = {
        "task.toml": TASK,
        "instruction.md": "Make one() return 1.\n",
        "script.json": '{"steps": [{"say": "Done."}]}',
        "workdir/one.py": "def one():\n    return 2\n",
        "checks/check.py": CHECK,
        "solution/one.py": "def one():\n    return 1\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    parts = prepared(tmp_path, task="made/early", roots=[tmp_path / "tasks"])
    codes = ["import os; os._exit(0)", "import os\ndef one(): os._exit(0)", files["solution/one.py"]]
    commands = [programs.python(f"open('one.py', 'w').write({code!r})") for code in codes]
    rans = [run_into(ledger, parts, steps(parts, command)) for command in commands]
    graders = [payloads(ledger, each.ref, "grader.ran")[0] for each in rans]
    assert [each["exit_code"] for each in graders] == [0, 0, 0]
    assert [len(each["checks_after"]) for each in graders] == [0, 1, 2]
    assert [each.judged.axes["pass_rate"].value for each in rans] == [0, 0, 1]
    assert verdict(rans[0].judged.evidence, rans[0].judged.end).startswith("Failed: the checks left with 0")
