"""adjudicate from the command line: what will change is shown, many are asked for, history stays."""

import pytest

from benchledger.ledger.store import Ledger
from tests.cli.calls import answer, call, head, refused

CELL = "expansion-20260616/pi/openai/gpt-oss-120b/polyglot/rust-error-handling"
WHY = ("--reason", "edited the checks", "--author", "ana")


def composite(cell=f"{CELL}#run1"):
    return {row["cell_id"]: row["composite"] for row in answer("cells")}[cell]


def test_a_zeroed_cell_counts_as_zero_and_a_reinstated_one_as_before(filled):
    before = composite()
    said = call("adjudicate", "zero", CELL, *WHY).stdout
    assert "a proved hack" in said
    assert f"{before:.3f}  0.000" in said
    assert f"head {head(filled).seq}:{head(filled).hash}" in said
    assert composite() == 0
    back = answer("adjudicate", "reinstate", CELL, *WHY)
    assert back["cells"] == [{"cell": f"{CELL}#run1", "before": 0.0, "after": before}]
    assert composite() == before


def test_a_judgement_is_one_event_and_shown_with_its_cell(filled):
    seq = head(filled).seq
    said = answer("adjudicate", "dispute", CELL, *WHY, "--link", "https://example.org/1")
    assert said["event"] == said["head"] == head(filled).to_json()
    assert head(filled).seq == seq + 1
    with Ledger.open(filled) as ledger:
        assert next(ledger.events(seq + 1)).meta.type == "cell.adjudicated"
    shown = answer("show", CELL)
    assert shown["disputed"]
    assert [(item["action"], item["author"], item["seq"]) for item in shown["adjudications"]] == [
        ("dispute", "ana", seq + 1)
    ]
    assert "judged dispute: edited the checks, ana (https://example.org/1)" in call("show", CELL).stdout


def test_a_filter_is_judged_only_when_that_was_said(filled):
    before = head(filled)
    line = refused_filter()
    assert "say so with --yes" in line
    assert head(filled) == before
    said = answer("adjudicate", "invalidate", "--agent", "pi", *WHY, "--yes")
    assert len(said["cells"]) == 4
    assert all(row["composite"] is None for row in answer("cells", "--agent", "pi"))


def refused_filter():
    result = call("adjudicate", "invalidate", "--agent", "pi", *WHY, code=2)
    assert "4 cells" in result.stdout
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("zero", CELL), 2),
        (("zero", CELL, "--reason", " ", "--author", "a"), 2),
        (("zero", *WHY), 2),
        (("zero", CELL, "--agent", "pi", *WHY), 2),
        (("praise", CELL, *WHY), 2),
        (("zero", CELL + "x", *WHY), 1),
        (("zero", "--agent", "pi", "--task", "mutations/rust-error-negated", "--yes", *WHY), 1),
    ],
)
def test_what_cannot_be_judged_is_refused_and_changes_nothing(args, code, filled):
    before = head(filled)
    call("adjudicate", *args, code=code)
    assert head(filled) == before


def test_a_withdrawn_attempt_gives_way_to_the_next(filled):
    said = answer("adjudicate", "withdraw", f"{CELL}#run1@1", *WHY)
    assert said["cells"][0]["after"] is None
    assert answer("leaderboard", "--agent", "pi")[0]["withdrawn"] == 1
    assert "nothing" not in refused("adjudicate", "withdraw", f"{CELL}@2", *WHY, code=1)
