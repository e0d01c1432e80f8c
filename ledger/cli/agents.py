"""agents: what agents there are, which of them are installed, and installing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from benchledger.ledger.cli.common import Command, json_option
from benchledger.ledger.cli.render import NONE, clean, count, echo_json, progress_lines, table

if TYPE_CHECKING:
    from benchledger.runners.agents.spec import AgentSpec
    from benchledger.runners.agents.status import Status

__all__ = ["agent_file_option", "agents", "chosen_agents", "known_agents", "size_text"]

F = TypeVar("F", bound=Callable[..., Any])


class _Agents(Command, click.Group):
    """A group with examples."""


def agent_file_option(function: F) -> F:
    """Add --agent-file; the command takes `agent_files`."""
    said = "An agent of your own: a TOML file, or a folder of such; repeatable."
    return click.option("--agent-file", "agent_files", multiple=True, metavar="PATH", help=said)(function)


def known_agents(agent_files: tuple[str, ...]) -> dict[str, AgentSpec]:
    """Return the agents that ship, those of packages and those of the files, by name."""
    from benchledger.runners.agents.files import load_agents

    return load_agents(map(Path, agent_files))


def chosen_agents(
    names: tuple[str, ...], agent_files: tuple[str, ...], *, every: bool = False
) -> list[AgentSpec]:
    """Return the agents of these names, each once; raises UnknownName before anything is done."""
    from benchledger.runners.agents.files import agent_named
    from benchledger.schema.errors import UsageError

    known = known_agents(agent_files)
    processes = [name for name, spec in known.items() if spec.behaviour == "process"]
    if every == bool(names):
        raise UsageError("name agents, or all of them", f"NAME… or --all; choices: {', '.join(processes)}")
    if every:
        return [known[name] for name in processes]
    return [agent_named(name, known) for name in dict.fromkeys(names)]


@click.group(
    cls=_Agents,
    examples=(
        "benchledger agents list",
        "benchledger agents install aider opencode",
        "benchledger agents list --agent-file my-agent.toml",
    ),
)
def agents() -> None:
    """List the agents there are, and install them.

    Each version lies in a folder of its own below $XDG_DATA_HOME/benchledger/agents. An agent of
    your own is one TOML file and no code; runners/agents/README.md has a worked example.
    """


@agents.command(
    "list",
    cls=Command,
    examples=(
        "benchledger agents list",
        "benchledger agents list --json | jq -r '.[] | select(.state == \"installed\").agent'",
    ),
)
@agent_file_option
@json_option
def list_(*, agent_files: tuple[str, ...], as_json: bool) -> None:
    """List agents: version, protocols, how they stand here, and what is known of them."""
    from benchledger.runners.agents.status import status_of

    found = [(spec, status_of(spec)) for spec in known_agents(agent_files).values()]
    if as_json:
        echo_json([_shape(spec, status) for spec, status in found])
        return
    rows = [
        (spec.name, spec.version, " ".join(spec.protocols) or NONE, _state(status), _known(spec))
        for spec, status in found
    ]
    table(("agent", "version", "protocols", "state", "known"), rows)


@agents.command(
    cls=Command,
    examples=(
        "benchledger agents install aider",
        "benchledger agents install --all",
        "benchledger agents install my-agent --agent-file my-agent.toml --json",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Every agent that is a program.")
@agent_file_option
@json_option
@click.pass_context
def install(
    ctx: click.Context, names: tuple[str, ...], *, every: bool, agent_files: tuple[str, ...], as_json: bool
) -> None:
    """Install agents at their pinned versions; what is installed already stays.

    Goes on after one that cannot be installed, says why, and leaves with 3 then.
    """
    from benchledger.ledger.cli.errors import spoken
    from benchledger.runners.agents.install import install as install_agent
    from benchledger.schema.errors import EnvironmentLacks

    made, failed = [], False
    with progress_lines() as told:
        for spec in chosen_agents(names, agent_files, every=every):
            try:
                made.append(install_agent(spec, progress=told))
            except EnvironmentLacks as error:
                failed = True
                spoken(error, "").say()
                continue
            if not as_json:
                click.echo(f"{spec.name} {spec.version} is installed in {clean(made[-1].prefix or NONE)}")
    if as_json:
        echo_json([asdict(ready) for ready in made])
    elif len(made) > 1:
        click.echo(f"{count(len(made), 'agent')}, {size_text(sum(ready.bytes for ready in made))}")
    ctx.exit(3 if failed else 0)


def size_text(number: float) -> str:
    """Return a size in MB or GB."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def _state(status: Status) -> str:
    ready = status.ready
    if ready is None:
        return f"needs {status.needs}" if status.needs else status.state
    details = [part for part in (ready.runtime, size_text(ready.bytes) if ready.bytes else "") if part]
    return f"installed ({', '.join(details)})" if details else "installed"


def _known(spec: AgentSpec) -> str:
    """Return the first sentence of what is known; --json has all."""
    text = " ".join(spec.notes.split())
    return f"{text.split('. ')[0].removesuffix('.')}." if text else NONE


def _shape(spec: AgentSpec, status: Status) -> dict[str, Any]:
    return {
        "agent": spec.name,
        "version": spec.version,
        "protocols": list(spec.protocols),
        "uses_model": spec.uses_model,
        "kind": spec.install.kind if spec.behaviour == "process" else spec.behaviour,
        "packages": list(spec.install.packages),
        "state": status.state,
        "needs": status.needs or None,
        "installed": asdict(status.ready) if status.ready else None,
        "strays": list(spec.strays),
        "notes": " ".join(spec.notes.split()),
    }
