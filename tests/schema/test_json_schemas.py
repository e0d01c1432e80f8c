"""The JSON Schemas are current, and everything that is kept or handed in fits them."""

import json
import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from benchledger.ledger.verify import verify
from benchledger.schema.catalogue import EVENT_TYPES
from benchledger.schema.errors import BadInput
from benchledger.schema.generate import FOLDER, documents, main, stale
from benchledger.schema.ids import CellId
from benchledger.scorers.composite import SHIPPED_POLICIES
from tests.attacks.sample import CELLS, RUNS, build_full, rows
from tests.schema.make_vectors import FOLDER as CHAINS


@cache
def validator(name):
    return Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def faults(name, value):
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(value)]


def test_the_files_are_what_the_models_say():
    assert stale() == []
    assert {"event.json", "meta.json", "policy.json", "run-record.json"} <= dict(documents()).keys()


def test_a_file_that_is_not_current_is_named(tmp_path, capsys, monkeypatch):
    assert stale(tmp_path) == sorted(dict(documents()))
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("benchledger.schema.generate.FOLDER", tmp_path)
    monkeypatch.setattr("benchledger.schema.generate.stale.__defaults__", (tmp_path,))
    assert main(["--check"]) == 1
    assert "other.json" in capsys.readouterr().err
    assert (main([]), main(["--check"]), stale(tmp_path)) == (0, 0, [])


def test_the_generator_runs_as_a_program():
    assert (
        subprocess.run(
            [sys.executable, "-m", "benchledger.schema.generate", "--check"], check=False
        ).returncode
        == 0
    )


@pytest.mark.parametrize("name", sorted(dict(documents())))
def test_a_document_is_a_valid_schema(name):
    Draft202012Validator.check_schema(json.loads((FOLDER / name).read_text(encoding="utf-8")))


def test_every_stored_event_fits_its_schema(tmp_path):
    path = build_full(tmp_path / "sample.db")
    assert verify(path).ok
    seen = set()
    for row in rows(path):
        meta = json.loads(row.meta)
        assert faults("meta", meta) == []
        if row.payload is None or meta["type"] not in EVENT_TYPES:
            continue
        seen.add(meta["type"])
        event = {"type": meta["type"], "schema": meta["schema"], "payload": json.loads(row.payload)}
        assert (faults(meta["type"], event["payload"]), faults("event", event)) == ([], [])
    assert len(seen) >= 15


def test_every_payload_of_the_vectors_fits_its_schema():
    for file in CHAINS.glob("*.json"):
        vector = json.loads(file.read_text(encoding="utf-8"))
        broken = {defect["seq"] for defect in vector["expect"]["defects"]}
        for row in vector["rows"]:
            if row["payload"] is not None and row["seq"] not in broken:
                assert faults(json.loads(row["meta"])["type"], json.loads(row["payload"])) == []


def test_what_is_handed_in_fits_its_schema():
    for file in RUNS.glob("*.json"):
        assert faults("run-record", json.loads(file.read_text(encoding="utf-8"))) == [], file
    for line in CELLS.read_text(encoding="utf-8").splitlines():
        assert faults("published-cell", json.loads(line)) == []
    for policy in SHIPPED_POLICIES.values():
        assert faults("policy", policy.to_json()) == []


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_schema_refuses_an_unknown_field(name):
    assert any("bonus" in fault for fault in faults(name, {"bonus": 1}))


PART = st.from_regex(r"[A-Za-z0-9._-]{1,6}", fullmatch=True) | st.sampled_from(
    [".", "..", "...", "", "a b", "a#", "é"]
)
MODEL = st.lists(PART | st.sampled_from(["x@1", "m:free", "日本", "a\tb"]), min_size=1, max_size=3).map(
    "/".join
)
RUN = st.sampled_from(["#run1", "#run999999999", "#run0", "#run01", "#run", "", "#run1#run2", "#run1 "])


@given(st.tuples(PART, PART, MODEL, PART, PART).map("/".join), RUN)
def test_the_schema_of_a_cell_id_takes_exactly_what_parses_and_is_spelled_in_full(body, run):
    text = body + run
    try:
        spelled = str(CellId.parse(text)) == text
    except BadInput:
        spelled = False
    assert (faults("cell-id", text) == []) == spelled
