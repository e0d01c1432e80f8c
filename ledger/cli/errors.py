"""Every error as a person sees it: one line with the next step, and an exit code."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import click

from benchledger.ledger.database import translated
from benchledger.ledger.importers.plain import printable
from benchledger.schema.errors import BenchledgerError, RecordErrors

__all__ = ["LISTED", "Spoken", "list_records", "spoken"]

LISTED = 20
_INTERRUPTED = 130
_INTERNAL = 70  # EX_SOFTWARE: our own fault is no finding, no usage and no lack of the machine


class Spoken(NamedTuple):
    """An error in its final words, and the code to leave with."""

    lines: list[str]
    exit_code: int

    def say(self) -> None:
        """Print it on standard error."""
        for line in self.lines:
            click.echo(line, err=True)


def spoken(error: BaseException, ledger: str) -> Spoken:
    """Return `error` in words; `ledger` is the file in use, for errors that name none."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Spoken(["Interrupted; what was not yet committed is not kept"], _INTERRUPTED)
    if isinstance(error, OSError) and error.filename is None:
        # The ledger's own errors are translated where they arise; what names no file was our printing.
        return Spoken([f"Error: the output cannot be written: {error.strerror or error}; free some space"], 3)
    if isinstance(error, sqlite3.Error | OSError):
        error = _ours(error, ledger)
    if isinstance(error, RecordErrors) and len(error.errors) > 1:
        hint = f"; {error.hint}" if error.hint else ""
        return Spoken([*list_records(error), f"Error: {len(error.errors)} errors in records{hint}"], 1)
    if isinstance(error, BenchledgerError):
        return Spoken([f"Error: {printable(str(error))}"], error.exit_code)
    if isinstance(error, MemoryError):
        return Spoken(["Error: the machine has no memory left; split the input or free some"], 3)
    what = f"{type(error).__name__}: {printable(str(error))}".removesuffix(": ")
    report = "please report it with the traceback that BENCHLEDGER_DEBUG=1 shows"
    return Spoken([f"Error: a fault of benchledger itself ({what}); {report}"], _INTERNAL)


def list_records(error: RecordErrors) -> list[str]:
    """Return `file:line: field: reason` of the first bad records, and how many more there are."""
    lines = [printable(str(item)) for item in error.errors[:LISTED]]
    more = len(error.errors) - LISTED
    return [*lines, f"and {more} more"] if more > 0 else lines


def _ours(error: BaseException, ledger: str) -> BenchledgerError:
    try:
        with translated(ledger):
            raise error
    except BenchledgerError as ours:
        return ours
