"""What runs cost: tokens by kind times the price that was declared for their sweep and model.

A price holds for the attempts of its sweep and model that begin after it was declared, until the
next one does. Cached tokens cost as other prompt tokens do where the price names none for them.
A cost is None without a price, without usage, and for an agent that uses no model.

Three sums answer three questions. An **attempt** costs what its tokens cost. A **row**, per solved
task, is charged what its counted, graded attempts cost, solved or not, over how many of them were
solved: the same attempts as `tokens_per_solved` beside it, for an agent must not pay for what the
infrastructure lost. A **sweep** costs what was spent on it: all attempts, lost ones too.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import NamedTuple

from benchledger.ledger.queries import COUNTED, selection_sql
from benchledger.schema.history import Selection
from benchledger.scorers.leaderboard import RowKey

__all__ = ["UNKNOWN", "Cost", "Price", "Prices", "SweepCost", "cost_of_sweep", "row_costs", "setting_costs"]

_MILLION = 1_000_000
# Fresh and cached prompt tokens and completion tokens; cached ones are never more than those of the prompt.
_HIT = "min(coalesce({0}cached_tokens, 0), {0}prompt_tokens)"
_USED = f"{{0}}prompt_tokens - {_HIT}, {_HIT}, {{0}}completion_tokens"
_SUMS = f"sum({{0}}prompt_tokens - {_HIT}), sum({_HIT}), sum({{0}}completion_tokens)"
_METERED = "(m.prompt_tokens IS NOT NULL AND m.completion_tokens IS NOT NULL)"
# The rule of scorers.reading.went_unanswered: such a call used nothing.
_BLIND = (
    f"(m.number IS NOT NULL AND NOT {_METERED}"
    " AND CASE WHEN m.status IS NULL THEN m.error IS NULL ELSE m.status BETWEEN 200 AND 299 END)"
)
_SPENT = (
    f"SELECT c.model, a.first_seq, count(m.number), sum({_BLIND}), sum({_METERED}),"
    f" sum({_METERED} * (m.prompt_tokens - {_HIT.format('m.')})), sum({_METERED} * {_HIT.format('m.')}),"
    f" sum({_METERED} * m.completion_tokens)"
    " FROM attempts a JOIN cells c ON c.cell = a.cell LEFT JOIN model_calls m ON m.first_seq = a.first_seq"
    " WHERE a.ref >= ? AND a.ref < ? GROUP BY a.ref"
)
# What `tokens_per_solved` sums up: graded, counted, and neither withdrawn nor declared invalid.
_CHARGED = (
    f"{COUNTED} AND outcome IN ('finished', 'agent_error', 'timeout', 'budget')"
    " AND (adjudicated IS NULL OR adjudicated = 'zero')"
)


class Cost(NamedTuple):
    """An amount in a currency; None, None where it is not known."""

    value: float | None = None
    currency: str | None = None


UNKNOWN = Cost()


class Price(NamedTuple):
    """What a million tokens cost from the event `seq` on."""

    seq: int
    currency: str
    prompt: float
    completion: float
    cached: float | None

    def of(self, fresh: float, hit: float, completion: float) -> float:
        """Return what tokens cost: prompt tokens that were not cached, cached ones, completion tokens."""
        at = self.prompt if self.cached is None else self.cached
        return fsum((fresh * self.prompt, hit * at, completion * self.completion)) / _MILLION


class Prices:
    """Every declared price, by (origin, sweep, model)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read them all: there are few."""
        self._known: defaultdict[tuple[str, str, str], list[Price]] = defaultdict(list)
        query = (
            "SELECT origin, sweep, model, seq, currency, prompt, completion, cached FROM prices ORDER BY seq"
        )
        for origin, sweep, model, *price in connection.execute(query):
            self._known[origin, sweep, model].append(Price(*price))

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._known)

    def at(self, origin: str, sweep: str, model: str, seq: int) -> Price | None:
        """Return the price of an attempt that began at `seq`."""
        before = [price for price in self._known.get((origin, sweep, model), ()) if price.seq < seq]
        return before[-1] if before else None

    def changed(self, origin: str, sweep: str, model: str, seq: int) -> bool:
        """Return whether another price was declared after `seq`."""
        return any(price.seq > seq for price in self._known.get((origin, sweep, model), ()))

    def cost(self, place: tuple[str, str, str, int], tokens: Sequence[float | None]) -> Cost:
        """Return what an attempt cost: (origin, sweep, model, first seq) and prompt, cached, completion tokens."""
        prompt, cached, completion = tokens
        price = self.at(*place)
        if price is None or prompt is None or completion is None:
            return UNKNOWN
        hit = min(cached or 0.0, prompt)
        return Cost(price.of(prompt - hit, hit, completion), price.currency)


def row_costs(connection: sqlite3.Connection, selection: Selection) -> dict[RowKey, Cost]:
    """Return what the counted, graded attempts of each row cost together.

    A row is unknown where one of them has no cost, or where they are in several currencies.
    Summed up in SQL by setting, for there may be a million attempts.
    """
    amounts: defaultdict[RowKey, list[Cost]] = defaultdict(list)
    for _, key, amount in setting_costs(connection, selection):
        amounts[key].append(amount)
    return {key: _total(costs) for key, costs in amounts.items()}


def setting_costs(connection: sqlite3.Connection, selection: Selection) -> Iterator[tuple[int, RowKey, Cost]]:
    """Yield (setting, row, what its counted, graded attempts cost); several where the price changed meanwhile."""
    prices = Prices(connection)
    if not prices:
        return
    chosen, values = selection_sql(selection)
    query = f"SELECT id, agent, version, model, mode, behavior, origin, sweep FROM settings WHERE 1{chosen}"
    settings = {row[0]: row[1:] for row in connection.execute(query, values).fetchall()}
    within = f" AND setting IN (SELECT id FROM settings WHERE 1{chosen})" if chosen else ""
    sums = (
        f"SELECT setting, count(*), count(prompt_tokens + completion_tokens), {_SUMS.format('')}"
        f" FROM scores WHERE {_CHARGED}{within} GROUP BY setting"
    )
    for number, attempts, known, *used in connection.execute(sums, values).fetchall():
        *key, origin, sweep = settings[number]
        place = (
            origin,
            sweep,
            key[2],
            number,
        )  # a setting's number is the seq at which its first attempt began
        if known < attempts:
            yield number, tuple(key), UNKNOWN
        elif prices.changed(*place):
            for amount in _one_by_one(connection, prices, place):
                yield number, tuple(key), amount
        else:
            price = prices.at(*place)
            amount = UNKNOWN if price is None else Cost(price.of(*used), price.currency)
            yield number, tuple(key), amount


def _one_by_one(
    connection: sqlite3.Connection, prices: Prices, place: tuple[str, str, str, int]
) -> Iterator[Cost]:
    """Yield what the attempts of a setting cost in whose time the price changed."""
    origin, sweep, model, setting = place
    query = (
        f"SELECT a.first_seq, {_USED.format('s.')} FROM scores s JOIN attempts a ON a.ref = s.ref"
        f" WHERE s.setting = ? AND {_CHARGED.replace('outcome', 's.outcome')}"
    )
    for seq, *used in connection.execute(query, (setting,)):
        price = prices.at(origin, sweep, model, seq)
        yield UNKNOWN if price is None else Cost(price.of(*used), price.currency)


def _total(costs: Sequence[Cost]) -> Cost:
    currencies = {cost.currency for cost in costs}
    if None in currencies or len(currencies) != 1:
        return UNKNOWN
    return Cost(fsum(cost.value or 0.0 for cost in costs), currencies.pop())


@dataclass(frozen=True, slots=True)
class SweepCost:
    """What was spent on a sweep: every attempt, lost, withdrawn and unfinished ones too.

    `spent`: by currency, over the calls that have usage and a price; so it is the least that was
    spent. `without_usage`: calls that were answered and did not say how many tokens they took.
    `without_price`: calls that have usage, and no price. Calls that went unanswered cost nothing.
    """

    attempts: int = 0
    calls: int = 0
    without_usage: int = 0
    without_price: int = 0
    spent: Mapping[str, float] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Return whether `spent` is all of it."""
        return not self.without_usage and not self.without_price

    @property
    def cost(self) -> Cost:
        """Return what was spent, at least; unknown where nothing has a price, or there are several currencies."""
        if len(self.spent) != 1:
            return UNKNOWN
        ((currency, value),) = self.spent.items()
        return Cost(value, currency)


def cost_of_sweep(connection: sqlite3.Connection, sweep: str, origin: str = "") -> SweepCost:
    """Return what all attempts of a sweep cost, call by call as recorded; `origin` where it was taken over."""
    prices = Prices(connection)
    start = f"{origin}:{sweep}/" if origin else f"{sweep}/"
    spent: defaultdict[str, list[float]] = defaultdict(list)
    attempts = calls = blind = unpriced = 0
    # "0" follows "/": the attempts of a sweep lie together
    for model, seq, made, without, metered, *used in connection.execute(_SPENT, (start, f"{start[:-1]}0")):
        attempts, calls, blind = attempts + 1, calls + made, blind + without
        price = prices.at(origin, sweep, model, seq)
        if price is None:
            unpriced += metered
        elif metered:
            spent[price.currency].append(price.of(*used))
    return SweepCost(
        attempts, calls, blind, unpriced, {name: fsum(each) for name, each in sorted(spent.items())}
    )
