"""A patch brings the first state to the second when git applies it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.runners.patch import quoted
from benchledger.runners.tree import Bounds
from benchledger.runners.workdir import capture, snapshot

names = st.sampled_from(
    ["a", "b.txt", "dir/c", "dir/ü", "x y", 'q"t', "back\\slash", "tab\tname", "dir/deep/e"]
)
lines = st.sampled_from(
    [
        "one",
        "two",
        "",
        "--- a/x",
        "+++ b/x",
        "@@ -1 +1 @@",
        "diff --git a/x b/x",
        "\\",
        "é\r",
        "\0\1",
        "GIT binary patch",
    ]
)
texts = st.builds(
    lambda found, end: "\n".join(found) + end, st.lists(lines, max_size=8), st.sampled_from(["", "\n"])
)
files = st.dictionaries(names, st.tuples(texts, st.booleans()), max_size=6)


def write(folder: Path, wanted: dict[str, tuple[str, bool]]) -> None:
    for name, (text, executable) in wanted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
        (folder / name).chmod(0o755 if executable else 0o644)


def contents(folder: Path) -> dict[str, tuple[str, bool]]:
    found = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes().decode(), bool(path.stat().st_mode & 0o100))
        for path in found
    }


@settings(max_examples=40, deadline=None)
@given(files, files)
def test_git_applies_a_patch_and_gets_the_second_state(first, second):
    with tempfile.TemporaryDirectory() as scratch:
        old, new = Path(scratch) / "old", Path(scratch) / "new"
        old.mkdir()
        write(old, first)
        before = snapshot(old)
        new.mkdir()
        write(new, second)
        found = capture(before, new)
        if found.patch:
            subprocess.run(["git", "init", "-q"], cwd=old, check=True)
            command = ["git", "apply", "--whitespace=nowarn", "-"]
            done = subprocess.run(command, cwd=old, input=found.patch, capture_output=True, check=False)
            assert done.returncode == 0, (done.stderr, found.patch)
        assert contents(old) == second


def changed(
    tmp_path: Path, first: dict[str, bytes], second: dict[str, bytes], bounds: Bounds | None = None
) -> bytes:
    for folder, wanted in (("a", first), ("b", second)):
        (tmp_path / folder).mkdir()
        for name, content in wanted.items():
            (tmp_path / folder / name).write_bytes(content)
    return capture(snapshot(tmp_path / "a"), tmp_path / "b", bounds).patch


def test_attributes_of_the_agent_hide_nothing(tmp_path):
    hidden = {".gitattributes": b"* -diff binary\n", "a.py": b"2\n"}
    assert b"-1\n+2\n" in changed(tmp_path, {"a.py": b"1\n"}, hidden)


def applied(folder: Path, patch: bytes) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    done = subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_binary_files_are_whole_in_a_patch(tmp_path):
    first = {"a": b"1\n", "b": b"\0", "gone": b"\0x", "emptied": b"\0y"}
    second = {"a": b"2\n", "b": b"\0\1" * 5_000, "c": bytes(range(256)), "emptied": b""}
    patch = changed(tmp_path, first, second)
    assert b"#" not in patch.partition(b"diff --git")[0]
    applied(tmp_path / "a", patch)
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir() if path.is_file()} == second


def test_what_is_too_large_or_sealed_or_withheld_is_a_comment_that_git_passes_over(tmp_path):
    second = {"a": b"2\n", "large": b"\0" * 60, "zip": b"PK\x03\x04\0", "key": b"\0secret"}
    for name, content in second.items():
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "b" / name).write_bytes(content)
    (tmp_path / "a").mkdir()
    before = snapshot(tmp_path / "a")
    patch = capture(
        before, tmp_path / "b", Bounds(kept_per_file=50), lambda content: b"secret" in content
    ).patch
    assert patch.count(b"diff --git") == 1
    assert patch.count(b": no text to show\n") == 3
    assert b"# zip: file, 5 bytes, blake3 " in patch
    applied(tmp_path / "a", patch)
    assert (tmp_path / "a/a").read_bytes() == b"2\n"


def test_a_patch_has_a_bound_and_files_of_the_start_come_first(tmp_path):
    flood = {f"a{number}": b"x\n" * 250_000 for number in range(12)}
    patch = changed(tmp_path, {"z.py": b"1\n"}, {"z.py": b"2\n", **flood})
    assert len(patch) < (4 << 20) + 10_000
    assert patch.startswith(b"diff --git a/z.py b/z.py\n")
    assert patch.count(b"the patch is full") > 0


def test_a_file_that_grew_beyond_the_bound_is_not_shown_with_its_old_text(tmp_path):
    patch = changed(tmp_path, {"a": b"1\n"}, {"a": b"2\n" * 100}, Bounds(kept_per_file=50))
    assert patch.startswith(b"# a: file, 200 bytes")


def test_names_are_quoted_as_git_does():
    assert quoted("a/plain name") == "a/plain name"
    assert quoted('a/"\\\n\x01é') == '"a/\\"\\\\\\n\\001\\303\\251"'
