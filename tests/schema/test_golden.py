"""The golden ledger of each released format still verifies, folds, rescores and exports."""

import json
import shutil

import pytest

from benchledger.ledger.append import append_source
from benchledger.ledger.exporters import export
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.merge import restore_or_append
from benchledger.ledger.project import rebuild
from benchledger.ledger.rescore import rescore
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.history import Head, Selection
from benchledger.scorers.composite import GATED_1, SHIPPED_POLICIES
from tests.attacks.sample import DATA, OTHER_ID, RUNS
from tests.schema import standalone_frames, standalone_verify

GOLDEN = sorted((DATA / "golden").glob("*.db"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request, tmp_path):
    """A copy, for opening a ledger may write to it, and what it must give; it verifies at the end."""
    path = shutil.copy(request.param, tmp_path / "golden.db")
    facts = json.loads(request.param.with_suffix(".json").read_text(encoding="utf-8"))
    with Ledger.open(path, write=True) as ledger, ledger.writing():
        rebuild(ledger.connection)  # projections are those of the release that reads
    yield path, facts
    report = verify(path, VerifyOptions(heads=(Head(**facts["head"]),)))
    assert report.ok, report.defects


def test_there_is_a_golden_ledger_of_format_1():
    assert "format-1" in [path.stem for path in GOLDEN]


def test_a_golden_ledger_has_the_head_and_root_that_it_had(golden):
    path, facts = golden
    report = verify(path)
    assert (report.ok, report.events, report.root) == (True, facts["events"], facts["root"])
    assert (report.head.to_json(), report.redacted, report.unknown) == (
        facts["head"],
        facts["redacted"],
        facts["unknown"],
    )
    second = standalone_verify.verify(standalone_verify.read(path))
    assert (second["ok"], second["root"], second["head"]) == (True, facts["root"], facts["head"])


def test_the_chain_of_a_merged_ledger_can_be_computed_again_from_the_text_of_the_format_alone(golden):
    path, _ = golden
    ours = {each.ledger: (each.head.seq + 1, each.head.hash) for each in verify(path).merged}
    assert standalone_frames.merged(path) == ours
    assert list(ours) == [OTHER_ID]


def test_a_golden_ledger_is_rescored_to_the_same_table(golden):
    path, facts = golden
    policy = next(one for one in SHIPPED_POLICIES.values() if one.policy_id == facts["rescore"]["policy_id"])
    with Ledger.open(path) as ledger:
        made = rescore(ledger.connection, policy, GATED_1, Selection())
    assert (made.cells, made.table_digest) == (facts["rescore"]["cells"], facts["rescore"]["table_digest"])


def test_a_golden_ledger_is_exported_and_restored_as_it_was(golden, tmp_path):
    path, facts = golden
    with Ledger.open(path) as ledger, (tmp_path / "golden.jsonl").open("wb") as out:
        export(ledger, out)
    with open_source(str(tmp_path / "golden.jsonl")) as source:
        report = restore_or_append(tmp_path / "again.db", source)
    assert report.head.to_json() == facts["head"]
    assert verify(tmp_path / "again.db").root == facts["root"]


def test_what_a_golden_ledger_holds_already_is_not_appended_again(golden):
    path, facts = golden
    with Ledger.open(path, write=True) as ledger:
        for file in sorted(RUNS.glob("*.json")):
            with open_source(str(file)) as source:
                assert append_source(ledger, source).events == 0, file
        assert ledger.head().to_json() == facts["head"]
