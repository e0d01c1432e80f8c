"""export: the whole ledger as one portable file."""

from __future__ import annotations

import gzip
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from benchledger.ledger.cli.common import (
    command,
    head_text,
    json_option,
    ledger_option,
    ledger_path,
    reading,
    writing,
)
from benchledger.ledger.cli.render import clean, count, echo_json, progress

if TYPE_CHECKING:
    from benchledger.ledger.exporters import ExportReport

_TRIES = 20  # a cell of a private task writes on meanwhile


@command(
    "benchledger export ledger.jsonl.gz",
    "benchledger export public.jsonl.gz --public",
    "benchledger export | zstd > ledger.jsonl.zst",
    "benchledger --ledger copy.db append ledger.jsonl.gz",
)
@click.argument("out", default="-", metavar="[OUT|-]")
@click.option("--public", is_flag=True, help="Withhold the content of private tasks.")
@click.option("--force", is_flag=True, help="Overwrite OUT where it exists.")
@ledger_option
@json_option
def export(out: str, *, public: bool, force: bool, as_json: bool) -> None:
    """Write the whole ledger as JSON Lines.

    OUT is packed with gzip where its name ends in .gz; without OUT, or with `-`, the lines go
    to standard output. `append` of the file, where there is no ledger, restores this ledger.

    With --public, what an attempt at a private task (`private = true` in its task.toml) shows of it is
    left out, as if it were redacted: files, texts, calls, streams, output of checks. Identity, digests,
    scores and outcomes stay, and the chain is as whole as before. What is withheld is declared in this
    ledger first, an event each, and stays in it.
    """
    from benchledger.schema.errors import UsageError

    if out != "-" and Path(out).exists() and not force:
        raise UsageError(f"{out} exists already", "name another file, or overwrite it with --force")
    if out == "-" and as_json:
        raise UsageError("--json would stand between the exported lines", "name a file for the export")
    declared, report = _declared_first(out) if public else (0, _written(out))
    if as_json:
        head = report.head and report.head.to_json()
        told: dict[str, Any] = {"file": out, "events": report.events, "blobs": report.blobs, "head": head}
        if public:
            told |= {"withheld": [asdict(each) for each in report.withheld], "declared": declared}
        echo_json(told)
    elif out != "-":
        what = f"{count(report.events, 'event')} and {count(report.blobs, 'blob')}"
        click.echo(f"{clean(out)}: {what}, head {head_text(report.head)}")
        for reason, number in sorted(Counter(each.reason for each in report.withheld).items()):
            click.echo(f"withheld: {count(number, 'payload')}, for {clean(reason)}")
    if declared and not as_json:
        said = f"{count(declared, 'withheld payload')} declared, head {head_text(report.head)}"
        click.echo(f"ledger {clean(str(ledger_path()))}: {said}", err=out == "-")


def _declared_first(out: str) -> tuple[int, ExportReport]:
    """Write a public export; what it withholds is declared in the chain before. Return how much was."""
    from benchledger.ledger.exporters import Undeclared
    from benchledger.ledger.withhold import declare_withheld
    from benchledger.schema.errors import LedgerBusy

    declared = 0
    for _ in range(_TRIES):
        try:
            return declared, _written(out, public=True)
        except Undeclared:
            with writing() as ledger:
                declared += declare_withheld(ledger)
    raise LedgerBusy("a private task is being run", "export again once its cell is done")


def _written(out: str, *, public: bool = False) -> ExportReport:
    from benchledger.ledger.database import translated
    from benchledger.ledger.exporters import export as write_export

    with (
        reading(tables=False) as ledger,
        translated(out),
        opened_out(out) as stream,
        progress("export") as advance,
    ):
        head = ledger.head()
        done = 0

        def step(more: int) -> None:
            nonlocal done
            done += more
            if advance is not None and head is not None:
                advance(done, head.seq + 1)

        return write_export(ledger, stream, step, public=public)


@contextmanager
def opened_out(out: str, *, packed: bool = False) -> Iterator[BinaryIO]:
    """Yield a stream to OUT, which appears whole or not at all; `packed` with gzip whatever its name."""
    if out == "-":
        if packed:
            with _gzip(sys.stdout.buffer) as stream:
                yield stream
        else:
            yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = Path(f"{out}.{os.getpid()}.part")
    try:
        with unfinished.open("xb") as raw:
            if packed or out.endswith(".gz"):
                with _gzip(raw) as stream:
                    yield stream
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(out)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def _gzip(raw: BinaryIO) -> Iterator[BinaryIO]:
    # No name and no time in it: the same ledger gives the same file.
    with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
        yield cast("BinaryIO", packed)
