"""A private task in a public export: its name, its digests and its scores, and not a word of it."""

import base64
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from benchledger.ledger.append import append_source
from benchledger.ledger.exporters import Undeclared, export
from benchledger.ledger.importers.reader import open_source
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.ledger.withhold import declare_withheld, withheld
from benchledger.runners.prepare import Request, prepare
from benchledger.runners.task import load_task
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import BadInput
from benchledger.schema.events import AgentIdentity, CellSetup
from benchledger.schema.ports import Draft
from benchledger.schema.task import Expectations, TaskIdentity
from tests.cells.parts import agent_file, payloads, run_into, source_of
from tests.cli.calls import answer, call
from tests.ledgers import checked
from tests.runners.tasks import write_task

WORD = "quokka7351"
RUNS = Path(__file__).parents[1] / "data" / "run-records"

TOML = f"""\
title = "{WORD} title"
language = "python"
private = true

[limits]
seconds = 60

[checks]
command = ["sh", "{WORD}.sh", "{WORD}"]
report = "names"

[expectations]
expected = ["{WORD}.txt"]
allowed = ["{WORD}-allowed/**"]
protected = ["{WORD}-kept/**"]
partial_credit = true

[[expectations.constraints]]
kind = "file-pattern-required-in-diff"
pattern = "{WORD}*"
text = "{WORD}|4"
"""
CHECK = f"""\
echo "ok {WORD}-first"
if grep -qx 4 {WORD}.txt; then echo "ok {WORD}-sum"; exit 0; fi
echo "not ok {WORD}-sum"
echo "{WORD} is said" >&2
exit 1
"""
SCRIPT = {
    "steps": [
        {"read": f"{WORD}.txt"},
        {
            "shell": f"ln -s {WORD} {WORD}-link; touch {WORD}-stray; echo {WORD} shell; rm {WORD}-kept/kept.txt"
        },
        {"write": {"path": f"{WORD}.txt", "text": "4\n"}},
        {"say": f"{WORD} done"},
    ],
    "variants": {"fail": [{"say": f"{WORD} refused"}]},
}
FILES = {
    "instruction.md": f"Write 4 into {WORD}.txt, {WORD}.\n",
    f"workdir/{WORD}.txt": f"5 {WORD}\n",
    f"workdir/{WORD}-kept/kept.txt": f"{WORD}\n",
    f"checks/{WORD}.sh": CHECK,
    f"solution/{WORD}.txt": "4\n",
    "script.json": json.dumps(SCRIPT),
}
GONE = dict.fromkeys(("workdir_sum_txt", "workdir_src_kept_txt", "workdir_tests_visible_sh")) | {
    "checks_check_sh": None,
    "solution_sum_txt": None,
}


@pytest.fixture
def root(tmp_path):
    """A folder with one private task, whose every part holds the word, and a public one beside it."""
    write_task(tmp_path / "tasks", FILES, task_toml=TOML, **GONE)
    shutil.copytree(write_task(tmp_path / "other"), tmp_path / "tasks" / "made" / "open")
    return tmp_path / "tasks"


@pytest.fixture
def filled(ledger, tmp_path, root):
    """A ledger with attempts at the private task, of real agents and of another harness, and at a public one."""
    for pty, variant in ((False, "steps"), (True, "steps"), (False, "fail")):
        file = agent_file(tmp_path, pty=pty)
        parts = prepare(Request(agent="tiny", task="made/sum", model="m", agent_files=[file], roots=[root]))
        run_into(ledger, parts, source_of(parts, variant))
    for task in ("made/sum", "made/open"):
        run_into(ledger, prepare(Request(agent="oracle", task=task, roots=[root])), None)
    append_source(ledger, record(tmp_path))
    return ledger


def record(folder):
    """Return a record of another harness that says that its task is private, and names it in its files."""
    value = json.loads((RUNS / "strays.json").read_text())
    text = json.dumps(value | {"task_identity": {"private": True}, "patch": f"+{WORD}\n"})
    path = folder / "record.json"
    path.write_text(re.sub(r'"(src|build|tmp|notes)/', f'"{WORD}/', text))
    assert WORD in path.read_text()
    return open_source(str(path)).__enter__()


def exported(tmp_path, name, *more):
    told = answer("--ledger", tmp_path / "cells.db", "export", tmp_path / name, *more)
    return told, (tmp_path / name).read_bytes()


def spelled(data):
    """Return all that an export says: as it is, and what its blobs hold in base64."""
    lines = [json.loads(line) for line in data.splitlines()]
    packed = [base64.b64decode(line["data"]) for line in lines if line.get("encoding") == "base64"]
    return b"\n".join([data, *packed]).lower()


