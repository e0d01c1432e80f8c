"""Two verifiers that share no code name the same defects, and the vectors say which."""

import ast
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchledger.ledger.ddl import EVIDENCE_DDL
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.ledger.verify_chain import check_range
from benchledger.schema.history import Head
from tests.attacks.sample import build_full
from tests.attacks.tools import unguarded
from tests.ledgers import published
from tests.schema import standalone_verify
from tests.schema.make_vectors import FOLDER, vectors, written

FILES = sorted(FOLDER.glob("*.json"))
SCRIPT = Path(standalone_verify.__file__)
CHAIN_KINDS = {"gap", "event_hash", "link", "payload", "truncated", "fork"}


def ours(path, heads=()):
    """What `verify --chain` says, in the words of the standalone verifier."""
    report = verify(path, VerifyOptions(chain_only=True, heads=tuple(heads), use_last_seen=False))
    return {
        "ok": report.ok,
        "defects": [{"seq": defect.seq, "kind": defect.kind} for defect in report.defects],
        "redacted": report.redacted,
        "root": report.root,
        "head": None if report.head is None else report.head.to_json(),
    }


def theirs(path, heads=()):
    return standalone_verify.verify(standalone_verify.read(path), [(head.seq, head.hash) for head in heads])


def load(vector, path):
    """Put the rows of a vector into a new ledger file, past its guards."""
    Ledger.create(path, vector["ledger_id"], seed=False).close()
    with unguarded(path) as it:
        for row in vector["rows"]:
            values = [
                bytes.fromhex(row[name]) if name in standalone_verify.HEX and row[name] else row[name]
                for name in row
            ]
            it.db.execute("INSERT INTO events VALUES(?,?,?,?,?,?,?)", values)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_both_verifiers_say_what_a_vector_expects(file, tmp_path):
    vector = json.loads(file.read_text(encoding="utf-8"))
    heads = [Head(**head) for head in vector["heads"]]
    load(vector, tmp_path / "vector.db")
    said = ours(tmp_path / "vector.db", heads)
    assert said == theirs(tmp_path / "vector.db", heads) == theirs(file, heads)
    assert {name: said[name] for name in vector["expect"]} == vector["expect"]
    if not vector["heads"] and vector["rows"]:
        chain = check_range(tmp_path / "vector.db", 0, vector["rows"][-1]["seq"] + 1)
        assert (chain.root().hex(), chain.events) == (
            said["root"],
            len([row for row in vector["rows"] if row["seq"] >= 0]),
        )


def test_the_vectors_are_what_their_script_writes():
    made = vectors()
    assert {file.stem for file in FILES} == set(made)
    assert [file.stem for file in FILES if file.read_text(encoding="utf-8") != written(made[file.stem])] == []
    assert sum(file.stat().st_size for file in FILES) < 400_000
    kinds = {defect["kind"] for vector in made.values() for defect in vector["expect"]["defects"]}
    assert kinds == CHAIN_KINDS


def test_the_second_verifier_is_short_and_imports_nothing_of_ours():
    text = SCRIPT.read_text(encoding="utf-8")
    imported = {
        name
        for node in ast.walk(ast.parse(text))
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None)]
        )
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) == {"blake3"}
    assert len(text.splitlines()) < 150


def test_the_second_verifier_runs_by_itself_on_a_ledger_of_published_cells(tmp_path):
    path = tmp_path / "published.db"
    published(path).close()
    assert verify(path).ok
    said = ours(path)
    assert (said["ok"], said) == (True, theirs(path))
    head = said["head"]
    for given_head, code in ((f"{head['seq']}:{head['hash']}", 0), (f"{head['seq'] + 1}:{head['hash']}", 1)):
        run = subprocess.run(
            [sys.executable, "-I", SCRIPT, path, given_head], capture_output=True, check=False
        )
        assert (run.returncode, json.loads(run.stdout)["root"]) == (code, said["root"])
    assert json.loads(run.stdout)["defects"] == [{"seq": head["seq"] + 1, "kind": "truncated"}]


@pytest.fixture(scope="module")
def whole_sample(tmp_path_factory):
    return build_full(tmp_path_factory.mktemp("sample") / "whole.db")


BYTES = st.tuples(st.binary(min_size=32, max_size=32))
EDITS = st.one_of(
    st.tuples(st.just("DELETE FROM events"), st.just(())),
    st.tuples(st.just("UPDATE events SET hash = ?"), BYTES),
    st.tuples(st.just("UPDATE events SET payload_digest = ?"), BYTES),
    st.tuples(st.just("UPDATE events SET salt = substr(?, 1, 16)"), BYTES),
    st.tuples(st.just("UPDATE events SET payload_len = ?"), st.tuples(st.integers(-2, 2**62))),
    st.tuples(st.just("UPDATE events SET payload = ?"), st.tuples(st.text() | st.none())),
    st.tuples(st.just("UPDATE events SET salt = NULL, payload = NULL"), st.just(())),
    st.tuples(st.just("UPDATE events SET meta = replace(meta, 'cli', ?)"), st.tuples(st.sampled_from("abc"))),
    st.tuples(st.just("UPDATE events SET seq = ?"), st.tuples(st.integers(-5, 10_000) | st.just(2**62))),
    st.tuples(st.just("SWAP"), st.tuples(st.integers(0, 788))),
)


def tamper(connection, seq, statement, values):
    if statement != "SWAP":
        connection.execute(f"{statement} WHERE seq = ?", (*values, seq))
        return
    for old, new in ((seq, -1), (values[0], seq), (-1, values[0])):
        connection.execute("UPDATE events SET seq = ? WHERE seq = ?", (new, old))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(st.integers(0, 788), EDITS), min_size=1, max_size=5))
def test_both_verifiers_agree_however_a_chain_is_tampered_with(whole_sample, tmp_path, edits):
    path = tmp_path / "tampered.db"
    for left in tmp_path.glob("tampered.db*"):
        left.unlink()
    shutil.copy(whole_sample, path)
    with unguarded(path) as it:
        for seq, (statement, values) in edits:
            try:
                tamper(it.db, seq, statement, values)
            except sqlite3.IntegrityError:
                continue  # SQLite refuses a place that is taken
    assert ours(path) == theirs(path)


def test_the_tables_of_the_readme_are_those_that_are_shipped():
    text = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    missing = [statement for statement in EVIDENCE_DDL if statement not in text]
    assert missing == []
