"""export, rebuild, doctor and demo."""

import gzip
import json
import sqlite3

import pytest

from benchledger.ledger.digests import table_digests
from benchledger.ledger.store import Ledger
from tests.cli.calls import PUBLISHED, answer, call, head, refused, spawn
from tests.ledgers import checked


def test_export_writes_every_event_and_packs_by_name(filled, tmp_path):
    plain, packed = tmp_path / "out.jsonl", tmp_path / "out.jsonl.gz"
    said = answer("export", plain)
    assert (said["events"], said["head"]) == (head(filled).seq + 1, head(filled).to_json())
    call("export", packed)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert spawn("export").stdout == plain.read_bytes()


def test_the_same_ledger_gives_the_same_packed_file(filled, tmp_path):
    for name in ("one.gz", "two.gz"):
        call("export", tmp_path / name)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()


def test_export_overwrites_only_when_told_to(filled, tmp_path):
    (tmp_path / "out.jsonl").write_text("mine")
    assert "--force" in refused("export", tmp_path / "out.jsonl", code=2)
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    call("export", tmp_path / "out.jsonl", "--force")
    assert "benchledger-export-1" in (tmp_path / "out.jsonl").read_text()
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_an_export_to_nowhere_is_refused(filled, tmp_path):
    refused("export", tmp_path / "no" / "folder" / "out.jsonl", code=3)
    assert "name a file" in refused("export", "--json", code=2)


def test_rebuild_gives_the_same_digest_of_every_table(filled):
    with Ledger.open(filled) as ledger:
        before = table_digests(ledger.connection)
    said = answer("rebuild")
    assert said["tables"] == before
    assert said["head"] == head(filled).to_json()
    assert answer("rebuild")["tables"] == before


def test_rebuild_mends_projections_that_are_gone_or_changed(filled):
    before = answer("rebuild")["tables"]
    connection = sqlite3.connect(filled, isolation_level=None)
    connection.execute("DROP TABLE projection_state")
    connection.execute("DELETE FROM cells")
    connection.execute("UPDATE axes SET value = 0.5")
    connection.close()
    call("verify", code=1)
    assert answer("rebuild")["tables"] == before
    call("verify")


def test_two_ledgers_with_the_same_events_have_the_same_digests(filled, tmp_path):
    call("export", tmp_path / "out.jsonl")
    copy = tmp_path / "copy.db"
    call("--ledger", copy, "append", tmp_path / "out.jsonl")
    assert answer("--ledger", copy, "rebuild")["tables"] == answer("rebuild")["tables"]


def findings():
    return {item["check"]: item for item in answer("doctor")}


def test_doctor_knows_the_machine_and_the_ledger(filled):
    found = findings()
    assert set(found) == {"python", "sqlite", "blake3", "ledger", "disk", "last-seen", "docker"}
    assert found["ledger"]["state"] == "ok"
    assert f"{head(filled).seq + 1:,} events" in found["ledger"]["detail"]
    if sqlite3.sqlite_version_info < (3, 51, 3):
        assert "our writers' lock covers it" in found["sqlite"]["detail"]


def test_doctor_needs_no_ledger_and_no_engine(db, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    found = findings()
    assert found["ledger"]["state"] == found["docker"]["state"] == "warn"
    assert "init" in found["ledger"]["detail"]
    assert "only runs in docker need one" in found["docker"]["detail"]


def test_doctor_leaves_with_three_where_the_ledger_cannot_be_used(tmp_path):
    (tmp_path / "text.db").write_text("hello" * 99)
    said = answer("--ledger", tmp_path / "text.db", "doctor", code=3)
    assert [item["state"] for item in said if item["check"] == "ledger"] == ["fail"]


def test_the_demo_shows_all_three_verbs_in_a_ledger_of_its_own(db, tmp_path):
    into = tmp_path / "demo.db"
    said = call("demo", "--published", "--into", into).stdout
    assert "CodingAgentBench (codingagentbench.com), CC-BY-4.0" in said
    assert "cab-0.1 reproduces 43 of 43 published composites" in said
    assert "no defect" in said
    assert said.count("leaderboard --policy") == 2
    assert "try next:" in said
    assert not db.exists()
    checked(into)


def test_the_demo_replaces_itself_and_nothing_else(tmp_path):
    into = tmp_path / "demo.db"
    first = answer("demo", "--published", "--into", into)
    again = answer("demo", "--published", "--into", into)
    assert first["verify"]["ok"]
    assert again["append"]["cells"] == 43
    assert again["leaderboards"] == first["leaderboards"]
    assert set(first["leaderboards"]) == {"cab-0.1", "gated-1"}
    call("--ledger", into, "rescore", "-w", "cost=1")
    before = head(into)
    assert "something other than a demo" in refused("demo", "--into", into, code=2)
    assert head(into) == before


@pytest.mark.parametrize("kind", ["ledger", "text"])
def test_the_demo_leaves_other_files_alone(kind, empty, tmp_path):
    into = empty if kind == "ledger" else tmp_path / "text.db"
    if kind == "ledger":
        call("append", PUBLISHED)
    else:
        into.write_text("mine")
    before = into.read_bytes()
    assert "--into" in refused("demo", "--into", into, code=2)
    assert into.read_bytes() == before


def test_the_demo_works_in_a_folder_without_a_ledger(tmp_path):
    done = spawn("demo", "--published", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["ledger"] == "benchledger-demo.db"
    checked(tmp_path / "benchledger-demo.db")
