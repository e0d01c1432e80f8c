"""Patches as files and hunks: those that the runner writes, those of other tools, and whatever else comes."""

from __future__ import annotations

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.ledger.web.cell.diff import FILE_LINES, FILES, LINES, WIDTH, read_patch
from benchledger.runners.patch import Side, make_patch
from benchledger.runners.scan import Entry

names = st.sampled_from(["a", "b.txt", "dir/c", "dir/ü", "x y", 'q"t', "back\\slash", "tab\tname", "a b/b a"])
words = [
    "one",
    "two",
    "",
    "--- a/x",
    "+++ b/x",
    "@@ -1 +1 @@",
    "diff --git a/x b/x",
    "\\",
    "# a: removed: x",
    "é\r",
]
lines = st.sampled_from(words)
texts = st.builds(
    lambda found, end: ("\n".join(found) + end).encode(),
    st.lists(lines, max_size=9),
    st.sampled_from(["", "\n"]),
)
trees = st.dictionaries(names, st.tuples(texts, st.booleans()), max_size=5)


def side(tree):
    entries = {
        name: Entry("file", "0" * 64, len(text), 0o755 if executable else 0o644)
        for name, (text, executable) in tree.items()
    }
    return Side(entries, {name: text for name, (text, _) in tree.items()})


@settings(max_examples=60, deadline=None)
@given(trees, trees)
def test_every_file_and_line_that_the_runner_writes_is_found(first, second):
    changed = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    found = read_patch(make_patch(side(first), side(second), changed))
    assert sorted(file["path"] for file in found["files"]) == changed
    assert (found["plain"], found["files_left"], found["lines_left"]) == (None, 0, 0)
    for file in found["files"]:
        old, new = (tree.get(file["path"], (b"", False))[0] for tree in (first, second))
        assert file["stray"] == []
        wanted = {(False, True): "added", (True, False): "removed"}
        assert file["change"] == wanted.get((file["path"] in first, file["path"] in second), "modified")
        for hunk in file["hunks"]:
            for line in hunk["lines"]:
                for number, text in ((line["old"], old), (line["new"], new)):
                    if number is not None:
                        assert text.split(b"\n")[number - 1].decode() == line["text"]
        kinds = [line["kind"] for hunk in file["hunks"] for line in hunk["lines"]]
        assert (kinds.count("added"), kinds.count("removed")) == (file["added"], file["removed"])


pieces = st.sampled_from(
    [
        *(
            b"diff --git a/x b/x",
            b"--- a/x",
            b"+++ b/x",
            b"@@ -1,2 +1,3 @@",
            b"@@ -1 +1 @@ f",
            b" same",
            b"+new",
        ),
        *(
            b"-old",
            b"",
            b"GIT binary patch",
            b"literal 3",
            b"# x: file, 3 bytes, blake3 unknown: full",
            b"\\ No",
        ),
        *(
            b"rename from x",
            b"rename to y",
            b"old mode 100644",
            b"--- /dev/null",
            b"@@ -9999999999 +1 @@",
            b"\xff\0",
        ),
        *(
            b'diff --git "a/\\303\\274" "b/\\303\\274"',
            b"<script>",
            b"index 1..2",
            b"deleted file mode 100644",
        ),
    ]
)


@settings(max_examples=400)
@given(st.lists(st.one_of(pieces, st.binary(max_size=20)), max_size=30))
def test_whatever_comes_no_line_that_says_something_is_lost(found):
    data = b"\n".join(found)
    made = read_patch(data)
    shown = str(made)
    assert made["files_left"] == 0
    for line in data.split(b"\n"):
        if (
            line[:1] in (b"+", b"-")
            and line[:3] not in (b"+++", b"---")
            and line.isascii()
            and b"\0" not in line
        ):
            text = repr(line[1:].decode())[1:-1] if line.decode().isprintable() else ""
            assert text in shown or any(file["binary"] for file in made["files"])


def test_a_binary_file_a_mode_and_what_was_not_kept_are_told():
    before = side({"run.sh": (b"x\n", False), "gone": (b"1\n2\n", False), "pic": (b"\0\1", False)})
    after = side({"run.sh": (b"x\n", True), "pic": (b"\0\2\3", False)})
    after.entries["big"] = Entry("file", "", 1 << 30, 0o644)
    found = read_patch(make_patch(before, after, ["run.sh", "gone", "pic", "big"]))
    files = {file["path"]: file for file in found["files"]}
    assert (files["run.sh"]["old_mode"], files["run.sh"]["new_mode"]) == ("100644", "100755")
    assert files["pic"]["binary"] is True
    assert (files["gone"]["change"], files["gone"]["removed"]) == ("removed", 2)
    assert files["big"]["said"] == "no text to show: file, 1073741824 bytes, blake3 unknown"


