"""A script that a program makes leads from the workdir to the solution, whatever the files are."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.runners.maker import Content, folder_contents
from benchledger.runners.proxy.fill import as_shell
from benchledger.runners.script import play
from benchledger.runners.solving import solving_script
from tests.runners.made import contents

LONG = "".join(f"line {number} of many\n" for number in range(8000))
CASES = {
    "one line of many": ({"a.py": LONG}, {"a.py": LONG.replace("line 4000 ", "line x ")}, ()),
    "two places that look the same": ({"a": "x\ny\nx\ny\nx\n"}, {"a": "x\nz\nx\nz\nx\n"}, ()),
    "repeated lines": ({"a": "}\n" * 40}, {"a": "}\n" * 20 + "end\n" + "}\n" * 20}, ()),
    "a new file": ({"a": "a\n"}, {"deep/er/b.py": "it's $HOME `b` \\n\n"}, ()),
    "no end of line": ({"a": "one\ntwo"}, {"a": "one\nthree", "b": "b"}, ()),
    "an empty file": ({"a": "", "b": "b\n"}, {"a": "a\n", "b": ""}, ()),
    "carriage returns": ({"a": "a\r\nb\r\n"}, {"a": "a\r\nc\r\n"}, ()),
    "no text": ({"a": b"\0\1\2"}, {"a": bytes(range(256)) * 700, "b": b"caf\xe9\n"}, ()),
    "a large new file": ({"a": "a\n"}, {"b": LONG * 4}, ()),
    "a file that goes": ({"a": "a\n", "d/e/f": "f\n"}, {"a": "b\n"}, ("d/e/f",)),
    "a file that becomes a folder": ({"a": "a\n"}, {"a/b": "a\n"}, ("a",)),
    "a folder that becomes a file": ({"a/b": "a\n"}, {"a": "b\n"}, ("a/b",)),
    "modes": ({"a": "a\n", "b*": "b\n"}, {"a*": "a\n", "b": "b2\n", "c*": "c\n"}, ()),
    "odd names": ({"a b": "a\n", "-r": "r\n", "it's": "i\n"}, {"a b": "b\n", "é*": "e\n"}, ("-r", "it's")),
}


def laid(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.data)
        (folder / name).chmod(0o755 if content.executable else 0o644)
    return folder


def by_shell(script, folder):
    """Play as an agent does that has a shell and nothing else."""
    for step in script.variant():
        kind, value = step.action
        if kind != "say":
            value = value if isinstance(value, str) else value.model_dump()
            command = as_shell(kind, value, str(folder))
            assert len(command) < 128 << 10
            subprocess.run(["sh", "-c", command], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("how", [play, by_shell])
@pytest.mark.parametrize("name", CASES)
def test_the_script_makes_of_the_workdir_what_the_solution_makes(tmp_path, name, how):
    before, after, removes = (*map(contents, CASES[name][:2]), CASES[name][2])
    how(solving_script(before, after, removes), laid(tmp_path, before))
    wanted = {path: content for path, content in before.items() if path not in removes} | after
    assert folder_contents(tmp_path) == wanted


def test_a_small_change_of_a_large_file_is_a_small_edit():
    before, after = contents({"a": LONG}), contents({"a": LONG.replace("line 7 ", "line seven ")})
    (read, edit, said) = solving_script(before, after).variant()
    assert [step.action[0] for step in (read, edit, said)] == ["read", "edit", "say"]
    assert len(edit.action[1].old) < 100


def test_the_failing_variant_reads_and_changes_nothing(tmp_path):
    before = contents({"a": "a\n"})
    play(solving_script(before, contents({"a": "b\n"})), laid(tmp_path, before), "fail")
    assert folder_contents(tmp_path) == before


LINES = st.lists(st.sampled_from(["a\n", "b\n", "\n", "  c\n"]), max_size=12).map("".join)


@given(LINES, LINES)
@settings(max_examples=150, deadline=None)
def test_edits_lead_from_any_text_to_any_other(tmp_path_factory, old, new):
    folder = laid(tmp_path_factory.mktemp("edits"), {"f": Content(old.encode())})
    play(solving_script({"f": Content(old.encode())}, {"f": Content(new.encode())}), folder)
    assert (folder / "f").read_text() == new
