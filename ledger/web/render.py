"""Contexts into HTML: Jinja2 with everything escaped, and the few filters that pages use.

Text of agents, models and tasks is hostile. Autoescape keeps it text; `clean` shows what would turn
the reader's eye (control characters, changes of direction, invisible spaces) as visible symbols.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context as Scope
from markupsafe import Markup

from benchledger.ledger.web import ansi, paths
from benchledger.ledger.web.shown import clean, clean_lines, ms, size
from benchledger.ledger.web.view import View

__all__ = ["clean", "clean_lines", "content_policy", "environment", "html", "pieces", "twin"]

_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'"
)
# No user name, which could pass for the host, and nothing that has to be shown as a symbol.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][!-~]*)?")
# What a script block may not hold, though it is JSON: nothing that ends the block or opens another.
_CODES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
_FIRST_PIECE, _PIECE = 4096, 65536  # characters
NONE = "\u2013"
_NAV = (
    ("index.html", "Leaderboard"),
    ("cells.html", "Cells"),
    ("sweeps.html", "Sweeps"),
    ("compare.html", "Compare"),
    ("adjudications.html", "Adjudications"),
    ("sources.html", "Sources"),
    ("ledger.html", "Ledger"),
)


def content_policy(context: Mapping[str, Any]) -> str:
    """Return the Content-Security-Policy of a page; only the terminal player runs WebAssembly."""
    return _POLICY.format(scripts=" 'wasm-unsafe-eval'" if context.get("wasm") else "")


def html(template: str, context: Mapping[str, Any], view: View, path: str) -> bytes:
    """Return the HTML of a page that lies at `path`."""
    return b"".join(pieces(template, context, view, path))


def pieces(template: str, context: Mapping[str, Any], view: View, path: str) -> Iterator[bytes]:
    """Yield the HTML of a page as it is made, small pieces first: a reader sees the top before the rest is there."""
    scope = {
        "here": path,
        "live": view.settings.live,
        "ledger_id": view.ledger.ledger_id,
        "ledger_name": view.settings.name,
        "head_hash": "" if view.head is None else view.head.hash,
        "csp": content_policy(context),
    }
    held: list[str] = []
    length, enough = 0, _FIRST_PIECE
    for text in environment().get_template(template).generate({**context, **scope, "page": context}):
        held.append(text)
        length += len(text)
        if length >= enough:
            yield "".join(held).encode()
            held, length, enough = [], 0, min(2 * enough, _PIECE)
    yield "".join(held).encode()


def twin(context: Mapping[str, Any]) -> bytes:
    """Return a page's JSON twin; ASCII only, so that no reader can be upset by it."""
    # A part that a page makes late is a Mapping that is no dict yet.
    return json.dumps(context, indent=1, default=dict).encode() + b"\n"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the environment of all templates; it is made once."""
    made = Environment(
        loader=PackageLoader("benchledger.ledger.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "clean": clean,
        "lines": clean_lines,
        "ansi": ansi.shown,
        "size": size,
        "ms": ms,
        "data": _data,
        "num": number,
        "count": lambda value: NONE if value is None else f"{value:,}",
        "seconds": seconds,
        "money": money,
        "when": when,
        "exact": exact,
        "pretty": pretty,
        "short": lambda text, size=12: text if text is None or len(text) <= size else text[:size],
    }
    made.tests["web_address"] = lambda text: _ADDRESS.fullmatch(text) is not None
    made.globals |= {
        "nav": _NAV,
        "href": _href,
        "cell_path": paths.cell_path,
        "event_path": paths.event_path,
        "named": paths.named,
        "segment": paths.segment,
    }
    return made


@pass_context
def _href(scope: Scope, target: str) -> str:
    """Return a link to a path of the site, relative to the page it stands on."""
    return paths.relative(target, scope["here"])


def _data(value: Any) -> Markup:
    """Return JSON for a script block of type application/json."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_CODES))  # noqa: S704 - no character is left that HTML could read


def number(value: float | None, digits: int = 3) -> str:
    """Return a score with so many decimals, a dash where there is none."""
    return NONE if value is None else f"{value:.{digits}f}"


def seconds(ms: float | None, digits: int = 1) -> str:
    """Return milliseconds as seconds with their unit."""
    return NONE if ms is None else f"{ms / 1000:,.{digits}f} s"


def money(value: float | None, currency: str | None = None) -> str:
    """Return an amount with its currency, with more digits below a cent."""
    if value is None:
        return NONE
    return f"{value:,.{4 if value >= 0.01 or value == 0 else 6}f} {currency or ''}".rstrip()


def when(micros: int | None, unit: str = "seconds") -> str:
    """Return Unix time in microseconds as UTC, ISO 8601, to `seconds` or `microseconds`."""
    if micros is None:
        return NONE
    try:
        made = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    except (OverflowError, ValueError, OSError):
        return f"{micros} µs"  # a time beyond the calendar, as it was recorded
    return made.isoformat(timespec=unit).replace("+00:00", "Z")


def exact(value: Any) -> str:
    """Return a value as it stands in its event, on one line; floats to the last digit."""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def pretty(value: Any) -> str:
    """Return a JSON value over several lines."""
    return clean_lines(json.dumps(value, indent=2, ensure_ascii=False))
