"""Binary files of an agent are in the patch, but never one with a secret in it: no mask finds it there."""

from benchledger.runners.recheck import rebuild
from benchledger.runners.workdir import make_workdir
from tests.cells.parts import payloads, prepared, run_into, steps

WRITE = (
    "printf '\\0%s' \"$TINY_KEY\" > key.bin; printf '\\0\\1harmless' > plain.bin; gzip -c key.bin > key.gz"
)


def test_a_binary_file_with_the_attempt_s_key_is_named_and_not_kept(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, steps(parts, WRITE))
    (captured,) = payloads(ledger, ran.ref, "workdir.captured")
    assert captured["changes"]["added"] == ["key.bin", "key.gz", "plain.bin"]
    patch = ledger.blob(captured["patch"]["blob"])
    assert patch.count(b"GIT binary patch") == 1
    assert b"# key.bin: file, " in patch
    assert b"# key.gz: file, " in patch


def test_compiled_files_that_a_test_run_left_do_not_stand_in_the_way_of_a_recheck(ledger, tmp_path):
    parts = prepared(tmp_path)
    ran = run_into(ledger, parts, steps(parts, "python3 -c 'import cache'"))
    (captured,) = payloads(ledger, ran.ref, "workdir.captured")
    assert any(name.endswith(".pyc") for name in captured["changes"]["added"])
    recorded = [ledger.blob(captured[name]["blob"]) for name in ("patch", "manifest")]
    rebuild(parts.task, *recorded, tmp_path / "again")
    make_workdir(parts.task, tmp_path / "start")
    compiled = {path.name for path in (tmp_path / "again").rglob("*.pyc")}
    assert len(compiled) == 1
    assert not list((tmp_path / "start").rglob("*.pyc"))
