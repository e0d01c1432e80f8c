"""What SECURITY.md says of the plain process: what a hostile agent can do there, and what it cannot."""

from __future__ import annotations

from benchledger.runners.files import files_of
from tests.cells import hostile_programs as programs
from tests.cells.parts import blob_text, everything, payloads, prepared, run_into, steps

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
