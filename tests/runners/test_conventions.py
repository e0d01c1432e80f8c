"""Tests and languages are told by the names that files have, and messages lose what an agent must not read."""

from __future__ import annotations

import pytest

from benchledger.runners.conventions import by_products, is_test, language_of
from benchledger.runners.message import cleaned

TESTS = (
    *("tests/x.py", "test/a/b.txt", "src/test/java/A.java", "pkg/test_a.py", "pkg/a_test.py", "conftest.py"),
    *("a/tests.py", "a_test.go", "spec/a_spec.rb", "lib/a.test.ts", "b.spec.mjs", "src/__tests__/a.jsx"),
    *(
        "src/testdata/x.bin",
        "FooTest.java",
        "FooTests.cs",
        "TestFoo.java",
        "BarIT.java",
        "a_test.exs",
        "x.bats",
    ),
    *("t/basic.t", "test_parse.c", "parse_test.cc", "FooSpec.scala", "Tests/AppTests/x.swift"),
    *("src/__snapshots__/a.snap", "features/login.feature"),
)
CODE = (
    *("src/latest.py", "pkg/contest.py", "a/attest/b.py", "testing.py", "src/tester.go", "greatest.java"),
    *("Latest.java", "protest.ts", "src/inspect.rb", "spec.md", "Testament.java", "README.md", "test.md"),
    *("requirements.txt", "src/a.t.rs", "FooIT.md"),
)


@pytest.mark.parametrize("path", TESTS)
def test_the_usual_names_of_tests_are_known(path):
    assert is_test(path)


@pytest.mark.parametrize("path", CODE)
def test_what_only_sounds_like_a_test_is_none(path):
    assert not is_test(path)


def test_globs_take_the_place_of_the_usual_names():
    assert is_test("check/a.py", ["check/**"])
    assert not is_test("tests/a.py", ["check/**"])


def test_the_language_is_that_of_most_files():
    assert language_of(["a.py", "b.py", "c.rs", "README.md"]) == "python"
    assert language_of(["a.ts", "b.js", "c.TSX"]) == "typescript"
    assert language_of(["README.md", "Makefile"]) == "other"
    assert "**/__pycache__/**" in by_products("python")
    assert by_products("cobol") == ()


@pytest.mark.parametrize(
    ("message", "title", "text"),
    [
        ("Fix the sum (#12)\n", "Fix the sum", ""),
        ("fix(core)!: the sum is wrong", "the sum is wrong", ""),
        ("[ABC-123] UTF-8 names, as in RFC-822", "UTF-8 names, as in RFC-822", ""),
        ("A\n\nFixes #1, closes GH-2 and resolves org/repo#3.\nMore.", "A", "More."),
        ("A\n\nSee https://example.org/org/repo/issues/12 for more.", "A", "for more."),
        ("A\n\nText.\n\nSigned-off-by: B C <b@c.org>\nCo-authored-by: D <d@e.org>\nChange-Id: I123", "A", "Text."),
        ("A\n\nReviewed-by: B C <b@c.org>\n\nText.", "A", "Text."),
        ("A\n\nThanks to Ann Author for the report.\nPatch by @ann.\nText.", "A", "Text."),
        ("A, as Ann Author said", "A, as said", ""),
        ("A\n\n@ann found that `@cached` and @property() differ, writes ann@example.org.", "A",
         "found that `@cached` and @property() differ, writes."),
        ("A\n\nText.\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b", "A", "Text."),
        ("A\n\nText.\n\n```diff\n-a\n+b\n```\nMore.", "A", "Text.\n\nMore."),
        ("A\n\nIt should be\n\n    return total * 2 + 1\n\nthere.", "A", "It should be\n\nthere."),
        ("A\r\n\r\n  - keep   the   form\r\n  - of lists", "A", "  - keep   the   form\n  - of lists"),
        ("A\n\n(cherry picked from commit 0123456789)\ngit-svn-id: x@1", "A", ""),
        ("A\n\n* fix: b\n\n* c, closing #4\n\n---------\n\nCo-authored-by: D <d@e.org>", "A", "* fix: b\n\n* c,"),
        ("#12\n", "", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_a_message_becomes_an_instruction_without_who_which_ticket_and_how(message, title, text):
    people = ("Ann Author", "ann@example.org")
    assert cleaned(message, people, {"return total * 2 + 1"}) == (title, text)
