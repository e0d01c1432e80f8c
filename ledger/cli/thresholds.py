"""--fail-under AXIS=X: a command leaves with 1 where a value is below X, or where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from benchledger.ledger.cli.render import clean

__all__ = ["Threshold", "cell_values", "fail_under_cells", "fail_under_rows", "row_values", "say_shortfalls"]

F = TypeVar("F", bound=Callable[..., Any])
# Of a row: what `leaderboard --json` calls them, more being better.
_OF_ROWS = ("composite", "floor", "low", "pass_rate", "coverage")
_LESS_IS_BETTER = frozenset({"tokens", "latency", "blast_radius"})

# What a cell or row has: by name its value, and in words why it has none.
Values = Mapping[str, tuple[float | None, str | None]]


class Threshold(NamedTuple):
    """One --fail-under: the name of a value, and the least that it may be."""

    name: str
    least: float

    def shortfall(self, label: str, values: Values) -> str | None:
        """Return in words how `label` fell short, None where it did not."""
        value, reason = values.get(self.name, (None, None))
        if value is None:
            why = f" ({reason})" if reason else ""
            return f"{label} has no {self.name}{why}, and no value is no pass (--fail-under {self})"
        if value < self.least:
            return f"{label}: {self.name} {value:.6g} is below {self.least:.6g}"
        return None

    def __str__(self) -> str:
        """Return it as it was given, its number in short."""
        return f"{self.name}={self.least:g}"


def fail_under_cells(function: F) -> F:
    """Add --fail-under over the axes of a cell; the command gets `fail_under`, a tuple of Threshold."""

    def names() -> tuple[str, ...]:
        from benchledger.scorers.registry import AXES  # late: a decorator runs when help is asked for

        return ("composite", "floor", "coverage", *AXES)

    said = "Leave with 1 where an axis, or the composite, of a cell is below X or has no value; repeatable."
    return _option(names, said)(function)


def fail_under_rows(function: F) -> F:
    """Add --fail-under over what a row of the leaderboard has; see `fail_under_cells`."""
    said = (
        "Leave with 1 where a row that is shown is below X, or has no value; repeatable. composite is the "
        "composite itself: ranks go by floor."
    )
    return _option(lambda: _OF_ROWS, said)(function)


def _option(names: Callable[[], tuple[str, ...]], said: str) -> Callable[[F], F]:
    def parsed(
        _ctx: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
    ) -> tuple[Threshold, ...]:
        return tuple(_threshold(text, names()) for text in texts)

    return click.option("--fail-under", metavar="AXIS=X", multiple=True, callback=parsed, help=said)


def _threshold(text: str, names: tuple[str, ...]) -> Threshold:
    from benchledger.schema.errors import UnknownName, UsageError

    name, mark, number = text.partition("=")
    if not mark:
        raise UsageError(f"--fail-under {text!r} names no number", "write AXIS=X, such as composite=0.5")
    if name not in names:
        raise UnknownName("axis of --fail-under", name, names)
    try:
        least = float(number)
    except ValueError:
        least = math.nan
    if not math.isfinite(least):
        raise UsageError(
            f"--fail-under {name}: {number!r} is no number", f"write {name}=X, such as {name}=0.5"
        )
    if name in _LESS_IS_BETTER:
        click.echo(f"note: of {name} less is better; --fail-under {text} fails what is less", err=True)
    return Threshold(name, least)


def cell_values(told: Mapping[str, Any]) -> Values:
    """Return the values of a cell in the shape of `run --json`."""
    values = {name: (told[name], told["reason"]) for name in ("composite", "floor", "coverage")}
    for name, axis in told["axes"].items():
        state = None if axis["state"] == "recorded" else axis["state"].replace("_", " ")
        values[name] = axis["value"], ": ".join(filter(None, (state, axis["reason"]))) or None
    return values


def row_values(row: Mapping[str, Any]) -> Values:
    """Return the values of a row in the shape of `leaderboard --json`."""
    few = f"over {row['tasks']} of {row['planned']} tasks"
    return {name: (row[name], few) for name in _OF_ROWS}


def say_shortfalls(thresholds: tuple[Threshold, ...], found: Iterable[tuple[str, Values]]) -> bool:
    """Say on standard error what fell short, and return whether anything did; to judge nothing is no pass."""
    if not thresholds:
        return False
    judged = list(found)
    said = [
        text for label, values in judged for each in thresholds if (text := each.shortfall(label, values))
    ]
    if not judged:
        said = [f"there is nothing to judge, and that is no pass (--fail-under {thresholds[0]})"]
    for text in said:
        click.echo(f"fell short: {clean(text)}", err=True)
    return bool(said)