def test_no_word_of_a_private_task_is_in_a_public_export_and_its_scores_are(tmp_path, filled):
    whole = exported(tmp_path, "whole.jsonl")[1]
    assert spelled(whole).count(WORD.encode()) > 100
    told, public = exported(tmp_path, "public.jsonl", "--public")
    assert WORD.encode() not in spelled(public)
    assert told["declared"] == len(told["withheld"]) > 50
    reasons = {each["reason"] for each in told["withheld"]}
    assert reasons == {"task made/sum is private", "task examples/strays is private"}
    types = "cell.exited cell.launched cell.noted grader.ran model.called record.received span.recorded"
    types += " task.expected workdir.captured"
    assert sorted({each["type"] for each in told["withheld"]}) == types.split()
    assert b"made/sum" in public
    assert checked(tmp_path / "cells.db").redacted == []


def test_a_public_export_restores_to_a_ledger_without_defect_and_with_the_same_scores(tmp_path, filled):
    told = exported(tmp_path, "public.jsonl", "--public")[0]
    copy, home = tmp_path / "copy.db", tmp_path / "cells.db"
    call("--ledger", copy, "append", tmp_path / "public.jsonl")
    report = verify(copy, VerifyOptions(use_last_seen=False))
    assert report.ok, report.defects
    assert report.redacted == [each["seq"] for each in told["withheld"]]
    assert report.unchecked
    assert (
        answer("--ledger", home, "verify")["head"]
        == answer("--ledger", copy, "verify")["head"]
        == told["head"]
    )
    cells = [answer("--ledger", path, "cells") for path in (home, copy)]
    assert len(cells[0]) == 6
    for ours, theirs in zip(*cells, strict=True):
        assert {**ours, "standing": None} == {**theirs, "standing": None}
    boards = [answer("--ledger", path, "leaderboard", "--mode", "scripted") for path in (home, copy)]
    assert boards[0][0]["composite"] == boards[1][0]["composite"]
    other = [answer("--ledger", path, "cells", "--policy", "cab-0.1") for path in (home, copy)]
    assert [each["composite"] for each in other[0]] == [each["composite"] for each in other[1]]
    # as elsewhere: here the ledger at home has the same id, and other events behind this head
    elsewhere = {"XDG_STATE_HOME": str(tmp_path / "elsewhere")}
    call("--ledger", copy, "rescore", "-w", "pass_rate=1", "-w", "blast_radius=1", env=elsewhere)
    assert verify(copy, VerifyOptions(use_last_seen=False)).ok


def test_what_was_declared_once_is_not_declared_again_and_a_public_copy_joins_other_ledgers(tmp_path, filled):
    first = exported(tmp_path, "first.jsonl", "--public")
    second = exported(tmp_path, "second.jsonl", "--public")
    assert (second[0]["declared"], second[1]) == (0, first[1])
    other = tmp_path / "other.db"
    call("--ledger", other, "init")
    call("--ledger", other, "append", tmp_path / "first.jsonl")
    report = verify(other)
    assert report.ok, report.defects
    assert len(report.redacted) == first[0]["declared"]
    back = answer("--ledger", tmp_path / "cells.db", "append", tmp_path / "first.jsonl")
    assert (back["events"], back["already"]) == (0, 6)


def test_a_public_export_of_a_merged_ledger_keeps_its_frames_and_no_word(tmp_path, filled):
    merged, copy = tmp_path / "merged.db", tmp_path / "copy.db"
    call("--ledger", merged, "init")
    call("--ledger", merged, "append", tmp_path / "cells.db")
    proved = answer("--ledger", merged, "verify")["merged"]
    assert [each["ledger"] for each in proved] == [filled.ledger_id]
    call("--ledger", merged, "export", tmp_path / "public.jsonl", "--public")
    public = (tmp_path / "public.jsonl").read_bytes()
    assert b'"frames.kept"' in public
    assert WORD.encode() not in spelled(public)
    call("--ledger", copy, "append", tmp_path / "public.jsonl")
    assert answer("--ledger", copy, "verify")["merged"] == proved


def test_nothing_is_written_before_the_chain_declares_what_is_withheld(tmp_path, filled):
    out = io.BytesIO()
    with pytest.raises(Undeclared):
        export(filled, out, public=True)
    assert out.getvalue() == b""
    assert declare_withheld(filled) > 50
    assert declare_withheld(filled) == 0
    export(filled, out, public=True)
    assert WORD.encode() not in spelled(out.getvalue())


