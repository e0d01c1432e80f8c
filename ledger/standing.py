"""Standing: whether a number may be cited, and every reason why it may not.

Citable is what ran live, in docker or run-cell by image identity, with a pinned agent, planned
before launch, and verified (design section 1). All else is provisional.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Circumstances", "standing", "standing_reasons"]

_SEALED = frozenset({"docker", "run-cell"})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How one attempt came about.

    `imported`: its evidence came as the record of another harness, not from our own runners.
    `image`: digest or id of the image, `version`: of the agent; None where not recorded.
    `planned`: a sweep.planned before its launch names it. `verified`: a full verify of this
    ledger on this machine covered it and was clean.
    """

    mode: str
    imported: bool
    sandbox: str | None
    image: str | None
    version: str | None
    planned: bool
    verified: bool


def standing_reasons(seen: Circumstances) -> list[str]:
    """Return why an attempt is provisional, in a fixed order; empty where it is citable."""
    reasons = []
    if seen.mode == "published":
        reasons.append("read off a published page, not run here")
    elif seen.imported:
        reasons.append("handed in as the record of another harness")
    if seen.mode in ("replay", "scripted"):
        reasons.append(f"mode {seen.mode}: no model was asked")
    if seen.sandbox not in _SEALED:
        where = "no sandbox recorded" if seen.sandbox is None else f"sandbox {seen.sandbox}"
        reasons.append(f"{where}, not docker or run-cell")
    if not seen.image:
        reasons.append("no image identity recorded")
    if not seen.version:
        reasons.append("version of the agent not recorded")
    if not seen.planned:
        reasons.append("not planned before launch")
    if not seen.verified:
        reasons.append("not verified on this machine")
    return reasons


def standing(seen: Circumstances) -> str:
    """Return `citable` or `provisional`."""
    return "provisional" if standing_reasons(seen) else "citable"
