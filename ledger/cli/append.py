"""append: files of any known format, each all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchledger.ledger.cli.common import (
    command,
    json_option,
    ledger_option,
    ledger_path,
    note_head,
    tell_head,
)
from benchledger.ledger.cli.render import clean, count, echo_json, number, progress

if TYPE_CHECKING:
    from benchledger.ledger.append import AppendOptions, AppendReport
    from benchledger.ledger.cli.render import Advance
    from benchledger.schema.errors import BadInput

_SHOWN = 20


@command(
    "benchledger append cab-cells.jsonl",
    "benchledger append run-1.json run-2.json.gz --actor nightly",
    "my-harness | benchledger append -",
    "benchledger --ledger copy.db append export.jsonl.gz",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE|-…")
@click.option("--keep-going", is_flag=True, help="Skip bad records and append the others.")
@click.option(
    "--as-attempt", is_flag=True, help="Append a cell that is there with other content as an attempt."
)
@click.option("--actor", default="cli", show_default=True, metavar="NAME", help="Who appends.")
@ledger_option
@json_option
def append(files: tuple[str, ...], *, keep_going: bool, as_attempt: bool, actor: str, as_json: bool) -> None:
    """Append runs, published cells or an export to the ledger.

    FILE holds run records of any harness, published cells, our own export, or is another
    ledger; JSON Lines or JSON, plain or gzip. What it holds is found out, checked and scored.
    Each file is appended whole or not at all; what is there already is not appended again.
    An export with no ledger to append it to is restored as the ledger that it came from.
    """
    from benchledger.ledger.append import AppendOptions, AppendReport
    from benchledger.schema.errors import BadInput

    options = AppendOptions(keep_going=keep_going, as_attempt=as_attempt, actor=actor)
    total, taken, failed = AppendReport(), 0, list[BadInput]()
    try:
        for file in files:
            try:
                report = _one(file, options)
            except BadInput as error:
                failed.append(error)
                continue
            total.add(report)
            taken += 1
            if not as_json:
                _say(file, report)
    finally:
        # Also where a later file ends the command: what was appended stays, and is said.
        if taken:
            _close(total, as_json=as_json)
    _fail(total, failed)


def _one(file: str, options: AppendOptions) -> AppendReport:
    from benchledger.ledger.append import append_source
    from benchledger.ledger.importers.reader import open_source
    from benchledger.ledger.merge import restore_or_append
    from benchledger.ledger.store import Ledger

    path = ledger_path()
    with open_source(file) as source, progress(f"append {clean(file)}") as advance:
        if source.kind != "records":
            report = restore_or_append(path, source, options.actor)
        else:
            with Ledger.open(path, write=True) as ledger:
                report = append_source(ledger, source, options, _counter(advance))
    return report


def _counter(advance: Advance | None) -> Advance | None:
    if advance is None:
        return None
    done = 0

    def step(more: int) -> None:
        nonlocal done
        done += more
        advance(done)

    return step


def _note(path: Path) -> None:
    from benchledger.ledger.store import Ledger

    with Ledger.open(path) as ledger:
        head = ledger.head()
        if head is not None:
            note_head(ledger.ledger_id, head)


def _say(file: str, report: AppendReport) -> None:
    there = f"; {count(report.already, 'record')} there already" if report.already else ""
    click.echo(
        f"{clean(file)}: {count(report.cells, 'cell')} in {count(report.events, 'event')} appended{there}"
    )
    if report.left:
        said = f"left there: {count(report.left, 'score')} of attempts that were regraded otherwise here"
        click.echo(f"{said}; `benchledger regrade` makes them from the evidence")


def _close(total: AppendReport, *, as_json: bool) -> None:
    path = ledger_path()
    _note(path)
    if as_json:
        echo_json(total.to_json() | {"ledger": str(path)})
        return
    if total.published:
        click.echo(f"published composites: cab-0.1 reproduces {total.reproduced:,} of {total.published:,}")
    for item in total.differing[:_SHOWN]:
        click.echo(
            f"  differs: {clean(item.cell_id)} published {item.published}, ours {number(item.ours, 6)}"
        )
    if len(total.differing) > _SHOWN:
        click.echo(f"  and {len(total.differing) - _SHOWN} more; --json lists them all")
    tell_head(path, total.head)


def _fail(total: AppendReport, failed: list[BadInput]) -> None:
    """Leave with 1 where a record was skipped or a file was refused; every one is named."""
    from benchledger.ledger.cli.errors import list_records, spoken
    from benchledger.schema.errors import RecordErrors

    if total.errors:
        for line in list_records(RecordErrors(total.errors)):
            click.echo(f"skipped {line}", err=True)
    for error in failed[:-1]:
        spoken(error, "").say()
    if failed:
        raise failed[-1]
    if total.errors:
        click.get_current_context().exit(1)
