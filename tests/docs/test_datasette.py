"""A ledger in Datasette: the real application opens it, reads it while others write, and shows it in words."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from datasette.app import Datasette
from datasette.utils import tilde_encode

from benchledger.ledger.ddl import PROJECTIONS
from benchledger.ledger.store import Ledger
from tests.cli.calls import answer, call
from tests.ledgers import CELLS as PUBLISHED
from tests.ledgers import append_file, attempt, checked

QUERIES = (
    "leaderboard_inputs", "events_of_an_attempt", "numbers_of_an_attempt", "calls_of_an_attempt", "to_look_at",
    "events_by_day",
)  # fmt: skip
STREAMS = {"events", "blobs"}


class Shown:
    """One ledger in Datasette's own application; `get` asks it as a browser would."""

    def __init__(self, path: Path, *, frozen: bool = False) -> None:
        files = {"immutables" if frozen else "files": [str(path)]}
        self.name = path.stem
        metadata = answer("--ledger", path, "datasette")
        self.application = Datasette(**files, metadata=metadata)

    def get(self, path: str, **asked: Any) -> Any:
        """Return the JSON, or the text, of a page."""
        query = f"?{urlencode(asked)}" if asked else ""

        async def ask() -> Any:
            await self.application.invoke_startup()
            return await self.application.client.get(f"/{tilde_encode(self.name)}{path}{query}")

        response = in_thread(lambda: asyncio.run(ask()))
        assert response.status_code == 200, response.text
        return response.json() if ".json" in path else response.text

    def rows(self, path: str, **asked: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"{path}.json", _shape="array", **asked)
        return found


