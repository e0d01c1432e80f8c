"""What the leaderboard's page says, read without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchledger.ledger.leaderboard import leaderboard
from benchledger.ledger.store import Ledger
from benchledger.ledger.web import pages, render
from benchledger.ledger.web.board import page as board
from benchledger.ledger.web.view import NotFound, Settings, View
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1
from tests.ledger.made import ran
from tests.ledgers import checked, published
from tests.web.varied import varied

NAME = "runs.db"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A ledger in which everything happens."""
    made = tmp_path_factory.mktemp("says") / NAME
    with Ledger.create(made) as ledger:
        varied(ledger)
    yield made
    checked(made, use_last_seen=False)


def made(path: Path, at: str = "index.html") -> tuple[dict[str, Any], str]:
    """Return the context and the HTML of a leaderboard."""
    matched = pages.match(at)
    assert matched is not None
    page, arguments = matched
    with View(path, Settings(name=path.name)) as view:
        context = pages.build(page, view, arguments)
        assert isinstance(context, dict)
        assert page.template is not None
        return json.loads(render.twin(context)), render.html(page.template, context, view, at).decode()


def test_a_page_of_published_cells_says_what_they_can_bear(tmp_path: Path) -> None:
    published(tmp_path / NAME).close()
    context, html = made(tmp_path / NAME)
    text = context["verdict"]["text"]
    assert "provisional, so not for citation" in text
    assert "leads with" in text or "share rank 1" in text
    facts = {fact["name"]: fact for fact in context["facts"]}
    assert facts["Planned"]["value"] is None
    assert facts["Modes"]["value"] == "published"
    assert facts["Verified"]["value"] is None
    assert facts["Again"]["value"] == f"benchledger leaderboard --policy gated-1 --ledger {NAME}"
    with Ledger.open(tmp_path / NAME) as ledger:
        rows = [row.to_json() for row in leaderboard(ledger.connection, GATED_1, Selection())]
    assert [{name: row[name] for name in rows[0]} for row in context["rows"]] == rows
    assert html.count("<tr data-row=") >= len(rows)
    checked(tmp_path / NAME, use_last_seen=False)


def test_an_empty_ledger_has_a_leaderboard_that_says_why(tmp_path: Path) -> None:
    Ledger.create(tmp_path / NAME).close()
    context, html = made(tmp_path / NAME)
    assert context["verdict"]["text"] == "Nothing to rank: no cell that counts."
    assert "No cell counts" in html
    assert "Nothing ran and nothing was planned" in html
    assert "Fewer than two rows can be drawn" in html
    checked(tmp_path / NAME, use_last_seen=False)


def test_a_ledger_of_scripted_runs_shows_them_and_says_that_no_model_was_asked(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / NAME) as ledger:
        ran(ledger, "s/a/lab/m/c/t#run1", (100, 10, 0), mode="scripted")
    context, html = made(tmp_path / NAME)
    assert context["asked_modes"] == ["scripted"]
    assert [row["agent"] for row in context["rows"]] == ["a"]
    assert "asked no model" in html
    assert "--mode scripted" in context["command"]
    checked(tmp_path / NAME, use_last_seen=False)


def test_a_lead_over_few_tasks_is_not_called_real(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / NAME) as ledger:
        ran(ledger, "s/a/lab/m/c/t#run1", (100, 10, 0))
        ran(ledger, "s/b/lab/m/c/t#run1", (100, 10, 0), passed=False)
    context, _ = made(tmp_path / NAME)
    assert "a 1 with lab/m leads with" in context["verdict"]["text"]
    assert "whether that is chance cannot be said over 1 task" in context["verdict"]["text"]
    checked(tmp_path / NAME, use_last_seen=False)


def test_a_lead_beyond_chance_is_called_one(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / NAME) as ledger:
        for number in range(6):
            ran(ledger, f"s/a/lab/m/c/t{number}#run1", (100, 10, 0))
            ran(ledger, f"s/b/lab/m/c/t{number}#run1", (100, 10, 0), passed=False)
    context, _ = made(tmp_path / NAME)
    assert "ahead of the next row by more than chance" in context["verdict"]["text"]
    checked(tmp_path / NAME, use_last_seen=False)


def test_what_was_judged_and_disputed_is_in_sight(path: Path) -> None:
    context, html = made(path)
    assert context["rulings"]["disputed"]["count"] == 1
    actions = {item["action"] for item in context["rulings"]["judged"]["cells"]}
    assert {"zero", "withdraw", "invalidate"} >= actions
    assert len(actions) > 1
    assert "looked at by hand" in html
    assert "which still count" in html


def test_every_policy_has_a_leaderboard_and_another_name_has_none(path: Path) -> None:
    with View(path, Settings()) as view:
        assert {made.path for made in board.board_places(view)} >= {
            "index.html", "leaderboard/gated-1.html", "leaderboard/cab-0.1.html",
        }  # fmt: skip
        matched = pages.match("leaderboard/none.html")
        assert matched is not None
        with pytest.raises(NotFound, match="no policy none"):
            pages.build(matched[0], view, matched[1])


def test_more_attempts_than_a_page_can_carry_are_left_out_with_the_command(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "LIMIT", 10)
    context, html = made(path)
    assert context["reweigh"] is None
    assert "more than 10 attempts" in html
    assert "benchledger rescore --policy gated-1 -w pass_rate=0.5" in html
    assert "board.js" not in html
    assert len(context["rows"]) > 5
