"""How an attempt ended, told by the checks and the proxy's records, never by an exit code.

What only the runner can see (a failed sandbox, engine or disk, a full quota, a daemon left
behind) it says itself; this is the rest of the table of outcomes.

Frozen like the scorers: `verify` classifies the evidence of every attempt again. A better rule
needs a new schema number of `cell.finished`, so that old outcomes are judged by the old one.
"""

from __future__ import annotations

import re

from benchledger.schema.events import CellExited, ModelCalled
from benchledger.schema.policy import Outcome
from benchledger.scorers.evidence import Evidence
from benchledger.scorers.published import banner_outcome
from benchledger.scorers.reading import UPSTREAM_4XX, passed, was_answered

__all__ = ["Ending", "classify", "is_stated"]

_FAULT_NOTES = {"no_call": "no model call was answered"}

# The outcome, its kind and the notes of cell.finished.
Ending = tuple[Outcome, str | None, tuple[str, ...]]

_NO_WAY = re.compile(
    r"refused|unreachable|resol[uv]|getaddrinfo|name or service|no route"
    r"|connect ?(?:error|timeout)|certificate|tls",
    re.IGNORECASE,
)
# (outcome, kind) that no evidence shows: whoever ran the attempt says them.
_STATED = frozenset(
    {
        *(("infra_error", kind) for kind in ("sandbox", "engine", "grader", "disk", "drift")),
        ("agent_error", "quota"),
    }
)
_BUDGETS = frozenset({"calls", "tokens", "money"})
# How our own proxy words a call that ended from the agent's side: it hung up, or ended with the call open.
_LEFT = frozenset({"agent_left", "closed"})
# Kinds of the proxy's for an upstream that could not be reached or hung up; foreign records have other words.
_LOST = frozenset({"refused", "dropped", "redirect"})
_PATIENCE = 0.25  # share of the attempt's time


def is_stated(outcome: str, kind: str | None) -> bool:
    """Return whether only the runner can know this outcome, so that evidence neither shows nor denies it."""
    return outcome == "aborted" or (outcome, kind) in _STATED


def classify(evidence: Evidence) -> Ending:
    """Return (outcome, kind, notes).

    A pass is a pass however the process ended: an upstream that failed at the end is then a
    note. Without a pass, infra_error needs an upstream that failed the last calls, so that no
    agent escapes its zero by provoking errors; or checks that gave no verdict.
    """
    if evidence.setup.mode == "published":
        banner = None if evidence.record is None else evidence.record.banner
        return (*banner_outcome(banner), ())
    verdict, exited = passed(evidence), evidence.exited
    fault = _upstream_fault(evidence)
    if exited is None and evidence.grader is None:
        return "aborted", None, ()
    if fault is not None and not verdict:
        return "infra_error", fault, ()
    if verdict is None:
        return "infra_error", "grader", ()
    outcome, kind = _process_end(exited)
    if outcome == "finished" and not verdict and _bad_request(evidence):
        return "agent_error", "bad_request", ()
    notes = [] if fault is None else [_FAULT_NOTES.get(fault, f"the upstream failed the last call: {fault}")]
    if outcome == "finished" and exited is not None and exited.exit_code:
        notes.append(f"exit code {exited.exit_code}")
    return outcome, kind, tuple(notes)


def _process_end(exited: CellExited | None) -> tuple[Outcome, str | None]:
    if exited is None:
        return "finished", None
    if exited.oom:
        return "agent_error", "oom"
    if exited.limit_hit in _BUDGETS:
        return "budget", exited.limit_hit
    if exited.timed_out or exited.limit_hit == "seconds":
        return "timeout", None
    # At a limit it is the runner that sends the signal, so this comes last.
    if exited.signal:
        return "agent_error", "signal"
    return "finished", None


def _upstream_fault(evidence: Evidence) -> str | None:
    """Return the kind of infra_error that the calls show, None where the upstream did its part."""
    if not evidence.calls_observed or not evidence.setup.agent.uses_model:
        return None
    exited = evidence.exited
    killed = exited is not None and _process_end(exited)[1] in {"oom", "signal"}
    if not evidence.calls:
        return None if killed else "no_call"
    last = _last_call(evidence)
    if was_answered(last):
        return None
    fault = _fault_of(last, evidence)
    silent = fault is None and all(call.status is None and not was_answered(call) for call in evidence.calls)
    return "no_call" if silent and not killed else fault


def _last_call(evidence: Evidence) -> ModelCalled:
    """Return the last call to the cell's model; one to another model says nothing of the endpoint's health.

    Else an agent would escape its zero by asking for a model that it may not have.
    """
    own = [call for call in evidence.calls if call.model_asked in (None, evidence.setup.model)]
    return max(own or evidence.calls, key=lambda call: call.number)


def _fault_of(call: ModelCalled, evidence: Evidence) -> str | None:
    exited = evidence.exited
    at_limit = exited is not None and (exited.timed_out or exited.limit_hit == "seconds")
    status, error = call.status, call.error or ""
    kind = error.partition(":")[0]
    if kind in _LEFT:
        return "hang" if status is None and at_limit and _waited(call, evidence) else None
    if status is None:
        if kind == "timeout":
            return "hang"
        if at_limit and kind not in _LOST and not _NO_WAY.search(error):
            return "hang" if _waited(call, evidence) else None
        return "unreachable" if error else None
    if status == 429:
        return "rate_limit"
    if 400 <= status < 500:
        if status not in UPSTREAM_4XX:
            return None
        return "upstream" if status in (408, 425) else "auth"
    # An answer that was still streaming at the limit is the agent's time, not the upstream's failure.
    return None if 200 <= status < 300 and at_limit else "upstream"


def _waited(call: ModelCalled, evidence: Evidence) -> bool:
    """Return whether it was the upstream that let the time run out, in a call that was open at the limit.

    An agent at work is within a call most of the time, and one that dawdles can open one at the end. So the
    call must have waited longer than any that was answered, and for a good part of the attempt's time.
    """
    answered = [each.latency_ms or 0.0 for each in evidence.calls if was_answered(each)]
    if not answered or call.latency_ms is None:
        return True
    limits, exited = evidence.setup.limits, evidence.exited
    time = limits.seconds * 1000 if limits is not None and limits.seconds else None
    if time is None and exited is not None:
        time = exited.active_ms or exited.wall_ms
    return call.latency_ms >= max(*answered, (time or 0.0) * _PATIENCE)


def _bad_request(evidence: Evidence) -> bool:
    """Return whether the upstream refused the last call as wrong in itself."""
    if not evidence.calls:
        return False
    status = _last_call(evidence).status
    return status is not None and 400 <= status < 500 and status not in UPSTREAM_4XX
