"""The sections of the grader and of the agent's own output: exit codes, checks before and after, texts."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

from benchledger.ledger.web.cell.attempt import Attempt, placed
from benchledger.ledger.web.cell.evidence import text_of, why_nothing
from benchledger.ledger.web.view import View

__all__ = ["grader_section", "streams_section"]

_CHECKS = 300
_WORDS = {
    (True, False): "broken",
    (False, False): "still failing",
    (None, False): "failing",
    (True, None): "gone",
    (False, None): "gone",
    (False, True): "fixed",
    (True, True): "still passing",
    (None, True): "passing",
}


def grader_section(view: View, attempt: Attempt) -> dict[str, Any]:  # noqa: ARG001 - as every section
    """Return what the task's own checks said: command, exit code beside the agent's, checks, digests, texts."""
    why = why_nothing(attempt, "grader.ran", "checks", "run of the checks")
    event = attempt.one("grader.ran")
    ran = {} if why is not None else attempt.payload("grader.ran")
    digests = [ran.get("checks_digest_before"), ran.get("checks_digest_after")]
    silent = "Not recorded by the source."
    return {
        "why": why,
        "event": None if event is None else placed(event),
        "ended": attempt.row["outcome"] is not None,
        "command": shlex.join(ran.get("command") or ()) or None,
        "exit_code": ran.get("exit_code"),
        "timed_out": ran.get("timed_out", False),
        "duration_ms": ran.get("duration_ms"),
        "agent": _exit(attempt),
        **_checks(ran),
        "digests": {"before": digests[0], "after": digests[1], "changed": _changed(*digests)},
        "stdout": text_of(attempt, "grader.ran", "stdout", silent),
        "stderr": text_of(attempt, "grader.ran", "stderr", silent),
    }


def streams_section(view: View, attempt: Attempt) -> dict[str, Any]:  # noqa: ARG001 - as every section
    """Return how the agent's process ended, and what it printed."""
    why = why_nothing(attempt, "cell.exited", "streams", "output of the agent")
    event = attempt.one("cell.exited")
    silent = "Not recorded by the source."
    return {
        "why": why,
        "event": None if event is None else placed(event),
        "ended": attempt.row["outcome"] is not None,
        "exit": _exit(attempt),
        "stdout": text_of(attempt, "cell.exited", "stdout", silent),
        "stderr": text_of(attempt, "cell.exited", "stderr", silent),
    }


def _exit(attempt: Attempt) -> dict[str, Any]:
    """Return how the process ended, with it in words; None is not recorded."""
    row = attempt.row
    code, signal = row["exit_code"], row["signal"]
    said = []
    if code is not None:
        said.append(f"exit code {code}")
    if signal is not None:
        said.append(f"signal {signal}")
    if row["timed_out"]:
        said.append("timed out")
    if row["oom"]:
        said.append("out of memory")
    if row["limit_hit"]:
        said.append(f"limit of {row['limit_hit']} reached")
    return {"exit_code": code, "signal": signal, "said": ", ".join(said) or None}


def _checks(ran: dict[str, Any]) -> dict[str, Any]:
    """Return each check before and after, the worst first: {checks, checks_left, check_counts, …_before, …_why}."""
    before, after = ran.get("checks_before"), ran.get("checks_after")
    made: dict[str, Any] = {"checks": [], "checks_left": 0, "check_counts": [], "checks_why": None}
    made["checks_before"] = before is not None
    if before is None and after is None:
        return made | {"checks_why": "Single checks were not recorded: only the grader's exit code tells."}
    order = list(dict.fromkeys(_WORDS.values()))
    rows = []
    for name in {**(before or {}), **(after or {})}:
        states = (before or {}).get(name), (after or {}).get(name)
        rows.append(
            {"name": name, "before": states[0], "after": states[1], "word": _WORDS.get(states, "unknown")}
        )
    rows.sort(key=lambda row: (order.index(row["word"]), row["name"]))
    counts = Counter(row["word"] for row in rows)
    made["check_counts"] = [{"word": word, "count": counts[word]} for word in order if counts[word]]
    made["checks_why"] = None if rows else "The grader named no check."
    return made | {"checks": rows[:_CHECKS], "checks_left": max(0, len(rows) - _CHECKS)}


def _changed(before: str | None, after: str | None) -> bool | None:
    return None if before is None or after is None else before != after
