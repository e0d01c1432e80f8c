"""All published cells of the reference are read; what is not visible is left out."""

import json
from pathlib import Path

import pytest

from benchledger.ledger.importers.reader import SourceRecord, open_source
from benchledger.ledger.importers.registry import parse_record
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import RecordErrors
from benchledger.schema.ports import blob_ref
from benchledger.scorers.published import visible_payload

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/data/cab-cells.jsonl"


def cells():
    with open_source(str(DATA)) as source:
        return list(source.records())


def parsed():
    return [(record.value, parse_record("cab-cells.jsonl", record)) for record in cells()]


def parse(value):
    return parse_record("cab-cells.jsonl", SourceRecord(5, value, canonical_bytes(value)))


def event(run, event_type):
    return next((payload for payload in run.payloads if payload.event_type == event_type), None)


def cut_cell():
    return cells()[1].value


def test_all_43_published_cells_are_read():
    runs = [run for _, run in parsed()]
    assert len(runs) == 43
    assert {run.setup.mode for run in runs} == {"published"}
    assert len({run.cell for run in runs}) == 43
    assert {run.attempt for run in runs} == {None}


def test_the_record_is_kept_verbatim_and_stands_first():
    for value, run in parsed():
        received = run.payloads[0]
        assert received.event_type == "record.received"
        assert json.loads(run.blobs[received.record.blob]) == value
        assert run.canonical == run.blobs[received.record.blob]
        assert received.displayed == value["displayed"]


def test_the_published_composite_has_full_precision_where_it_is_visible():
    composites = [run.payloads[0].published_composite for _, run in parsed()]
    assert composites[0] == 0.5816402435596588
    assert composites[1:3] == [0.879, 0.939]
    assert None not in composites


def test_the_wall_time_of_the_two_times_is_the_published_one_bit_for_bit():
    seen = 0
    for value, run in parsed():
        latency = value["scorers"].get("latency")
        if latency is not None:
            seen += 1
            assert event(run, "cell.exited").wall_ms == latency["wall_clock_ms"]
            assert event(run, "cell.exited").active_ms == latency["container_active_ms"]
    assert seen == 33


def test_banners_become_outcomes_and_no_banner_says_nothing():
    counted = {}
    for value, run in parsed():
        words = (value.get("banner") or "none").split()[0]
        counted.setdefault((words, run.outcome, run.outcome_kind), []).append(value["cell_id"])
    assert {key: len(ids) for key, ids in counted.items()} == {
        ("none", None, None): 32,
        ("Model", "infra_error", "no_call"): 1,
        ("Provider", "infra_error", "rate_limit"): 9,
        ("Timed", "timeout", None): 1,
    }


def test_an_unknown_banner_is_kept_and_judged_by_nobody():
    run = parse(cut_cell() | {"banner": "Something new happened"})
    assert run.payloads[0].banner == "Something new happened"
    assert (run.outcome, run.outcome_kind) == (None, None)


def test_a_timed_out_cell_has_no_image_and_no_version():
    (run,) = (run for _, run in parsed() if run.outcome == "timeout")
    agent, exited = run.setup.agent, event(run, "cell.exited")
    assert (agent.image, agent.image_digest, agent.version) == (None, None, None)
    assert (exited.exit_code, exited.timed_out) == (-1, True)
    assert parse(cut_cell() | {"container_image": "", "image_digest": ""}).setup.agent.image is None


def test_changed_files_are_recorded_only_where_all_three_lists_are_visible():
    for value, run in parsed():
        blast = value["scorers"].get("blast_radius", {})
        workdir = event(run, "workdir.captured")
        assert (workdir is not None) == {"added", "removed", "modified"}.issubset(blast)
        if workdir is not None:
            assert list(workdir.changes.added) == blast["added"]
            assert workdir.destroyed is None
            assert workdir.protected_touched is None
    assert sum(event(run, "workdir.captured") is not None for _, run in parsed()) == 30


def test_a_list_that_goes_on_unseen_is_not_taken_for_a_whole_one():
    (run,) = (run for value, run in parsed() if "(cut)" in json.dumps(value["scorers"].get("blast_radius")))
    workdir = event(run, "workdir.captured")
    assert len(workdir.changes.all) == 8
    assert workdir.unexpected is None


