"""verify from the command line: what it finds, what it proves, what it remembers."""

import sqlite3

import pytest

from benchledger.ledger import heads
from benchledger.ledger.store import Ledger
from tests.cli.calls import PUBLISHED, RUNS, answer, call, head, refused
from tests.ledgers import attempt, checked


def spoiled(path, statement, *values):
    """Change a copy of a ledger straight in the file, past its triggers."""
    connection = sqlite3.connect(path, isolation_level=None)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement, values)
    for _, sql in triggers:
        connection.execute(sql)
    connection.close()


@pytest.fixture
def copy(filled, tmp_path):
    """A second file with the same ledger, to be spoiled."""
    path = tmp_path / "copy.db"
    path.write_bytes(filled.read_bytes())
    return path


def ledger_id(path):
    with Ledger.open(path) as ledger:
        return ledger.ledger_id


def spelled(at):
    return f"{at.seq}:{at.hash}"


def test_a_sound_ledger_leaves_with_zero_and_says_what_was_proved(filled):
    said = call("verify").stdout
    assert f"head {spelled(head(filled))}" in said
    assert "no earlier head is known on this machine: a cut-off end would not show" in said
    assert said.endswith("no defect\n")


def test_a_clean_verify_remembers_the_head_and_the_next_one_proves_more(filled):
    call("verify")
    known = heads.last_seen(ledger_id(filled))
    assert (known.head, known.verified) == (head(filled), head(filled).seq)
    assert answer("verify")["level"] == "last-seen"


def test_a_chain_check_does_not_count_as_a_full_verify(filled):
    assert answer("verify", "--chain")["checked"] == "chain"
    assert heads.last_seen(ledger_id(filled)).verified is None


def test_a_changed_payload_leaves_with_one_and_names_event_and_kind(copy):
    spoiled(copy, "UPDATE events SET payload = payload || ' ' WHERE seq = 20")
    result = call("--ledger", copy, "verify", code=1)
    assert any(line.split()[:2] == ["20", "payload"] for line in result.stdout.splitlines())
    said = answer("--ledger", copy, "verify", "--chain", code=1)
    assert {"seq": 20, "kind": "payload"}.items() <= said["defects"][0].items()
    assert heads.last_seen(ledger_id(copy)) is None


def test_a_cut_off_end_shows_by_the_head_last_seen_until_a_person_accepts_it(copy):
    call("--ledger", copy, "verify")
    spoiled(copy, "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
    connection = sqlite3.connect(copy, isolation_level=None)
    connection.execute("DELETE FROM blobs WHERE 0")
    connection.close()
    call("--ledger", copy, "rebuild")
    said = answer("--ledger", copy, "verify", code=1)
    assert "truncated" in {defect["kind"] for defect in said["defects"]}
    assert "truncated" not in {
        defect["kind"] for defect in answer("--ledger", copy, "verify", "--no-last-seen")["defects"]
    }
    call("--ledger", copy, "verify", "--accept-head")
    assert answer("--ledger", copy, "verify")["level"] == "last-seen"


def test_a_head_that_is_part_of_the_chain_is_proved_and_another_is_a_fork(filled):
    with Ledger.open(filled) as ledger:
        early = next(ledger.events(100))
    good, bad = f"100:{early.hash.hex()}", f"100:{'0' * 64}"
    assert answer("verify", "--no-last-seen", "--head", good)["level"] == "last-seen"
    kinds = [item["kind"] for item in answer("verify", "--head", good, "--head", bad, code=1)["defects"]]
    assert kinds == ["fork"]
    later = f"99999:{'0' * 64}"
    assert [item["kind"] for item in answer("verify", "--head", later, code=1)["defects"]] == ["truncated"]


def test_since_checks_only_what_came_after_a_head(empty):
    call("append", PUBLISHED)
    before = head(empty)
    call("append", *RUNS)
    said = answer("verify", "--since", spelled(before))
    assert (said["checked"], said["events"]) == ("since", head(empty).seq - before.seq)


@pytest.mark.parametrize("text", ["12", "12:abc", "x:" + "0" * 64, "-1:" + "0" * 64, "1:" + "g" * 64])
def test_a_head_that_is_none_is_wrong_usage(text, empty):
    assert "write SEQ:HASH" in refused("verify", f"--head={text}", code=2)


def test_projections_of_an_older_version_are_neither_judged_nor_shown_until_they_are_rebuilt(copy):
    spoiled(copy, "UPDATE projection_state SET version = 0")
    said = call("--ledger", copy, "verify").stdout
    assert "could not be checked: 1 item" in said
    assert "run `benchledger rebuild`" in said
    assert said.endswith("no defect in what could be checked\n")
    assert heads.last_seen(ledger_id(copy)).verified is None
    before = head(copy)
    assert answer("--ledger", copy, "verify", "--since", spelled(before))["defects"] == []
    for name in ("cells", "leaderboard", "compare"):
        arguments = ("agent-1", "agent-2") if name == "compare" else ()
        assert "run `benchledger rebuild`" in refused("--ledger", copy, name, *arguments, code=3)
    call("--ledger", copy, "rebuild")
    call("--ledger", copy, "cells")
    assert call("--ledger", copy, "verify").stdout.endswith("no defect\n")


def test_verify_writes_nothing_into_the_ledger(filled):
    before = filled.read_bytes()
    call("verify")
    assert filled.read_bytes() == before
    checked(filled)


def test_a_ledger_that_was_merged_is_named_with_the_head_up_to_which_its_own_chain_was_proved(
    filled, tmp_path
):
    other = tmp_path / "other.db"
    with Ledger.create(other) as ledger:
        ledger.emit_all(attempt("s/a/m/c/t#run1"))
    call("--ledger", filled, "append", other)
    told, at = call("--ledger", filled, "verify").stdout, head(other)
    assert f"merged: ledger {ledger_id(other)} up to {spelled(at)}, its chain checked" in told
    wanted = {"ledger": ledger_id(other), "events": at.seq + 1, "head": at.to_json()}
    assert answer("--ledger", filled, "verify")["merged"] == [wanted]
    copy = tmp_path / "copy.db"
    copy.write_bytes(filled.read_bytes())
    last = "(SELECT max(seq) - 1 FROM events)"
    spoiled(copy, f"UPDATE events SET payload_digest = zeroblob(32) WHERE seq = {last}")
    assert answer("--ledger", copy, "verify", code=1)["merged"] == []
