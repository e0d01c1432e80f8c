"""Checks in a sandbox of their own: a fresh one of the agent's kind, without a network or a model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from benchledger.runners.baselines import maker_key
from benchledger.runners.grade import Run
from benchledger.runners.launch import Launch
from benchledger.runners.plain import Ran, bounded, toolchain_environment
from benchledger.runners.sandboxes.port import ON_HOST, Sandbox
from benchledger.schema.errors import EnvironmentLacks, SandboxFailed
from benchledger.schema.task import Limits

__all__ = ["lacking_tools", "sandboxed"]

_ABSENT = 127  # what a sandbox leaves with where there is no such program
_ASK_SECONDS = 30.0


def sandboxed(make: Callable[[], Sandbox], limits: Limits, clean: Callable[[bytes], bytes] = bytes) -> Run:
    """Return what runs a command in a new sandbox from `make`, under the task's limits of memory and processes.

    `clean` takes secrets out of a stream before it is cut, for half a secret is found by nobody. The
    command's folder is what it left, as with `run_plain`. Raises what the sandbox raises, and
    EnvironmentLacks where it has no such command.
    """

    def run(argv: Sequence[str], folder: Path, seconds: float) -> Ran:
        bounds = Limits(seconds=seconds, memory_mb=limits.memory_mb, pids=limits.pids, cpus=limits.cpus)
        with _entered(make) as sandbox:
            own = toolchain_environment() if sandbox.name in ON_HOST else {}
            env = {"LC_ALL": "C.UTF-8", "TZ": "UTC"} | own
            report = sandbox.run(Launch(tuple(argv), env, {}), folder, bounds, None)
        # asked anew, for the agent's code runs within the checks and can print and leave as it likes
        if report.exit_code == _ABSENT and _is_absent(argv[0], make):
            raise EnvironmentLacks(f"there is no {argv[0]} where the checks run", "install it there")
        code = report.exit_code if report.signal is None else 128 + report.signal
        if report.timed_out:
            code = None
        return code, report.timed_out, bounded(clean(report.stdout)), bounded(clean(report.stderr))

    return run


@contextmanager
def _entered(make: Callable[[], Sandbox]) -> Iterator[Sandbox]:
    """Enter a new sandbox; one that cannot be made any more broke since the launch."""
    with ExitStack() as stack:
        sandbox = make()
        try:
            stack.enter_context(sandbox)
        except EnvironmentLacks as error:
            part: Literal["sandbox", "engine"] = "engine" if sandbox.name == "docker" else "sandbox"
            raise SandboxFailed(error.message, error.hint, part) from error
        yield sandbox


def _is_absent(program: str, make: Callable[[], Sandbox]) -> bool:
    if "/" in program:
        return False  # it lies among the checks
    return bool(_asked(make, (program,)))  # now: what was there before may be gone


def lacking_tools(make: Callable[[], Sandbox], tools: Sequence[str]) -> list[str]:
    """Return which of `tools` a sandbox does not have on its PATH.

    One that lacked nothing is not asked again in this process, for an image has many cells.
    """
    key = maker_key(make), tuple(tools)
    if key in _complete():
        return []
    missing = _asked(make, tools)
    if not missing:
        _complete().add(key)
    return missing


def _asked(make: Callable[[], Sandbox], tools: Sequence[str]) -> list[str]:
    script = 'for each in "$@"; do command -v "$each" >/dev/null || echo "$each"; done'
    with tempfile.TemporaryDirectory(prefix="benchledger-ask-") as empty, make() as sandbox:
        asking = Launch(("sh", "-c", script, "sh", *tools), {}, {})
        report = sandbox.run(asking, Path(empty), Limits(seconds=_ASK_SECONDS), None)
    return report.stdout.decode(errors="replace").split()


@cache
def _complete() -> set[Hashable]:
    """Return which pairs of sandbox and tools lacked nothing, in this process."""
    return set()
