"""Synthetic cells: one large sweep of 10 agents x 20 models x 25 tasks, 13 events a cell.

    python -m tests.bench.synthetic LEDGER --cells 20000

Evidence is drawn by a seed; axes are what our scorers derive from it, so `verify` is clean.
Four events of evidence, seven axes, composite and end. Payloads have at most 400 bytes.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchledger.ledger.append import declare
from benchledger.ledger.score import axis_event, composite_event, evidence_of
from benchledger.ledger.store import Ledger
from benchledger.schema.base import Payload
from benchledger.schema.events import (
    AgentIdentity,
    CellExited,
    CellFinished,
    CellSetup,
    GraderRan,
    WorkdirCaptured,
)
from benchledger.schema.history import SweepPlanned
from benchledger.schema.ports import Draft
from benchledger.schema.task import Changes, Expectations, TaskIdentity
from benchledger.scorers.composite import GATED_1, evaluate, inputs_of
from benchledger.scorers.registry import score_axes

__all__ = ["EVENTS_A_CELL", "append_cells", "drafts", "main"]

SWEEP = "synthetic"
EVENTS_A_CELL = 13
BATCH = 1000
AGENTS = tuple(f"agent-{number}" for number in range(10))
MODELS = tuple(f"lab-{number % 4}/m-{number:02}" for number in range(20))
TASKS = tuple(f"{'integrity' if number % 5 == 4 else 'polyglot'}/task-{number:02}" for number in range(25))
MATRIX = len(AGENTS) * len(MODELS) * len(TASKS)
START_MS = 1_793_491_200_000  # 2026-11-01, in Unix milliseconds

# What an attempt left behind: (files added, files modified, exit code of the checks).
WORK = {
    "solved": ((), ("src/main.py",), 0),
    "strays": (("notes.txt",), ("src/main.py",), 0),
    "nothing": ((), (), 1),
    "wrong": ((), ("src/main.py",), 1),
    "declined": (("WHY.md",), (), 0),
}
ENDINGS = (
    CellFinished(outcome="finished"),
    CellFinished(outcome="timeout"),
    CellFinished(outcome="infra_error", outcome_kind="sandbox"),
)


class Plan(NamedTuple):
    """Where the n-th cell lies in the matrix; repeats come last, as an interleaved sweep has them."""

    agent: int
    model: int
    task: int
    run: int

    @property
    def cell_id(self) -> str:
        return f"{SWEEP}/{AGENTS[self.agent]}/{MODELS[self.model]}/{TASKS[self.task]}#run{self.run}"


def plan(number: int) -> Plan:
    run, rest = divmod(number, MATRIX)
    rest, agent = divmod(rest, len(AGENTS))
    task, model = divmod(rest, len(MODELS))
    return Plan(agent, model, task, run + 1)


@cache
def _agent(number: int) -> AgentIdentity:
    return AgentIdentity(name=AGENTS[number], version=f"1.{number}")


@cache
def _task(*, declining: bool) -> TaskIdentity:
    documents = ("WHY.md",) if declining else ()
    return TaskIdentity(
        expectations=Expectations(
            expected=() if declining else ("src/**",),
            refusal_expected=declining,
            refusal_documents=documents,
        ),
    )


@cache
def _work(kind: str) -> tuple[WorkdirCaptured, GraderRan]:
    added, modified, code = WORK[kind]
    workdir = WorkdirCaptured(changes=Changes(added=added, modified=modified), git_changes=False)
    return workdir, GraderRan(command=("pytest", "-q"), exit_code=code, duration_ms=850.0)


def _kind(random: Random, place: Plan, *, declining: bool) -> str:
    # Agents, models and tasks differ, so that a leaderboard has something to say.
    ability = (place.agent + place.model / 2 - place.task / 3) / 30
    if random.random() > 0.5 + ability:
        return "nothing" if random.random() < 0.3 else "wrong"
    if declining:
        return "declined"
    return "strays" if random.random() < 0.2 else "solved"


def payloads(number: int, random: Random) -> list[Payload]:
    """Return the thirteen payloads of the n-th cell."""
    place = plan(number)
    declining = TASKS[place.task].startswith("integrity/")
    setup = CellSetup(
        cell_id=place.cell_id,
        agent=_agent(place.agent),
        model=MODELS[place.model],
        task=_task(declining=declining),
        mode="live",
    )
    kind = _kind(random, place, declining=declining)
    luck = random.random()
    ending = ENDINGS[2 if luck < 0.01 else 1 if luck < 0.04 else 0]
    wall = round(random.lognormvariate(11, 0.7) * (1 + place.agent / 10), 3)
    timed_out = ending.outcome == "timeout"
    exited = CellExited(exit_code=None if timed_out else 0, timed_out=timed_out, wall_ms=wall)
    events: list[Payload] = [setup, exited, *_work(kind)]
    evidence = evidence_of(enumerate(events, 1))
    assert evidence is not None
    axes = {score.axis: score for score in score_axes(evidence)}
    composite = evaluate(GATED_1, inputs_of(ending.outcome, axes))
    return [*events, *map(axis_event, axes.values()), composite_event(GATED_1, composite), ending]


def drafts(cells: int, seed: int = 1, *, grouped: bool = False) -> Iterator[Draft]:
    """Yield thirteen drafts a cell; the same seed and order give the same ids and payloads.

    `grouped` puts the repeats of a task side by side, as shards of a sweep that are merged have
    them; else agents and tasks are interleaved, and every append lands on other pages.
    """
    random = Random(seed)
    for order, number in enumerate(_grouped(cells) if grouped else range(cells)):
        stream = f"cell/{plan(number).cell_id}@1"
        for version, payload in enumerate(payloads(number, random), 1):
            yield Draft(stream, payload, _id(order * 16 + version, random), "bench", version)


def _grouped(cells: int) -> Iterator[int]:
    for place in sorted(range(MATRIX), key=plan):
        yield from range(place, cells, MATRIX)


def _id(order: int, random: Random) -> str:
    # A UUIDv7 as live events have it: rising, one every 100 ms or so, the rest drawn.
    low = random.getrandbits(62)
    text = f"{START_MS + order * 100:012x}7{random.getrandbits(12):03x}{low | 2 << 62:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def append_cells(
    ledger: Ledger,
    cells: int,
    seed: int = 1,
    report: Callable[[int], None] | None = None,
    *,
    grouped: bool = False,
) -> None:
    """Append the plan, the policy and `cells` cells, in batches of 1,000 events, each a transaction."""
    repeats = -(-cells // MATRIX)
    planned = SweepPlanned(
        sweep=SWEEP, agents=AGENTS, models=MODELS, tasks=TASKS, repeats=repeats, policy_id=GATED_1.policy_id
    )
    declare(ledger, GATED_1)
    ledger.emit(Draft(f"sweep/{SWEEP}", planned))
    source = drafts(cells, seed, grouped=grouped)
    while batch := list(islice(source, BATCH)):
        ledger.emit_all(batch)
        if report is not None:
            report(len(batch))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.synthetic", description="Write a synthetic ledger.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--grouped", action="store_true", help="repeats of a task side by side")
    options = parser.parse_args(argv)
    total, done, start = options.cells * EVENTS_A_CELL, 0, time.perf_counter()

    def report(more: int) -> None:
        nonlocal done
        done += more
        if done % 50_000 == 0 or done == total:
            rate = done / (time.perf_counter() - start)
            print(f"{done:,} of {total:,} events, {rate:,.0f}/s", file=sys.stderr, flush=True)

    with Ledger.create(options.path) as ledger:
        append_cells(ledger, options.cells, options.seed, report, grouped=options.grouped)


if __name__ == "__main__":
    main()
