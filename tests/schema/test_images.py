"""Names of images: one repository, one digest, however they were written."""

import pytest

from benchledger.schema.images import built_image, digest_of, repository_of, tag_of

HEX = "0f" * 32


@pytest.mark.parametrize(
    ("reference", "repository", "tag"),
    [
        ("debian", "debian", ""),
        ("debian:12", "debian", "12"),
        ("host:5000/a", "host:5000/a", ""),
        ("host:5000/a/b:1.0", "host:5000/a/b", "1.0"),
        (f"host:5000/a:1.0@sha256:{HEX}", "host:5000/a", "1.0"),
        (f"a@sha256:{HEX}", "a", ""),
    ],
)
def test_a_port_is_no_tag_and_a_digest_no_repository(reference, repository, tag):
    assert (repository_of(reference), tag_of(reference)) == (repository, tag)


@pytest.mark.parametrize("text", [HEX, f"sha256:{HEX}", f"sha256:sha256:{HEX}", f"host:5000/a@sha256:{HEX}"])
def test_a_digest_has_its_prefix_once(text):
    assert digest_of(text) == f"sha256:{HEX}"


@pytest.mark.parametrize(
    "text", [None, "", "latest", f"sha256:{HEX}0", f"sha256:{HEX[:-1]}", f"sha256:{HEX}\n"]
)
def test_what_is_no_digest_is_none(text):
    assert digest_of(text) is None


@pytest.mark.parametrize(
    ("agent", "version", "image"),
    [
        ("aider", "0.86.2", "benchledger-aider:0.86.2"),
        ("My..Agent-", "1.0+local!2", "benchledger-my-agent:1.0_local_2"),
    ],
)
def test_an_image_that_is_built_here_has_a_name_that_engines_take(agent, version, image):
    assert built_image(agent, version) == image
