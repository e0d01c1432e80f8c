"""Every edit that an attacker can make to the file is found and named."""

import shutil

import pytest

from benchledger.ledger import heads
from benchledger.ledger.ddl import PROJECTION_VERSION, PROJECTIONS
from benchledger.ledger.digests import rebuild_projections
from benchledger.ledger.projected import require_current
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.errors import EnvironmentLacks, FormatUnsupported, NotALedger
from benchledger.schema.history import Head
from tests.attacks import on_events, on_file, on_merged, on_scores  # noqa: F401 - they fill the table
from tests.attacks.registry import ATTACKS, table
from tests.attacks.sample import LEDGER_ID
from tests.attacks.tools import unguarded

TABLES = sorted(PROJECTIONS)

OTHER = {"INTEGER": "{0} + 7", "TEXT": "{0} || 'x'", "REAL": "{0} + 0.125", "BLOB": "zeroblob(32)"}


def found(path, *heads):
    report = verify(path, VerifyOptions(heads=heads))
    assert report.ok == (not report.defects)
    return {(defect.seq, defect.kind) for defect in report.defects}


def test_the_sample_is_clean_and_has_rows_in_every_table(sample):
    report = verify(sample)
    assert report.ok, report.defects
    assert (len(report.redacted), report.unknown) == (1, {"future.thing (schema 1)": 1})
    with unguarded(sample) as it:
        for table in ("events", "blobs", *PROJECTIONS):
            assert it.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0], table
    assert verify(sample).ok, "dropping the guards and putting them back leaves no trace"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_edit_of_the_file_is_found_and_named(attack, sample):
    with unguarded(sample) as it:
        head = Head(seq=it.rows[-1].seq, hash=it.rows[-1].hash.hex())
        expected = attack.edit(it)
    assert {kind for _, kind in expected} >= set(attack.kinds)
    if attack.head:
        assert found(sample) == set(), "nothing but a head kept elsewhere can show this"
    named = found(sample, *([head] if attack.head else []))
    named |= {("any", kind) for _, kind in named}
    assert expected <= named


@pytest.fixture
def any_sample(request, name, tmp_path):
    """The small sample, and the whole one for tiles, of which each takes 256 events."""
    return shutil.copy(
        request.getfixturevalue(f"{'whole' if name == 'tiles' else 'small'}_sample"), tmp_path / "any.db"
    )


@pytest.mark.parametrize("name", TABLES)
def test_a_projection_row_that_was_deleted_is_named(name, any_sample):
    with unguarded(any_sample) as it:
        key = PROJECTIONS[name].columns[0]
        it.db.execute(f"DELETE FROM {name} WHERE {key} = (SELECT max({key}) FROM {name})")
    assert "projection" in {kind for _, kind in found(any_sample)}


@pytest.mark.parametrize("name", TABLES)
def test_a_projection_row_that_was_changed_is_named(name, any_sample):
    columns = PROJECTIONS[name]
    with unguarded(any_sample) as it:
        for column, kind in zip(columns.columns[columns.key :], columns.types[columns.key :], strict=True):
            if (name, column) != ("projection_state", "version"):
                value = f"coalesce({OTHER[kind].format(column)}, {'1' if kind != 'TEXT' else repr('x')})"
                it.db.execute(f"UPDATE {name} SET {column} = {value}")
    assert "projection" in {kind for _, kind in found(any_sample)}


@pytest.mark.parametrize(
    ("layout", "age"), [(PROJECTION_VERSION - 1, "older"), (PROJECTION_VERSION + 1, "newer")]
)
def test_projections_of_another_version_hide_nothing_for_nothing_trusts_them(sample, layout, age):
    with unguarded(sample) as it:
        it.db.execute("UPDATE projection_state SET version = ?", (layout,))
        it.db.execute("UPDATE composites SET value = 0.999")
        it.db.execute("ALTER TABLE sources ADD COLUMN colour TEXT")
        it.db.execute("CREATE INDEX sources_colour ON sources(colour)")
    report = verify(sample)
    assert (report.ok, report.compared) == (True, False)
    (told,) = report.unchecked
    assert told.kind == "projection"
    assert f"{age} version" in told.detail
    assert told.detail.endswith("run `benchledger rebuild`")
    with Ledger.open(sample) as ledger, pytest.raises(EnvironmentLacks, match="benchledger rebuild"):
        require_current(ledger.connection, sample)
    rebuild_projections(sample)
    assert found(sample) == set()


def test_evidence_and_guards_are_checked_as_ever_beside_projections_of_another_version(sample):
    with unguarded(sample) as it:
        it.db.execute("UPDATE projection_state SET version = 0")
        seq = it.seq("axis.scored")
        it.rewrite(seq, value=0.125)
        it.rechain(seq)
        rescored = it.seq("history.rescored")
        it.rewrite(rescored, table_digest="0" * 64)
        it.rechain(rescored)
        it.after.append("CREATE TRIGGER more AFTER INSERT ON cells BEGIN DELETE FROM spans; END")
        it.after.append("DROP TRIGGER events_delete")
    named = found(sample)
    assert {(seq, "axis"), (rescored, "score"), (None, "ddl")} <= named
    assert "projection" not in {kind for _, kind in named}


@pytest.mark.parametrize("name", TABLES)
def test_a_projection_row_that_was_added_is_named(name, any_sample):
    columns = PROJECTIONS[name]
    key = columns.columns[0]
    copied = ", ".join(
        OTHER[columns.types[0]].format(key) if name == key else name for name in columns.columns
    )
    with unguarded(any_sample) as it:
        highest = f"{key} = (SELECT max({key}) FROM {name})"
        it.db.execute(f"INSERT INTO {name} SELECT {copied} FROM {name} WHERE {highest} LIMIT 1")
    assert "projection" in {kind for _, kind in found(any_sample)}


def test_a_file_that_says_it_belongs_to_another_application_is_refused(sample):
    with unguarded(sample) as it:
        it.db.execute("PRAGMA application_id = 1")
    with pytest.raises(NotALedger):
        verify(sample)


def test_a_file_that_says_it_has_another_format_is_refused(sample):
    with unguarded(sample) as it:
        it.db.execute("PRAGMA user_version = 2")
    with pytest.raises(FormatUnsupported):
        verify(sample)


def test_the_head_last_seen_alone_shows_a_rollback_and_another_history(sample):
    report = verify(sample)
    heads.note(LEDGER_ID, report.head, verified=True)
    assert (verify(sample).level, found(sample)) == ("last-seen", set())
    with unguarded(sample) as it:
        last = it.rows[-1].seq
        it.db.execute("DELETE FROM events WHERE seq = ?", (last,))
        it.refold()
    assert found(sample) == {(last, "truncated")}
    heads.accept(LEDGER_ID, verify(sample).head)
    assert found(sample) == set()
    heads.accept(LEDGER_ID, report.head.model_copy(update={"seq": last - 1}))
    assert found(sample) == {(last - 1, "fork")}


def test_every_attack_has_a_sentence_for_the_reader():
    assert len({attack.sentence for attack in ATTACKS}) == len(ATTACKS) == len(table().splitlines()) - 2
    assert all(attack.sentence.endswith(".") and attack.kinds for attack in ATTACKS)
