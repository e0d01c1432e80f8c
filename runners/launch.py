"""What one process is started with, what it talks to, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

__all__ = ["Endpoint", "ExitReport", "Launch"]


@dataclass(frozen=True)
class Launch:
    """How an agent is started. `files` are paths relative to HOME -> text."""

    argv: tuple[str, ...]
    env: dict[str, str]
    files: dict[str, str]
    stdin: bytes = b""
    pty: bool = False


@dataclass(frozen=True)
class Endpoint:
    """The model as the agent sees it. `base_url` has no trailing slash and no /v1.

    `protocol` is one of openai-chat, openai-responses, anthropic, google.
    """

    base_url: str
    token: str
    protocol: str
    model: str


@dataclass(frozen=True)
class ExitReport:
    """How an agent's process ended.

    A process that a signal ended has `signal` and no `exit_code`. `wall_ms` runs from the call to
    the last process gone, `active_ms` from the program's start to its exit. `recording` is
    asciicast v2, None without a pseudo-terminal. `survivors` counts the processes that outlived
    the program and had to be killed. `truncated` says that output went beyond the cap, `quota`
    that files did; `notes` are remarks that change no outcome.
    """

    exit_code: int | None
    signal: int | None
    timed_out: bool
    oom: bool
    wall_ms: float
    active_ms: float
    stdout: bytes
    stderr: bytes
    recording: bytes | None
    survivors: int
    truncated: bool
    quota: bool = False
    notes: tuple[str, ...] = ()

    @classmethod
    def of_builtin(cls, active_ms: float) -> Self:
        """Return the report of an agent that is no process: it did its part and printed nothing."""
        return cls(
            exit_code=0,
            signal=None,
            timed_out=False,
            oom=False,
            wall_ms=active_ms,
            active_ms=active_ms,
            stdout=b"",
            stderr=b"",
            recording=None,
            survivors=0,
            truncated=False,
        )
