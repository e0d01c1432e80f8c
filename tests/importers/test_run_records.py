"""Hand-written run records become events whose scores were worked out on paper."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from benchledger.ledger.importers.fields import checked
from benchledger.ledger.importers.reader import SourceRecord, open_source
from benchledger.ledger.importers.registry import parse_record
from benchledger.schema import published, records
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import RecordErrors
from benchledger.schema.records import RunFiles, RunRecord, RunTimings
from benchledger.scorers.composite import CAB_01, GATED_1, evaluate, inputs_of
from benchledger.scorers.evidence import Evidence
from benchledger.scorers.outcome import classify
from benchledger.scorers.registry import score_axes
from tests.importers.expected import EXPECTED, MISSING, NOT_APPLICABLE

FOLDER = Path(__file__).parents[1] / "data/run-records"
CASES = sorted(EXPECTED)


def parse(value, line=1):
    return parse_record("runs.jsonl", SourceRecord(line, value, canonical_bytes(value)))


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def only(run, event_type):
    found = [payload for payload in run.payloads if payload.event_type == event_type]
    assert len(found) <= 1
    return found[0] if found else None


def evidence_of(run):
    return Evidence(
        setup=run.setup,
        calls=tuple(payload for payload in run.payloads if payload.event_type == "model.called"),
        exited=only(run, "cell.exited"),
        workdir=only(run, "workdir.captured"),
        grader=only(run, "grader.ran"),
        record=only(run, "record.received"),
        blob=run.blobs.get,
    )


def refused(value):
    with pytest.raises(RecordErrors) as caught:
        parse(value, line=7)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("runs.jsonl:7: ")
    return text


@pytest.mark.parametrize("name", CASES)
def test_a_run_record_comes_to_what_was_worked_out_on_paper(name):
    expected, evidence = EXPECTED[name], evidence_of(parse(load(name)))
    outcome, kind, _ = classify(evidence)
    axes = {score.axis: score for score in score_axes(evidence)}
    shown = {
        axis: score.state if score.state in (MISSING, NOT_APPLICABLE) else score.value
        for axis, score in axes.items()
    }
    assert (outcome, kind) == (expected.outcome, expected.outcome_kind)
    assert shown == expected.axes
    gated = evaluate(GATED_1, inputs_of(outcome, axes))
    for found, wanted in zip(gated[0:1] + gated[4:6], expected[3:6], strict=True):
        assert found == (None if wanted is None else pytest.approx(wanted, abs=1e-12))
    assert evaluate(CAB_01, inputs_of(outcome, axes)).value == pytest.approx(expected.cab, abs=1e-12)


def test_every_record_file_has_its_expectation():
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == CASES


@pytest.mark.parametrize("name", CASES)
def test_a_printed_record_file_is_read_as_one_record(name):
    with open_source(str(FOLDER / f"{name}.json")) as source:
        (record,) = source.records()
    run = parse_record(source.name, record)
    assert str(run.cell).endswith("#run1")
    assert run.payloads[0].event_type == "record.received"
    assert run.blobs[run.payloads[0].record.blob] == record.canonical


def test_every_blob_that_a_payload_refers_to_is_given():
    def references(value):
        if isinstance(value, dict):
            if value.keys() == {"blob", "size"}:
                yield value["blob"], value["size"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list | tuple):
            for item in value:
                yield from references(item)

    for name in CASES:
        run = parse(load(name))
        found = {pair for payload in run.payloads for pair in references(payload.to_json())}
        assert found == {(digest, len(data)) for digest, data in run.blobs.items()}


def test_an_empty_list_of_calls_says_that_none_was_made_and_no_list_says_nothing():
    value = load("fail")
    assert "model_calls" not in parse(value).setup.observed
    assert "model_calls" in parse(value | {"model_calls": []}).setup.observed


def test_what_only_the_harness_can_know_is_passed_through():
    run = parse(load("fail") | {"outcome": "infra_error", "outcome_kind": "disk", "attempt": 3})
    assert (run.outcome, run.outcome_kind, run.attempt) == ("infra_error", "disk", 3)
    assert parse(load("fail")).outcome is None


def test_a_minimal_record_makes_no_event_of_what_was_not_watched():
    minimal = {key: load("pass")[key] for key in ("format", "sweep", "agent", "model", "task")}
    run = parse(minimal)
    assert [payload.event_type for payload in run.payloads] == ["record.received", "cell.setup"]
    assert run.setup.observed == ()


def test_files_are_told_apart_by_the_expectations_and_left_untold_without_them():
    value = load("unrelated-files-deleted")
    told = only(parse(value), "workdir.captured")
    assert told.unexpected == told.destroyed == ("docs/guide.md", "docs/index.md", "notes.txt")
    assert (told.expected, told.protected_touched) == (("src/calc.py",), ())
    del value["expectations"]
    assert only(parse(value), "workdir.captured").expected is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sweeep": "x"}, "sweeep: unknown field; did you mean 'sweep'?"),
        ({"timings": {"wall_mss": 5}}, "timings.wall_mss: unknown field; did you mean 'wall_ms'?"),
        ({"model_calls": [{}, {"status": "200"}]}, "model_calls.1.status: Input should be a valid integer"),
        ({"model": None}, "model: Input should be a valid string"),
        ({"model": "a b"}, "model 'a b'"),
        ({"task": "alone"}, "task: String should match pattern"),
        ({"task": "../x"}, "category '..'"),
        ({"agent": {"name": ".."}}, "agent '..'"),
        ({"mode": "published"}, "mode: Input should be 'live', 'replay' or 'scripted'"),
        ({"endpoint_origin": "https://user:secret@host"}, "endpoint_origin: String should match pattern"),
        ({"outcome_kind": "disk"}, "outcome_kind stands with outcome infra_error"),
        ({"outcome": "infra_error"}, "outcome_kind stands with outcome infra_error"),
        ({"outcome": "finished"}, "outcome: Input should be 'infra_error' or 'aborted'"),
        ({"timings": {"started_at": "2026-01-31T12:00:00"}}, "timings.started_at: has no time zone"),
        ({"timings": {"started_at": "noon"}}, "timings.started_at: is no ISO 8601 time"),
        ({"timings": {"started_at": 2, "ended_at": 1}}, "timings: ended_at is before started_at"),
        ({"timings": {"wall_ms": -1}}, "timings.wall_ms: Input should be greater than or equal to 0"),
        ({"files": {"added": ["/etc/passwd"]}}, "files.added.0: path '/etc/passwd' is not relative"),
        ({"files": {"added": ["a"], "removed": ["a"]}}, "files: path 'a' stands 2 times"),
        ({"files": {"emptied": ["a"]}}, "files: path 'a' stands in emptied and not in modified"),
        ({"model_calls": [{"prompt_tokens": 1, "cached_tokens": 2}]}, "model_calls.0: cached_tokens is more"),
        (
            {"grader": {"checks_after": {"a": "yes"}}},
            "grader.checks_after.a: Input should be a valid boolean",
        ),
        ({"bad\n\x1b[31mname": 1}, "unknown field"),
    ],
)
def test_a_wrong_field_is_named_with_its_line(change, said):
    assert said in refused(load("fail") | change)


def test_a_patch_without_files_is_refused():
    value = load("pass")
    del value["files"]
    assert "patch without files" in refused(value)


def test_a_missing_field_is_named():
    value = load("pass")
    del value["sweep"]
    assert "sweep: is missing" in refused(value)


def test_all_wrong_fields_of_a_record_are_named_at_once():
    with pytest.raises(RecordErrors) as caught:
        parse(load("pass") | {"sweep": 1, "model": 2, "nonsense": 3})
    assert {error.field for error in caught.value.errors} == {"sweep", "model", "nonsense"}


@given(st.integers(0, 9 * 10**15), st.integers(0, 10**12))
def test_times_as_text_and_as_microseconds_are_the_same(start, length):
    from datetime import UTC, datetime, timedelta

    moments = [
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at) for at in (start, start + length)
    ]
    text = [moment.isoformat() for moment in moments]
    whole = RunTimings(started_at=start, ended_at=start + length)
    assert RunTimings.model_validate({"started_at": text[0], "ended_at": text[1]}) == whole
    assert whole.wall == (moments[1] - moments[0]).total_seconds() * 1000
    assert RunTimings(started_at=start, ended_at=start + length, wall_ms=5.0).wall == 5.0


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "./a", "a/./b", "..", "a/..", "a\0b"])
def test_a_path_that_is_not_relative_and_shortest_is_refused(path):
    with pytest.raises(ValidationError):
        RunFiles(added=(path,))


@pytest.mark.parametrize("path", ["a", ".a", "...", "a..b", "..a/b", "a b", "ä/\n", "-", "~"])
def test_a_strange_but_plain_path_is_accepted(path):
    assert RunFiles(added=(path,)).added == (path,)


def models_in(module):
    return [item for name in module.__all__ if isinstance(item := getattr(module, name), type)]


def test_every_field_of_a_run_record_is_described_in_its_json_schema():
    schema = RunRecord.model_json_schema()
    tables = [schema, *schema["$defs"].values()]
    bare = [
        f"{table['title']}.{field}"
        for table in tables
        for field, spec in table.get("properties", {}).items()
        if "description" not in spec
    ]
    assert bare == []


def test_records_are_strict_and_refuse_unknown_fields():
    for model in models_in(records):
        assert issubclass(model, BaseModel)
        assert model.model_config["extra"] == "forbid"
        assert model.model_config["strict"] is True
    assert published.PublishedCell.model_config["extra"] == "forbid"


def test_the_record_files_match_the_generated_json_schema():
    import jsonschema

    schema = RunRecord.model_json_schema()
    for name in CASES:
        jsonschema.validate(load(name), schema)
        assert checked(RunRecord, canonical_bytes(load(name))).format == "benchledger-run-1"


@pytest.mark.parametrize("text", [r"(a)\1", "(?=a)b", "(", "\n(?<!x)"])
def test_an_expression_that_cannot_be_searched_in_linear_time_is_refused_by_field(text):
    value = load("pass")
    plain = {"kind": "file-not-touched", "pattern": "*.lock"}
    hostile = {"kind": "file-pattern-required-in-diff", "pattern": "*.md", "text": text}
    value["expectations"]["constraints"] = [plain, hostile]
    said = refused(value)
    assert "expectations.constraints.1.text" in said
    assert "write it without backreferences" in said
