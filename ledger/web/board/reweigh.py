"""What a browser needs to weigh all history anew: g and every v of each attempt, in columns.

attempts of a selection -> what no weight changes: g, v of each term, what their floor is multiplied by
settings (what many attempts share), rows, tasks, plans -> who they belong to, and what stands beside

`static/reweigh.js` makes the leaderboard out of it, to the bit.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from benchledger.ledger.costs import setting_costs
from benchledger.ledger.queries import INPUTS, Setting, in_columns, judged, selection_sql
from benchledger.ledger.standing import citable_settings
from benchledger.schema.history import Selection
from benchledger.schema.policy import FORMULA_TERMS, Policy
from benchledger.scorers.composite import (
    NA_CONSTRAINTS,
    NA_COST,
    NA_INTEGRITY,
    Composite,
    Inputs,
    unseen,
)
from benchledger.scorers.leaderboard import RowKey
from benchledger.scorers.statistics import mean

__all__ = ["AXES", "LIMIT", "attempts_of", "axis_means", "reweigh_data"]

LIMIT = 20_000  # attempts that one page carries: 3 MB, and a slider still follows the hand

# What the weights make of an attempt: a composite; 0; nothing though it was graded; nothing at all.
WEIGHED, ZEROED, UNVALUED, UNSCORED = range(4)
# Bits of `flags`.
COUNTED, LOST, WITHDRAWN, SUMMED = 1, 2, 4, 8

# Axes that have a column of their own in the table, as recorded: cab-0.1 reads what is missing as perfect.
AXES = ("integrity", "blast_radius", "constraints")
_RAW = tuple(f"raw_{axis}" for axis in AXES)
_GRADED = ("finished", "agent_error", "timeout", "budget")
_NA = {"integrity": NA_INTEGRITY, "cost": NA_COST, "constraints": NA_CONSTRAINTS}
_COLUMNS = (("setting", "flags", "kind", "g", "unseen", "na"), ("verdict", "wall", "tokens", *_RAW))
_Row = tuple[Any, ...]
_NOTHING: _Row = (None,) * len(_COLUMNS[1])
_Name = TypeVar("_Name", bound=Hashable)


def attempts_of(connection: sqlite3.Connection, selection: Selection) -> int:
    """Return how many attempts of a selection there are, those that do not count included."""
    chosen, values = selection_sql(selection)
    query = f"SELECT count(*) FROM scores WHERE setting IN (SELECT id FROM settings WHERE 1{chosen})"
    return int(connection.execute(query, values).fetchone()[0])


def reweigh_data(
    connection: sqlite3.Connection, policy: Policy, selection: Selection, *, verified: int = -1
) -> dict[str, Any]:
    """Return the attempts of a selection for re-weighing under the formula of `policy`.

    Columns are lists with one value an attempt, or that value itself where it is the same in all;
    null is not recorded. `settings` hold indices into `rows`, `tasks`, `sweeps`, `conditions`.
    Look at `attempts_of` first: memory and page grow with the attempts. `verified` is as for
    `leaderboard`.
    """
    terms, shared = FORMULA_TERMS[policy.formula], _Shared()
    found: list[_Row] = []
    for setting, (counted, rulings, *inputs) in in_columns(
        connection, f"counted, adjudicated, {INPUTS}", selection, where="1"
    ):
        place = shared.place(setting)
        for counts, ruling, *fields in zip(counted, rulings, *inputs, strict=True):
            attempt = _attempt(policy, terms, ruling, Inputs._make(fields), counted=bool(counts))
            found.append((place, *attempt))
    citable = citable_settings(connection, verified, *selection_sql(selection))
    return {
        "policy": policy.name,
        "formula": policy.formula,
        "weights": {term: policy.weight(term) for term in terms},
        "terms": list(terms),
        "na_bits": [_NA.get(term, 0) for term in terms],
        "attempts": len(found),
        "columns": _columns(_COLUMNS[0] + terms + _COLUMNS[1], found),
        **shared.to_json(),
        "languages": _languages(connection, shared.tasks),
        "citable": shared.placed(citable.items()),
        "costs": shared.placed((number, *cost) for number, _, cost in setting_costs(connection, selection)),
        "plans": _plans(connection),
    }


class _Names(dict[_Name, int]):
    """Names with their places, in the order of their first use."""

    def place(self, name: _Name) -> int:
        return self.setdefault(name, len(self))


class _Shared:
    """What many attempts share: settings, and the names in them."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._settings: list[_Row] = []
        self.rows: _Names[RowKey] = _Names()
        self.tasks: _Names[str] = _Names()
        self._sweeps: _Names[str] = _Names()
        self._conditions: _Names[str] = _Names()
        self._digests: _Names[str] = _Names()

    def place(self, setting: Setting) -> int:
        """Return the place of a setting, which is taken the first time that it is asked for."""
        found = self._places.get(setting.number)
        if found is None:
            found = self._places[setting.number] = len(self._settings)
            self._settings.append(
                (
                    self.rows.place(setting.key),
                    self.tasks.place(setting.task),
                    self._sweeps.place(setting.sweep),
                    self._conditions.place(setting.condition),
                    self._digests.place(setting.task_digest),
                )
            )
        return found

    def placed(self, items: Iterable[_Row]) -> list[list[Any]]:
        """Return (setting, …) by the places of those settings that an attempt has."""
        return [[self._places[number], *rest] for number, *rest in items if number in self._places]

    def to_json(self) -> dict[str, Any]:
        return {
            "setting_count": len(self._settings),
            "settings": _columns(("row", "task", "sweep", "condition", "digest"), self._settings),
            "rows": [list(key) for key in self.rows],
            # scripts order text by other rules
            "order": [sorted(self.rows).index(key) for key in self.rows],
            "tasks": list(self.tasks),
            "sweeps": list(self._sweeps),
            "conditions": [_condition(text) for text in self._conditions],
        }


