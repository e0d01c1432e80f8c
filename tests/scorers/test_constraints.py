"""Declared constraints, checked without judgement."""

import time

import pytest

from benchledger.schema.ports import blob_ref
from benchledger.schema.task import Constraint, Expectations
from benchledger.scorers.constraints import added_lines, constraints
from tests.scorers.build import changed, evidence

LEAVE = Constraint(kind="file-not-touched", pattern="tests/**")
NO_DEPENDENCY = Constraint(kind="no-new-dependency", pattern="**/Cargo.toml")
NOTE = Constraint(kind="file-pattern-required-in-diff", pattern="CHANGELOG.md")
NOTE_TEXT = Constraint(kind="file-pattern-required-in-diff", pattern="CHANGELOG.md", text="^- fixed")

PATCH = b"""diff --git a/CHANGELOG.md b/CHANGELOG.md
--- a/CHANGELOG.md
+++ b/CHANGELOG.md
@@ -1,2 +1,3 @@
 # Changes
+- fixed the sort
-old
+++ looks like a head
diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py\t2026-01-01
@@ -0,0 +1 @@
+- fixed nothing
\\ No newline at end of file
--- /dev/null
+++ "b/na\\303\\257ve.txt"
@@ -0,0 +1 @@
+last
"""


def scored(*declared, patch=None, **files):
    reference = None if patch is None else blob_ref(patch)
    workdir = changed(**files, patch=reference)
    return constraints(evidence(Expectations(constraints=declared), workdir=workdir, blobs=[patch or b""]))


def test_the_score_is_honoured_of_declared():
    score = scored(LEAVE, NO_DEPENDENCY, NOTE, modified=("src/a.py", "tests/t.py", "CHANGELOG.md"))
    assert (score.value, score.state) == (2 / 3, "recorded")
    assert score.payload == {
        "constraints": 2 / 3,
        "honoured": 2,
        "declared": 3,
        "results": [
            {"kind": "file-not-touched", "pattern": "tests/**", "honoured": False},
            {"kind": "no-new-dependency", "pattern": "**/Cargo.toml", "honoured": True},
            {"kind": "file-pattern-required-in-diff", "pattern": "CHANGELOG.md", "honoured": True},
        ],
    }


@pytest.mark.parametrize("path", ["Cargo.toml", "deep/er/Cargo.toml"])
def test_a_changed_manifest_is_a_new_dependency(path):
    assert scored(NO_DEPENDENCY, modified=(path,)).value == 0.0
    assert scored(NO_DEPENDENCY, modified=("Cargo.lock",)).value == 1.0


def test_a_required_text_must_be_added_to_a_file_of_the_pattern():
    assert scored(NOTE_TEXT, modified=("CHANGELOG.md",), patch=PATCH).value == 1.0
    elsewhere = PATCH.replace(b"+- fixed the sort", b"+- sorted")
    assert scored(NOTE_TEXT, modified=("CHANGELOG.md",), patch=elsewhere).value == 0.0
    removed = PATCH.replace(b"+- fixed the sort\n-old", b"+x\n-- fixed the sort")
    assert scored(NOTE_TEXT, modified=("CHANGELOG.md",), patch=removed).value == 0.0


def test_a_required_file_that_did_not_change_needs_no_patch_to_say_so():
    assert scored(NOTE_TEXT, modified=("a",)).value == 0.0


def test_a_constraint_that_cannot_be_checked_makes_the_axis_missing():
    bad = Constraint(kind="file-pattern-required-in-diff", pattern="a", text="(")
    unknown = (
        scored(LEAVE, NOTE_TEXT, modified=("CHANGELOG.md",)),
        scored(bad, modified=("a",), patch=PATCH),
        constraints(evidence(Expectations(constraints=(LEAVE,)))),
    )
    for score in unknown:
        assert (score.value, score.state, score.payload["honoured"]) == (None, "missing", None)
        assert score.reason.startswith("1 of ")


def test_no_declared_constraint_is_not_applicable_and_no_declaration_is_missing():
    score = constraints(evidence(Expectations()))
    assert (score.value, score.state, score.payload["declared"]) == (None, "not_applicable", 0)
    score = constraints(evidence())
    assert (score.value, score.state, score.payload["declared"]) == (None, "missing", None)


def test_added_lines_carry_the_path_of_their_file():
    assert list(added_lines(PATCH.decode())) == [
        ("CHANGELOG.md", "- fixed the sort"),
        ("CHANGELOG.md", "++ looks like a head"),
        ("src/a.py", "- fixed nothing"),
        ("naïve.txt", "last"),
    ]


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", "(.*)*x.*y.*z", "(a?){40}a{40}b"])
def test_a_hostile_expression_is_scored_in_bounded_time(text):
    patch = b"+++ b/a\n@@ -0,0 +1 @@\n+" + b"a" * 3_000 + b"!\n"
    wanted = Constraint(kind="file-pattern-required-in-diff", pattern="a", text=text)
    start = time.process_time()
    score = scored(wanted, added=("a",), patch=patch)
    assert time.process_time() - start < 20
    assert (score.value, score.state) == (0.0, "recorded")


@pytest.mark.parametrize("text", [r"(a)\1", "(?=a)", "(?<!a)b", "(", "a**"])
def test_an_expression_that_was_recorded_before_it_was_refused_makes_the_axis_missing(text):
    wanted = Constraint(kind="file-pattern-required-in-diff", pattern="CHANGELOG.md", text=text)
    score = scored(wanted, modified=("CHANGELOG.md",), patch=PATCH)
    assert (score.value, score.state) == (None, "missing")