def test_a_public_export_in_a_pipe_says_beside_it_what_was_declared(tmp_path, filled):
    piped = call("--ledger", tmp_path / "cells.db", "export", "--public")
    assert "withheld payloads declared, head" in piped.stderr
    assert WORD.encode() not in spelled(piped.stdout_bytes)
    named = call("--ledger", tmp_path / "cells.db", "export", tmp_path / "named.jsonl", "--public")
    assert "payloads, for task made/sum is private" in named.stdout
    assert (tmp_path / "named.jsonl").read_bytes() == piped.stdout_bytes


def test_a_site_of_private_tasks_is_refused_and_that_of_a_public_copy_holds_no_word(tmp_path, filled):
    refused = call("--ledger", tmp_path / "cells.db", "site", tmp_path / "site", code=2)
    assert "export public.jsonl.gz --public" in refused.stderr
    assert not (tmp_path / "site").exists()
    exported(tmp_path, "public.jsonl", "--public")
    call("--ledger", tmp_path / "copy.db", "append", tmp_path / "public.jsonl")
    told = answer("--ledger", tmp_path / "copy.db", "site", tmp_path / "site")
    files = [item for item in (tmp_path / "site").rglob("*") if item.is_file()]
    assert told["pages"] >= 12  # six cells, and an attempt at each
    assert [item for item in files if WORD.encode() in item.read_bytes().lower()] == []
    answer("--ledger", tmp_path / "cells.db", "site", tmp_path / "whole", "--all")
    whole = [item for item in (tmp_path / "whole").rglob("*.html") if WORD in item.read_text().lower()]
    assert whole


def test_a_ledger_without_private_tasks_is_exported_whole_and_not_written(tmp_path, ledger, root):
    run_into(ledger, prepare(Request(agent="oracle", task="made/open", roots=[root])), None)
    head = ledger.head()
    told, public = exported(tmp_path, "public.jsonl", "--public")
    assert (told["withheld"], told["declared"], ledger.head()) == ([], 0, head)
    assert public == exported(tmp_path, "whole.jsonl")[1]


def test_scores_of_a_private_task_keep_numbers_and_lengths_without_names(tmp_path, filled):
    ref = filled.connection.execute("SELECT ref FROM attempts WHERE ref LIKE '%/tiny/%run1@1'").fetchone()[0]
    axes = {each["axis"]: each for each in payloads(filled, ref, "axis.scored")}
    blast = axes["blast_radius"]["payload"]
    assert blast["protected_touched"] == ["(private)"]
    assert blast["total_changes"] == len(blast["added"]) + len(blast["removed"]) + len(blast["modified"]) == 4
    assert axes["pass_rate"]["payload"]["stdout_tail"] is None
    assert axes["constraints"]["payload"]["results"][0]["honoured"] is True
    (setup,) = payloads(filled, ref, "cell.setup")
    assert "expectations" not in setup["task"]
    assert payloads(filled, ref, "task.expected")[0]["expectations"]["expected"] == [f"{WORD}.txt"]
    assert any(WORD in note for note in payloads(filled, ref, "cell.noted")[0]["notes"])
    shown = json.loads(call("--ledger", tmp_path / "cells.db", "show", ref, "--json").stdout)
    assert WORD in json.dumps(shown)


def test_a_setup_that_tells_what_a_private_task_expects_is_refused_by_name(tmp_path):
    with Ledger.create(tmp_path / "odd.db") as odd:
        setup = CellSetup(
            cell_id="s/a/m/c/t#run1", agent=AgentIdentity(name="a"), model="m", mode="live",
            task=TaskIdentity(private=True, expectations=Expectations(expected=("x",))),
        )  # fmt: skip
        odd.emit(Draft("cell/s/a/m/c/t#run1@1", setup))
        with pytest.raises(BadInput, match=r"cell/s/a/m/c/t#run1@1 says in its cell.setup"):
            list(withheld(odd.connection))


def test_private_stands_at_the_top_of_a_task_and_nowhere_else(tmp_path, root):
    assert load_task(root / "made" / "sum").private
    assert not load_task(root / "made" / "open").private
    assert canonical_bytes({"private": True}) == b'{"private":true}'
    text = TOML.replace("private = true\n", "").replace("[checks]\n", "[checks]\nprivate = true\n")
    (root / "made" / "sum" / "task.toml").write_text(text)
    with pytest.raises(BadInput, match="private"):
        load_task(root / "made" / "sum")
