"""What may be cited, and every reason why something may not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchledger.ledger.standing import Circumstances, standing, standing_reasons

CITABLE = Circumstances(
    mode="live",
    imported=False,
    sandbox="docker",
    image="sha256:1",
    version="1.0",
    planned=True,
    verified=True,
)


def test_what_ran_live_sealed_pinned_planned_and_verified_is_citable():
    assert standing(CITABLE) == standing(replace(CITABLE, sandbox="run-cell")) == "citable"
    assert standing_reasons(CITABLE) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mode": "published"}, "read off a published page, not run here"),
        ({"mode": "replay"}, "mode replay: no model was asked"),
        ({"mode": "scripted"}, "mode scripted: no model was asked"),
        ({"imported": True}, "handed in as the record of another harness"),
        ({"sandbox": "local"}, "sandbox local, not docker or run-cell"),
        ({"sandbox": None}, "no sandbox recorded, not docker or run-cell"),
        ({"not_isolated": ("network",)}, "network not isolated"),
        ({"image": None}, "no image identity recorded"),
        ({"version": None}, "version of the agent not recorded"),
        ({"planned": False}, "not planned before launch"),
        ({"verified": False}, "not verified on this machine"),
        ({"disagrees": True}, "recheck disagrees"),
    ],
)
def test_each_thing_that_is_missing_is_one_reason(change, reason):
    assert standing_reasons(replace(CITABLE, **change)) == [reason]
    assert standing(replace(CITABLE, **change)) == "provisional"


@given(
    st.builds(
        Circumstances,
        mode=st.sampled_from(["live", "replay", "scripted", "published"]),
        imported=st.booleans(),
        sandbox=st.sampled_from([None, "local", "docker", "run-cell"]),
        image=st.sampled_from([None, "", "sha256:1"]),
        version=st.sampled_from([None, "", "1"]),
        not_isolated=st.sampled_from([(), ("network",)]),
        planned=st.booleans(),
        verified=st.booleans(),
        disagrees=st.booleans(),
    )
)
def test_a_number_is_citable_exactly_where_nothing_speaks_against_it(seen):
    assert (standing(seen) == "citable") == (not standing_reasons(seen))
    if standing(seen) == "citable":
        assert seen.mode == "live"
        assert not seen.imported
        assert not seen.not_isolated
        assert seen.planned
        assert seen.verified
        assert not seen.disagrees
