"""Where points, labels and the front stand in a scatter."""

from __future__ import annotations

from itertools import combinations
from random import Random
from typing import Any

from benchledger.ledger.web.board.scatter import Point, scatter


def drawn(points: list[Point]) -> dict[str, Any]:
    chart = scatter(points, lambda value: f"{value:g}")
    assert chart is not None
    return chart


def box(label: dict[str, Any]) -> tuple[float, float, float, float]:
    width = len(label["text"]) * 6.4
    left = {"start": 0.0, "end": width, "middle": width / 2}[label["anchor"]]
    return (label["x"] - left, label["y"] - 10, label["x"] - left + width, label["y"] + 3)


def test_nothing_beats_a_row_on_the_front_and_something_beats_all_others() -> None:
    random = Random(3)
    points = [Point(at, f"row {at}", random.random(), random.uniform(1, 9)) for at in range(60)]
    front = {point["row"] for point in drawn(points)["points"] if point["front"]}
    for point in points:
        beaten = [
            other
            for other in points
            if (other.score, -other.cost) != (point.score, -point.cost)
            and other.score >= point.score
            and other.cost <= point.cost
        ]
        assert (point.row in front) == (not beaten)


def test_two_rows_that_are_equal_are_both_on_the_front() -> None:
    chart = drawn([Point(0, "a", 0.5, 1.0), Point(1, "b", 0.5, 1.0), Point(2, "c", 0.4, 2.0)])
    assert [point["front"] for point in chart["points"]] == [True, True, False]


def test_labels_lie_on_no_other_label_and_within_the_frame() -> None:
    random = Random(4)
    points = [
        Point(at, f"agent-{at} with a model", random.random(), random.lognormvariate(0, 2))
        for at in range(80)
    ]
    chart = drawn(points)
    labels = [point["label"] for point in chart["points"] if point["label"]]
    assert len(labels) > 10
    for one, other in combinations(map(box, labels), 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert all(left >= 50 and right <= chart["width"] for left, _, right, _ in map(box, labels))


def test_a_wide_range_of_costs_is_drawn_on_a_logarithmic_scale() -> None:
    chart = drawn([Point(0, "a", 0.5, 0.01), Point(1, "b", 0.6, 50.0)])
    assert chart["scale"]["log"]
    assert [tick["text"] for tick in chart["x_ticks"]] == ["0.01", "0.1", "1", "10"]
    near = drawn([Point(0, "a", 0.5, 1.0), Point(1, "b", 0.6, 5.0)])
    assert not near["scale"]["log"]
    assert [tick["text"] for tick in near["x_ticks"]] == ["0", "1", "2", "3", "4", "5"]


def test_a_row_without_a_score_or_a_cost_is_named_and_not_drawn() -> None:
    points = [
        Point(0, "a", 0.5, 1.0),
        Point(1, "b", 0.6, 2.0),
        Point(2, "c", None, 2.0),
        Point(3, "d", 0.1, None),
    ]
    assert drawn(points)["missing"] == ["c", "d"]
    assert scatter(points[1:], str) is None


def test_scores_above_one_and_costs_of_nothing_stay_within_the_frame() -> None:
    chart = drawn([Point(0, "a", 3.0, 0.0), Point(1, "b", 0.0, 0.0)])
    frame = chart["frame"]
    for point in chart["points"]:
        assert frame["left"] <= point["cx"] <= frame["right"]
        assert frame["top"] <= point["cy"] <= frame["bottom"]
