"""From an agent, an endpoint and an instruction to the launch of one process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

from benchledger.runners.agents.spec import ARGS, AgentSpec, Protocol, Wire
from benchledger.runners.agents.template import fill
from benchledger.runners.launch import Endpoint, Launch
from benchledger.schema.errors import UsageError

if TYPE_CHECKING:
    from benchledger.runners.agents.install import Installed

__all__ = ["choose_protocol", "plan_launch"]

# Linux refuses a longer argument or variable (MAX_ARG_STRLEN, its end included) with a bare E2BIG.
_MAX_ARGUMENT = 128 * 1024 - 1


def choose_protocol(spec: AgentSpec, served: Collection[str]) -> Protocol | None:
    """Return the first protocol of the agent's preference that the endpoint serves, None without a model.

    Raises UsageError where there is none: the cell is unsupported, not failed.
    """
    if not spec.uses_model and not spec.protocols:
        return None
    for protocol in spec.protocols:
        if protocol in served:
            return protocol
    raise UsageError(
        f"{spec.name} speaks {', '.join(spec.protocols)}; the endpoint serves {', '.join(served) or 'none'}",
        "choose an agent or an endpoint that share a protocol",
    )


def plan_launch(
    spec: AgentSpec,
    endpoint: Endpoint,
    instruction: str,
    workdir: str,
    home: str,
    *,
    installed: Installed | None = None,
) -> Launch:
    """Return how to start `spec` on one task, with HOME fresh and empty but for the launch's files.

    `workdir` and `home` are paths as the agent sees them. Without `installed`, as in an image
    that has the agent on its PATH, {bin} is its plain name and no cache is shared. Raises
    UsageError where the agent starts no process, does not speak the endpoint's protocol, or
    the instruction does not fit into one argument.
    """
    if spec.behaviour != "process":
        raise UsageError(f"{spec.name} starts no process", "apply its behaviour with `act` instead")
    wire = _wire(spec, endpoint.protocol)
    values = {
        "base_url": endpoint.base_url,
        "token": endpoint.token,
        "model": endpoint.model,
        "instruction": instruction,
        "workdir": workdir,
        "home": home,
        "bin": installed.bin if installed else spec.install.bin,
    }
    values |= {name: fill(text, values) for name, text in wire.values.items()}
    env = _filled({**spec.launch.env, **wire.env}, values)
    if installed and installed.cache and spec.install.cache_env:
        env[spec.install.cache_env] = installed.cache
    templates = _spliced(spec.launch.argv, (*wire.args, *spec.launch.args))
    argv = tuple(fill(text, values) for text in templates)
    _check_dash(spec.name, templates, argv)
    _check_sizes(spec.name, argv, env)
    return Launch(
        argv=argv,
        env=env,
        files=_filled({**spec.launch.files, **wire.files}, values),
        stdin=fill(spec.launch.stdin, values).encode(),
        pty=spec.launch.pty,
    )


def _wire(spec: AgentSpec, protocol: str) -> Wire:
    if spec.protocols and protocol not in spec.protocols:
        choose_protocol(spec, [protocol])
    return spec.protocol.get(cast("Protocol", protocol), Wire())


def _filled(texts: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {key: fill(text, values) for key, text in sorted(texts.items())}


def _spliced(argv: tuple[str, ...], args: tuple[str, ...]) -> tuple[str, ...]:
    if ARGS not in argv:
        return (*argv, *args)
    at = argv.index(ARGS)
    return (*argv[:at], *args, *argv[at + 1 :])


def _check_dash(agent: str, templates: tuple[str, ...], argv: tuple[str, ...]) -> None:
    for template, text in zip(templates, argv, strict=True):
        if text.startswith("-") and not template.startswith("-"):
            raise UsageError(
                f"{agent} would read {text[:40]!r} as an option", "begin the instruction with a word"
            )


def _check_sizes(agent: str, argv: tuple[str, ...], env: Mapping[str, str]) -> None:
    for what, text in [("an argument", text) for text in argv] + [(f"${key}", env[key]) for key in env]:
        if "\0" in text:
            raise UsageError(f"{what} of {agent} holds a NUL byte", "remove it from the instruction")
        if len(text.encode()) > _MAX_ARGUMENT:
            raise UsageError(
                f"{what} of {agent} has {len(text.encode())} bytes, at most {_MAX_ARGUMENT} fit",
                "shorten the instruction, or move its detail into a file of the task's workdir",
            )
