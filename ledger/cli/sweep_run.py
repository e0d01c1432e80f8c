"""What `sweep` does: from plan to intent to launches to a summary; and what it would do."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger import runs
from benchledger.ledger.cli.common import ledger_path, tell_head, writing
from benchledger.ledger.cli.render import clean, count, progress_lines
from benchledger.ledger.cli.sweep_drive import Driver, Stops
from benchledger.ledger.cli.sweep_places import Places
from benchledger.ledger.cli.sweep_plan import Matrix, check_parts, matrix_of, options_of, plan_of, written
from benchledger.ledger.cli.sweep_view import Lines, span_text, view_of
from benchledger.ledger.costs import cost_of_sweep
from benchledger.ledger.store import Ledger
from benchledger.ledger.sweeps import graded_elsewhere, plan_sweep, seconds_of, state_of
from benchledger.runners.sweep.board import Board
from benchledger.runners.sweep.guards import DEFAULT_FREE, size_of, until_of
from benchledger.runners.sweep.local import LocalEngine
from benchledger.runners.sweep.notify import Notifier
from benchledger.runners.sweep.plan import plan_text
from benchledger.schema.errors import UsageError
from benchledger.schema.history import PriceDeclared
from benchledger.schema.ids import CellId

if TYPE_CHECKING:
    from benchledger.runners.sweep.plan import SweepFile

__all__ = ["dry_run", "run_sweep"]

_ACTOR = "sweep"
# -P: a file of the user's folder must not stand in for a module
_WORKER = (sys.executable, "-P", "-m", "benchledger.ledger.cli.sweep_worker")


def run_sweep(path: Path | None, given: Mapping[str, Any], *, as_json: bool) -> dict[str, Any]:
    """Run what a plan lacks; return the shape of `sweep --json`."""
    with writing() as ledger:
        plan = plan_of(path, given)
        matrix = matrix_of(plan, ledger.connection, given["shard"])
        stops = _stops(ledger, plan, given)
        least = size_of(given["min_free_disk"] or plan.stop.min_free_disk or DEFAULT_FREE)
        with progress_lines() as progress:
            check_parts(matrix, progress)
        if path is None:
            path = written(plan, Path.cwd())
            click.echo(
                f"plan written to {path.name}: `benchledger sweep {path.name}` goes on with it", err=True
            )
        plan_sweep(ledger, matrix.planned, matrix.policy, _ACTOR, extend=given["extend"])
        for model, price in plan.prices.items():
            declared = PriceDeclared(model=model, source="plan", **price.model_dump())
            runs.declare_price(ledger, plan.sweep, declared, _ACTOR)
        driver = _driven(ledger, matrix, stops, {**given, "least": least}, as_json=as_json)
        told = _told(ledger, matrix, driver)
        if not as_json:
            _say(told, path)
            tell_head(ledger_path(), ledger.head())
    return told


def dry_run(path: Path | None, given: Mapping[str, Any], *, as_json: bool) -> dict[str, Any]:
    """Say what would run, for how long and at what cost; nothing is written."""
    with _readable() as ledger:
        connection = ledger.connection if ledger else None
        plan = plan_of(path, given)
        matrix = matrix_of(plan, connection, given["shard"])
        todo = _without_result(ledger, matrix.cells, plan.sweep)
        workers = given["workers"] or plan.workers or 1
        estimate = seconds_of(connection) if connection else (lambda *_: None)
        known = [estimate(cell.agent, cell.model, cell.task_id) for cell in todo]
        seen = [each for each in known if each is not None]
        cost = _cost_ahead(ledger, plan, todo)
    told = {
        "sweep": plan.sweep, "cells": len(matrix.cells), "todo": len(todo), "agents": list(matrix.agents),
        "arms": [list(arm) for arm in matrix.arms], "tasks": list(matrix.tasks), "repeats": plan.repeats,
        "seed": plan.seed, "workers": workers, "order": [str(cell) for cell in matrix.cells],
        "seconds": sum(seen) / len(seen) * len(todo) / min(workers, max(len(todo), 1)) if seen else None,
        "estimated_from": len(seen), "seconds_at_most": _at_most(matrix, todo, workers), "cost": cost,
    }  # fmt: skip
    if not as_json:
        _say_dry(told, plan, path)
    return told


def _driven(
    ledger: Ledger, matrix: Matrix, stops: Stops, given: Mapping[str, Any], *, as_json: bool
) -> Driver:
    plan, cells = matrix.plan, matrix.cells
    options = options_of(plan)
    hello = {
        "ledger": str(ledger.path.resolve()), "sweep": plan.sweep, "policy": matrix.policy.to_json(),
        "repeats": plan.repeats, "options": options,
        "prices": {name: each.text for name, each in plan.prices.items()},
    }  # fmt: skip
    workers = given["workers"] or plan.workers or 1
    protocols = sorted(
        {each for spec in matrix.agents.values() if spec.uses_model for each in spec.protocols}
    )
    folders = [ledger.path.resolve().parent, Path(tempfile.gettempdir())]
    notifier = Notifier(given["on_event"] or plan.stop.on_event)
    arms = Counter((cell.agent, cell.model) for cell in cells)
    with (
        closing(LocalEngine(_WORKER, hello, workers)) as engine,
        closing(
            Places(options, [plan.protocol] if plan.protocol else protocols, folders, given["least"])
        ) as places,
        closing(notifier),
        view_of(len(cells), arms, stops.cost, as_json=as_json) as view,
    ):
        make = partial(Driver, ledger, plan.sweep, matrix.policy, engine, places=places, stops=stops, view=view,
                       notifier=notifier)  # fmt: skip
        notifier.tell("started", plan.sweep, cells=len(cells), workers=workers)
        driver = _in_turn(make, matrix, view, smoke=given["smoke"])
        notifier.tell(
            "finished", plan.sweep, done=len(driver.board.done), cells=len(cells), stopped=driver.stopped
        )
    if notifier.failed:
        click.echo(f"warning: the command of --on-event failed {count(notifier.failed, 'time')}", err=True)
    return driver


def _in_turn(make: Any, matrix: Matrix, view: Lines, *, smoke: bool) -> Driver:
    """Drive all cells; with `smoke` the first of each arm first, and no further where one of them was lost."""
    board = Board(matrix.plan.infra_retries if not smoke else 0)
    driver: Driver = make(board=board)
    if smoke:
        first = _first_of_each(matrix.cells)
        board.add(first)
        driver.drive()
        ill = {**board.lost, **board.broken}
        if ill or driver.stopped:
            driver.stopped = (
                driver.stopped or f"smoke: {'; '.join(f'{cell}: {why}' for cell, why in ill.items())}"
            )
            board.add(cell for cell in matrix.cells if cell not in first)
            return driver
        view.say(f"smoke: {count(len(first), 'cell')} of {len(first)} agent x model went through")
        board.infra_retries = matrix.plan.infra_retries
        board.add(cell for cell in matrix.cells if cell not in first)
    else:
        board.add(matrix.cells)
    driver.drive()
    return driver


def _first_of_each(cells: Sequence[CellId]) -> list[CellId]:
    first: dict[tuple[str, str], CellId] = {}
    for cell in cells:
        first.setdefault((cell.agent, cell.model), cell)
    return list(first.values())


def _stops(ledger: Ledger, plan: SweepFile, given: Mapping[str, Any]) -> Stops:
    most = given["max_cost"] or plan.stop.max_cost
    if most is not None and not plan.prices:
        raise UsageError("--max-cost needs prices", "give --price MODEL=PROMPT,COMPLETION, or leave it out")
    text = given["until"] or plan.stop.until
    until = until_of(text, datetime.now().astimezone()) if text else None
    return Stops(most, until, _Spent(ledger, plan.sweep))


class _Spent:
    """What the sweep has cost so far; asked as often as one likes, added up for a sixth of the time at most."""

    def __init__(self, ledger: Ledger, sweep: str) -> None:
        self._ledger, self._sweep = ledger, sweep
        self._value: float | None = None
        self._next = 0.0

    def __call__(self) -> float | None:
        began = time.monotonic()
        if began >= self._next:
            self._value = cost_of_sweep(self._ledger.connection, self._sweep).cost.value
            took = time.monotonic() - began
            self._next = began + 6 * took
        return self._value


def _told(ledger: Ledger, matrix: Matrix, driver: Driver) -> dict[str, Any]:
    board, head = driver.board, ledger.head()
    return {
        "sweep": matrix.plan.sweep,
        "cells": len(matrix.cells),
        "done": len(board.done),
        "ran": driver.ran,
        "left": [str(cell) for cell in dict.fromkeys(board.left)],
        "lost": {str(cell): why for cell, why in board.lost.items()},
        "broken": {str(cell): why for cell, why in board.broken.items()},
        "cost": cost_of_sweep(ledger.connection, matrix.plan.sweep).cost.value,
        "stopped": driver.stopped,
        "ledger": str(ledger_path()),
        "head": None if head is None else head.to_json(),
    }


def _say(told: Mapping[str, Any], path: Path) -> None:
    said = (
        f"{told['done']} of {count(told['cells'], 'cell')} have a result; {count(told['ran'], 'attempt')} now"
    )
    cost = "" if told["cost"] is None else f"; cost so far {told['cost']:.4f} USD"
    click.echo(f"{clean(told['sweep'])}: {said}{cost}")
    for what in ("lost", "broken"):
        for cell, why in told[what].items():
            click.echo(f"{what}: {clean(cell)}: {clean(why)}")
    if told["left"]:
        click.echo(f"{count(len(told['left']), 'cell')} left; `benchledger sweep {path.name}` goes on")
    elif told["lost"]:
        click.echo("to try what was lost again: write a higher infra_retries into a plan of another name")


def _say_dry(told: Mapping[str, Any], plan: SweepFile, path: Path | None) -> None:
    if path is None:
        click.echo(plan_text(plan))
    arms, tasks = len(told["arms"]), len(told["tasks"])
    said = f"{count(arms, 'agent x model', 'agents x models')} x {count(tasks, 'task')}"
    said += f" x {count(told['repeats'], 'run')}"
    click.echo(f"{told['sweep']}: {said}; {count(told['cells'], 'cell')} here, {told['todo']} of them to run")
    most = f"at most {span_text(told['seconds_at_most'])} by the limits"
    if told["seconds"] is None:
        click.echo(f"time with {count(told['workers'], 'worker')}: {most}; no earlier cell to estimate it by")
    else:
        basis = f"estimated from earlier cells for {told['estimated_from']} of {told['todo']}"
        click.echo(
            f"time with {count(told['workers'], 'worker')}: about {span_text(told['seconds'])}, {basis}; {most}"
        )
    cost = (
        "not known: it takes prices, and earlier cells with usage"
        if told["cost"] is None
        else f"about {told['cost']:.2f} USD"
    )
    click.echo(f"cost: {cost}")
    for cell in told["order"][:3]:
        click.echo(f"  {clean(cell)}")
    if len(told["order"]) > 3:
        click.echo(f"  … and {len(told['order']) - 3} more, in that order by seed {told['seed']}")
    click.echo("nothing was run or written: leave out --dry-run to begin")


def _without_result(ledger: Ledger | None, cells: Sequence[CellId], sweep: str) -> list[CellId]:
    if ledger is None:
        return list(cells)
    merged = graded_elsewhere(ledger.connection, sweep)
    return [cell for cell in cells if cell not in merged and not state_of(ledger.connection, cell).graded]


def _at_most(matrix: Matrix, todo: Sequence[CellId], workers: int) -> float:
    from benchledger.runners.roots import all_roots
    from benchledger.runners.task import find_tasks, load_task

    found = find_tasks(all_roots(matrix.plan.task_paths))
    own = matrix.plan.limits.get("seconds")
    limits: dict[str, float] = {
        name: own if own is not None else load_task(found[name]).limits.seconds or 0.0
        for name in matrix.tasks
    }
    return sum(limits[cell.task_id] for cell in todo) / workers


def _cost_ahead(ledger: Ledger | None, plan: SweepFile, todo: Sequence[CellId]) -> float | None:
    """Return the cost of cells by the mean tokens of earlier ones of the same agent and model; None where unknown."""
    if ledger is None or not plan.prices:
        return None
    rows = ledger.connection.execute(
        "SELECT c.agent, c.model, count(DISTINCT m.first_seq), sum(m.prompt_tokens), sum(m.completion_tokens),"
        " sum(m.cached_tokens) FROM model_calls m JOIN attempts a ON a.first_seq = m.first_seq"
        " JOIN cells c ON c.cell = a.cell GROUP BY c.agent, c.model"
    )
    from benchledger.runners.proxy.config import Prices

    mean: dict[tuple[str, str], float] = {}
    for agent, model, cells, prompt, completion, cached in rows:
        if model in plan.prices and prompt is not None and completion is not None:
            cost = Prices(**plan.prices[model].model_dump()).cost(prompt, completion, cached)
            mean[agent, model] = (cost or 0.0) / cells
    wanted = [(cell.agent, cell.model) for cell in todo if cell.model != "none"]
    return sum(mean[arm] for arm in wanted) if all(arm in mean for arm in wanted) else None


@contextmanager
def _readable() -> Iterator[Ledger | None]:
    """Yield the ledger where there is one: a dry run needs none."""
    if not os.path.exists(ledger_path()):  # noqa: PTH110 - as given, a name of no file included
        yield None
        return
    with Ledger.open(ledger_path()) as ledger:
        yield ledger
