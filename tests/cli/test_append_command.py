"""append and init from the command line: counts, formats, heads, bad records."""

import gzip
import json
from pathlib import Path

import pytest

from benchledger.ledger import heads
from benchledger.ledger.store import Ledger
from tests.cli.calls import PUBLISHED, RUNS, answer, call, head, refused, spawn


def records():
    return [json.loads(line) for line in Path(PUBLISHED).read_text(encoding="utf-8").splitlines()]


def write(path, lines):
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def test_init_makes_a_ledger_and_notes_its_head(db):
    said = answer("init")
    assert said["ledger"] == str(db)
    assert said["head"] == head(db).to_json()
    assert heads.last_seen(said["ledger_id"]).head == head(db)


def test_init_never_touches_a_file_that_exists(empty):
    before = head(empty)
    assert "exists already" in refused("init", code=3)
    assert head(empty) == before


def test_published_cells_are_reproduced_and_appended_once(empty):
    said = answer("append", PUBLISHED)
    assert said["cells"] == 43
    assert said["composites"] == {"published": 43, "reproduced": 43, "differing": []}
    assert said["head"] == head(empty).to_json()
    again = answer("append", PUBLISHED)
    assert (again["events"], again["cells"], again["already"]) == (0, 0, 43)
    assert again["head"] == said["head"]


def test_append_says_in_words_what_it_did_and_where_the_ledger_stands(empty):
    said = call("append", PUBLISHED).stdout.splitlines()
    assert "43 cells in" in said[0]
    assert said[1] == "published composites: cab-0.1 reproduces 43 of 43"
    now = head(empty)
    assert said[2] == f"ledger {empty}, head {now.seq}:{now.hash}"
    assert "43 records there already" in call("append", PUBLISHED).stdout


def test_append_notes_the_head_as_last_seen(empty):
    call("append", *RUNS)
    with Ledger.open(empty) as ledger:
        assert heads.last_seen(ledger.ledger_id).head == ledger.head()


def test_a_published_composite_that_differs_is_named(empty, tmp_path):
    cell = records()[1]
    cell["displayed"]["composite"] = "0.123"
    cell["scorers"].pop("composite", None)
    said = call("append", write(tmp_path / "a.jsonl", [cell])).stdout
    assert "cab-0.1 reproduces 0 of 1" in said
    assert f"differs: {cell['cell_id'].partition('#')[0]}#run1 published 0.123" in said


def test_records_are_taken_from_standard_input_and_from_gzip(empty, tmp_path):
    lines = [json.dumps(item).encode() for item in records()]
    done = spawn("append", "-", "--json", input=gzip.compress(b"\n".join(lines[:5])))
    assert json.loads(done.stdout)["cells"] == 5
    packed = tmp_path / "named.anything"
    packed.write_bytes(gzip.compress(b"\n".join(lines[5:])))
    assert answer("append", packed)["cells"] == 38


def test_bad_records_are_listed_by_line_and_field_and_nothing_is_kept(empty, tmp_path):
    good, bad = records()[:2]
    lines = [good, bad | {"exit_code": "zero"}, "{", bad | {"tuii": "aider"}]
    before = head(empty)
    said = call("append", write(tmp_path / "some.jsonl", lines), code=1).stderr.splitlines()
    assert said[0].startswith("some.jsonl:2: exit_code: ")
    assert said[1].startswith("some.jsonl:3: not JSON")
    assert said[2] == "some.jsonl:4: tuii: unknown field; did you mean 'tui'?"
    assert said[3].startswith("Error: 3 errors in records; nothing was appended")
    assert head(empty) == before


def test_only_the_first_bad_records_are_listed(empty, tmp_path):
    said = call("append", write(tmp_path / "bad.jsonl", ["{]"] * 50), code=1).stderr.splitlines()
    assert len(said) == 22
    assert said[20] == "and 30 more"


