"""Standing: whether a number may be cited, and every reason why it may not.

Citable is what ran live, in docker or run-cell by image identity, with a pinned agent, planned
before launch, and verified (design section 1). All else is provisional.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Circumstances", "citable_rows", "citable_settings", "standing", "standing_reasons"]

_SEALED = frozenset({"docker", "run-cell"})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How one attempt came about.

    `imported`: its evidence came as the record of another harness, not from our own runners.
    `image`: digest or id of the image, `version`: of the agent; None where not recorded.
    `not_isolated`: what its sandbox is recorded not to have kept apart.
    `planned`: a sweep.planned before its launch names it. `verified`: a full verify of this
    ledger on this machine covered it and was clean. `disagrees`: checks that were run again over its
    recorded patch gave another verdict.
    """

    mode: str
    imported: bool
    sandbox: str | None
    image: str | None
    version: str | None
    planned: bool
    verified: bool
    not_isolated: tuple[str, ...] = ()
    disagrees: bool = False


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
    reasons += [f"{name} not isolated" for name in seen.not_isolated]
    if not seen.image:
        reasons.append("no image identity recorded")
    if not seen.version:
        reasons.append("version of the agent not recorded")
    if not seen.planned:
        reasons.append("not planned before launch")
    if not seen.verified:
        reasons.append("not verified on this machine")
    if seen.disagrees:
        reasons.append("recheck disagrees")
    return reasons


def standing(seen: Circumstances) -> str:
    """Return `citable` or `provisional`."""
    return "provisional" if standing_reasons(seen) else "citable"


# The same rule as `standing_reasons`, over all counted attempts of the settings that could be citable.
_CITABLE = """
WITH sealed AS (
  SELECT id, agent, model, task, sweep, origin FROM settings
  WHERE mode = 'live' AND version <> '' AND json_extract(condition, '$.image') IS NOT NULL
    AND json_extract(condition, '$.sandbox') IN ('docker', 'run-cell')
    AND json_extract(condition, '$.not_isolated') IS NULL{chosen})
SELECT t.id, count(*) FROM sealed t
JOIN scores s ON s.setting = t.id AND s.counted = 1
JOIN attempts a ON a.ref = s.ref
JOIN events e ON e.seq = a.first_seq
WHERE e.type <> 'record.received' AND a.last_seq <= ?
  AND NOT EXISTS (SELECT 1 FROM rechecks r WHERE r.first_seq = a.first_seq AND r.agrees = 0) AND EXISTS (
  SELECT 1 FROM sweeps p WHERE p.sweep = t.sweep AND p.origin = t.origin AND p.seq < a.first_seq
    AND t.agent IN (SELECT value FROM json_each(p.agents))
    AND t.model IN (SELECT value FROM json_each(p.models))
    AND t.task IN (SELECT value FROM json_each(p.tasks)))
GROUP BY t.id
"""


def citable_settings(
    connection: sqlite3.Connection, verified: int, chosen: str, values: Sequence[str]
) -> dict[int, int]:
    """Return how many counted attempts of each setting are citable; settings of which none is are left out.

    `verified` is the last seq that a clean full verify on this machine covered, -1 for none;
    `chosen` and `values` are the SQL conditions of a selection.
    """
    if verified < 0:
        return {}
    return dict(connection.execute(_CITABLE.format(chosen=chosen), (*values, verified)).fetchall())


def citable_rows(
    connection: sqlite3.Connection, verified: int, chosen: str, values: Sequence[str]
) -> dict[tuple[str, ...], int]:
    """Return how many counted attempts of each row (agent, version, model, mode, behavior) are citable."""
    found = citable_settings(connection, verified, chosen, values)
    if not found:
        return {}
    rows: Counter[tuple[str, ...]] = Counter()
    query = f"SELECT id, agent, version, model, mode, behavior FROM settings WHERE 1{chosen}"
    for number, *key in connection.execute(query, values):
        rows[tuple(key)] += found.get(number, 0)
    return dict(rows)