def test_git_s_own_renames_and_no_newline_notes_are_read(tmp_path):
    (tmp_path / "a b").write_text("1\n2\n3\n4\n5\n6\n")
    run = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tmp_path)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["mv", "a b", "c"]):
        subprocess.run([*run, *words], check=True)
    (tmp_path / "c").write_text("1\n2\n3\n4\n5\nsix")
    found = read_patch(subprocess.run([*run, "diff", "HEAD", "-M"], check=True, capture_output=True).stdout)
    (file,) = found["files"]
    assert (file["path"], file["old_path"], file["change"]) == ("c", "a b", "renamed")
    assert [line["kind"] for line in file["hunks"][0]["lines"][-3:]] == ["removed", "added", "note"]
    assert file["stray"] == []


def test_a_patch_without_git_s_lines_is_read_as_well():
    found = read_patch(
        b"Index: x\n--- x.c\t2020-01-01\n+++ x.c\t2020-01-02\n@@ -1 +1 @@ int f()\n-a\n+b\n--- y\n+++ z\n"
    )
    assert [file["path"] for file in found["files"]] == ["x.c", "z"]
    assert found["files"][0]["hunks"][0]["context"] == "int f()"
    assert found["plain"] == "Index: x"


def test_a_text_that_is_no_patch_stays_a_text():
    found = read_patch(b"no patch\n<script>\n\xff\n")
    assert found == {"files": [], "files_left": 0, "lines_left": 0, "plain": "no patch\n<script>\n\ufffd"}
    assert read_patch(b"")["plain"] is None


def test_a_hunk_that_promises_too_much_gives_its_lines_and_no_more():
    data = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,99 +1,99 @@\n+a\nwhat\n+b\n"
    found = read_patch(data + b"diff --git a/y b/y\nnew file mode 1\n")
    first, second = found["files"]
    assert [line["text"] for line in first["hunks"][0]["lines"]] == ["a"]
    assert first["stray"] == ["what", "+b"]
    assert (second["path"], second["change"]) == ("y", "added")


def test_files_lines_and_widths_have_bounds_and_the_rest_is_counted():
    head = b"diff --git a/f%d b/f%d\n--- a/f%d\n+++ b/f%d\n@@ -0,0 +1,%d @@\n"
    long = head.replace(b"%d", b"1", 4) % 5000 + b"+x\n" * 5000
    found = read_patch(long)
    (file,) = found["files"]
    assert len(file["hunks"][0]["lines"]) == FILE_LINES
    assert (file["added"], file["left"], found["lines_left"]) == (5000, 5000 - FILE_LINES, 5000 - FILE_LINES)
    many = b"".join(head % (n, n, n, n, 100) + b"+x\n" * 100 for n in range(FILES + 50))
    found = read_patch(many)
    assert (len(found["files"]), found["files_left"]) == (FILES, 50)
    assert sum(len(hunk["lines"]) for file in found["files"] for hunk in file["hunks"]) == LINES
    wide = read_patch(head % (1, 1, 1, 1, 1) + b"+" + b"w" * 100_000)
    text = wide["files"][0]["hunks"][0]["lines"][0]["text"]
    assert len(text) < WIDTH + 30
    assert text.endswith("(100,000 bytes)")


@pytest.mark.parametrize(
    "bomb",
    [
        b"diff --git a/x b/x\n" * 100_000,
        b"# " + b": " * 1_000_000,
        b'diff --git "' + b"\\" * 2_000_001 + b'" "',
        b"--- x\n" * 300_000,
        b"--- x\n+++ x\n@@ -1 +1 @@\n" * 100_000,
        b"\n" * 1_000_000,
        b"diff --git a/x b/x\n@@ -1,999999999 +1,999999999 @@\n" + b" \n" * 500_000,
        b'# "' + b"a" * 2_000_000,
    ],
    ids=lambda bomb: ascii(bomb[:14]),
)
def test_a_hostile_patch_takes_linear_time(bomb):
    began = time.process_time()
    read_patch(bomb)
    assert time.process_time() - began < 4
