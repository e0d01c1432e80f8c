"""What commands share: the ledger in use, options, filters, help with examples."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchledger.ledger.cli.main import LEDGER_KEY

if TYPE_CHECKING:
    from benchledger.ledger.store import Ledger
    from benchledger.schema.history import Head, Selection
    from benchledger.schema.policy import Policy

__all__ = [
    "FILTERS",
    "Command",
    "command",
    "filter_options",
    "head_text",
    "json_option",
    "ledger_option",
    "ledger_path",
    "note_head",
    "parse_head",
    "policy_json",
    "policy_of",
    "reading",
    "selection_of",
    "tell_head",
    "writing",
]

F = TypeVar("F", bound=Callable[..., Any])
FILTERS = ("sweep", "agent", "model", "task", "mode")
_MODES = ("live", "replay", "scripted", "published")
_LISTED = 12


class Command(click.Command):
    """A command whose help ends in examples."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def command(*examples: str, name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    """Return what makes a function a command with examples; its docstring is the help."""
    return click.command(name, cls=Command, examples=examples)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, in the documented shape.")(
        function
    )


def ledger_option(function: F) -> F:
    """Let `--ledger PATH` stand after the command, too."""

    def keep(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.meta[LEDGER_KEY] = value

    return click.option(
        "--ledger", metavar="PATH", expose_value=False, callback=keep, help="The ledger file."
    )(function)


def filter_options(*names: str) -> Callable[[F], F]:
    """Return what adds --NAME for each name, all repeatable; the command takes **chosen."""

    def add(function: F) -> F:
        for name in reversed(names):
            kind = click.Choice(_MODES) if name == "mode" else None
            said = f"Only this {'task, as category/name' if name == 'task' else name}; repeatable."
            function = click.option(f"--{name}", multiple=True, type=kind, help=said)(function)
        return function

    return add


def ledger_path() -> Path:
    """Return the ledger that this call names, by --ledger, BENCHLEDGER_LEDGER or the default."""
    return Path(click.get_current_context().meta[LEDGER_KEY])


@contextmanager
def reading(*, tables: bool = True) -> Iterator[Ledger]:
    """Open the ledger for reading; where its `tables` are asked, this version must have made them."""
    from benchledger.ledger.projected import require_current
    from benchledger.ledger.store import Ledger

    with Ledger.open(ledger_path()) as ledger:
        if tables:
            require_current(ledger.connection, ledger.path)
        yield ledger


@contextmanager
def writing() -> Iterator[Ledger]:
    """Open the ledger for appending; at the end its head is noted as the last seen."""
    from benchledger.ledger.store import Ledger

    with Ledger.open(ledger_path(), write=True) as ledger:
        yield ledger
        head = ledger.head()
        if head is not None:
            note_head(ledger.ledger_id, head)


def note_head(ledger_id: str, head: Head, *, verified: bool = False) -> None:
    """Keep `head` as the last seen; say so where that is not possible."""
    from benchledger.ledger import heads

    if not heads.note(ledger_id, head, verified=verified):
        click.echo(
            "warning: the head could not be noted, so a rollback would not show; "
            "set XDG_STATE_HOME to a folder that can be written",
            err=True,
        )


def head_text(head: Head | None) -> str:
    return "none" if head is None else f"{head.seq}:{head.hash}"


def tell_head(path: Path, head: Head | None) -> None:
    """Print which ledger was written and where it stands."""
    click.echo(f"ledger {path}, head {head_text(head)}")


def parse_head(text: str) -> Head:
    """Return the Head that `SEQ:HASH` names; raises UsageError."""
    import re

    from benchledger.schema.errors import UsageError
    from benchledger.schema.history import Head

    found = re.fullmatch(r"([0-9]{1,15}):([0-9a-fA-F]{64})", text)
    if found is None:
        raise UsageError(
            f"{text!r} is no head", "write SEQ:HASH, the number and the 64 hex digits that verify prints"
        )
    return Head(seq=int(found[1]), hash=found[2].lower())


def selection_of(connection: sqlite3.Connection, chosen: dict[str, tuple[str, ...]]) -> Selection:
    """Return the filters as a Selection; raises UsageError for a name that the ledger does not have."""
    from benchledger.schema.history import Selection

    for name, values in chosen.items():
        if name != "mode" and values:
            _check_names(connection, name, values)
    return Selection(**{name: tuple(sorted(set(values))) for name, values in chosen.items()})


def policy_of(connection: sqlite3.Connection | None, name: str) -> Policy:
    """Return the policy that `name` means: a file, or one that ships or that the ledger declares."""
    from benchledger.ledger.policy_files import is_policy_file, load_policy
    from benchledger.ledger.queries import policy_named
    from benchledger.schema.errors import UnknownName
    from benchledger.scorers.composite import SHIPPED_POLICIES

    if is_policy_file(name):
        return load_policy(name)
    if connection is not None:
        return policy_named(connection, name)
    if name not in SHIPPED_POLICIES:
        raise UnknownName("policy", name, SHIPPED_POLICIES)
    return SHIPPED_POLICIES[name]


def policy_json(policy: Policy) -> dict[str, Any]:
    """Return a policy with its content id, as every command shows it."""
    return {"id": policy.policy_id} | policy.to_json()


def _check_names(connection: sqlite3.Connection, column: str, wanted: tuple[str, ...]) -> None:
    from difflib import get_close_matches

    from benchledger.schema.errors import UsageError

    known = [row[0] for row in connection.execute(f"SELECT DISTINCT {column} FROM cells ORDER BY {column}")]
    for value in wanted:
        if value not in known:
            near = get_close_matches(value, known, n=3, cutoff=0.4)
            rest = f"{', '.join(known[:_LISTED])}{', …' if len(known) > _LISTED else ''}"
            hint = f"did you mean {' or '.join(near)}?" if near else f"there is {rest or 'no cell at all'}"
            raise UsageError(f"no cell has the {column} {value!r}", hint)
