"""completion: the script that makes a shell complete our commands."""

from __future__ import annotations

import click

from benchledger.ledger.cli.common import command
from benchledger.ledger.cli.main import cli


@command(
    'eval "$(benchledger completion bash)"',
    "benchledger completion zsh > ~/.zfunc/_benchledger",
    "benchledger completion fish > ~/.config/fish/completions/benchledger.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    kinds = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    click.echo(kinds[shell](cli, {}, "benchledger", "_BENCHLEDGER_COMPLETE").source())