def test_every_text_that_a_payload_shows_is_a_blob():
    for value, run in parsed():
        payload, grader = visible_payload(value, "pass_rate"), event(run, "grader.ran")
        assert grader.exit_code == payload["exit_code"]
        for key, ref in (("stdout_tail", grader.stdout), ("stderr_tail", grader.stderr)):
            shown = value["scorers"]["pass_rate"].get(key)
            assert ref == (None if shown is None else blob_ref(shown.encode()))
            if ref is not None:
                assert payload[key] == ref.to_json()
                assert run.blobs[ref.blob] == shown.encode()


def test_tokens_that_an_agent_printed_are_kept_beside_the_record():
    printed = [run.payloads[0].printed_usage for _, run in parsed()]
    assert sum(usage is not None for usage in printed) == 9
    assert printed[1] == {"prompt_tokens": 1100, "completion_tokens": 382, "source": "TUI stdout"}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("codingagentbench/copilot:v1.0.63", "1.0.63"),
        ("codingagentbench/openhands:1.7.0", "1.7.0"),
        ("registry.example:5000/aider", None),
        ("registry.example:5000/aider:v2@sha256:ab", "2"),
        ("aider:vnext", "vnext"),
        ("aider", None),
        ("aider:", None),
    ],
)
def test_the_version_is_the_tag_of_the_image(image, version):
    assert parse(cut_cell() | {"container_image": image}).setup.agent.version == version


def test_a_cell_id_without_a_run_is_run_one():
    cell = cells()[0].value
    assert "#" not in cell["cell_id"]
    assert str(parse(cell).cell) == cell["cell_id"] + "#run1"


def test_new_keys_inside_payloads_are_taken_and_stay_in_the_record():
    cell = cells()[0].value
    cell["scorers"]["pass_rate"]["new_key"] = [1]
    cell["scorers"]["new_axis"] = {"value": 1}
    cell["displayed"]["new_column"] = "0.1"
    run = parse(cell)
    assert run.payloads[0].displayed["new_column"] == "0.1"
    assert json.loads(run.canonical) == cell


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tuii": "x"}, "tuii: unknown field; did you mean 'tui'?"),
        ({"verdict": 1}, "verdict: unknown field"),
        ({"tui": "other"}, "tui: is 'other', but the cell id says 'aider'"),
        ({"task": "comparator"}, "task: is 'comparator', but the cell id says 'mutations/python"),
        ({"cell_id": "a/b/c"}, "cell_id: cell id 'a/b/c' has 3 parts"),
        ({"exit_code": "0"}, "exit_code: Input should be a valid integer"),
        ({"started_at": "2026-05-28T02:02:00"}, "started_at: has no time zone"),
        ({"ended_at": "2020-01-01T00:00:00Z"}, "ended_at is before started_at"),
        (
            {"scorers": {"pass_rate": {"pass": "yes"}}},
            "scorers.pass_rate.pass: Input should be a valid number",
        ),
        ({"scorers": {"latency": {"wall_clock_ms": -1}}}, "scorers.latency.wall_clock_ms"),
        ({"scorers": None}, "scorers: "),
        ({"displayed": {"refusal": []}}, "displayed.refusal"),
    ],
)
def test_a_wrong_field_of_a_published_cell_is_named_with_its_line(change, said):
    with pytest.raises(RecordErrors) as caught:
        parse(cut_cell() | change)
    text = str(caught.value)
    assert text.startswith("cab-cells.jsonl:5: ")
    assert said in text
    assert "\n" not in text


def test_the_packaged_example_data_is_the_data_of_the_tests():
    packaged = ROOT / "ledger/data"
    assert (packaged / "cab-cells.jsonl").read_bytes() == DATA.read_bytes()
    for folder in (packaged, DATA.parent):
        said = (folder / "ATTRIBUTION.md").read_text(encoding="utf-8")
        assert all(words in said for words in ("CodingAgentBench", "codingagentbench.com", "CC-BY-4.0"))
