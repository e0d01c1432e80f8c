"""Two sides compared: what pairs, what does not and why; no cell is lost between the two."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchledger.ledger.adjudicate import Judgement, adjudicate
from benchledger.ledger.comparison import ComparisonReport, compare
from benchledger.ledger.queries import scored
from benchledger.ledger.store import Ledger
from benchledger.schema.errors import BadInput, UnknownName
from benchledger.schema.history import Selection
from benchledger.scorers.composite import GATED_1
from tests.ledger.made import ran
from tests.ledgers import checked

EVERYTHING = Selection()
DAY = 86_400_000_000


@pytest.fixture
def ledger(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Ledger.create(tmp_path / "a.db") as made:
        yield made
    checked(tmp_path / "a.db", use_last_seen=False)


def _compared(ledger: Ledger, a: str, b: str, **chosen: tuple[str, ...]) -> ComparisonReport:
    return compare(ledger, GATED_1, (a, b), Selection(**chosen))


def _left(report: ComparisonReport) -> set[tuple[str, str, str, int]]:
    return {(item.side, item.label, item.reason, item.cells) for item in report.left_out}


def test_only_equal_digests_of_a_task_are_paired(ledger: Ledger) -> None:
    for sweep, same, other in (("s1", "a", "b"), ("s2", "a", "c")):
        ran(ledger, f"{sweep}/a/m/c/same#run1", task=same)
        ran(ledger, f"{sweep}/a/m/c/other#run1", task=other)
    report = _compared(ledger, "s1", "s2")
    assert [task.task for task in report.result.tasks] == ["c/same"]
    assert _left(report) == {
        ("a", "c/other (a, m)", "other_digest", 1), ("b", "c/other (a, m)", "other_digest", 1)
    }  # fmt: skip
    assert report.left_out[0].detail == f"{'b' * 16} here, {'c' * 16} there"
    assert report.by_id == ()


def test_without_a_digest_on_either_side_the_id_pairs_and_this_is_said(ledger: Ledger) -> None:
    for sweep, known in (("s1", "a"), ("s2", None)):
        ran(ledger, f"{sweep}/a/m/c/neither#run1")
        ran(ledger, f"{sweep}/a/m/c/one#run1", task=known)
    report = _compared(ledger, "s1", "s2")
    assert [task.task for task in report.result.tasks] == ["c/neither"] == list(report.by_id)
    assert {item.reason for item in report.left_out} == {"other_digest"}
    assert "no digest there" in str(report.left_out[0].detail)


def test_a_task_that_pairs_at_two_digests_makes_two_lines(ledger: Ledger) -> None:
    for sweep, second in (("s1", True), ("s2", False)):
        ran(ledger, f"{sweep}/a/m/c/t#run1", task="a")
        ran(ledger, f"{sweep}/a/m/c/t#run2", task="b", passed=second)
    report = _compared(ledger, "s1", "s2")
    first, second_line = report.result.tasks
    assert (first.task, second_line.task) == ("c/t@aaaaaaaa", "c/t@bbbbbbbb")
    assert first.difference == 0 < second_line.difference
    assert report.result.solved_by_a == ("c/t@bbbbbbbb",)


def test_what_has_no_value_is_left_out_with_its_reason(ledger: Ledger) -> None:
    for sweep, lost in (("s1", True), ("s2", False)):
        ran(ledger, f"{sweep}/a/m/c/lost#run1", lost=lost)
        ran(ledger, f"{sweep}/a/m/c/gone#run1")
        ran(ledger, f"{sweep}/a/m/c/part#run1")
        ran(ledger, f"{sweep}/a/m/c/part#run2", lost=lost)
    adjudicate(ledger, Judgement("withdraw", "r", "x", cell="s1/a/m/c/gone#run1"))
    report = _compared(ledger, "s1", "s2")
    assert [task.task for task in report.result.tasks] == ["c/part"]
    assert {(item.side, item.task, item.reason, item.detail, item.cells) for item in report.left_out} == {
        ("a", "c/lost", "no_value", "excluded:infra_error", 1),
        ("b", "c/lost", "no_value_there", "excluded:infra_error", 1),
        ("a", "c/gone", "no_value", "adjudicated:withdraw", 1),
        ("b", "c/gone", "no_value_there", "adjudicated:withdraw", 1),
        ("a", "c/part", "no_value", "excluded:infra_error", 1),
    }
    assert report.unpaired("a") == []
    assert report.unpaired("b") == ["c/gone (a, m)", "c/lost (a, m)"]


def test_another_model_is_another_condition_and_another_task_is_missing(ledger: Ledger) -> None:
    ran(ledger, "s/a/m/c/t#run1")
    ran(ledger, "s/b/m/c/t#run1")
    ran(ledger, "s/a/m/c/u#run1")
    ran(ledger, "s/b/n/c/u#run1")
    ran(ledger, "s/a/m/c/v#run1")
    report = _compared(ledger, "a", "b")
    assert _left(report) == {
        ("a", "c/u (m)", "other_condition", 1),
        ("b", "c/u (n)", "other_condition", 1),
        ("a", "c/v (m)", "missing", 1),
    }
    # where both sides name their model it is what is compared, and no condition
    assert _compared(ledger, "a/m", "b/n").result.tasks[0].task == "c/u"


def test_days_take_attempts_by_their_start_and_say_which_have_none(ledger: Ledger) -> None:
    november = 20_758 * DAY  # 2026-11-01
    for name, start in (("early", november - 1), ("first", november), ("last", november + 2 * DAY - 1)):
        ran(ledger, f"s/a/m/c/{name}#run1", started_at=start)
    ran(ledger, "s/a/m/c/late#run1", started_at=november + 2 * DAY)
    ran(ledger, "s/a/m/c/never#run1")
    report = _compared(ledger, "2026-11-01..2026-11-02", "s")
    assert [task.task for task in report.result.tasks] == ["c/first", "c/last"]
    assert ("a", "c/never (a, m)", "no_start", 1) in _left(report)
    assert {item.task for item in report.left_out if item.side == "b"} == {"c/early", "c/late", "c/never"}
    assert report.shared == 2
    open_end = _compared(ledger, "2026-11-02..", "..2026-11-02,s").result
    assert [task.task for task in open_end.tasks] == ["c/last"]
    with pytest.raises(BadInput, match="of 1 the start is not recorded"):
        _compared(ledger, "2020-01-01", "s")


def test_versions_are_compared_and_differences_of_condition_are_named(ledger: Ledger) -> None:
    ran(ledger, "s/a/m/c/t#run1", version="1", sandbox="docker")
    ran(ledger, "s/a/m/c/t#run2", version="2", sandbox="local", passed=False)
    report = _compared(ledger, "a@1", "version:2")
    assert report.result.solved_by_a == ("c/t",)
    assert report.differs == {"version": (["1"], ["2"]), "sandbox": (["docker"], ["local"])}


def test_a_head_is_the_ledger_as_it_was_then(ledger: Ledger) -> None:
    ran(ledger, "s/a/m/c/t#run1")
    ran(ledger, "s/a/m/c/u#run1")
    then = ledger.head()
    adjudicate(ledger, Judgement("zero", "a proved hack", "x", cell="s/a/m/c/u#run1"))
    ran(ledger, "s/a/m/c/new#run1")
    assert then is not None
    report = _compared(ledger, f"@{then.seq}", "s")
    assert {task.task: task.difference > 0 for task in report.result.tasks} == {"c/t": False, "c/u": True}
    assert report.result.solved_by_a == ("c/u",)
    assert _left(report) == {("b", "c/new (a, m)", "missing", 1)}


def test_flips_are_told_by_agent_and_model_where_several_share_a_task(ledger: Ledger) -> None:
    for sweep, passed in (("s1", True), ("s2", False)):
        for run in (1, 2, 3):
            # two of three runs are most of them: in each sweep `steady` solved it
            ran(ledger, f"{sweep}/steady/m/c/t#run{run}", passed=run > 1)
            ran(ledger, f"{sweep}/falls/m/c/t#run{run}", passed=passed)
    report = _compared(ledger, "s1", "s2")
    assert (report.result.solved_by_a, report.result.solved_by_b) == (("c/t (falls, m)",), ())
    assert _compared(ledger, "s2", "s1").regression == (True, "solved", ("c/t (falls, m)",))


@pytest.mark.parametrize(
    ("a", "said"),
    [
        ("b", "have no task in common;"),
        ("c", "with a value on both sides (no value)"),
        ("d", "--mode scripted"),
    ],
)
def test_where_nothing_pairs_the_reason_is_said(ledger: Ledger, a: str, said: str) -> None:
    ran(ledger, "s/a/m/c/t#run1")
    ran(ledger, "s/b/m/c/u#run1")
    ran(ledger, "s/c/m/c/t#run1", lost=True)
    ran(ledger, "s/d/m/c/t#run1", mode="scripted")
    with pytest.raises(BadInput) as caught:
        _compared(ledger, a, "a")
    assert said in str(caught.value)


_cells = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2"]), st.sampled_from("ab"), st.sampled_from("mn"), st.sampled_from("tuvwxyz"),
        st.sampled_from([None, "a", "b"]), st.booleans(), st.booleans(),
    ),
    max_size=24,
)  # fmt: skip


@given(
    cells=_cells,
    sides=st.sampled_from([("s1", "s2"), ("a", "b"), ("m", "n"), ("a/m", "b"), ("s1,a", "s2,b")]),
)
@settings(max_examples=25, deadline=None)
def test_swapped_sides_swap_every_sign_and_every_cell_is_either_paired_or_named(
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[tuple[str, str, str, str, str | None, bool, bool]],
    sides: tuple[str, str],
) -> None:
    path = tmp_path_factory.mktemp("compared") / "a.db"
    with Ledger.create(path) as ledger:
        for number, (sweep, agent, model, task, digest, passed, lost) in enumerate(cells, 1):
            ran(
                ledger, f"{sweep}/{agent}/{model}/c/{task}#run{number}", task=digest, passed=passed, lost=lost
            )
        try:
            one, other = _compared(ledger, *sides), _compared(ledger, *reversed(sides))
        except (BadInput, UnknownName):
            return  # a side of which nothing was drawn, or nothing in common
        assert [-task.difference for task in one.result.tasks] == [
            task.difference for task in other.result.tasks
        ]
        assert (one.result.solved_by_a, one.unpaired("a")) == (other.result.solved_by_b, other.unpaired("b"))
        assert one.result.repeats_needed == other.result.repeats_needed
        if one.result.low is not None:
            assert (one.result.low, one.result.high) == (-other.result.high, -other.result.low)  # type: ignore[operator]
        assert not (one.regression.found and other.regression.found and one.regression.rule == "interval")
        named = Counter(item.side for item in one.left_out for _ in range(item.cells))
        for name, text in zip("ab", sides, strict=True):
            same = _compared(ledger, text, text)
            assert {task.difference for task in same.result.tasks} == {0.0}
            assert not same.regression.found
            assert same.shared == same.cells_a == same.cells_b
            assert named[name] + getattr(one, f"cells_{name}") == _counted(ledger, text)
    checked(path, use_last_seen=False)


def _counted(ledger: Ledger, text: str) -> int:
    return len([item for item in scored(ledger.connection, GATED_1, EVERYTHING) if _is_of(item, text)])


def _is_of(item, text: str) -> bool:  # type: ignore[no-untyped-def]
    has = {item.key[0], item.key[2], item.sweep}
    return all(part in has for term in text.split(",") for part in term.split("/"))
