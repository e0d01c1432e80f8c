"""Places of pages to look at, kind by kind, out of the one table: a kind that is added is tested with the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchledger.ledger.web import pages
from benchledger.ledger.web.view import Settings, View

__all__ = ["KINDS", "all_places", "some_pages", "some_places"]

KINDS = tuple(page.name for page in pages.PAGES if page.places)


def all_places(ledger: Path) -> list[str]:
    """Return the path of every page of a ledger's site."""
    with View(ledger, Settings()) as view:
        return [made.path for made in pages.places(view)]


def some_places(ledger: Path) -> dict[str, list[str]]:
    """Return kind -> the first and the last path of that kind."""
    found: dict[str, list[str]] = {}
    for path in all_places(ledger):
        matched = pages.match(path)
        assert matched is not None, path
        found.setdefault(matched[0].name, []).append(path)
    return {name: list(_ends(paths)) for name, paths in found.items()}


def some_pages(ledger: Path) -> list[str]:
    """Return the first and the last HTML page of every kind."""
    found = (place for places in some_places(ledger).values() for place in places)
    return [place for place in found if place.endswith(".html")]


def _ends(paths: list[str]) -> Iterator[str]:
    yield paths[0]
    if len(paths) > 1:
        yield paths[-1]
