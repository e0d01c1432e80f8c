"""What a cell is planned with and how it ended: the two sides of `run_cell`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchledger.runners.agents.install import Installed
from benchledger.runners.agents.overlay import Overlay
from benchledger.runners.agents.spec import AgentSpec
from benchledger.runners.environments.recipe import Ready
from benchledger.runners.journal import Journal
from benchledger.runners.sandboxes.port import Places, Sandbox
from benchledger.runners.source import ModelSource
from benchledger.runners.task import Task
from benchledger.schema.events import AgentIdentity, Mode
from benchledger.schema.ids import CellId
from benchledger.schema.policy import Outcome
from benchledger.schema.task import Limits

__all__ = ["CellPlan", "Ended", "Report", "Stated"]

Report = Callable[[str, str], None]
Stated = tuple[Outcome, str | None]


@dataclass(frozen=True, kw_only=True)
class CellPlan:
    """Everything about one attempt before it starts.

    `sandbox` makes a new one each time it is called, for the agent and for the checks. `places` are
    those of the recorded cell, where a replay on this machine may have them again: an answer names
    absolute paths. `secrets` maps names to values that are masked in all that is stored, besides
    those of the source. `checks_sandbox` is for the checks, where they are not to run in one like the
    agent's. `not_isolated` names what the sandbox is known beforehand not to keep apart. `environment` is
    what was made for the task, None where it asks for nothing.
    """

    cell: CellId
    attempt: int
    task: Task
    agent: AgentSpec
    identity: AgentIdentity
    model: str
    sandbox: Callable[..., Sandbox]
    sandbox_name: str
    limits: Limits
    places: Places | None = None
    source: ModelSource | None = None
    protocol: str | None = None
    overlays: tuple[Overlay, ...] = ()
    installed: Installed | None = None
    policy_id: str | None = None
    harness: str | None = None
    actor: str = "run"
    checks_sandbox: Callable[[], Sandbox] | None = None
    not_isolated: tuple[str, ...] = ()
    environment: Ready | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def mode(self) -> Mode:
        """Where the model's answers come from; an agent that asks none is as live as any."""
        return self.source.mode if self.source else "live"


@dataclass(frozen=True)
class Ended:
    """How an attempt ended, before it is judged.

    `stated` is an outcome that the evidence cannot tell, with its kind. `interrupted` is what the
    caller has to raise again once the stream is closed.
    """

    journal: Journal
    stated: Stated | None
    notes: tuple[str, ...]
    interrupted: BaseException | None = None
    drifts: int = 0
