"""Two ledgers that regrade one attempt, alike or otherwise, merge into one that verifies."""

from __future__ import annotations

from pathlib import Path

from benchledger.ledger.merge import append_ledger
from benchledger.ledger.rechecks import repeatability
from benchledger.ledger.regrade_all import regrade
from benchledger.ledger.store import Ledger
from benchledger.schema.events import CellRechecked
from benchledger.schema.history import Selection
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import GATED_1
from tests.bumped import bumped
from tests.ledger.test_regrade import emit
from tests.ledgers import RUN_RECORDS, append_file, checked

ALL = Selection()


def pair(folder: Path) -> tuple[Ledger, Ledger]:
    """Return a ledger with two attempts, and one that took them over."""
    first, second = Ledger.create(folder / "first.db"), Ledger.create(folder / "second.db")
    for task in ("one", "two"):
        emit(first, task)
    append_ledger(second, first)
    return first, second


def scores(ledger: Ledger) -> list[tuple[str, str, float]]:
    query = "SELECT a.ref, x.scorer, x.value FROM axes x JOIN attempts a USING(first_seq) WHERE x.axis = 'latency'"
    return sorted((ref[-16:], scorer, value) for ref, scorer, value in ledger.connection.execute(query))


def test_an_attempt_of_another_ledger_is_regraded_in_its_own_stream(tmp_path: Path) -> None:
    first, second = pair(tmp_path)
    with bumped("latency@2"):
        made = regrade(second, ALL, GATED_1)
        assert made.attempts == 2
        late = [event for event in second.events() if (event.payload or {}).get("supersedes")]
        assert {event.meta.stream.partition(":")[0] for event in late} == {first.ledger_id}
        checked(second.path)


def test_ledgers_that_regraded_alike_write_the_same_events_and_merge_both_ways(tmp_path: Path) -> None:
    first, second = pair(tmp_path)
    with bumped("latency@2"):
        for ledger in (first, second):
            regrade(ledger, ALL, GATED_1)
        assert scores(first) == scores(second)
        assert append_ledger(second, first).left == 0
        assert append_ledger(first, second).left == 0
        for ledger in (first, second):
            assert ledger.connection.execute("SELECT count(*) FROM cells").fetchone() == (2,)
            assert [scorer for _, scorer, _ in scores(ledger)] == ["latency@2"] * 2
            checked(ledger.path)


def test_a_regrade_comes_home_to_the_ledger_that_ran_the_attempt(tmp_path: Path) -> None:
    first, second = pair(tmp_path)
    with bumped("latency@2"):
        regrade(second, ALL, GATED_1)
        assert append_ledger(first, second).left == 0
        assert [scorer for _, scorer, _ in scores(first)] == ["latency@2"] * 2
        assert first.connection.execute("SELECT count(*) FROM cells").fetchone() == (2,)
        checked(first.path)


def test_ledgers_that_regraded_in_other_steps_keep_their_own_line_and_both_verify(tmp_path: Path) -> None:
    first, second = pair(tmp_path)
    with bumped("tokens@2"):
        regrade(first, ALL, GATED_1)
    with bumped("latency@2", "tokens@2"):
        regrade(first, ALL, GATED_1)
        regrade(second, ALL, GATED_1)
        for mine, other in ((second, first), (first, second), (second, first)):
            append_ledger(mine, other)
            checked(mine.path)
        assert scores(first) == scores(second)
        assert append_ledger(second, first).events == 0


def test_scores_that_stay_there_are_counted_and_made_here_by_a_regrade(tmp_path: Path) -> None:
    first, second = pair(tmp_path)
    with bumped("tokens@2"):
        regrade(second, ALL, GATED_1)
    with bumped("latency@2"):
        regrade(first, ALL, GATED_1)
    with bumped("latency@2", "tokens@2"):
        assert append_ledger(second, first).left == 4
        checked(second.path)
        assert regrade(second, ALL, GATED_1).attempts == 2
        assert scores(second) == scores(first)
        checked(second.path)


def test_ledgers_that_appended_the_same_file_and_regraded_it_share_the_scores(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "a.db") as first, Ledger.create(tmp_path / "b.db") as second:
        for ledger in (first, second):
            append_file(ledger, RUN_RECORDS / "pass.json")
        with bumped("latency@2"):
            regrade(second, ALL, GATED_1)
            append_ledger(first, second)
            checked(first.path)
            assert scores(first) == scores(second)
            assert first.connection.execute("SELECT count(*) FROM cells").fetchone() == (1,)
            assert regrade(first, ALL, GATED_1).attempts == 0


def test_rechecks_of_both_ledgers_come_together(tmp_path: Path) -> None:
    first, second = pair(tmp_path)
    ref = "s/a/m/c/one#run1@1"
    first.emit(Draft(f"cell/{ref}", CellRechecked(times=2, passed=2, agrees=True)))
    second.emit(Draft(f"{first.ledger_id}:cell/{ref}", CellRechecked(times=3, passed=2, agrees=False)))
    for mine, other in ((first, second), (second, first)):
        append_ledger(mine, other)
        assert append_ledger(mine, other).events == 0
        found = repeatability(mine.connection, ALL)
        assert (found.cells, found.repeats, found.agreeing, found.flaky) == (1, 5, 4, ["c/one"])
        checked(mine.path)


def test_a_regrade_of_an_attempt_that_was_rechecked_elsewhere_stays_there_and_is_made_here(
    tmp_path: Path,
) -> None:
    first, second = pair(tmp_path)
    stream = f"{first.ledger_id}:cell/s/a/m/c/one#run1@1"
    second.emit(Draft(stream, CellRechecked(times=1, passed=1, agrees=True)))
    with bumped("latency@2"):
        regrade(first, ALL, GATED_1)
        assert append_ledger(second, first).left == 2
        checked(second.path)
        assert regrade(second, ALL, GATED_1).attempts == 1
        assert scores(second) == scores(first)
        assert append_ledger(second, first).events == 0
        checked(second.path)