def _attempt(
    policy: Policy,
    terms: Sequence[str],
    ruling: str | None,
    inputs: Inputs,
    *,
    counted: bool,
) -> _Row:
    """Return flags, kind, g, unseen, na, v of each term, then what stands beside, as recorded."""
    flags = COUNTED * counted | LOST * (inputs.outcome == "infra_error")
    blank = (None,) * len(terms)
    if not counted:
        return (flags, UNSCORED, None, None, 0, *blank, *_NOTHING)
    withdrawn = ruling in ("withdraw", "invalidate")
    summed = not withdrawn and inputs.outcome in _GRADED
    flags |= WITHDRAWN * withdrawn | SUMMED * summed
    beside = _beside(ruling, inputs) if summed else _NOTHING
    composite = judged(policy, ruling, inputs)
    kind = _kind(ruling, composite)
    if kind != WEIGHED:
        return (flags, kind, None, None, 0, *blank, *beside)
    v = [composite.components.get(term) for term in terms]
    return (flags, kind, composite.g, unseen(policy, inputs), inputs.not_applicable, *v, *beside)


def _beside(ruling: str | None, inputs: Inputs) -> _Row:
    verdict = 0.0 if ruling == "zero" and inputs.pass_rate is not None else inputs.pass_rate
    prompt, completion = inputs.prompt_tokens, inputs.completion_tokens
    tokens = None if prompt is None or completion is None else prompt + completion
    raw = [None if inputs.not_applicable & _NA.get(axis, 0) else getattr(inputs, axis) for axis in AXES]
    return (verdict, inputs.wall_ms, tokens, *raw)


def _kind(ruling: str | None, composite: Composite) -> int:
    if ruling == "zero":
        return ZEROED
    if composite.g is not None:
        return WEIGHED
    return UNSCORED if composite.floor is None else UNVALUED


def axis_means(data: Mapping[str, Any]) -> dict[RowKey, dict[str, float | None]]:
    """Return row -> axis -> its mean over counted, graded attempts that recorded it, from `reweigh_data`."""
    rows, places = [tuple(key) for key in data["rows"]], data["settings"]["row"]
    found: dict[RowKey, dict[str, float | None]] = {key: {} for key in rows}
    settings = _filled(data["columns"]["setting"], data["attempts"])
    for axis, name in zip(AXES, _RAW, strict=True):
        values: defaultdict[RowKey, list[float]] = defaultdict(list)
        for setting, value in zip(settings, _filled(data["columns"][name], data["attempts"]), strict=True):
            if value is not None:
                values[rows[places[setting] if isinstance(places, list) else places]].append(value)
        for key in rows:
            found[key][axis] = mean(values[key]) if values[key] else None
    return found


def _filled(column: Any, count: int) -> list[Any]:
    return column if isinstance(column, list) else [column] * count


def _columns(names: Iterable[str], rows: Sequence[_Row]) -> dict[str, Any]:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
    return {
        name: column[0] if column and all(value == column[0] for value in column) else column
        for name, column in zip(names, columns, strict=True)
    }


def _languages(connection: sqlite3.Connection, tasks: Iterable[str]) -> list[list[str]]:
    query = (
        "SELECT DISTINCT c.task, a.language FROM attempts a JOIN cells c ON c.cell = a.cell"
        " WHERE a.language IS NOT NULL ORDER BY 1, 2"
    )
    found: dict[str, list[str]] = {}
    for task, language in connection.execute(query):
        found.setdefault(task, []).append(language)
    return [found.get(task, []) for task in tasks]


def _condition(text: str) -> dict[str, str] | None:
    """Return each part of a condition as canonical text, to be compared and shown."""
    parts = json.loads(text) if text else None
    return parts and {name: json.dumps(part, sort_keys=True) for name, part in sorted(parts.items())}


def _plans(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    query = "SELECT sweep, agents, models, tasks FROM sweeps ORDER BY seq"
    return [
        {
            "sweep": sweep,
            "agents": json.loads(agents),
            "models": json.loads(models),
            "tasks": json.loads(tasks),
        }
        for sweep, agents, models, tasks in connection.execute(query)
    ]
