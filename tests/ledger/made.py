"""Small whole attempts, scored as real ones are: what a test of sums and comparisons is about, and no more."""

from __future__ import annotations

from benchledger.ledger.append import declare
from benchledger.ledger.score import finish
from benchledger.ledger.store import Ledger
from benchledger.schema.base import Payload
from benchledger.schema.events import AgentIdentity, CellExited, CellSetup, GraderRan, ModelCalled
from benchledger.schema.policy import Outcome
from benchledger.schema.ports import Draft
from benchledger.schema.task import TaskIdentity
from benchledger.scorers.composite import GATED_1
from benchledger.scorers.evidence import no_blob

__all__ = ["Call", "digest", "ran"]

# (prompt, completion, cached) of one call; None is a call that was answered without usage, 429 one that was not.
Call = tuple[int, int, int] | int | None


def digest(letter: str | None) -> str | None:
    """Return a task digest that is told by its first letter."""
    return None if letter is None else letter * 64


def ran(
    ledger: Ledger,
    cell: str,
    *calls: Call,
    passed: bool = True,
    lost: bool = False,
    **setup: object,
) -> None:
    """Append one attempt with everything that follows from it; `setup`: attempt, version, task, mode and the like."""
    number = setup.setdefault("attempt", 1)
    agent, model = cell.split("/")[1], "/".join(cell.split("/")[2:-2])
    identity = AgentIdentity(name=agent, version=str(setup.pop("version", "1")))
    task = TaskIdentity(digest=digest(setup.pop("task", None)))  # type: ignore[arg-type]
    started = CellSetup(cell_id=cell, agent=identity, model=model, task=task, **({"mode": "live"} | setup))
    evidence: list[Payload] = [started]
    evidence += [_called(at, call) for at, call in enumerate(calls, 1)]
    evidence += [CellExited(exit_code=0), GraderRan(exit_code=0 if passed else 1)]
    stated: tuple[Outcome, str] | None = ("infra_error", "sandbox") if lost else None
    closing, _, _ = finish(evidence, no_blob, GATED_1, stated)
    declare(ledger, GATED_1)
    ledger.emit_all([Draft(f"cell/{cell}@{number}", payload) for payload in (*evidence, *closing)])


def _called(number: int, call: Call) -> ModelCalled:
    common = {"number": number, "protocol": "openai-chat"}
    if call is None or isinstance(call, int):
        return ModelCalled(status=call or 200, **common)
    prompt, completion, cached = call
    return ModelCalled(
        status=200, prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached, **common
    )
