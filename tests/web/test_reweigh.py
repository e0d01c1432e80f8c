"""The browser's engine under node: the same bits as `rescore` and `leaderboard`, whatever the weights."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchledger.ledger.leaderboard import default_modes, leaderboard
from benchledger.ledger.policy_files import weighted
from benchledger.ledger.queries import DEFAULT_MODES
from benchledger.ledger.rescore import rescore
from benchledger.ledger.store import Ledger
from benchledger.ledger.web.board.reweigh import attempts_of, reweigh_data
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.composite import CAB_01, GATED_1
from tests.bench.synthetic import append_cells
from tests.ledgers import CELLS, RUN_RECORDS, append_file, checked
from tests.web.varied import TASKS, varied, weightings

STATIC = Path(__file__).parents[2] / "ledger/web/static"
# All modes are shipped, so that a reader can ask for those that do not count by themselves.
SHIPPED = Selection(mode=("live", "published", "replay", "scripted"))

LOADED = "".join(f"require({json.dumps(str(STATIC / name))});" for name in ("statistics.js", "reweigh.js"))
STATISTICS = f"""{LOADED}
const {{ fsum, fixed, randomOf }} = globalThis.benchledger.statistics;
const {{ sums, numbers, seeds }} = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify({{
  sums: sums.map((values) => fsum(values)),
  fixed: numbers.map((value) => [0, 1, 3, 6, 12].map((places) => fixed(value, places))),
  draws: seeds.map((words) => {{ const draw = randomOf(words); return Array.from({{ length: 700 }}, draw); }}),
}}));
"""
RUN = f"""{LOADED}
const {{ open, toJson }} = globalThis.benchledger.reweigh;
const {{ data, asked }} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const opened = open(data);
process.stdout.write(JSON.stringify(asked.map(([weights, selection]) => {{
  const table = opened.select(selection).weigh(weights);
  for (const _ of table.resample());
  return table.rows.map(toJson);
}})));
"""

Asked = list[tuple[dict[str, float], dict[str, list[str]]]]


def in_script(data: dict[str, Any], asked: Asked) -> list[list[dict[str, Any]]]:
    """Return the rows that the script makes for each (weights, selection)."""
    return node(RUN, json.dumps({"data": data, "asked": asked}))  # type: ignore[no-any-return]


def node(script: str, given: str) -> Any:
    """Return what a script prints as JSON, `given` on its standard input."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: apt-get install nodejs")
    ran = subprocess.run([program, "-e", script], input=given, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def published_cells(ledger: Ledger) -> None:
    append_file(ledger, CELLS)
    for path in sorted(RUN_RECORDS.glob("*.json")):
        append_file(ledger, path)


def synthetic(ledger: Ledger) -> None:
    append_cells(ledger, 900, seed=3)


LEDGERS: dict[str, Callable[[Ledger], None]] = {
    "published": published_cells,
    "varied": varied,
    "varied again": lambda ledger: varied(ledger, seed=2),
    "synthetic": synthetic,
}


@pytest.mark.parametrize("name", LEDGERS)
@pytest.mark.parametrize("base", [GATED_1, CAB_01], ids=lambda policy: policy.name)
def test_a_script_makes_the_rows_of_rescore_to_the_bit(tmp_path: Path, name: str, base: Policy) -> None:
    with Ledger.create(tmp_path / "a.db") as ledger:
        LEDGERS[name](ledger)
        connection = ledger.connection
        # a second each of 900 cells
        many = 6 if name == "synthetic" else 20
        policies = [weighted(base, given) for given in weightings(base, many, seed=len(name))]
        asked: Asked = [({**policy.weights}, {}) for policy in policies]
        found = in_script(reweigh_data(connection, base, SHIPPED), asked)
        for policy, rows in zip(policies, found, strict=True):
            assert rows == [row.to_json() for row in leaderboard(connection, policy, Selection())]
            said = {row_key(row): row for row in rows}
            for row in (row.to_json() for row in rescore(connection, policy, base, Selection()).rows):
                shown = said[row_key(row)]
                assert (shown["rank"], shown["composite"]) == (row["rank_after"], row["after"])
                assert [shown[part] for part in PARTS] == [row[part] for part in PARTS]
    checked(tmp_path / "a.db", use_last_seen=False)


def adversarial(random: Random) -> list[float]:
    """Return numbers whose sum is easily got wrong: of all sizes, cancelling, a half in the last place."""
    found = [random.choice((-1, 1)) * 2.0 ** random.uniform(-80, 60) for _ in range(random.randint(0, 40))]
    found += [-value for value in found[::3]] + random.sample(
        [1.0, 2.0**-53, 2.0**-54, -(2.0**-106), 2.0**53], 3
    )
    random.shuffle(found)
    return found


def test_sums_rounding_and_draws_of_a_script_are_those_of_python() -> None:
    random = Random(5)
    sums = [adversarial(random) for _ in range(500)]
    ties = [number / 2**places for places in range(14) for number in range(0, 200, 7)]
    numbers = ties + [random.random() * 10 ** random.randint(-9, 5) for _ in range(500)]
    # the seed of resamples of n tasks, and of the runs of the task in slot s
    seeds = [[1 + n] for n in (5, 100, 4000)] + [[1 + 3, slot] for slot in (1, 7, 300)]
    given = json.dumps({"sums": sums, "numbers": numbers, "seeds": seeds})
    found = node(STATISTICS, given)
    assert [*map(float, found["sums"])] == [math.fsum(values) for values in sums]
    assert found["fixed"] == [[f"{value:.{places}f}" for places in (0, 1, 3, 6, 12)] for value in numbers]
    twins = [Random(sum(word << 32 * at for at, word in enumerate(words))) for words in seeds]
    assert found["draws"] == [[twin.random() for _ in range(700)] for twin in twins]


PARTS = ("floor", "low", "high", "tasks", "planned")


def row_key(row: dict[str, Any]) -> tuple[str, ...]:
    return (row["agent"], row["version"] or "", row["model"], row["mode"], row["behavior"])


def test_a_script_filters_as_the_command_does(tmp_path: Path) -> None:
    selections = [
        {"task": list(TASKS[:5])},
        {"task": [TASKS[0]]},
        {"task": ["integrity/unsolvable", "mutations/swapped"], "agent": ["alpha", "twin-1"]},
        {"sweep": ["second"]},
        {"sweep": ["first"], "model": ["lab/large"]},
        {"agent": ["absent"]},
        {"agent": ["alpha", "absent"], "model": ["lab/small"]},
        {"mode": ["scripted"]},
        {"mode": ["live", "scripted"], "agent": ["alpha"]},
    ]
    with Ledger.create(tmp_path / "a.db") as ledger:
        varied(ledger)
        policy = weighted(GATED_1, ["pass_rate=1", "cost=0.3", "latency=0.7"])
        asked: Asked = [({**policy.weights}, selection) for selection in selections]
        found = in_script(reweigh_data(ledger.connection, GATED_1, SHIPPED), asked)
        for (_, selection), rows in zip(asked, found, strict=True):
            chosen = Selection(**{name: tuple(values) for name, values in selection.items()})
            assert rows == [row.to_json() for row in leaderboard(ledger.connection, policy, chosen)]
    checked(tmp_path / "a.db", use_last_seen=False)


def test_a_row_is_citable_in_a_script_where_it_is_on_the_leaderboard(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "a.db") as ledger:
        varied(ledger)
        head = ledger.head()
        assert head is not None
        data = reweigh_data(ledger.connection, GATED_1, SHIPPED, verified=head.seq)
        ((rows),) = in_script(data, [({**GATED_1.weights}, {})])
        told = leaderboard(ledger.connection, GATED_1, Selection(), verified=head.seq)
        assert rows == [row.to_json() for row in told]
        assert {row["standing"] for row in rows} == {"citable", "provisional"}
    checked(tmp_path / "a.db", use_last_seen=False)


def test_the_ledgers_hold_what_has_to_be_told_apart(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "b.db") as ledger:
        published_cells(ledger)
        kinds = set(reweigh_data(ledger.connection, GATED_1, SHIPPED)["columns"]["kind"])
    checked(tmp_path / "b.db", use_last_seen=False)
    with Ledger.create(tmp_path / "a.db") as ledger:
        varied(ledger)
        rows = [row.to_json() for row in leaderboard(ledger.connection, GATED_1, Selection())]
        data = reweigh_data(ledger.connection, GATED_1, SHIPPED)
    checked(tmp_path / "a.db", use_last_seen=False)
    for part in ("tied", "infra_faults", "retried", "withdrawn", "differs", "cost_per_solved", "run_low"):
        assert any(row[part] for row in rows), part
    assert any(row["floor"] != row["composite"] for row in rows)
    assert any(row["composite"] is None for row in rows)
    assert {0, 1, 2, 3} == kinds.union(data["columns"]["kind"])


def test_attempts_are_counted_before_they_are_shipped(tmp_path: Path) -> None:
    with Ledger.create(tmp_path / "a.db") as ledger:
        published_cells(ledger)
        chosen = default_modes(Selection())
        assert chosen.mode == DEFAULT_MODES
        assert (
            attempts_of(ledger.connection, chosen)
            == reweigh_data(ledger.connection, GATED_1, chosen)["attempts"]
        )
        assert attempts_of(ledger.connection, Selection(agent=("nobody",))) == 0
        assert reweigh_data(ledger.connection, GATED_1, Selection(agent=("nobody",)))["attempts"] == 0
    checked(tmp_path / "a.db", use_last_seen=False)
