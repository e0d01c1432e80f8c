"""Reading: counted attempts with their composites under any policy, at the head or at an earlier one.

Every query runs on a connection whose unqualified tables are the projections: the ledger's
own, or those that `as_of` folds up to an earlier head into a temporary file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

from benchledger.ledger.store import Ledger
from benchledger.ledger.verify_projections import refolded
from benchledger.schema.errors import BadInput, UnknownName
from benchledger.schema.history import Selection
from benchledger.schema.policy import Policy
from benchledger.scorers.composite import SHIPPED_POLICIES, Composite, Inputs, evaluate
from benchledger.scorers.leaderboard import RowKey

__all__ = [
    "COUNTED",
    "DEFAULT_MODES",
    "INPUTS",
    "Columns",
    "Scored",
    "Setting",
    "as_of",
    "in_columns",
    "judged",
    "one_scored",
    "policies",
    "policy_by_id",
    "policy_named",
    "rows_as_dicts",
    "scored",
    "selection_sql",
]

# Replayed and scripted runs never met a model, so they count only where they are asked for.
DEFAULT_MODES = ("live", "published")
COUNTED = "counted = 1"
INPUTS = ", ".join(Inputs._fields)
_BLOCK = 4_096

Columns = list[tuple[Any, ...]]


class Setting(NamedTuple):
    """What many attempts share; `key` is (agent, version, model, mode, behavior)."""

    key: RowKey
    task: str
    sweep: str
    task_digest: str
    condition: str
    number: int


class Scored(NamedTuple):
    """One attempt with its composite; `key` is (agent, version, model, mode, behavior)."""

    ref: str
    counted: int
    key: RowKey
    condition: str
    task: str
    task_digest: str
    sweep: str
    adjudicated: str | None
    inputs: Inputs
    composite: Composite


def judged(policy: Policy, adjudicated: str | None, inputs: Inputs) -> Composite:
    """Return the composite under a policy after what was adjudicated: zero, invalidate, withdraw."""
    if adjudicated is None:
        return evaluate(policy, inputs)
    reason = f"adjudicated:{adjudicated}"
    if adjudicated == "zero":
        return Composite(0.0, reason, 0.0, {}, 0.0, 0.0, None)
    return Composite(None, reason, None, {}, None, None, None)


def selection_sql(selection: Selection) -> tuple[str, list[str]]:
    """Return (SQL conditions that begin with AND, values) for a selection, on the columns of that name."""
    where, values = "", []
    for name in ("sweep", "agent", "model", "task", "mode"):
        wanted = getattr(selection, name)
        if wanted:
            where += f" AND {name} IN ({','.join('?' * len(wanted))})"
            values += wanted
    return where, values


def _settings(connection: sqlite3.Connection) -> dict[int, Setting]:
    query = (
        "SELECT id, agent, version, model, mode, behavior, task, sweep, task_digest, condition FROM settings"
    )
    return {
        number: Setting(tuple(key), task, sweep, digest, condition, number)
        for number, *key, task, sweep, digest, condition in connection.execute(query)
    }


def _rows(connection: sqlite3.Connection, columns: str, where: str, selection: Selection) -> sqlite3.Cursor:
    """Select from `scores` in bytewise order of ref."""
    chosen, values = selection_sql(selection)
    within = f" AND setting IN (SELECT id FROM settings WHERE 1{chosen})" if chosen else ""
    return connection.execute(f"SELECT {columns} FROM scores WHERE {where}{within} ORDER BY ref", values)


def scored(
    connection: sqlite3.Connection, policy: Policy, selection: Selection, *, where: str = COUNTED
) -> Iterator[Scored]:
    """Yield attempts of a selection in bytewise order of their refs; only those that count, by default."""
    settings = _settings(connection)
    columns = f"ref, counted, setting, adjudicated, {INPUTS}"
    for ref, counted, setting, ruling, *fields in _rows(connection, columns, where, selection):
        key, task, sweep, digest, condition, _ = settings[setting]
        inputs = Inputs._make(fields)
        composite = judged(policy, ruling, inputs)
        yield Scored(ref, counted, key, condition, task, digest, sweep, ruling, inputs, composite)


def one_scored(connection: sqlite3.Connection, policy: Policy, ref: str) -> Scored | None:
    """Return one attempt with its composite, None where it was not set up; reads no other attempt."""
    query = (
        f"SELECT t.agent, t.version, t.model, t.mode, t.behavior, t.task, t.sweep, t.task_digest, t.condition,"
        f" s.counted, s.adjudicated, {INPUTS} FROM scores s JOIN settings t ON t.id = s.setting WHERE ref = ?"
    )
    row = connection.execute(query, (ref,)).fetchone()
    if row is None:
        return None
    task, sweep, digest, condition, counted, ruling, *fields = row[5:]
    inputs = Inputs._make(fields)
    composite = judged(policy, ruling, inputs)
    return Scored(ref, counted, row[:5], condition, task, digest, sweep, ruling, inputs, composite)


def in_columns(
    connection: sqlite3.Connection,
    columns: str,
    selection: Selection,
    *,
    where: str = COUNTED,
) -> Iterator[tuple[Setting, Columns]]:
    """Yield (setting, columns) of attempts in bytewise order of their refs: neighbours of one setting together.

    At most 4,096 attempts are in memory, however many there are. `columns` and `where` are of
    the table `scores`.
    """
    settings = _settings(connection)
    cursor = _rows(connection, f"setting, {columns}", where, selection)
    while rows := cursor.fetchmany(_BLOCK):
        ids, *block = zip(*rows, strict=True)
        start = 0
        for setting, group in groupby(ids):
            stop = start + len(list(group))
            yield settings[setting], [column[start:stop] for column in block]
            start = stop


def policies(connection: sqlite3.Connection) -> dict[str, Policy]:
    """Return every policy by name: those that ship, and those that the ledger declares (the last of a name)."""
    known = dict(SHIPPED_POLICIES)
    for name, text in connection.execute("SELECT name, policy FROM policies ORDER BY seq"):
        if name not in SHIPPED_POLICIES:
            known[name] = Policy.model_validate_json(text)
    return known


def policy_named(connection: sqlite3.Connection, name: str) -> Policy:
    """Return a policy by name or by (a prefix of at least 8 digits of) its id; raises UnknownName."""
    known = policies(connection)
    if name in known:
        return known[name]
    for policy in known.values():
        if len(name) >= 8 and policy.policy_id.startswith(name):
            return policy
    raise UnknownName("policy", name, known)


def policy_by_id(connection: sqlite3.Connection, policy_id: str) -> Policy | None:
    """Return the policy that was declared under that id, None where none was."""
    row = connection.execute("SELECT policy FROM policies WHERE policy_id = ?", (policy_id,)).fetchone()
    return None if row is None else Policy.model_validate_json(row[0])


@contextmanager
def as_of(ledger: Ledger, seq: int | None) -> Iterator[sqlite3.Connection]:
    """Yield a connection whose projections are those at seq `seq` (None: the head)."""
    head = ledger.head()
    if seq is None or (head is not None and seq == head.seq):
        yield ledger.connection
        return
    if head is None or not 0 <= seq <= head.seq:
        last = "empty" if head is None else f"at seq {head.seq}"
        raise BadInput(f"there is no event {seq}: the ledger is {last}", "name an earlier seq with --as-of")
    with refolded(ledger.path, seq) as connection:
        yield connection


def rows_as_dicts(connection: sqlite3.Connection, query: str, values: Any = None) -> list[dict[str, Any]]:
    """Run a query through sqlite-utils and return its rows as dicts."""
    from sqlite_utils import Database  # noqa: PLC0415 - 140 ms that most commands do without

    return list(Database(connection, recursive_triggers=False).query(query, values))
