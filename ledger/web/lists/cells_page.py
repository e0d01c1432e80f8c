"""All cells, 500 a page, each by the attempt that counts."""

from __future__ import annotations

from collections.abc import Iterator

from benchledger.ledger.web.lists.brief import EVERYTHING, briefs, known, limited
from benchledger.ledger.web.lists.part_keys import part_keys
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.shell import benchledger
from benchledger.ledger.web.view import NotFound, View

__all__ = ["cells_page", "cells_path", "cells_places"]

_CELLS = 500


def cells_path(number: int) -> str:
    """Return where the cells of one page, from 1, are listed."""
    return "cells.html" if number == 1 else f"cells-{number}.html"


def cells_page(view: View, arguments: Arguments) -> Context:
    """Return one page of cells, in order of their ids."""
    text = arguments.get("number", "1")
    number = int(text) if text.isdecimal() and len(text) < 10 and str(int(text)) == text else 0
    if not 1 <= number <= _pages(view) or ("number" in arguments and number == 1):
        raise NotFound(f"there is no page {text} of cells")
    return _page(view, number)


def cells_places(view: View) -> Iterator[Made]:
    """Yield every page of cells."""
    for number in range(1, _pages(view) + 1):
        first = (number - 1) * _CELLS
        listed = part_keys(view).cells[first : first + _CELLS + 1]  # one more: whether there is a next page
        yield Made(cells_path(number), key_of(part_keys(view).shared, listed, _index(view)))


def _total(view: View) -> int:
    return view.kept(
        "cell count", lambda: int(view.connection.execute("SELECT count(*) FROM cells").fetchone()[0])
    )


def _pages(view: View) -> int:
    return max(1, -(-_total(view) // _CELLS))


def _page(view: View, number: int) -> Context:
    first = (number - 1) * _CELLS
    cells, more = limited(briefs(view, EVERYTHING, offset=first), _CELLS)
    return {
        "title": "Cells" if number == 1 else f"Cells, page {number}",
        "number": number,
        "first": first + 1,
        "last": first + len(cells),
        "cells": cells,
        "previous": cells_path(number - 1) if number > 1 else None,
        "next": cells_path(number + 1) if more else None,
        "index": _index(view),
        "command": benchledger(view.settings.name, "cells"),
    }


def _index(view: View) -> dict[str, list[str]]:
    """Return the names of agents, models and categories, each of which has a page."""
    return {
        "agents": known(view, "agent"),
        "models": known(view, "model"),
        "categories": sorted({task.split("/")[0] for task in known(view, "task") if task.count("/") == 1}),
    }
