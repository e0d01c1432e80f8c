"""Two sections of a cell's page: what a reader can paste to run it, and what shows it elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from benchledger.ledger.web import paths
from benchledger.ledger.web.badge.badges import cell_badge
from benchledger.ledger.web.badge.pages import agent_badge_path, badge_path, embed_path, sweep_badge_path
from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.attempt_facts import facts_of
from benchledger.ledger.web.cell.commands import run_it_yourself
from benchledger.ledger.web.render import clean
from benchledger.ledger.web.view import View

__all__ = ["embed", "run_yourself", "snippets"]

_MARKDOWN = {ord(char): f"\\{char}" for char in "\\`*_{}[]()<>#+!|~&"}
# The frame may open a link in a new tab, and nothing else.
_FRAME = 'width="640" height="170" loading="lazy" sandbox="allow-popups allow-popups-to-escape-sandbox"'


def run_yourself(view: View, attempt: Attempt) -> dict[str, Any]:
    """Return the values of `templates/cell/run-it-yourself.html`."""
    return run_it_yourself(facts_of(attempt), view.settings.shipped)


def embed(view: View, attempt: Attempt) -> dict[str, Any]:
    """Return the values of `templates/cell/embed.html`: the badge, and snippets for this attempt and its cell."""
    badge = cell_badge(view, attempt.ref)
    latest = paths.cell_path(attempt.cell_key)
    permanent = paths.cell_path(attempt.cell_key, attempt.number)
    base = view.settings.url
    name = clean(badge.label)
    return {
        "badge": badge.to_json(),
        "image": badge_path(permanent),
        "absolute": base is not None,
        "kinds": [
            {
                "name": "latest",
                "title": "Latest",
                "says": "the attempt that counts for this cell, whichever that will be",
                "snippets": snippets(base, latest, name),
            },
            {
                "name": "permanent",
                "title": "Permanent",
                "says": f"attempt {attempt.number}, for good",
                "snippets": snippets(base, permanent, name),
            },
        ],
        "more": _more(attempt),
    }


def _more(attempt: Attempt) -> list[dict[str, str]]:
    """Return the badges of the agent with this model, and of the sweep."""
    agent, model, sweep = (attempt.cell[name] for name in ("agent", "model", "sweep"))
    whole = (
        (f"{agent} with {model}", *(agent_badge_path(agent, model, ending) for ending in ("svg", "json"))),
        (f"sweep {sweep}", *(sweep_badge_path(sweep, ending) for ending in ("svg", "json"))),
    )
    return [{"title": title, "svg": image, "json": data} for title, image, data in whole]


def snippets(base: str | None, page: str, name: str) -> list[dict[str, str]]:
    """Return [{title, text}]: what shows the cell or attempt at `page` elsewhere.

    `base` is the address of the site; without it links are relative to its root. `name` is clean text.
    """
    at = base or ""
    image, data, frame = (
        f"{at}{place}" for place in (badge_path(page), badge_path(page, "json"), embed_path(page))
    )
    words, link = name.translate(_MARKDOWN), f"{at}{page}"
    said = escape(f"benchledger: {name}")
    found = [
        ("Link", link),
        ("Markdown", f"[![benchledger: {words}]({image})]({link})"),
        ("HTML", f'<a href="{link}"><img src="{image}" alt="{said}" height="20"></a>'),
        ("Frame", f'<iframe src="{frame}" title="{said}" {_FRAME}></iframe>'),
        ("JSON for shields.io's endpoint badge", data),
    ]
    if base is not None:
        source = f"https://img.shields.io/endpoint?url={quote(data, safe='')}"
        found.append(("Markdown, drawn by shields.io", f"[![benchledger: {words}]({source})]({link})"))
    return [{"title": title, "text": text} for title, text in found]