def in_thread(work: Callable[[], Any]) -> Any:
    """Run in a thread without a loop: a browser of another test may keep one in this."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def path(tmp_path: Path):
    made = tmp_path / "my runs.db"
    with Ledger.create(made) as ledger:
        append_file(ledger, PUBLISHED)
        ledger.emit_all(attempt("s/aider/m/c/t#run1"))
        ledger.emit_all(attempt("s/aider/m/c/u#run1", outcome="infra_error"))
        ledger.emit_all(attempt("s/aider/m/c/v#run1", outcome=None))
    yield made
    checked(made, use_last_seen=False)


def test_every_table_and_column_is_described_and_none_that_is_not_there(path):
    with Ledger.open(path) as ledger:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        there = {
            name: [row[1] for row in ledger.connection.execute(f"PRAGMA table_xinfo({name})")]
            for (name,) in ledger.connection.execute(query)
        }
    (about,) = answer("--ledger", path, "datasette")["databases"].values()
    assert set(there) == set(PROJECTIONS) | STREAMS
    assert {name: list(table["columns"]) for name, table in about["tables"].items()} == there
    for table in about["tables"].values():
        assert table["description"]
        assert all(table["columns"].values())
        named = {*table.get("facets", ()), *table.get("sortable_columns", ())} | {table.get("sort_desc")} - {
            None
        }
        assert named <= set(table["columns"])


def test_the_ledger_opens_with_readable_tables_and_generated_columns(path):
    shown = Shown(path)
    page = shown.get("")
    assert "One ledger. Start with cells" in page
    assert "What deserves a look" in page
    assert "/tiles" not in page.partition("hidden table")[0]
    events = shown.get("/events")
    assert "when it was appended, Unix microseconds UTC" in events
    assert "ledger.created" in events
    (last,) = shown.rows("/events", _size=1)
    assert (last["type"], last["stream"]) == ("grader.ran", "cell/s/aider/m/c/v#run1@1")
    assert {"type": "grader.ran"}.items() <= last.items()
    kinds = shown.get("/events.json", _facet="type", _size=1)["facet_results"]["type"]["results"]
    assert {"axis.scored", "cell.setup"} <= {each["value"] for each in kinds}


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_that_ships_runs(path, name):
    asked = {"attempt": "s/aider/m/c/t#run1@1"} if "attempt" in name else {}
    shown = Shown(path)
    rows = shown.rows(f"/{name}", **asked)
    assert bool(rows) == (name != "calls_of_an_attempt")
    assert "error" not in rows
    assert shown.get(f"/{name}", **asked)


def test_no_query_ships_that_is_not_tried(path):
    (about,) = answer("--ledger", path, "datasette")["databases"].values()
    assert tuple(about["queries"]) == QUERIES


def test_the_queries_say_what_the_command_line_says(path):
    shown = Shown(path)
    cells = answer("--ledger", path, "cells")
    inputs = {row["ref"]: row for row in shown.rows("/leaderboard_inputs", _size="max")}
    assert len(inputs) == len(cells)
    for cell in (cell for cell in cells if cell["mode"] == "published"):
        found = inputs[f"{cell['cell_id']}@{cell['attempt']}"]
        assert (found["gated_1"], found["floor"], found["coverage"]) == (
            cell["composite"],
            cell["floor"],
            cell["coverage"],
        )
    looks = {(row["what"], row["which"]) for row in shown.rows("/to_look_at")}
    assert ("unfinished", "s/aider/m/c/v#run1@1") in looks
    assert ("infra_error", "s/aider/m/c/u#run1@1") in looks
    ref = "s/aider/m/c/t#run1@1"
    view = answer("--ledger", path, "show", ref)
    told = [(row["seq"], row["hash"]) for row in shown.rows("/events_of_an_attempt", attempt=ref)]
    assert told == [(event["seq"], event["hash"]) for event in view["events"]]
    numbers = {
        row["axis"]: (row["value"], row["seq"], row["hash"])
        for row in shown.rows("/numbers_of_an_attempt", attempt=ref)
    }
    assert numbers == {
        name: (axis["value"], axis["seq"], axis["hash"]) for name, axis in view["axes"].items()
    }


def test_events_of_an_attempt_that_was_taken_over_are_found(path, tmp_path):
    other = tmp_path / "other.db"
    with Ledger.create(other):
        pass
    call("--ledger", other, "append", path)
    (row,) = [row for row in answer("--ledger", other, "cells") if row["task"] == "c/t"]
    rows = Shown(other).rows("/events_of_an_attempt", attempt=f"{row['origin']}:{row['cell_id']}@1")
    assert rows[0]["type"] == "cell.setup"
    checked(other, use_last_seen=False)


def test_what_is_appended_meanwhile_is_seen_and_nothing_can_be_written(path):
    before = path.read_bytes()
    with Ledger.open(path, write=True) as ledger:
        ledger.connection.execute("PRAGMA wal_autocheckpoint=0")
        ledger.emit_all(attempt("s/aider/m/c/late#run1"))
        assert path.with_name(f"{path.name}-wal").stat().st_size > 0
        shown = Shown(path)
        assert shown.rows("/events_of_an_attempt", attempt="s/aider/m/c/late#run1@1")
        database = shown.application.get_database(shown.name)
        assert not database.is_memory
        with pytest.raises(Exception, match="readonly database"):
            in_thread_raising(database, "CREATE TABLE x(y)")
        assert path.read_bytes() == before
        ledger.connection.execute("PRAGMA wal_autocheckpoint=1000")


def in_thread_raising(database: Any, statement: str) -> None:
    """Try to write by a connection of the kind that Datasette reads with."""
    connection = database.connect()
    try:
        connection.execute(statement)
    finally:
        connection.close()


def test_a_copy_opens_as_immutable(path, tmp_path):
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    shown = Shown(copy, frozen=True)
    assert shown.rows("/events", _size=1)
    assert shown.get("/cells.json", _size=1)["filtered_table_rows_count"] == 46


def test_the_command_writes_a_file_and_names_the_next_step(path, tmp_path):
    out = tmp_path / "metadata.json"
    said = call("--ledger", path, "datasette", "-o", out).stdout
    assert said.startswith("next: datasette ")
    assert json.loads(out.read_text()) == answer("--ledger", path, "datasette")
    assert list(json.loads(out.read_text())["databases"]) == ["my runs"]
    assert answer("--ledger", path, "datasette", "-o", out) == {"out": str(out)}


def test_the_screenshot_of_the_readme_is_small(path):
    picture = Path(__file__).parent / "datasette.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 150_000
