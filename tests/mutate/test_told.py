import shutil
import subprocess

import pytest

from benchledger.runners.mutate.told import agreed, read_told, unbuilt
from benchledger.runners.plain import OUTPUT

OUTPUTS = {
    "pytest": (
        """=== short test summary info ===
FAILED tests/test_a.py::test_two[x - y] - assert 1 == 2
FAILED tests/test_a.py::test_one - OSError: /tmp/pytest-of-me/x
ERROR tests/test_b.py - NameError: name 'a' is not defined
""",
        {
            "tests/test_a.py::test_one": "",
            "tests/test_a.py::test_two[x - y]": "assert 1 == 2",
            "tests/test_b.py": "NameError: name 'a' is not defined",
        },
    ),
    "unittest": (
        """=====
FAIL: test_a (test_m.T.test_a)
-----
Traceback (most recent call last):
  File "x", line 1, in test_a
AssertionError: 1 != 2

=====
ERROR: test_b (test_m.T.test_b)
-----
no traceback
""",
        {"test_a (test_m.T.test_a)": "AssertionError: 1 != 2", "test_b (test_m.T.test_b)": ""},
    ),
    "go": (
        "--- FAIL: TestA (0.00s)\n    a_test.go:7: got 1, want 2\n    --- FAIL: TestA/sub (0.00s)\nFAIL\n",
        {"TestA": "got 1, want 2", "TestA/sub": ""},
    ),
    "cargo": ("test a::b ... FAILED\ntest a::c ... ok\n", {"a::b": ""}),
    "node": ("✔ good (1.2ms)\n✖ bad thing (0.5ms)\n", {"bad thing": ""}),
    "maven": ("[ERROR]   HeapTest.popsLeast:12 expected: <1>\n", {"HeapTest.popsLeast": ""}),
    "tap": ("ok 1 - good\nnot ok 2 - bad # why\n", {"bad": ""}),
    "names": ("ok good\nnot ok bad\n", {"bad": ""}),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_names_of_failing_tests_are_read_out_of(kind):
    text, wanted = OUTPUTS[kind]
    assert read_told(text.encode(), b"", "src/a.py").failing == wanted
    assert read_told(b"", text.encode(), "src/a.py").failing == wanted


def test_no_line_names_the_file_with_the_fault_and_none_varies():
    text = b"a.py:3: AssertionError\ntest_a.py went wrong\nat 0x7f00aa10\ntook 0.12s\n\nlast\n"
    told = read_told(text, b"", "src/a.py")
    assert told.failing == {}
    assert told.last == ("test_a.py went wrong", "last")


@pytest.mark.timeout(20)
def test_the_longest_output_is_read_in_little_time():
    for piece in ("\n", " \n", "not ok ", "FAIL: a (b)\n", "FAILED a.py::b[", "x" * 79 + "\n", "x"):
        text = (piece * OUTPUT)[:OUTPUT].encode()
        read_told(text, text, "src/a.py")
        assert not any(unbuilt(language, text, text) for language in BROKEN)


def test_only_what_two_runs_agree_on_is_told():
    one = read_told(b"not ok a\nnot ok b\nFAILED x.py::t - 1\n", b"", "m.py")
    two = read_told(b"not ok b\nFAILED x.py::t - 2\n", b"", "m.py")
    assert agreed(one, two).failing == {"x.py::t": ""}
    assert agreed(one, two).last == ("not ok b",)


BROKEN = {
    "c": ("a.c", "int main(void) { return b; }\n", ["cc", "a.c"]),
    "go": ("a.go", "package main\nfunc main() { b() }\n", ["go", "vet", "a.go"]),
    "java": ("A.java", "class A { int f() { return b; } }\n", ["javac", "A.java"]),
    "rust": ("a.rs", "fn main() { b(); }\n", ["rustc", "a.rs"]),
    "javascript": ("a.mjs", "let a = 1; let a = 2;\n", ["node", "a.mjs"]),
    "shell": ("a.sh", "if true; then\n", ["bash", "a.sh"]),
}


@pytest.mark.parametrize("language", BROKEN)
def test_what_a_real_toolchain_says_of_broken_code_is_known(language, tmp_path):
    name, text, command = BROKEN[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    (tmp_path / name).write_text(text)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert done.returncode != 0
    assert unbuilt(language, done.stdout, done.stderr)


@pytest.mark.parametrize("language", [*BROKEN, "python"])
def test_a_failing_test_is_no_failing_build(language):
    for text, _ in OUTPUTS.values():
        assert not unbuilt(language, text.encode(), b"error: test failed, to rerun pass `--lib`\n")
