"""Badges as pages: an SVG file and its JSON of each cell, attempt, agent x model and sweep; and the page for a frame.

badges/cells/…/run1.svg is the cell's, of the attempt that counts now; …/run1/attempt-1.svg stays that attempt's
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchledger.ledger.web import paths
from benchledger.ledger.web.badge.badges import (
    agent_badge,
    agent_models,
    cell_badge,
    sweep_badge,
    sweep_names,
)
from benchledger.ledger.web.badge.svg import Badge, shields, svg
from benchledger.ledger.web.cell.keys import attempt_places, cell_places
from benchledger.ledger.web.cell.page import attempt_of, verdict_of
from benchledger.ledger.web.pages import Arguments, Context, Made, Raw, key_of
from benchledger.ledger.web.view import NotFound, View

__all__ = [
    "agent_badge_path",
    "agent_page",
    "agent_places",
    "badge_path",
    "cell_badge_page",
    "cell_badge_places",
    "embed_page",
    "embed_path",
    "embed_places",
    "sweep_badge_path",
    "sweep_page",
    "sweep_places",
]

_ENDINGS = ("svg", "json")


def badge_path(page: str, ending: str = "svg") -> str:
    """Return where the badge of the cell or attempt lies whose page is `page`."""
    return f"badges/{page.removesuffix('.html')}.{ending}"


def embed_path(page: str) -> str:
    """Return where the small page for a frame lies, of the cell or attempt whose page is `page`."""
    return f"embed/{page}"


def agent_badge_path(agent: str, model: str, ending: str = "svg") -> str:
    """Return where the badge of an agent with a model lies."""
    return f"badges/agents/{paths.segment(agent)}/{paths.named(model)}.{ending}"


def sweep_badge_path(sweep: str, ending: str = "svg") -> str:
    """Return where the badge of a sweep lies."""
    return f"badges/sweeps/{paths.segment(sweep)}.{ending}"


def _raw(badge: Badge, arguments: Arguments) -> Raw:
    if arguments["ending"] == "json":
        return Raw("application/json", [json.dumps(shields(badge), indent=1).encode() + b"\n"])
    if arguments["ending"] == "svg":
        return Raw("image/svg+xml", [svg(badge)])
    raise NotFound(f"there is no badge that ends in .{arguments['ending']}")


def cell_badge_page(view: View, arguments: Arguments) -> Raw:
    """Return the badge of a cell or of an attempt."""
    return _raw(cell_badge(view, attempt_of(view, arguments).ref), arguments)


def cell_badge_places(view: View) -> Iterator[Made]:
    """Yield the badges of every cell and attempt; they change with their pages."""
    for made in _cells_and_attempts(view):
        for ending in _ENDINGS:
            yield Made(badge_path(made.path, ending), made.key)


def _cells_and_attempts(view: View) -> Iterator[Made]:
    yield from cell_places(view)
    yield from attempt_places(view)


def _named(arguments: Arguments, name: str) -> str:
    texts = [paths.unsegment(part) for part in arguments[name].split("/")]
    if None in texts:
        raise NotFound(f"{arguments[name]} is no {name}")
    return "/".join(text for text in texts if text is not None)


def agent_page(view: View, arguments: Arguments) -> Raw:
    """Return the badge of an agent with a model."""
    known = {agent_badge_path(*pair, ending=arguments["ending"]): pair for pair in agent_models(view)}
    place = f"badges/agents/{arguments['agent']}/{arguments['model']}.{arguments['ending']}"
    if place not in known:
        raise NotFound(f"there is no cell of {arguments['agent']} with {arguments['model']}")
    return _raw(agent_badge(view, *known[place]), arguments)


def agent_places(view: View) -> Iterator[Made]:
    """Yield the badges of every agent with every model that it was run with."""
    for agent, model in agent_models(view):
        key = key_of(agent_badge(view, agent, model).to_json())
        for ending in _ENDINGS:
            yield Made(agent_badge_path(agent, model, ending), key)


def sweep_page(view: View, arguments: Arguments) -> Raw:
    """Return the badge of a sweep."""
    return _raw(sweep_badge(view, _named(arguments, "sweep")), arguments)


def sweep_places(view: View) -> Iterator[Made]:
    """Yield the badges of every sweep."""
    for sweep in sweep_names(view):
        key = key_of(sweep_badge(view, sweep).to_json())
        for ending in _ENDINGS:
            yield Made(sweep_badge_path(sweep, ending), key)


def embed_page(view: View, arguments: Arguments) -> Context:
    """Return the small page of a cell or attempt that other sites show in a frame."""
    attempt = attempt_of(view, arguments)
    row = view.cells().row(attempt.scored)
    number = attempt.number if "attempt" in arguments else None
    return {
        "title": f"{row['agent']} · {row['model']} · {row['task']}",
        "ref": attempt.ref,
        "verdict": verdict_of(attempt),
        "badge": cell_badge(view, attempt.ref).to_json(),
        "page": paths.cell_path(attempt.cell_key, number),
        "event": {"seq": attempt.last_seq, "hash": attempt.last_hash},
        "source": row["source"],
    }


def embed_places(view: View) -> Iterator[Made]:
    """Yield the small page of every cell and attempt."""
    for made in _cells_and_attempts(view):
        yield Made(embed_path(made.path), made.key)
