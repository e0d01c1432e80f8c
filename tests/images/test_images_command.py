"""`benchledger images`: build, list, push, and what it says where something is missing."""

from __future__ import annotations

import pytest

from benchledger.runners.images.find import find_image
from benchledger.schema.images import repository_of, tag_of
from tests.cli.calls import answer, call, one_error, refused
from tests.cli.test_shapes import IMAGE, PUSHED, holds
from tests.engine import registry


def test_an_image_is_built_on_a_base_and_listed(tiny, spec, built):
    said = call("images", "build", spec.name, "--agent-file", tiny, "--base", built.base).stdout
    assert said.startswith(f"{spec.name} 1.2.3: {built.image} {built.image_id} ")
    (listed,) = (each for each in answer("images", "list") if each["agent"] == spec.name)
    holds(listed, IMAGE)
    assert (listed["image_id"], listed["base"]) == (built.image_id, built.base)
    assert built.image in call("images", "list").stdout


def test_a_pushed_image_is_listed_with_its_digest(small_file, small_spec, small, tmp_path):
    words = ("images", "push", small_spec.name)
    with registry(tmp_path) as place:
        pushed = answer(*words, place, "--agent-file", small_file)
        again = call(*words, place, "--agent-file", small_file).stdout
    holds(pushed, PUSHED)
    assert again == f"{small_spec.name} 1.2.3: {pushed['pushed']}\n"
    (listed,) = (each for each in answer("images", "list") if each["agent"] == small_spec.name)
    assert (listed["image_id"], listed["repo_digests"]) == (small.image_id, [pushed["pushed"]])


def test_an_agent_without_an_image_cannot_be_pushed(client, small_file, small_spec):
    said = refused("images", "push", small_spec.name, "127.0.0.1:9", "--agent-file", small_file, code=3)
    assert f"no image of {small_spec.name}" in said
    assert said.endswith(f"run `benchledger images build {small_spec.name}`")


def test_a_base_that_is_not_there_is_said_with_the_next_step(tiny, spec, built):
    result = call("images", "build", spec.name, "--agent-file", tiny, "--base", "no-such-image:1", code=3)
    assert "no such image" in one_error(result.stderr)


def test_the_builtin_agents_need_no_image(client):
    assert "oracle is not installed by us" in refused("images", "build", "oracle", code=2)


def test_names_are_checked_before_anything_is_built(monkeypatch):
    # no engine is asked either
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert "did you mean 'aider'?" in refused("images", "build", "aider", "aidr", code=2)
    assert "--all" in refused("images", "build", code=2)


@pytest.mark.parametrize("words", [("list",), ("build", "nop"), ("push", "nop", "127.0.0.1:9")])
def test_without_an_engine_every_verb_says_how_to_get_one(words, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    said = refused("images", *words, code=3)
    assert "no Docker engine answers" in said
    assert "engine.sh up" in said


def test_a_cell_names_the_repository_that_has_the_digest_of_its_image(
    small_file, small_spec, small, tmp_path
):
    before = find_image(small_spec, None)
    with registry(tmp_path) as place:
        pushed = answer("images", "push", small_spec.name, place, "--agent-file", small_file)["pushed"]
    found = find_image(small_spec, None)
    assert (before.image, before.digest) == (small.image, None)
    assert f"{repository_of(found.image)}@{found.digest}" == pushed
    assert tag_of(found.image) == tag_of(small.image)
    assert find_image(small_spec, found.image).image == found.image
