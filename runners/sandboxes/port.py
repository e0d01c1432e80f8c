"""The port of sandboxes: what every place in which an agent runs MUST do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from benchledger.runners.launch import ExitReport, Launch
from benchledger.schema.task import Limits

__all__ = ["MARKER", "ON_HOST", "Address", "Caps", "Places", "Sandbox", "User"]

# Every process of an attempt carries this variable with the attempt's own value.
MARKER = "BENCHLEDGER_ATTEMPT"

# The sandboxes whose programs use this machine's files, toolchains and installations.
ON_HOST = frozenset({"local", "run-cell"})

Address = tuple[str, int]
User = tuple[int, int]  # uid and gid


@dataclass(frozen=True)
class Caps:
    """What a task does not limit, and the host must: bytes a stream, bytes of files, seconds after SIGTERM.

    `disk_bytes` counts apparent sizes of workdir, HOME and TMPDIR together; also no single file
    may be larger. Files of a sparse file count in full: a copy of it would.
    """

    output_bytes: int = 16 << 20
    disk_bytes: int = 2 << 30
    grace_seconds: float = 2.0
    columns: int = 120
    rows: int = 40


@dataclass(frozen=True)
class Places:
    """Absolute paths as the program sees them."""

    home: str
    tmp: str
    work: str


@runtime_checkable
class Sandbox(Protocol):
    """A place for the programs of one attempt. It owns their HOME and TMPDIR from enter to exit."""

    @property
    def name(self) -> str:
        """The name in the table of sandboxes."""
        ...

    @property
    def isolation(self) -> tuple[str, ...]:
        """What keeps the program apart from the host, in words of one or two; known after `run`."""
        ...

    def __enter__(self) -> Self:
        """Make it ready. MUST raise EnvironmentLacks, with the next step, where the machine lacks a part."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove everything that it made, workdir excepted. MUST NOT raise for what is gone already."""
        ...

    def places(self, workdir: Path) -> Places:
        """Return where HOME, TMPDIR and `workdir` are for the program. MUST work before `run`."""
        ...

    def run(self, launch: Launch, workdir: Path, limits: Limits, proxy: Address | None) -> ExitReport:
        """Run one program to its end or to a limit, and return how it ended; what it did is no error.

        MUST give it exactly `launch.env` and PATH, HOME, TMPDIR, LANG, the marker, and TERM at a
        pseudo-terminal; `launch.env` wins. MUST write `launch.files` below HOME first. The
        program MUST see `proxy` at 127.0.0.1 and the same port; where `isolation` names the
        network it MUST reach nothing else, and fail fast. MUST hold `limits` and its Caps, go on
        draining streams that are cut, and send SIGTERM before SIGKILL. MUST leave no process
        behind on any path, an exception included. MUST bring `workdir` to the state the program
        left, without following a link. MUST raise SandboxFailed where the sandbox itself broke.
        A program that cannot be started is exit code 127 or 126, as in a shell.
        """
        ...
