"""The sandbox of `run-cell`: in a container already, so that what is left to keep apart are the users."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from benchledger.runners.sandboxes.local import Local
from benchledger.runners.sandboxes.port import Caps, User
from benchledger.schema.errors import EnvironmentLacks

__all__ = ["AGENT", "CHECKS", "RunCell"]

# The user that images of agents have for them (`volume.OWNER`). The checks are another one: what an
# agent left in a place that both can write is none of theirs.
AGENT: User = (1000, 1000)
CHECKS: User = (1001, 1001)


class RunCell(Local):
    """A program under a user of its own, beside root, who holds key, ledger and checks.

    Where the container has the capabilities SYS_ADMIN and NET_ADMIN it also gets namespaces, as in
    the sandbox `local`; else `isolation` does not name the network.
    """

    name = "run-cell"

    def __enter__(self) -> Self:
        """Make HOME and TMPDIR; EnvironmentLacks outside of a container, where a user may be anybody."""
        if _sees_the_kernel():
            raise EnvironmentLacks(
                "run-cell ends every process of the agent's user, and here others may be that user",
                "start it in a container of its own, without --pid host; elsewhere use `benchledger run`",
            )
        return super().__enter__()

    def __init__(self, user: User = AGENT, caps: Caps | None = None) -> None:
        """Take the user that programs become."""
        super().__init__(caps, user=user)


def _sees_the_kernel() -> bool:
    """Whether the processes of the whole machine are in sight: its kernel's own are no container's."""
    try:
        return Path("/proc/2/comm").read_text().strip() == "kthreadd"
    except OSError:
        return False
