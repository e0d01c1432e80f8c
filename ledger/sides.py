"""What `compare` takes as a side: terms joined by commas, each of which narrows the cells further.

    aider                     agent:NAME       an agent
    aider@0.86.2              version:…        a version, of one agent or (version:0.86.2) of any
    aider/openai/gpt-5        agent:…,model:…  an agent with a model, also aider@0.86.2/openai/gpt-5
    openai/gpt-5              model:ID         a model
    nightly-3                 sweep:NAME       a sweep; several sweeps are taken together
    2026-11-01..2026-11-15    date:…           attempts that started on these days (UTC), either end may be open
    @641 or 641:HASH          head:…           the ledger as it was after that event

A name of several kinds is refused, not guessed: the form with a prefix always works. A comma parts
terms; so a model id that holds one can only stand alone.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchledger.schema.errors import BadInput, UnknownName, UsageError

__all__ = ["KINDS", "Side", "later_sweep", "side_of"]

KINDS = ("agent", "version", "model", "sweep", "date", "head")
_FORMS = "agent, agent/model, agent@version, model, sweep, date range or head"
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)?(\.\.)?(\d{4}-\d\d-\d\d)?")
_HEAD = re.compile(r"@?([0-9]{1,15})(?::([0-9a-fA-F]{8,64}))?")


@dataclass(frozen=True, slots=True)
class Side:
    """One side: as it was named, and what that fixes; None, or no sweep, is anything.

    since, until: µs since 1970, `until` not included. seq: the event after which the ledger is read.
    """

    name: str
    agent: str | None = None
    version: str | None = None
    model: str | None = None
    sweeps: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    seq: int | None = None

    @property
    def dated(self) -> bool:
        """Return whether only attempts of some days are meant."""
        return self.since is not None or self.until is not None


_Fields = dict[str, Any]


class _Names:
    """The names that cells of a ledger have."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        rows = connection.execute("SELECT DISTINCT agent, version, model, sweep FROM settings").fetchall()
        self.agents, _, self.models, self.sweeps = ({row[at] for row in rows} for at in range(4))
        self.versions = {(agent, version) for agent, version, _, _ in rows if version}
        self.pairs = {(agent, model) for agent, _, model, _ in rows}
        self.sweeps |= {row[0] for row in connection.execute("SELECT sweep FROM sweeps")}

    def choices(self, kind: str = "") -> list[str]:
        """Return the names of one kind, or of every kind."""
        of = {
            "agent": self.agents,
            "version": {f"{agent}@{version}" for agent, version in self.versions},
            "model": self.models,
            "sweep": self.sweeps,
            "pair": {f"{agent}/{model}" for agent, model in self.pairs},
        }
        return sorted(of[kind] if kind else set().union(*of.values()))

    def have(self, text: str) -> bool:
        """Return whether all of `text` is a model or agent/model: then no comma in it parts terms."""
        agent, _, model = text.partition("/")
        return text.removeprefix("model:") in self.models or (agent, model) in self.pairs


def side_of(connection: sqlite3.Connection, text: str) -> Side:
    """Return what `text` means; raises UsageError for what is unknown, ambiguous or said twice."""
    names = _Names(connection)
    side = Side(text)
    for term in [text] if names.have(text) else text.split(","):
        for name, value in _fixed(names, term.strip()).items():
            before = getattr(side, name)
            if name == "sweeps":
                side = replace(side, sweeps=tuple(sorted({*before, *value})))
            elif before is None or before == value:
                side = replace(side, **{name: value})
            else:
                raise UsageError(
                    f"{text!r} names two of a kind, {before} and {value}", "compare one with the other"
                )
    return side


def _fixed(names: _Names, text: str) -> _Fields:
    """Return what one term fixes."""
    kind, mark, rest = text.partition(":")
    if mark and kind in KINDS:
        return _prefixed(names, kind, rest)
    found = list(_meanings(names, text))
    if len(found) > 1:
        what = " and ".join(meaning for meaning, _, _ in found)
        raise UsageError(f"{text!r} is {what}", f"write {' or '.join(spelled for _, spelled, _ in found)}")
    if not found:
        raise UnknownName(_FORMS, text, names.choices())
    return found[0][2]


