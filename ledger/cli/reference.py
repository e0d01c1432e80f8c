"""The command reference of the README, made from the commands themselves.

README.md holds it between marks of cog, whose code is `cog.out(reference.markdown())`.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from benchledger.ledger.cli.main import COMMANDS, cli

__all__ = ["every_command", "markdown"]


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield (`benchledger policy show`, command) of every command and subcommand, in table order."""
    with click.Context(cli, info_name="benchledger") as context:
        for name in COMMANDS:
            _, command, _ = cli.resolve_command(context, [name])
            if command is None:
                continue
            yield f"benchledger {name}", getattr(command, "shown", command)
            if isinstance(command, click.Group):
                for inner in command.list_commands(context):
                    yield f"benchledger {name} {inner}", command.commands[inner]


def markdown() -> str:
    """Return all commands as Markdown: what each does, its usage, options and examples."""
    sections = [_overview()]
    sections += [_section(path, command) for path, command in every_command()]
    return "\n".join(sections)


def _overview() -> str:
    lines = ["| command | does |", "|---|---|"]
    lines += [f"| [`{name}`](#benchledger-{name}) | {said} |" for name, (_, said) in COMMANDS.items()]
    return "\n".join(lines) + "\n"


def _section(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    words = " ".join(command.collect_usage_pieces(context))
    examples = "\n".join(getattr(command, "examples", ()))
    lines = [f"### `{path}`", "", _paragraphs(command.help or ""), ""]
    lines += ["```", f"{path} {words}".rstrip(), "```", ""]
    options = [_option(option) for option in command.params if isinstance(option, click.Option)]
    if options:
        lines += ["| option | |", "|---|---|", *options, ""]
    return "\n".join([*lines, "```bash", examples, "```", ""])


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _option(option: click.Option) -> str:
    names = ", ".join(option.opts)
    metavar = "" if option.is_flag else f" {_metavar(option)}"
    default = f" Default: `{option.default}`." if option.show_default and option.default is not None else ""
    named = f"{names}{metavar}".replace("|", "\\|")  # else the cell of the table ends here
    return f"| `{named}` | {option.help}{default} |"


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "/".join(map(str, option.type.choices))
    return option.metavar or "TEXT"
