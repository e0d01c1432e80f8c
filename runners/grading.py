"""Checks in a sandbox of their own: a fresh one of the agent's kind, without a network or a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchledger.runners.grade import Run
from benchledger.runners.launch import Launch
from benchledger.runners.plain import Ran, bounded, toolchain_environment
from benchledger.runners.sandboxes.port import ON_HOST, Sandbox
from benchledger.schema.errors import EnvironmentLacks
from benchledger.schema.task import Limits

__all__ = ["lacking_tools", "sandboxed"]

_ABSENT = 127  # what a sandbox leaves with where there is no such program
_ASK_SECONDS = 30.0


def sandboxed(make: Callable[[], Sandbox], limits: Limits) -> Run:
    """Return what runs a command in a new sandbox from `make`, under the task's limits of memory and processes.

    The command's folder is what it left, as with `run_plain`. Raises what the sandbox raises, and
    EnvironmentLacks where it has no such command.
    """

    def run(argv: Sequence[str], folder: Path, seconds: float) -> Ran:
        bounds = Limits(seconds=seconds, memory_mb=limits.memory_mb, pids=limits.pids, cpus=limits.cpus)
        with make() as sandbox:
            own = toolchain_environment() if sandbox.name in ON_HOST else {}
            env = {"LC_ALL": "C.UTF-8", "TZ": "UTC"} | own
            report = sandbox.run(Launch(tuple(argv), env, {}), folder, bounds, None)
        if report.exit_code == _ABSENT and f"{argv[0]}:".encode() in report.stderr[:200]:
            raise EnvironmentLacks(f"there is no {argv[0]} where the checks run", "install it there")
        code = report.exit_code if report.signal is None else 128 + report.signal
        if report.timed_out:
            code = None
        return code, report.timed_out, bounded(report.stdout), bounded(report.stderr)

    return run


def lacking_tools(make: Callable[[], Sandbox], tools: Sequence[str], folder: Path) -> list[str]:
    """Return which of `tools` a sandbox does not have on its PATH; `folder` is any empty one."""
    script = 'for each in "$@"; do command -v "$each" >/dev/null || echo "$each"; done'
    with make() as sandbox:
        asked = Launch(("sh", "-c", script, "sh", *tools), {}, {})
        report = sandbox.run(asked, folder, Limits(seconds=_ASK_SECONDS), None)
    return report.stdout.decode(errors="replace").split()
