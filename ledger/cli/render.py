"""Tables and progress on a terminal, plain aligned text and nothing in a pipe, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

__all__ = [
    "NONE",
    "clean",
    "count",
    "echo_json",
    "echo_json_list",
    "interval",
    "money",
    "number",
    "progress",
    "progress_lines",
    "table",
]

NONE = "-"
Advance = Callable[..., None]
_REFRESH_S = 0.1


def clean(text: object) -> str:
    """Return foreign text on one line, without what would steer a terminal."""
    from benchledger.ledger.importers.plain import printable

    return printable(str(text))


def number(value: float | None, digits: int = 3) -> str:
    """Return a score as text, `-` where there is none."""
    return NONE if value is None else f"{value:.{digits}f}"


def money(value: float | None, currency: str | None) -> str:
    """Return `0.0123 USD`, with more digits where it is less than a cent; `-` where it is not known."""
    if value is None:
        return NONE
    return f"{value:,.{4 if value >= 0.01 or value == 0 else 6}f} {currency or ''}".rstrip()


def interval(low: float | None, high: float | None) -> str:
    """Return `low..high`, `-` where there is no interval."""
    return NONE if low is None or high is None else f"{low:.3f}..{high:.3f}"


def count(amount: int, word: str, plural: str | None = None) -> str:
    """Return `1 cell`, `2 cells`, `1,000 cells`."""
    return f"{amount:,} {word if amount == 1 else plural or word + 's'}"


def echo_json(value: Any) -> None:
    """Print one JSON document; ASCII only, so no encoding and no terminal can be upset by it."""
    click.echo(json.dumps(value, indent=2))


def echo_json_list(values: Iterable[Any]) -> None:
    """Print a JSON array one element a line, without holding it in memory."""
    out = sys.stdout
    mark = "[\n"
    for value in values:
        out.write(mark + json.dumps(value))
        mark = ",\n"
    click.echo("[]" if mark == "[\n" else "\n]")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], fold: Sequence[str] = ()) -> None:
    """Print rows under columns; a column named `>name` is aligned to the right.

    Of the columns named in `fold`, those with one value in all of several rows are left out
    and named once below.
    """
    titles = [column.removeprefix(">") for column in columns]
    body = [[clean(value) for value in row] for row in rows]
    same = [
        index
        for index, title in enumerate(titles)
        if title in fold and len(body) > 1 and len({row[index] for row in body}) == 1
    ]
    kept = [index for index in range(len(titles)) if index not in same]
    shown = [[row[index] for index in kept] for row in body]
    right = [columns[index].startswith(">") for index in kept]
    (_rich if sys.stdout.isatty() else _plain)([titles[index] for index in kept], shown, right)
    if same:
        click.echo("in every row: " + "; ".join(f"{titles[index]} {body[0][index]}" for index in same))


def _plain(titles: list[str], rows: list[list[str]], right: list[bool]) -> None:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    lines = []
    for row in (titles, *rows):
        cells = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    click.echo("\n".join(lines))


def _rich(titles: list[str], rows: list[list[str]], right: list[bool]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title, to_right in zip(titles, right, strict=True):
        # Text, not str: foreign names must not be read as markup.
        drawn.add_column(Text(title), justify="right" if to_right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    Console(highlight=False).print(drawn)


@contextmanager
def progress(label: str) -> Iterator[Advance | None]:
    """Show progress on a terminal; yields `advance(done, total=None)`, None where there is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    # Without its own thread: verify forks, and a fork would inherit that thread's locks.
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    with bar:
        task = bar.add_task(label, total=None)
        shown = 0.0

        def advance(done: int, total: int | None = None) -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown >= _REFRESH_S:
                shown = now
                bar.update(task, completed=done, total=total, refresh=True)

        yield advance


@contextmanager
def progress_lines() -> Iterator[Callable[[str], None]]:
    """Yield what tells one step of long work: a line on a terminal, nothing in a pipe."""
    seen = sys.stderr.isatty()

    def tell(line: str) -> None:
        if seen:
            click.echo(f"  {clean(line)}", err=True)

    yield tell
