"""The command `benchledger`: one table of commands, one place where an error becomes one line.

    argv -> Commands -> COMMANDS[name] -> its module, imported now -> the command -> exit code

Exit codes: 0 done; 1 a finding; 2 wrong usage; 3 the environment lacks something; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from importlib import import_module
from typing import Any

import click

__all__ = ["COMMANDS", "cli", "main"]

LEDGER_KEY = "benchledger.ledger"
_HERE = "benchledger.ledger.cli"
_PIPE_CLOSED = 141  # 128 + SIGPIPE, what any other tool leaves with

# name -> (dotted path, first line of its help). `--help` reads this table and imports none of them.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": (f"{_HERE}.init:init", "Make a new, empty ledger."),
    "append": (f"{_HERE}.append:append", "Append runs, published cells or an export to the ledger."),
    "run": (f"{_HERE}.run:run", "Run an agent on a task, record every step, grade and score it."),
    "sweep": (f"{_HERE}.sweep:sweep", "Run a plan of agents x models x tasks, stop, and go on at any point."),
    "check": (f"{_HERE}.check:check", "Try an agent on a task: a provisional score, and nothing is kept."),
    "run-cell": (
        f"{_HERE}.run_cell:run_cell",
        "Run one cell inside an agent's image, and hand out a bundle.",
    ),
    "export": (f"{_HERE}.export:export", "Write the whole ledger as JSON Lines."),
    "verify": (f"{_HERE}.verify:verify", "Check every byte and every number of the ledger."),
    "rescore": (f"{_HERE}.rescore:rescore", "Score all history under other weights and show what moves."),
    "regrade": (f"{_HERE}.regrade:regrade", "Run the scorers of this version over stored evidence."),
    "recheck": (f"{_HERE}.recheck:recheck", "Apply a recorded patch to its task again and run the checks."),
    "cells": (f"{_HERE}.cells:cells", "List cells with their composite, one row each."),
    "show": (f"{_HERE}.show:show", "Show all that is known of one cell."),
    "leaderboard": (f"{_HERE}.leaderboard:leaderboard", "Rank agent x model under a policy."),
    "compare": (f"{_HERE}.compare:compare", "Compare two sides, task by task."),
    "serve": (f"{_HERE}.serve:serve", "Show the ledger in a browser, live."),
    "site": (f"{_HERE}.site:site", "Write the pages of the ledger as files, for any web host."),
    "badge": (f"{_HERE}.badge:badge", "Make the badge of a cell, of agent x model, or of a sweep."),
    "adjudicate": (f"{_HERE}.adjudicate:adjudicate", "Judge results: what counts changes, history stays."),
    "policy": (f"{_HERE}.policy:policy", "List, show, start and check scoring policies."),
    "agents": (f"{_HERE}.agents:agents", "List the agents there are, and install them."),
    "images": (f"{_HERE}.images:images", "List, build and push the container images that agents run in."),
    "tasks": (f"{_HERE}.tasks:tasks", "List, show, check and start tasks."),
    "datasette": (f"{_HERE}.datasette:datasette", "Print metadata with which Datasette shows the ledger."),
    "rebuild": (f"{_HERE}.rebuild:rebuild", "Drop the projections and fold all events again."),
    "doctor": (f"{_HERE}.doctor:doctor", "Say what this machine and this ledger are fit for."),
    "demo": (f"{_HERE}.demo:demo", "Run a real agent on three tasks, verify the ledger, and rescore it."),
    "completion": (f"{_HERE}.completion:completion", "Print the completion script of a shell."),
}


class Commands(click.Group):
    """A group that imports a command when it is called for, and translates every error once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            guess = f"Did you mean {near[0]!r}?" if near else f"Commands: {', '.join(COMMANDS)}"
            ctx.fail(f"No such command {args[0]!r}. {guess}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            # Whoever read our output has seen enough.
            ctx.exit(_PIPE_CLOSED)
        except (Exception, KeyboardInterrupt) as error:  # click.Abort, of a prompt, is an Exception
            if os.environ.get("BENCHLEDGER_DEBUG"):
                raise
            from benchledger.ledger.cli.errors import spoken

            said = spoken(error, str(ctx.meta.get(LEDGER_KEY, "")))
            said.say()
            ctx.exit(said.exit_code)


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"benchledger {version('benchledger')}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--ledger",
    envvar="BENCHLEDGER_LEDGER",
    default="benchledger.db",
    show_default=True,
    metavar="PATH",
    help="The ledger file; also from BENCHLEDGER_LEDGER. May stand after the command as well.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context, ledger: str) -> None:
    """An auditable, rescoreable ledger for benchmarks of coding agents.

    Append runs, verify the ledger, rescore all history under other weights. Start with
    `benchledger demo`.
    """
    ctx.meta[LEDGER_KEY] = ledger


def main() -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            # A terminal or pipe that cannot show a character is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    code: Any = 0
    try:
        cli.main(prog_name="benchledger")
    except SystemExit as end:
        code = end.code
    sys.exit(_flushed(code))


def _flushed(code: Any) -> Any:
    """Flush what was printed; a reader that went away or a full disk shows only here."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            # Else the interpreter tries again at its end, and complains.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            return _PIPE_CLOSED
        click.echo(f"Error: the output cannot be written: {error.strerror}; free some space", err=True)
        return 3
    return code
