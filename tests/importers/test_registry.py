"""Which importer a record is for is told by the record itself."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchledger.ledger.importers.registry import IMPORTERS, importer_for
from benchledger.schema.errors import BadInput

FOLDER = Path(__file__).parents[1] / "data"

PLUGIN = """
FORMAT = "notes-1"
def detect(value): return "note" in value
def parse(value, canonical): raise NotImplementedError
"""
ASK = """
import json, sys
from benchledger.ledger.importers.registry import importer_for
print(importer_for(json.loads(sys.argv[1])).FORMAT)
"""


def test_each_importer_of_the_table_stands_under_its_own_format():
    run = json.loads((FOLDER / "run-records/pass.json").read_text(encoding="utf-8"))
    cell = json.loads((FOLDER / "cab-cells.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert [importer_for(value).FORMAT for value in (run, cell)] == list(IMPORTERS)


@pytest.mark.parametrize(
    "value", [{}, {"a": 1}, {"format": "benchledger-run-99"}, {"format": None}, {"format": []}]
)
def test_an_unknown_format_names_the_known_ones_and_the_next_step(value):
    with pytest.raises(BadInput, match="known are benchledger-run-1, cab-cell-1") as caught:
        importer_for(value)
    assert "schema/README.md" in caught.value.hint


def ask(folder, value):
    command = [sys.executable, "-c", ASK, json.dumps(value)]
    environment = {"PYTHONPATH": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def plug(folder, module):
    info = folder / "notes-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: notes\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[benchledger.importers]\nnotes = {module}\n")
    (folder / "notes_importer.py").write_text(PLUGIN)


def test_an_installed_package_adds_its_importer(tmp_path):
    plug(tmp_path, "notes_importer")
    assert ask(tmp_path, {"note": 1}).stdout == "notes-1\n"


def test_an_importer_that_cannot_be_loaded_is_named(tmp_path):
    plug(tmp_path, "no_such_module")
    said = ask(tmp_path, {"note": 1}).stderr
    assert "importer 'notes' (no_such_module) cannot be loaded" in said
