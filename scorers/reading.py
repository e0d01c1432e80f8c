"""Plain facts that several scorers and the classifier read off the evidence alike.

Frozen with the scorers that call them: a changed reading needs new names, there and here.
"""

from __future__ import annotations

from benchledger.schema.events import GraderRan, ModelCalled, WorkdirCaptured
from benchledger.schema.task import matches
from benchledger.scorers.evidence import Evidence

__all__ = [
    "UPSTREAM_4XX",
    "checks_changed",
    "checks_silent",
    "documents",
    "has_usage",
    "passed",
    "was_answered",
    "went_unanswered",
]

# Of 4xx only these are the upstream's doing; with any other the request itself was at fault.
UPSTREAM_4XX = frozenset({401, 402, 403, 407, 408, 425, 429})


def passed(evidence: Evidence) -> bool | None:
    """Return the verdict of the task's own checks, None where there is none.

    Checks that ran into their limit fail: code that never returns is no solution. Checks that
    were changed while they ran fail, for they are no longer the task's. Where checks report
    names, an exit code of 0 is not enough: see `checks_silent`.
    """
    grader = evidence.grader
    if grader is None or (grader.exit_code is None and not grader.timed_out):
        return None
    ended_well = grader.exit_code == 0 and not grader.timed_out
    return ended_well and not checks_changed(evidence) and not checks_silent(grader)


def checks_silent(grader: GraderRan) -> bool:
    """Return whether checks that report names left one out, reported a failure, or said nothing at all.

    Code under test can end the run that tests it, with any exit code. What it cannot do that way
    is say of each check that was there before that it passed.
    """
    after = grader.checks_after
    if after is None:
        return False
    return not after or not all(after.values()) or not set(grader.checks_before or ()) <= set(after)


def checks_changed(evidence: Evidence) -> bool:
    """Return whether the checks are known to differ before and after grading."""
    grader = evidence.grader
    if grader is None or grader.checks_digest_before is None or grader.checks_digest_after is None:
        return False
    return grader.checks_digest_before != grader.checks_digest_after


def has_usage(call: ModelCalled) -> bool:
    """Return whether both token counts of a call are known."""
    return call.prompt_tokens is not None and call.completion_tokens is not None


def was_answered(call: ModelCalled) -> bool:
    """Return whether the model answered, as far as it is recorded, to the end.

    A status of 2xx without an error. Harnesses that record no status show an answer by its
    usage or finish reason.
    """
    if call.error is not None:
        return False
    if call.status is not None:
        return 200 <= call.status < 300
    return has_usage(call) or call.finish_reason is not None


def went_unanswered(call: ModelCalled) -> bool:
    """Return whether a call is known to have brought nothing: another status, or an error and no status."""
    if call.status is not None:
        return not 200 <= call.status < 300
    return call.error is not None and not has_usage(call)


def documents(workdir: WorkdirCaptured, globs: tuple[str, ...]) -> list[str]:
    """Return the files that were written, not emptied, and match the globs of a refusal document."""
    changes = workdir.changes
    written = {*changes.added, *changes.modified} - {*changes.removed, *changes.emptied}
    return sorted(path for path in written if matches(path, globs))
