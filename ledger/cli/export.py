"""export: the whole ledger as one portable file."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click

from benchledger.ledger.cli.common import command, head_text, json_option, ledger_option, reading
from benchledger.ledger.cli.render import clean, count, echo_json, progress


@command(
    "benchledger export ledger.jsonl.gz",
    "benchledger export | zstd > ledger.jsonl.zst",
    "benchledger --ledger copy.db append ledger.jsonl.gz",
)
@click.argument("out", default="-", metavar="[OUT|-]")
@click.option("--force", is_flag=True, help="Overwrite OUT where it exists.")
@ledger_option
@json_option
def export(out: str, *, force: bool, as_json: bool) -> None:
    """Write the whole ledger as JSON Lines.

    OUT is packed with gzip where its name ends in .gz; without OUT, or with `-`, the lines go
    to standard output. `append` of the file, where there is no ledger, restores this ledger.
    """
    from benchledger.ledger.database import translated
    from benchledger.ledger.exporters import export as write_export
    from benchledger.schema.errors import UsageError

    if out != "-" and Path(out).exists() and not force:
        raise UsageError(f"{out} exists already", "name another file, or overwrite it with --force")
    if out == "-" and as_json:
        raise UsageError("--json would stand between the exported lines", "name a file for the export")
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

        report = write_export(ledger, stream, step)
    if as_json:
        echo_json(
            {
                "file": out,
                "events": report.events,
                "blobs": report.blobs,
                "head": head and head.to_json(),
            }
        )
    elif out != "-":
        what = f"{count(report.events, 'event')} and {count(report.blobs, 'blob')}"
        click.echo(f"{clean(out)}: {what}, head {head_text(head)}")


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