def test_keep_going_appends_the_good_records_and_still_leaves_with_one(empty, tmp_path):
    path = write(tmp_path / "some.jsonl", [records()[0], "{", records()[1]])
    result = call("append", path, "--keep-going", code=1)
    assert "2 cells in" in result.stdout
    assert result.stderr.startswith("skipped some.jsonl:2: not JSON")


def test_each_file_is_all_or_nothing_by_itself(empty, tmp_path):
    bad = write(tmp_path / "bad.jsonl", ["{}"])
    result = call("append", bad, PUBLISHED, bad, code=1)
    assert "43 cells" in result.stdout
    assert len(result.stderr.splitlines()) == 2
    assert "43 records there already" in call("append", PUBLISHED).stdout


def test_what_was_appended_before_a_file_that_is_missing_is_still_said(empty, tmp_path):
    result = call("append", PUBLISHED, tmp_path / "missing.jsonl", RUNS[0], code=2)
    assert f"head {head(empty).seq}:" in result.stdout
    assert "there is no file" in result.stderr
    assert answer("append", PUBLISHED)["already"] == 43


def test_a_cell_with_other_content_is_a_conflict_unless_it_becomes_an_attempt(empty, tmp_path):
    cell = records()[0]
    call("append", write(tmp_path / "a.jsonl", [cell]))
    other = write(tmp_path / "b.jsonl", [cell | {"exit_code": 9}])
    line = refused("append", other, code=1)
    assert line.startswith("Error: b.jsonl:1: cell_id: ")
    assert "--as-attempt" in line
    assert answer("append", "--as-attempt", other)["cells"] == 1
    assert [row["attempt"] for row in answer("show", cell["cell_id"])["attempts"]] == [1, 2]


def test_the_actor_is_kept_with_every_event(empty):
    call("append", RUNS[0], "--actor", "nightly")
    with Ledger.open(empty) as ledger:
        assert {event.meta.actor for event in ledger.events(1)} == {"nightly"}


def test_an_export_restores_the_same_ledger_where_there_is_none(filled, tmp_path):
    call("export", tmp_path / "out.jsonl.gz")
    copy = tmp_path / "copy.db"
    said = answer("--ledger", copy, "append", tmp_path / "out.jsonl.gz")
    assert said["head"] == head(filled).to_json() == head(copy).to_json()
    again = answer("--ledger", copy, "append", tmp_path / "out.jsonl.gz")
    assert (again["events"], again["head"]) == (0, said["head"])
    call("--ledger", copy, "verify")


def test_another_ledger_is_merged_under_its_own_name(filled, tmp_path):
    mine = tmp_path / "mine.db"
    call("--ledger", mine, "init")
    said = answer("--ledger", mine, "append", filled)
    assert said["cells"] == 43 + len(RUNS)
    assert answer("--ledger", mine, "append", filled)["events"] == 0
    rows = answer("--ledger", mine, "cells")
    with Ledger.open(filled) as ledger:
        assert {row["origin"] for row in rows} == {ledger.ledger_id}
    shown = answer("--ledger", mine, "show", rows[0]["cell_id"])
    assert shown["cell"] == f"{rows[0]['origin']}:{rows[0]['cell_id']}"
    call("--ledger", mine, "verify")


def test_an_export_that_was_cut_leaves_no_ledger_behind(filled, tmp_path):
    call("export", tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut.jsonl").write_bytes(b"".join(lines[:-3]))
    copy = tmp_path / "copy.db"
    assert "cut" in refused("--ledger", copy, "append", tmp_path / "cut.jsonl", code=1)
    assert not copy.exists()


def test_a_head_that_cannot_be_noted_is_a_warning(empty, tmp_path, monkeypatch):
    (tmp_path / "plain-file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "plain-file"))
    result = call("append", PUBLISHED)
    assert result.stderr.startswith("warning: the head could not be noted")


@pytest.mark.parametrize("name", RUNS)
def test_every_run_record_of_the_examples_is_one_cell(name, empty):
    assert answer("append", name)["cells"] == 1