def _meanings(names: _Names, text: str) -> Iterator[tuple[str, str, _Fields]]:
    """Yield what a term without a prefix may mean: in words, spelled so that it is not ambiguous, fixed."""
    agent, mark, version = text.partition("@")
    if text in names.agents:
        yield "an agent", f"agent:{text}", {"agent": text}
    if mark and (agent, version) in names.versions:
        yield "a version of an agent", f"version:{text}", {"agent": agent, "version": version}
    if text in names.models:
        yield "a model", f"model:{text}", {"model": text}
    if text in names.sweeps:
        yield "a sweep", f"sweep:{text}", {"sweeps": (text,)}
    named, mark, model = text.partition("/")
    agent, at, version = named.partition("@")
    if mark and (agent, model) in names.pairs and (not at or (agent, version) in names.versions):
        fixed = (
            {"agent": agent, "version": version, "model": model} if at else {"agent": agent, "model": model}
        )
        yield "an agent with a model", f"{'version' if at else 'agent'}:{named},model:{model}", fixed
    if _DATE.fullmatch(text) and text not in ("", ".."):
        yield "a range of days", f"date:{text}", _days(text)
    if (":" in text or text.startswith("@")) and _HEAD.fullmatch(text):
        yield "a head", f"head:{text}", _head(names.connection, text)


def _prefixed(names: _Names, kind: str, text: str) -> _Fields:
    if kind == "date":
        return _days(text)
    if kind == "head":
        return _head(names.connection, text)
    if kind == "version":
        agent, mark, version = text.partition("@")
        if mark and (agent, version) in names.versions:
            return {"agent": agent, "version": version}
        if text in {known for _, known in names.versions}:
            return {"version": text}
    elif text in names.choices(kind):
        return {"sweeps": (text,)} if kind == "sweep" else {kind: text}
    raise UnknownName(kind, text, names.choices(kind))


def _days(text: str) -> _Fields:
    found = _DATE.fullmatch(text)
    if found is None or text in ("", ".."):
        raise UsageError(
            f"{text!r} is no range of days",
            "write FROM..TO as 2026-11-01..2026-11-15; either may be left out",
        )
    first, several, last = found.groups()
    since = _midnight(first) if first else None
    until = _midnight(last or first, 1) if last or not several else None
    if since is not None and until is not None and since >= until:
        raise UsageError(f"{text!r} ends before it begins", "write the earlier day first")
    return {name: value for name, value in (("since", since), ("until", until)) if value is not None}


def _midnight(text: str, more: int = 0) -> int:
    """Return when a day begins, `more` days later, in µs since 1970."""
    try:
        day = date.fromisoformat(text)
        start = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=more)
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no day", "write YYYY-MM-DD, such as 2026-11-01") from None
    return int(start.timestamp()) * 1_000_000


def _head(connection: sqlite3.Connection, text: str) -> _Fields:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no head", "write @SEQ or SEQ:HASH, as `benchledger verify` prints it")
    seq, named = int(found[1]), (found[2] or "").lower()
    row = connection.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise BadInput(
            f"there is no event {seq}", "name an earlier one; `benchledger verify` prints the head"
        )
    if not row[0].hex().startswith(named):
        raise BadInput(
            f"event {seq} of this ledger is {row[0].hex()[:16]}, not {named[:16]}",
            "it is another ledger, or was changed: `benchledger verify --head SEQ:HASH`",
        )
    return {"seq": seq}


def later_sweep(connection: sqlite3.Connection, baseline: Side) -> str:
    """Return the sweep that began last, by its plan or its first attempt, after the one sweep of `baseline`."""
    if baseline != Side(baseline.name, sweeps=baseline.sweeps) or len(baseline.sweeps) != 1:
        raise UsageError(
            f"{baseline.name!r} is not one sweep", "name what is compared with it: --baseline A CURRENT"
        )
    begun = dict(connection.execute("SELECT sweep, min(id) FROM settings GROUP BY sweep"))
    for sweep, seq in connection.execute("SELECT sweep, min(seq) FROM sweeps GROUP BY sweep"):
        if sweep in begun:
            begun[sweep] = min(seq, begun[sweep])
    (before,) = baseline.sweeps
    start = begun.pop(before, -1)
    later = [(seq, sweep) for sweep, seq in begun.items() if seq > start]
    if not later:
        raise UsageError(
            f"no sweep with a cell began after {before}", f"name the other side: --baseline {before} CURRENT"
        )
    _, sweep = max(later)
    return str(sweep)
