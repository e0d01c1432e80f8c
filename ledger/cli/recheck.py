"""recheck: recorded patches on their tasks again, and how often the checks repeat their verdicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli.common import (
    FILTERS,
    command,
    filter_options,
    json_option,
    ledger_option,
    ledger_path,
    selection_of,
    tell_head,
    writing,
)
from benchledger.ledger.cli.render import NONE, clean, count, echo_json, progress, table

if TYPE_CHECKING:
    from benchledger.ledger.rechecks import Repeat, Repeatability, Target
    from benchledger.ledger.store import Ledger
    from benchledger.runners.grade import Graded
    from benchledger.runners.secrets import Secrets

_TEXT = 16_384  # characters that are kept of what the checks print, from the end
_SAID = 20


@command(
    "benchledger recheck SWEEP/AGENT/MODEL/CATEGORY/TASK#run1",
    "benchledger recheck SWEEP/AGENT/MODEL/CATEGORY/TASK#run1@2 --times 10",
    "benchledger recheck --sweep nightly-20260131 --sandbox local",
    "benchledger recheck --task mutations/python-lru-cache --json | jq .repeatability",
)
@click.argument("cells", nargs=-1, metavar="[CELL[@ATTEMPT]]...")
@click.option("--times", type=click.IntRange(1, 1000), default=1, show_default=True, help="How often each.")
@click.option(
    "--sandbox",
    type=click.Choice(["local", "docker"]),
    help="Where the checks run.  [default: as in the cell]",
)
@click.option(
    "--tasks",
    "roots",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder with tasks of your own.",
)
@filter_options(*FILTERS)
@ledger_option
@json_option
@click.pass_context
def recheck(
    ctx: click.Context, /, *, cells: tuple[str, ...], as_json: bool, times: int, **given: Any
) -> None:
    """Apply a recorded patch to its task again and run the checks.

    No agent and no model: the files that the agent left are made again, held against their recorded
    manifest, and graded as in a cell. Each verdict is an event. Leaves with 1 where one disagrees with
    what was recorded, or where a cell could not be rechecked.
    """
    how = (times, given["sandbox"], given["roots"])
    with writing() as ledger:
        refs, left = _chosen(ledger, cells, {name: given[name] for name in FILTERS})
        done: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        with progress("recheck") as advance:
            for ref in refs:
                _one(ledger, ref, how, done, failed)
                if advance is not None:
                    advance(len(done) + len(failed), len(refs))
        told = _told(ledger, done, failed, left)
        head = ledger.head()
    if as_json:
        echo_json(told | {"ledger": str(ledger_path()), "head": head and head.to_json()})
    else:
        _tell(told)
        tell_head(ledger_path(), head)
    if failed or not all(each["agrees"] for each in done):
        ctx.exit(1)


def _chosen(
    ledger: Ledger, cells: Sequence[str], chosen: dict[str, tuple[str, ...]]
) -> tuple[list[str], int]:
    """Return the attempts to recheck, and how many of a selection left no patch: they ran elsewhere."""
    from benchledger.ledger.cells import resolve_cell
    from benchledger.ledger.queries import COUNTED, selection_sql
    from benchledger.schema.errors import UsageError

    connection = ledger.connection
    if bool(cells) == any(chosen.values()):
        raise UsageError("name cells, or a filter", "`benchledger recheck CELL`, or `--sweep NAME` for many")
    refs = []
    for text in cells:
        cell, attempt = resolve_cell(connection, text)
        query = "SELECT counted FROM cells WHERE cell = ?"
        refs.append(f"{cell}@{attempt or connection.execute(query, (cell,)).fetchone()[0]}")
    if cells:
        return refs, 0
    where, values = selection_sql(selection_of(connection, chosen))
    query = (
        "SELECT s.ref, e.type = 'record.received' FROM scores s JOIN attempts a ON a.ref = s.ref"
        f" JOIN events e ON e.seq = a.first_seq WHERE s.{COUNTED}"
        f" AND s.setting IN (SELECT id FROM settings WHERE 1{where}) ORDER BY s.ref"
    )
    rows = connection.execute(query, values).fetchall()
    return [ref for ref, foreign in rows if not foreign], sum(foreign for _, foreign in rows)


def _one(
    ledger: Ledger,
    ref: str,
    how: tuple[int, str | None, tuple[Path, ...]],
    done: list[dict[str, Any]],
    failed: list[dict[str, Any]],
) -> None:
    from benchledger.ledger.rechecks import record, target_of
    from benchledger.schema.errors import CannotRecheck

    try:
        target = target_of(ledger, ref)
        sandbox, repeats = _repeats(target, *how)
    except CannotRecheck as error:
        failed.append({"ref": ref, "reason": str(error)})
        return
    event, receipt = record(ledger, target, repeats, sandbox)
    done.append(
        {
            "ref": ref,
            "task": _task(target),
            "sandbox": sandbox,
            "times": event.times,
            "passed": event.passed,
            "recorded": target.verdict,
            "agrees": event.agrees,
            "seq": receipt.seq,
        }
    )


def _task(target: Target) -> str:
    from benchledger.schema.ids import CellId

    return CellId.parse(target.setup.cell_id).task_id


def _repeats(
    target: Target, times: int, wanted: str | None, roots: tuple[Path, ...]
) -> tuple[str, list[Repeat]]:
    """Run the checks; return in which sandbox, and what they did."""
    from functools import partial

    from benchledger.runners.recheck import checks_sandbox, task_of
    from benchledger.runners.recheck import recheck as checked
    from benchledger.runners.secrets import Secrets, environment_secrets, mask

    secrets = Secrets.named(environment_secrets(os.environ))
    task = task_of(target.setup, _task(target), roots)
    sandbox, make = checks_sandbox(target.setup, task, wanted)
    limits = target.setup.limits or task.limits
    recorded = (target.patch, target.manifest)
    found = checked(task, recorded, make, limits, times, partial(mask, secrets=secrets))
    return sandbox, list(_masked(found, secrets))


def _masked(found: Iterator[Graded], secrets: Secrets) -> Iterator[Repeat]:
    from dataclasses import asdict

    from benchledger.ledger.rechecks import Repeat
    from benchledger.runners.secrets import mask_json
    from benchledger.schema.events import GraderRan

    for graded in found:
        told = asdict(graded) | {"stdout": None, "stderr": None}
        told["checks_after"] = mask_json(told["checks_after"], secrets)
        told.pop("notes")
        streams = (data.decode(errors="replace")[-_TEXT:] for data in (graded.stdout, graded.stderr))
        yield Repeat(GraderRan(**told), *streams)


def _told(
    ledger: Ledger, done: list[dict[str, Any]], failed: list[dict[str, Any]], left: int
) -> dict[str, Any]:
    from benchledger.ledger.rechecks import repeatability
    from benchledger.schema.history import Selection

    found: Repeatability = repeatability(ledger.connection, Selection())
    return {"cells": done, "not_rechecked": failed, "left": left, "repeatability": found.to_json()}


def _tell(told: Mapping[str, Any]) -> None:
    verdict: Callable[[bool], str] = lambda good: "pass" if good else "fail"  # noqa: E731
    rows = [
        (
            each["ref"],
            each["sandbox"],
            verdict(each["recorded"]),
            f"{each['passed']} of {each['times']}",
            "agrees" if each["agrees"] else "DISAGREES",
        )
        for each in told["cells"]
    ]
    if rows:
        table(("attempt", "sandbox", "recorded", ">passed", "verdict"), rows, ("sandbox",))
    for each in told["not_rechecked"][:_SAID]:
        click.echo(clean(f"could not be rechecked: {each['ref']}: {each['reason']}"))
    if len(told["not_rechecked"]) > _SAID:
        click.echo(f"and {len(told['not_rechecked']) - _SAID} more; --json lists them")
    if told["left"]:
        click.echo(f"left: {count(told['left'], 'cell')} of other harnesses, which left no patch")
    _tell_repeatability(told["repeatability"])


def _tell_repeatability(found: Mapping[str, Any]) -> None:
    if not found["repeats"]:
        click.echo("grading repeatability: no recheck so far")
        return
    click.echo(
        f"grading repeatability: {found['share']:.1%}, {found['agreeing']:,} of {count(found['repeats'], 'repeat')}"
        f" of {count(found['cells'], 'cell')} gave the recorded verdict"
    )
    for task in found["flaky"]:
        each = found["tasks"][task]
        click.echo(clean(f"flaky: {task}, {each['agreeing']:,} of {each['repeats']:,} repeats agreed"))
    if not found["flaky"]:
        click.echo(f"flaky tasks: {NONE}")
