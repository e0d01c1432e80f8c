"""A newer scorer runs over stored evidence: what is appended, what stays, and what is never done twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchledger.ledger import regrade_all
from benchledger.ledger.cell_view import cell_view
from benchledger.ledger.project import rebuild
from benchledger.ledger.queries import as_of, scored
from benchledger.ledger.regrade_all import RegradeResult, regrade
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.ledger.verify import VerifyOptions, verify
from benchledger.schema.base import Payload
from benchledger.schema.events import AgentIdentity, CellExited, CellSetup, GraderRan, ModelCalled
from benchledger.schema.history import PayloadRedacted, Selection
from benchledger.schema.ports import Draft
from benchledger.scorers.composite import CAB_01, GATED_1
from benchledger.scorers.evidence import no_blob
from benchledger.scorers.registry import AXES
from tests.bumped import bumped
from tests.ledgers import CELLS, RUN_RECORDS, append_file, checked, published

ALL = Selection()


def emit(ledger: Ledger, task: str, agent: str = "a", seconds: float = 5.0, exit_code: int = 0) -> str:
    """Append one judged attempt; return its stream."""
    from benchledger.ledger.append import declare

    declare(ledger, GATED_1)
    cell = f"s/{agent}/m/c/{task}#run1"
    setup = CellSetup(
        cell_id=cell, agent=AgentIdentity(name=agent), model="m", mode="live", observed=("model_calls",)
    )
    call = ModelCalled(number=1, status=200, prompt_tokens=10, completion_tokens=5, latency_ms=20.0)
    exited = CellExited(exit_code=0, wall_ms=seconds * 1000)
    evidence: list[Payload] = [setup, call, exited, GraderRan(exit_code=exit_code)]
    closing, _, _ = finish(evidence, no_blob, GATED_1)
    stream = f"cell/{cell}@1"
    ledger.emit_all([Draft(stream, payload) for payload in [*evidence, *closing]])
    return stream


def run(ledger: Ledger, *names: str, **options: object) -> RegradeResult:
    with bumped(*names):
        made = regrade(ledger, options.pop("selection", ALL), GATED_1, **options)  # type: ignore[arg-type]
        checked(ledger.path)
    return made


def types(ledger: Ledger, start: int) -> list[str]:
    return [event.meta.type for event in ledger.events(start)]


def length(ledger: Ledger) -> int:
    head = ledger.head()
    assert head is not None
    return head.seq + 1


@pytest.fixture
def bump(tmp_path: Path) -> Ledger:
    """A ledger that only a bumped version can check whole; each test verifies it under that."""
    with Ledger.create(tmp_path / "bumped.db") as made:
        yield made


def test_a_bump_appends_one_score_one_composite_and_one_summary_and_verify_is_clean(bump: Ledger) -> None:
    stream = emit(bump, "one")
    before, at = list(bump.stream(stream)), length(bump)
    made = run(bump, "latency@2")
    assert types(bump, at) == ["axis.scored", "composite.scored", "scores.regraded"]
    score, composite = list(bump.stream(stream))[len(before) :]
    old = {
        event.payload["axis"]: event for event in before if event.meta.type == "axis.scored" and event.payload
    }
    assert score.payload is not None
    assert composite.payload is not None
    assert score.payload["supersedes"] == old["latency"].meta.version
    assert score.payload["value"] == 65_000.0
    first = next(event for event in before if event.meta.type == "composite.scored")
    assert composite.payload["supersedes"] == first.meta.version
    assert composite.payload["value"] < first.payload["value"]  # type: ignore[index]
    assert (made.attempts, made.moved, made.composites, made.events) == (1, 1, 1, 3)
    summary = next(bump.events(at + 2)).payload
    assert summary is not None
    assert summary["scorers"] == {"latency": "latency@2"}
    assert (summary["attempts"], summary["moved"]) == (1, 1)


def test_the_same_again_appends_nothing(bump: Ledger) -> None:
    emit(bump, "one")
    run(bump, "latency@2")
    at = length(bump)
    again = run(bump, "latency@2")
    assert (again.attempts, again.events, length(bump)) == (0, 0, at)


def test_a_dry_run_says_the_same_and_appends_nothing(bump: Ledger) -> None:
    for task, seconds in (("one", 1.0), ("two", 30.0)):
        emit(bump, task, seconds=seconds)
        emit(bump, task, "b", seconds=2.0)
    at = length(bump)
    dry = run(bump, "latency@2", dry_run=True)
    assert length(bump) == at
    real = run(bump, "latency@2")
    assert [row.to_json() for row in dry.rows] == [row.to_json() for row in real.rows]
    assert dry.to_json() == real.to_json()
    assert all(row.after.composite < row.before.composite for row in real.rows)  # type: ignore[operator]
    assert {row.to_json()["moved_by"] for row in real.rows} == {"latency"}


def test_a_scorer_that_says_the_same_moves_nothing_and_needs_no_composite(bump: Ledger) -> None:
    emit(bump, "one")
    at = length(bump)
    made = run(bump, "tokens@2")
    assert types(bump, at) == ["axis.scored", "scores.regraded"]
    assert (made.attempts, made.moved, made.composites) == (1, 0, 0)


def test_an_interrupted_regrade_goes_on_and_says_nothing_twice(
    bump: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        emit(bump, f"t{number}")
    monkeypatch.setattr(regrade_all, "_BATCH", 2)

    def stop(done: int, total: int) -> None:
        assert total == 5
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), bumped("latency@2"):
        regrade(bump, ALL, GATED_1, progress=stop)
    rest = run(bump, "latency@2")
    assert rest.attempts == 1
    summaries = [event.payload for event in bump.events() if event.meta.type == "scores.regraded"]
    assert [said["attempts"] for said in summaries if said] == [2, 2, 1]
    late = [event for event in bump.events() if (event.payload or {}).get("supersedes")]
    assert len(late) == 2 * 5


def test_a_selection_regrades_its_cells_alone(bump: Ledger) -> None:
    emit(bump, "one")
    emit(bump, "one", "b")
    made = run(bump, "latency@2", selection=Selection(agent=("b",)))
    assert [move.ref for move in made.cells] == ["s/b/m/c/one#run1@1"]
    assert run(bump, "latency@2").attempts == 1


def test_published_cells_are_left_and_counted(tmp_path: Path) -> None:
    with published(tmp_path / "p.db") as ledger:
        at = length(ledger)
        made = run(ledger, "latency@2")
        assert (made.published, made.attempts, length(ledger)) == (43, 0, at)
        assert CELLS.exists()


def test_run_records_are_regraded_under_the_policy_of_their_composites(bump: Ledger) -> None:
    for path in sorted(RUN_RECORDS.glob("*.json")):
        append_file(bump, path)
    made = run(bump, "latency@2", "tokens@2")
    assert made.attempts > 3
    assert not made.skipped


def test_two_bumps_make_one_line_of_scores(bump: Ledger) -> None:
    emit(bump, "one")
    run(bump, "tokens@2")
    run(bump, "latency@2", "tokens@2")
    view = cell_view(bump, "s/a/m/c/one")
    assert [old["scorer"] for old in view["axes"]["latency"]["superseded"]] == ["latency@1"]
    assert [old["value"] for old in view["axes"]["latency"]["superseded"]] == [5_000.0]
    assert view["axes"]["latency"]["scorer"] == "latency@2"
    assert list(view["axes"]) == list(AXES)


def test_a_later_version_s_scores_are_not_taken_back_by_an_earlier_one(bump: Ledger) -> None:
    emit(bump, "one")
    run(bump, "latency@2")
    at = length(bump)
    made = regrade(bump, ALL, GATED_1)
    assert dict(made.later) == {"latency@2": 1}
    assert length(bump) == at


def test_a_version_without_the_scorer_cannot_check_and_names_no_tampering(bump: Ledger) -> None:
    emit(bump, "one")
    run(bump, "latency@2")
    report = verify(bump.path, VerifyOptions())
    assert report.ok
    assert not report.whole
    assert [(item.kind, item.detail) for item in report.unchecked] == [
        ("scorer", "latency could not be derived again: there is no scorer latency@2 here")
    ]


def test_worker_processes_know_the_scorers_of_this_one(bump: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    emit(bump, "one")
    monkeypatch.setattr("benchledger.ledger.verify._PARALLEL", 0)
    run(bump, "latency@2")


def test_the_tables_show_the_latest_and_an_earlier_head_what_was(bump: Ledger) -> None:
    emit(bump, "one")
    at = length(bump) - 1
    run(bump, "latency@2")
    (now,) = scored(bump.connection, GATED_1, ALL)
    with as_of(bump, at) as connection:
        (then,) = scored(connection, GATED_1, ALL)
    assert (then.inputs.wall_ms, now.inputs.wall_ms) == (5_000.0, 65_000.0)
    assert then.composite.value > now.composite.value  # type: ignore[operator]
    with bump.writing():
        rebuild(bump.connection)
    assert next(scored(bump.connection, GATED_1, ALL)) == now
    assert bump.connection.execute("SELECT count(*), max(value) FROM composites").fetchone() == (
        1,
        now.composite.value,
    )
    assert next(scored(bump.connection, CAB_01, ALL)).composite.value is not None


def test_evidence_that_was_redacted_is_named_and_not_regraded(bump: Ledger) -> None:
    stream = emit(bump, "one")
    emit(bump, "two")
    target = next(event for event in bump.stream(stream) if event.meta.type == "cell.exited")
    bump.emit(Draft("ledger", PayloadRedacted(seq=target.seq, reason="named a person")))
    with bump.writing():
        bump.connection.execute("UPDATE events SET payload = NULL, salt = NULL WHERE seq = ?", (target.seq,))
        rebuild(bump.connection)
    with bumped("latency@2"):
        made = regrade(bump, ALL, GATED_1)
        report = verify(bump.path, VerifyOptions())
    assert report.ok, report.defects
    assert [(item.ref, item.reason) for item in made.skipped] == [
        ("s/a/m/c/one#run1@1", f"its cell.exited (event {target.seq}) was redacted")
    ]
    assert made.attempts == 1


def test_a_blob_that_is_gone_is_named_for_the_axis_that_asked_for_it(bump: Ledger) -> None:
    append_file(bump, RUN_RECORDS / "pass.json")
    (text,) = bump.connection.execute("SELECT payload FROM events WHERE type = 'grader.ran'").fetchone()
    digest = json.loads(text)["stderr"]["blob"]
    bump.emit(Draft("ledger", PayloadRedacted(blob=digest, reason="named a person")))
    with bump.writing():
        bump.connection.execute("DELETE FROM blobs WHERE lower(hex(digest)) = ?", (digest,))
    with bumped("tokens@3", "latency@2"):
        made = regrade(bump, ALL, GATED_1)
        report = verify(bump.path, VerifyOptions())
    assert report.ok, report.defects
    assert [(item.axis, item.reason) for item in made.skipped] == [
        ("tokens", f"blob {digest[:12]}… of its evidence is gone")
    ]
    assert list(made.scored) == [("latency", "latency@1", "latency@2")]


def test_an_unfinished_attempt_is_not_regraded(bump: Ledger) -> None:
    setup = CellSetup(cell_id="s/a/m/c/open#run1", agent=AgentIdentity(name="a"), model="m", mode="live")
    bump.emit(Draft("cell/s/a/m/c/open#run1@1", setup))
    assert run(bump, "latency@2").attempts == 0
