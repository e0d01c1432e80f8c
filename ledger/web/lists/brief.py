"""Cells in one line each, and the part of the ledger that belongs to one agent, model, task or sweep.

A cell's key begins with `[origin:]sweep/agent/model/task`. So whatever belongs together lies in a few
ranges of the primary keys, and a page reads these and nothing else, however many cells there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from benchledger.ledger.costs import Prices
from benchledger.ledger.counting import history_of
from benchledger.ledger.fold import fingerprints_of
from benchledger.ledger.queries import judged
from benchledger.ledger.web.paths import attempt_folder, cell_path
from benchledger.ledger.web.says import result_of
from benchledger.ledger.web.view import View
from benchledger.scorers.composite import GATED_1, Inputs

__all__ = ["EVERYTHING", "Part", "briefs", "grouped", "known", "limited", "part_of"]

_INPUTS = ", ".join(f"s.{name}" for name in Inputs._fields)
_COLUMNS = (
    "cell", "origin", "sweep", "agent", "model", "task", "run", "history", "disputed", "attempt", "version", "mode",
    "behavior", "outcome", "outcome_kind", "task_digest", "started_at", "first_seq", "last_seq", "adjudicated",
)  # fmt: skip
_BRIEF = (
    "c.cell, c.origin, c.sweep, c.agent, c.model, c.task, c.run, c.history, c.disputed, c.counted, a.version,"
    " a.mode, m.behavior, a.outcome, a.outcome_kind, a.task_digest, a.started_at, a.first_seq, a.last_seq,"
    f" s.adjudicated, {_INPUTS}"
)
_RANGES = (
    "WITH ranges AS MATERIALIZED (SELECT json_extract(value, '$[0]') AS low, json_extract(value, '$[1]') AS high"
    " FROM json_each(:ranges)),"
    " mine AS MATERIALIZED (SELECT id, behavior, condition FROM settings WHERE {settings})"
)
# CROSS: the ranges come first, so that each is looked up by the primary key.
_FROM_CELLS = (
    "ranges CROSS JOIN cells c ON c.cell >= low AND c.cell < high"
    " JOIN attempts a ON a.ref = c.cell || '@' || c.counted JOIN scores s ON s.ref = a.ref"
    " JOIN mine m ON m.id = s.setting"
)
_FROM_ATTEMPTS = (
    "ranges CROSS JOIN attempts a ON a.ref >= low AND a.ref < high JOIN cells c ON c.cell = a.cell"
    " JOIN scores s ON s.ref = a.ref JOIN mine m ON m.id = s.setting"
)
_LEVELS = ("sweep", "agent", "model", "task")
# A model id may hold `/`: a range of `m` may take in a cell of `m/n`.
_ONLY = (
    "(:agent IS NULL OR c.agent = :agent) AND (:model IS NULL OR c.model = :model)"
    " AND (:task IS NULL OR c.task = :task)"
)


class Part(NamedTuple):
    """Part of a ledger: ranges of its keys, what its cells have in common, and which settings they have, in SQL."""

    ranges: tuple[tuple[str, str], ...]
    agent: str | None = None
    model: str | None = None
    task: str | None = None
    sweep: str | None = None
    settings: str = "1"

    def values(self) -> dict[str, str | None]:
        """Return what the queries bind."""
        return self._asdict() | {"ranges": json.dumps(self.ranges)}


EVERYTHING = Part((("", "\x7f"),))  # origins and names are ASCII


def part_of(view: View, **names: str) -> Part:
    """Return the part of all cells with these names: sweep, agent, model, task."""
    where = "".join(f" AND {name} = :{name}" for name in names)
    if "task" in names:
        # The key of a setting begins with its task, so this is a short range as well.
        low, high = fingerprints_of(names["task"])
        where = f" AND fingerprint >= {low} AND fingerprint < {high}{where}"
    deepest = max(_LEVELS.index(name) for name in names)
    columns = ", ".join(("origin", *_LEVELS[: deepest + 1]))
    rows = view.connection.execute(f"SELECT DISTINCT {columns} FROM settings WHERE 1{where}", names)
    ranges = tuple(sorted(_range(*row) for row in rows.fetchall()))
    return Part(ranges, settings=f"1{where}", **names)


def known(view: View, kind: str) -> list[str]:
    """Return the names of a kind (agent, model, task): those of cells, and those that were planned and never ran."""

    def made() -> list[str]:
        query = f"SELECT {kind} FROM settings UNION SELECT value FROM sweeps, json_each(sweeps.{kind}s) ORDER BY 1"
        return [row[0] for row in view.connection.execute(query)]

    return view.kept(f"known {kind}", made)


def _range(origin: str, *names: str) -> tuple[str, str]:
    """Return the first key of all that begin with these names, and the first after them."""
    last = "#run" if len(names) == 4 else "/"
    start = f"{origin}:" * bool(origin) + "/".join(names) + last
    return start, start[:-1] + chr(ord(start[-1]) + 1)


def briefs(view: View, part: Part, *, where: str = "1", offset: int = 0) -> Iterator[dict[str, Any]]:
    """Yield each cell of a part by its attempt that counts, in order of their keys.

    Scores 0..1 under the default policy, times in ms; `attempts`: how many there were. `where` is SQL over
    c (cells), a (attempts), s (scores) and m (settings).
    """
    prices = view.kept("prices", lambda: Prices(view.connection))
    query = (
        f"{_RANGES.format(settings=part.settings)} SELECT {_BRIEF} FROM {_FROM_CELLS} WHERE {_ONLY}"
        f" AND ({where}) ORDER BY c.cell LIMIT -1 OFFSET {offset}"
    )
    for row in view.connection.execute(query, part.values()):
        found = dict(zip(_COLUMNS, row, strict=False))
        yield _brief(found, Inputs._make(row[len(_COLUMNS) :]), prices)


def _brief(found: dict[str, Any], inputs: Inputs, prices: Prices) -> dict[str, Any]:
    composite = judged(GATED_1, found["adjudicated"], inputs)
    tokens = inputs.prompt_tokens, inputs.cached_tokens, inputs.completion_tokens
    cost = prices.cost((found["origin"], found["sweep"], found["model"], found["first_seq"]), tokens)
    prompt, _, completion = tokens
    said = result_of(found["outcome"], found["outcome_kind"], inputs.pass_rate, composite.value)
    attempts = len(history_of(found.pop("history")))
    return found | {
        "origin": found["origin"] or None,
        "disputed": bool(found["disputed"]),
        "href": cell_path(found["cell"]),
        "folder": attempt_folder(found["cell"]),
        "attempts": attempts,
        "result": "none" if found["adjudicated"] in ("invalidate", "withdraw") else said.result,
        "said": f"{said.said} ({found['adjudicated']})" if found["adjudicated"] else said.said,
        "passed": inputs.pass_rate,
        "composite": composite.value,
        "reason": composite.reason,
        "floor": composite.floor,
        "ceiling": composite.ceiling,
        "coverage": composite.coverage,
        "wall_ms": inputs.wall_ms,
        "tokens": None if prompt is None or completion is None else prompt + completion,
        "cost": cost.value,
        "currency": cost.currency,
    }


def limited(rows: Iterator[dict[str, Any]], most: int) -> tuple[list[dict[str, Any]], bool]:
    """Return the first rows, and whether there are more."""
    found = list(islice(rows, most + 1))
    return found[:most], len(found) > most


def grouped(
    view: View, part: Part, columns: Sequence[str], by: int, *, joins: str = "", where: str = "1"
) -> list[dict[str, Any]]:
    """Return sums over all attempts of a part, in groups by the first `by` columns.

    `columns` are `SQL AS name` over a (attempts), c (cells), s (scores) and m (settings).
    """
    places = ", ".join(map(str, range(1, by + 1)))
    query = (
        f"{_RANGES.format(settings=part.settings)} SELECT {', '.join(columns)} FROM {_FROM_ATTEMPTS}{joins}"
        f" WHERE {_ONLY} AND ({where})"
        f" GROUP BY {places} ORDER BY {places}"
    )
    names = [column.rpartition(" AS ")[2] for column in columns]
    return [dict(zip(names, row, strict=True)) for row in view.connection.execute(query, part.values())]
