"""Pages of agents, models, tasks, categories and cells against what the ledger's own functions say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchledger.ledger.cells import CellReader
from benchledger.ledger.leaderboard import leaderboard
from benchledger.ledger.web.lists.brief import EVERYTHING, briefs, part_of
from benchledger.ledger.web.view import NotFound
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.statistics import mean
from tests.attacks.sample import build_full
from tests.ledger.made import ran
from tests.ledgers import checked, published
from tests.web.parts_of_pages import CELL, keys, page_of, swept, viewed


@pytest.fixture
def full(tmp_path):
    path = build_full(tmp_path / "full.db")
    yield path
    checked(path)


@pytest.fixture
def nightly(tmp_path):
    path = tmp_path / "nightly.db"
    swept(path).close()
    yield path
    checked(path)


def test_a_brief_row_says_what_cells_json_says(full):
    with viewed(full) as view:
        reader = CellReader(view.ledger, view.connection, GATED_1)
        rows = {
            ":".join(filter(None, (row["origin"], row["cell_id"]))): row for row in reader.rows(Selection())
        }
        found = list(briefs(view, EVERYTHING))
        assert len(found) == len(rows) == 57
        for cell in found:
            row = rows[cell["cell"]]
            for name in (
                "agent",
                "model",
                "task",
                "outcome",
                "composite",
                "reason",
                "floor",
                "cost",
                "adjudicated",
            ):
                assert cell[name] == row[name], (cell["cell"], name)


@pytest.mark.parametrize("kind", ["sweep", "agent", "model", "task"])
def test_parts_by_any_name_hold_each_cell_of_that_name_once(full, kind):
    with viewed(full) as view:
        inner = "SELECT * FROM cells ORDER BY cell"
        query = f"SELECT {kind}, group_concat(cell, char(10)) FROM ({inner}) GROUP BY {kind}"
        for name, cells in view.connection.execute(query).fetchall():
            found = [cell["cell"] for cell in briefs(view, part_of(view, **{kind: name}))]
            assert found == cells.split("\n")


def test_a_model_that_begins_like_another_does_not_take_its_cells(tmp_path):
    path = tmp_path / "two.db"
    with published(path) as ledger:
        ran(ledger, "s/a/m/c/t#run1")
        ran(ledger, "s/a/m/n/c/t#run1")
    with viewed(path) as view:
        assert [cell["cell"] for cell in briefs(view, part_of(view, model="m"))] == ["s/a/m/c/t#run1"]
        assert page_of(view, "models/m.html")["versions"][0]["cells"] == 1
        assert page_of(view, "models/m/n.html")["name"] == "m/n"
    checked(path)


def test_the_cells_of_a_task_are_looked_up_and_not_searched_for(full):
    with viewed(full) as view:
        seen = []
        view.connection.set_trace_callback(seen.append)
        list(briefs(view, part_of(view, task="examples/pass")))
        view.connection.set_trace_callback(None)
        plan = [row[3] for text in seen for row in view.connection.execute(f"EXPLAIN QUERY PLAN {text}")]
    for table in ("settings", "c", "a", "s"):
        assert any(line.startswith(f"SEARCH {table} USING PRIMARY KEY") for line in plan), (table, plan)
        assert not any(line.startswith(f"SCAN {table} ") for line in plan), plan


def test_rows_of_an_agent_are_those_of_the_leaderboard(full):
    with viewed(full) as view:
        board = [row.to_json() for row in leaderboard(view.connection, GATED_1, Selection())]
        for agent in {row["agent"] for row in board}:
            rows = page_of(view, f"agents/{agent}.html")["rows"]
            told = [{key: row[key] for key in board[0]} for row in rows]
            assert told == [row for row in board if row["agent"] == agent]


def test_results_of_an_agent_add_up_to_the_composite_of_its_row(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "agents/a.html")
    (row,) = page["rows"]
    values = [each["composite"] for each in page["results"] if each["composite"] is not None]
    assert mean(values) == row["composite"]
    by_task = {each["task"]: each for each in page["results"]}
    assert by_task["c/x"]["cells"] == 2
    assert [cell["href"] for cell in by_task["c/x"]["shown"]] == [
        f"cells/nightly/a/m/1/c/x/run{run}.html" for run in (1, 2)
    ]


def test_an_agent_page_tells_versions_conditions_faults_sweeps_and_days(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "agents/a.html")
    assert [(each["version"], each["cells"], each["attempts"]) for each in page["versions"]] == [("1", 3, 4)]
    assert {(each["outcome"], each["kind"], each["attempts"]) for each in page["outcomes"]} == {
        ("finished", None, 3),
        ("infra_error", "sandbox", 1),
    }
    assert [(each["sweep"], each["cells"], each["graded"]) for each in page["sweeps"]] == [("nightly", 3, 3)]
    assert sum(day["attempts"] for day in page["days"]) == 4
    assert page["conditions"][0]["mode"] == "live"
    assert page["beside"] == [{"name": "m/1", "cells": 3, "href": "models/m/1.html"}]


def test_runs_that_count_only_when_asked_for_stand_apart(tmp_path):
    path = tmp_path / "modes.db"
    with swept(path) as ledger:
        ran(ledger, "drill/a/m/1/c/x#run1", mode="scripted")
    with viewed(path) as view:
        page = page_of(view, "agents/a.html")
    assert [row["mode"] for row in page["rows"]] == ["live"]
    assert [row["mode"] for row in page["asked_for"]] == ["scripted"]
    checked(path)


def test_a_task_page_has_every_cell_and_sums_up_each_agent_with_each_model(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "tasks/c/x.html")
    assert len(page["cells"]) == 4
    arms = {arm["agent"]: arm for arm in page["arms"]}
    assert (arms["a"]["passed"], arms["a"]["judged"], arms["b"]["passed"]) == (2, 2, 0)
    assert arms["a"]["composite"] == mean(
        [cell["composite"] for cell in page["cells"] if cell["agent"] == "a"]
    )
    assert arms["a"]["cost"] == pytest.approx(0.0012)
    assert page["separates"]["decides"]
    assert [each["agent"] for each in page["separates"]["always"]] == ["a"]


def test_two_contents_under_one_name_are_told_apart(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "tasks/c/y.html")
    assert [(each["digest"], each["cells"]) for each in page["identities"]] == [("b" * 64, 1), ("c" * 64, 1)]
    assert all(each["seq"] and len(each["hash"]) == 64 for each in page["identities"])
    assert {arm["task_digest"] for arm in page["arms"]} == {"b" * 64, "c" * 64}


def test_a_task_that_was_planned_and_never_ran_has_a_page(nightly, tmp_path):
    with viewed(nightly) as view:
        assert page_of(view, "agents/b.html")["rows"][0]["planned"] == 3
        assert page_of(view, "tasks/c/z.html")["outcomes"] == [
            {"outcome": "infra_error", "kind": "sandbox", "attempts": 3}
        ]
        assert page_of(view, "tasks/c/z.html")["separates"]["arms"] == 0


def test_a_recheck_shows_on_the_page_of_its_task(full):
    with viewed(full) as view:
        (recheck,) = page_of(view, "tasks/examples/pass.html")["rechecks"]
    assert (recheck["times"], recheck["passed"], recheck["agrees"], recheck["flaky"]) == (2, 2, True, False)


def test_a_category_is_the_matrix_of_its_tasks(nightly):
    with viewed(nightly) as view:
        page = page_of(view, "categories/c.html")
        results = page_of(view, "agents/a.html")["results"]
    assert [each["task"] for each in page["tasks"]] == ["c/x", "c/y", "c/z"]
    row = next(row for row in page["rows"] if row["agent"] == "a")
    assert {task: cell["composite"] for task, cell in row["results"].items()} == {
        each["task"]: each["composite"] for each in results
    }
    assert page["solved"]["c/x"] == {"rows": 2, "passed": 1}


@pytest.mark.parametrize(
    "path", ["agents/nobody.html", "models/m/2.html", "tasks/c/none.html", "categories/d.html"]
)
def test_a_name_that_no_cell_has_is_no_page(nightly, path):
    with viewed(nightly) as view, pytest.raises(NotFound):
        page_of(view, path)


def test_one_more_cell_changes_the_keys_of_the_pages_that_it_touches_alone(nightly):
    before = keys(nightly)
    from benchledger.ledger.store import Ledger

    with Ledger.open(nightly, write=True) as ledger:
        ran(ledger, CELL.format("a", "z", 2), task="d")
    after = keys(nightly)
    changed = {path for path in after if before.get(path) != after[path]}
    same = {
        "tasks/c/x.html",
        "tasks/c/y.html",
        "policies/gated-1.html",
        "policies/cab-0.1.html",
        "sources.html",
    }
    assert same <= after.keys() - changed
    assert {"agents/a.html", "models/m/1.html", "tasks/c/z.html", "sweeps/nightly.html"} <= changed


def test_cells_are_listed_in_pages(tmp_path, monkeypatch):
    from benchledger.ledger.web.lists import cells_page

    path = Path(tmp_path / "cells.db")
    published(path).close()
    monkeypatch.setattr(cells_page, "_CELLS", 20)
    with viewed(path) as view:
        listed = [page_of(view, place) for place in ("cells.html", "cells-2.html", "cells-3.html")]
        with pytest.raises(NotFound):
            page_of(view, "cells-4.html")
        with pytest.raises(NotFound):
            page_of(view, "cells-1.html")
        every = [row[0] for row in view.connection.execute("SELECT cell FROM cells ORDER BY cell")]
    assert [cell["cell"] for page in listed for cell in page["cells"]] == every
    assert [page["next"] for page in listed] == ["cells-2.html", "cells-3.html", None]
    assert [page["previous"] for page in listed] == [None, "cells.html", "cells-2.html"]
    checked(path)
