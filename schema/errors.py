"""Every error that benchledger raises on purpose.

    BenchledgerError
    |-- UsageError                 exit 2   the call itself is wrong
    |   `-- UnknownName            exit 2   a name that no table has; lists the choices
    |-- BadInput                   exit 1   foreign bytes that cannot be taken
    |   |-- CanonicalError         exit 1   no canonical JSON form
    |   |-- RecordErrors           exit 1   some records of a file are bad: line, field, reason
    |   |-- CannotRecheck          exit 1   what was recorded does not suffice to run the checks again
    |   `-- Conflict               exit 1   the same identity with other content
    |-- Tampered                   exit 1   what is stored is not what was hashed
    |-- SandboxFailed              exit 1   the place broke in which a program ran
    `-- EnvironmentLacks           exit 3   the machine lacks something
        |-- SetupFailed            exit 3   what a task needs cannot be set up
        |-- NoLedger               exit 3   no such ledger file
        |-- NotALedger             exit 3   a file, but not one of ours
        |-- FormatUnsupported      exit 3   ours, of a format this version does not read
        |-- LedgerBusy             exit 3   another process holds the ledger
        |-- DiskFull               exit 3   no room to write
        |-- NoAccess               exit 3   the operating system refuses the file
        `-- DatabaseFailed         exit 3   SQLite cannot read or write the file

Each carries `message` (what happened) and `hint` (what to do next); the text that a person
sees is made from the two by the command line, on one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "BadInput",
    "BenchledgerError",
    "CannotRecheck",
    "CanonicalError",
    "Conflict",
    "DatabaseFailed",
    "DiskFull",
    "EnvironmentLacks",
    "FormatUnsupported",
    "LedgerBusy",
    "NoAccess",
    "NoLedger",
    "NotALedger",
    "RecordError",
    "RecordErrors",
    "SandboxFailed",
    "SetupFailed",
    "Tampered",
    "UnknownName",
    "UsageError",
]


class BenchledgerError(Exception):
    """Base of all; `exit_code` is what the command line leaves with."""

    exit_code = 1
    default_hint = ""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep what happened and what to do next apart."""
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint

    def __str__(self) -> str:
        """Return one line: what happened; what to do next."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(BenchledgerError):
    """The call is wrong: an option, an argument, a combination."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that is not in its table."""

    def __init__(self, what: str, name: str, choices: Iterable[str]) -> None:
        """Name the nearest choice and all of them."""
        self.choices = sorted(choices)
        near = difflib.get_close_matches(name, self.choices, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        super().__init__(f"unknown {what} {name!r}", f"{guess}choices: {', '.join(self.choices)}")


class BadInput(BenchledgerError):
    """Foreign bytes that cannot be taken in."""


class CanonicalError(BadInput):
    """A value that has no canonical JSON form, or bytes that are no strict JSON."""


@dataclass(frozen=True, slots=True)
class RecordError:
    """One bad record of an input: where, which field, why."""

    source: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        """Return `file:line: field: reason`."""
        field = f"{self.field}: " if self.field else ""
        return f"{self.source}:{self.line}: {field}{self.reason}"


class RecordErrors(BadInput):
    """Some records of an input are bad; nothing of it was appended."""

    def __init__(self, errors: Sequence[RecordError], hint: str = "") -> None:
        """Keep every bad record; the message names the first."""
        self.errors = list(errors)
        more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
        super().__init__(f"{self.errors[0]}{more}", hint)


class CannotRecheck(BadInput):
    """The recorded patch, its manifest or the task is not what the checks would have to run on."""

    default_hint = "see what was recorded with `benchledger show CELL`"


class Conflict(BadInput):
    """The same identity is there already with other content."""


class Tampered(BenchledgerError):
    """What is stored is not what was hashed."""

    default_hint = "run `benchledger verify` to name every defect"


class SandboxFailed(BenchledgerError):
    """A sandbox broke while a program ran in it: nothing can be said of the program."""

    default_hint = "see that the sandbox works, then run the cell again: it becomes a new attempt"

    def __init__(self, message: str, hint: str = "", part: Literal["sandbox", "engine"] = "sandbox") -> None:
        """`part` says what broke, as the outcome kind of an infra_error."""
        super().__init__(message, hint)
        self.part = part


class EnvironmentLacks(BenchledgerError):
    """The machine lacks something that the command needs."""

    exit_code = 3


class SetupFailed(EnvironmentLacks):
    """The setup of a task's environment fails, or its image cannot be built."""

    default_hint = "correct [environment] in its task.toml, or the network and settings of its package client"


class NoLedger(EnvironmentLacks):
    """There is no ledger at that path."""


class NotALedger(EnvironmentLacks):
    """The file exists and is no benchledger ledger."""


class FormatUnsupported(EnvironmentLacks):
    """The ledger has a format that this version does not read."""

    default_hint = "upgrade benchledger: `pip install --upgrade benchledger`"


class LedgerBusy(EnvironmentLacks):
    """Another process holds the ledger for longer than the time limit."""

    default_hint = "wait for the other benchledger command to end and run this again"


class DiskFull(EnvironmentLacks):
    """No room left to write; nothing of this transaction was kept."""

    default_hint = "free some space and run the same command again: nothing was half-written"


class NoAccess(EnvironmentLacks):
    """The operating system refuses to open, read or write the file."""

    default_hint = "check the owner and the mode of the file and of its folder"


class DatabaseFailed(EnvironmentLacks):
    """SQLite reports a damaged file or a failing disk."""

    default_hint = "run `benchledger verify`, and keep a copy of the file before you do anything else"
