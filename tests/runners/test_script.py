"""Scripts are read strictly and played step by step."""

from __future__ import annotations

import json

import pytest

from benchledger.runners.script import Script, load_script, play
from benchledger.schema.errors import BadInput, UnknownName

SAY = {"say": "done"}


def script(*steps, **variants):
    return Script.model_validate_json(json.dumps({"steps": steps, "variants": variants}))


def test_steps_are_played_in_order_and_the_last_words_come_back(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    steps = [
        {"read": "a.txt"},
        {"edit": {"path": "a.txt", "old": "two", "new": "three"}},
        {"write": {"path": "deep/b.txt", "text": "b\n"}},
        {"shell": "cat a.txt deep/b.txt >c.txt; exit 3"},
        {"say": "done"},
    ]
    assert play(script(*steps), tmp_path) == "done"
    assert (tmp_path / "c.txt").read_text() == "one\nthree\nb\n"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({}, "exactly one of"),
        ({"read": "a", "say": "b"}, "exactly one of"),
        ({"read": None}, "exactly one of"),
        ({"run": "x"}, "run"),
        ({"read": "/etc/passwd"}, "plain path"),
        ({"read": "../x"}, "plain path"),
        ({"read": "a//b"}, "plain path"),
        ({"edit": {"path": "a", "old": "", "new": "x"}}, "old"),
        ({"write": {"path": "a"}}, "text"),
        ({"shell": ""}, "shell"),
    ],
)
def test_a_bad_step_is_refused_with_its_place(tmp_path, step, said):
    (tmp_path / "script.json").write_text(json.dumps({"steps": [{"read": "x"}, step, SAY]}))
    with pytest.raises(BadInput, match=said) as caught:
        load_script(tmp_path / "script.json")
    assert "steps.1" in str(caught.value)


@pytest.mark.parametrize("steps", [[{"read": "a"}], [SAY, {"read": "a"}], [SAY, SAY], []])
def test_a_script_ends_in_words_and_only_there(tmp_path, steps):
    (tmp_path / "script.json").write_text(json.dumps({"steps": steps}))
    with pytest.raises(BadInput, match="script"):
        load_script(tmp_path / "script.json")


def test_a_variant_is_asked_for_by_name():
    made = script(SAY, fail=[{"say": "no"}])
    assert [step.action for step in made.variant("fail")] == [("say", "no")]
    assert made.variant() == made.steps
    with pytest.raises(UnknownName, match="did you mean 'fail'"):
        made.variant("fial")


@pytest.mark.parametrize("text", ["", "two two"])
def test_an_edit_that_is_not_unique_is_refused(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(BadInput, match="times"):
        play(script({"edit": {"path": "a.txt", "old": "two", "new": "x"}}, SAY), tmp_path)


def test_a_file_that_is_no_script_is_named(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        load_script(tmp_path / "none.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(BadInput, match=r"a\.json"):
        load_script(tmp_path / "a.json")
