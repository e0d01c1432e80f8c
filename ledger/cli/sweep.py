"""sweep: many agents, models and tasks by a plan; stopped and started again at any point."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchledger.ledger.cli import running
from benchledger.ledger.cli.common import Command, json_option, ledger_option, reading
from benchledger.ledger.cli.render import echo_json
from benchledger.ledger.cli.upstreams import endpoint_options

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["sweep"]

_START = "sweep"


class _Sweep(click.Group):
    """A group whose command is `start` below where none is named: `sweep plan.toml` begins or goes on.

    Its name is written by nobody; `shown` is what the documentation shows for the group.
    """

    @property
    def shown(self) -> click.Command:
        return self.commands[_START]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in self.commands if name != _START]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name no command in the usage of `start`."""
        name, command, rest = super().resolve_command(ctx, args)
        return (None if command is self.shown else name), command, rest

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take whatever names no command as what `start` is given."""
        named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if named else [_START, *args])


@click.group(cls=_Sweep)
def sweep() -> None:
    """Run a plan of agents x models x tasks, stop, and go on at any point."""


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    many: dict[str, Any] = {"multiple": True}
    path = click.Path(path_type=Path)
    options = (
        click.option("--agent", metavar="NAME,…", help="Agents; `benchledger agents` lists them.", **many),
        click.option("--model", metavar="ID,…", help="Model ids.", **many),
        click.option("--task", metavar="GLOB,…", help="Tasks, such as 'mutations/*'.", **many),
        click.option("--repeat", type=click.IntRange(1, 100_000), help="Runs of each cell.  [default: 1]"),
        click.option("--seed", type=int, help="The seed of the order.  [default: drawn, and written down]"),
        click.option("--sweep", metavar="NAME", help="Its name.  [default: sweep-DATE-TIME]"),
        click.option("--policy", metavar="NAME|FILE", help="The policy of its scores.  [default: gated-1]"),
        click.option("--infra-retries", type=click.IntRange(0, 100),
                     help="New attempts after faults of the infrastructure.  [default: 2]"),
        click.option("--sandbox", type=click.Choice(["local", "docker"]),
                     help="Where the agents run.  [default: local]"),
        click.option("--image", metavar="REF", help="An image for docker in place of the agent's own."),
        click.option("--protocol", metavar="NAME", help="The protocol, where agent and endpoint share several."),
        click.option("--scripted", is_flag=True, help="Play the tasks' scripts as the model; no network, no key."),
        click.option("--variant", metavar="NAME", help="With --scripted: a variant of the scripts, such as fail."),
        click.option("--fault", metavar="NAME[:AFTER[:TIMES]]", help="With --scripted: a fault of the endpoint."),
        click.option("--limit", metavar="NAME=NUMBER", help="A limit in place of the tasks': seconds=300.", **many),
        click.option("--price", metavar="[MODEL=]PROMPT,COMPLETION[,CACHED]",
                     help="Prices in USD a million tokens.", **many),
        click.option("--overlay", type=path, help="A TOML file that changes the agents.", **many),
        click.option("--agent-file", type=path, help="A file or folder with agents of your own.", **many),
        click.option("--tasks", "root", type=path, metavar="DIR", help="A folder with tasks of your own.", **many),
        click.option("--workers", type=click.IntRange(1, 1000), help="Cells at a time.  [default: 1]"),
        click.option("--shard", metavar="I/N", help="Only this part of the plan, for N machines without a server."),
        click.option("--extend", is_flag=True, help="Add this plan to a sweep that was planned otherwise."),
        click.option("--dry-run", is_flag=True, help="Say what would run, how long and at what cost; run nothing."),
        click.option("--smoke", is_flag=True, help="One cell of each agent x model first; stop where one is lost."),
        click.option("--max-cost", type=click.FloatRange(min=0, min_open=True),
                     help="Launch no more beyond it, in USD."),
        click.option("--until", metavar="TIME", help="Launch nothing later: 06:00, +8h, an ISO date and time."),
        click.option("--min-free-disk", metavar="SIZE", help="Wait while less is free.  [default: 256MB]"),
        click.option("--on-event", metavar="CMD", help="A shell command that is told each event as JSON."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return endpoint_options(function)


@sweep.command(
    _START,
    cls=Command,
    examples=(
        "benchledger sweep --agent aider,opencode --task 'mutations/*' --repeat 3 --scripted --dry-run",
        "benchledger sweep --agent aider,codex --model gpt-5 --task '*/python-*' --repeat 3 --workers 4 \\",
        "    --endpoint https://api.example.com/v1 --key-env MY_KEY --sandbox docker --price 1.25,10",
        "benchledger sweep nightly.toml --workers 4 --max-cost 20 --until 06:00",
        "benchledger sweep nightly.toml --shard 1/2",
        "benchledger sweep status",
    ),
)
@click.argument("plan", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_options
@ledger_option
@json_option
@click.pass_context
def start(ctx: click.Context, /, plan: Path | None, *, as_json: bool, **given: Any) -> None:
    """Run a plan of agents x models x tasks, stop, and go on at any point.

    It runs every cell that has no result yet. Without PLAN the options make one, which is written
    to NAME.toml. Started again, it goes on with what is missing; several launchers of one ledger
    share the work. What was lost to the infrastructure is tried again as a new attempt. Where an
    endpoint, the engine or the disk fails, it pauses, says why, and goes on afterwards. Ctrl-C
    closes what is open. Leaves with 1 where cells are left without a result. `sweep status` says
    how a sweep is doing.
    """
    from benchledger.ledger.cli.sweep_run import dry_run, run_sweep

    with running.terminated_is_interrupted():
        told = (
            dry_run(plan, given, as_json=as_json)
            if given["dry_run"]
            else run_sweep(plan, given, as_json=as_json)
        )
    if as_json:
        echo_json(told)
    if not given["dry_run"] and (told["left"] or told["lost"] or told["broken"]):
        ctx.exit(1)


@sweep.command(
    cls=Command,
    examples=("benchledger sweep status", "benchledger sweep status nightly --json"),
)
@click.argument("name", required=False)
@ledger_option
@json_option
def status(name: str | None, *, as_json: bool) -> None:
    """Say in a few lines how a sweep is doing: the last one, or NAME."""
    from benchledger.ledger.cli.sweep_report import tell
    from benchledger.ledger.sweep_status import status_of
    from benchledger.runners.host import launcher_is_gone

    with reading() as ledger:
        found = status_of(ledger, name, launcher_is_gone)
    if as_json:
        echo_json(found.to_json())
    else:
        tell(found)
