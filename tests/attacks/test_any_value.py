"""Whatever single value of the file is changed, `verify` finds it."""

import shutil
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchledger.ledger.ddl import PROJECTIONS
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.errors import FormatUnsupported, NotALedger
from tests.attacks.tools import unguarded

STORED = {
    "events": ("seq", "meta", "payload_digest", "payload_len", "salt", "payload", "hash"),
    "blobs": ("digest", "size", "encoding", "stored_digest", "data"),
    **{name: table.columns for name, table in PROJECTIONS.items()},
}
# A tile takes 256 events; the attacks on a whole ledger change one.
COLUMNS = [(table, column) for table, columns in STORED.items() for column in columns if table != "tiles"]
INTEGERS = st.one_of(st.integers(-3, 1_000), st.integers(-(2**63), 2**63 - 1))


def other(old):
    """Values of the same storage class, or what is nearest to where there is none yet, or NULL."""
    if isinstance(old, int):
        return st.one_of(INTEGERS, st.sampled_from([old - 1, old + 1, -old]), st.none())
    if isinstance(old, float):
        return st.one_of(st.floats(allow_nan=False), st.sampled_from([old + 1, -old]), st.none())
    if isinstance(old, str):
        edited = st.builds(
            lambda at, new: old[:at] + new + old[at + 1 :], st.integers(0, len(old)), st.text(max_size=3)
        )
        return st.one_of(
            edited, st.text(max_size=20), st.sampled_from(["{}", "null", "[1]", old + " "]), st.none()
        )
    if isinstance(old, bytes):
        flipped = st.builds(
            lambda at, bit: bytes(b ^ (1 << bit) if i == at else b for i, b in enumerate(old)),
            st.integers(0, max(len(old) - 1, 0)),
            st.integers(0, 7),
        )
        return st.one_of(flipped, st.binary(min_size=len(old), max_size=len(old)), st.none())
    return st.one_of(
        INTEGERS, st.text(max_size=5), st.floats(allow_nan=False), st.binary(min_size=16, max_size=16)
    )


def change(path, target, pick, data):
    """Change one value; returns whether the file now differs (SQLite may refuse, or convert to what it was)."""
    table, column = target
    key = ", ".join(PROJECTIONS[table].columns[: PROJECTIONS[table].key]) if table in PROJECTIONS else "rowid"
    with unguarded(path) as it:
        count = it.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        found = it.db.execute(
            f"SELECT {key}, {column} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {pick % count}"
        ).fetchone()
        where = " AND ".join(f"{name} IS ?" for name in key.split(", "))
        new = data.draw(other(found[-1]))
        try:
            it.db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (new, *found[:-1]))
        except sqlite3.Error:
            return False
        if key == "rowid" and column == "seq":
            return new != found[-1]
        kept = [new if name == column else value for name, value in zip(key.split(", "), found, strict=False)]
        now = it.db.execute(f"SELECT {column} FROM {table} WHERE {where}", kept).fetchone()
        return now is None or now[0] != found[-1] or type(now[0]) is not type(found[-1])


def is_caught(sample, folder, target, pick, data):
    path = folder / "changed.db"
    for left in folder.glob("changed.db*"):
        left.unlink()
    shutil.copy(sample, path)
    if not change(path, target, pick, data):
        return
    try:
        report = verify(path, VerifyOptions(use_last_seen=False))
    except (NotALedger, FormatUnsupported):
        return
    # Which version made the projections decides whether they are compared: then that is said.
    told = target == ("projection_state", "version") and "projection" in {x.kind for x in report.unchecked}
    assert not report.ok or told, f"{target} row {pick} was changed and nothing was said"


def test_the_small_sample_is_clean_and_has_rows_in_every_table(small_sample):
    assert verify(small_sample).ok
    with sqlite3.connect(small_sample) as connection:
        empty = [
            name for name in STORED if not connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
        ]
    connection.close()
    assert empty == ["tiles"]


ANY = dict(target=st.sampled_from(COLUMNS), pick=st.integers(0, 2**16), data=st.data())
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=120, deadline=None, suppress_health_check=QUIET)
@given(**ANY)
def test_any_one_value_that_is_changed_is_caught(small_sample, tmp_path, target, pick, data):
    is_caught(small_sample, tmp_path, target, pick, data)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=5_000, deadline=None, suppress_health_check=QUIET)
@given(**ANY)
def test_thousands_of_changed_values_are_all_caught(small_sample, tmp_path, target, pick, data):
    is_caught(small_sample, tmp_path, target, pick, data)


@pytest.mark.parametrize("target", COLUMNS, ids=".".join)
@settings(max_examples=1, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(data=st.data())
def test_a_value_of_every_column_is_caught(small_sample, tmp_path, target, data):
    is_caught(small_sample, tmp_path, target, 0, data)
