"""A badge as SVG and for shields.io: two words on two grounds, readable on light and dark pages, and without colour.

Text is foreign: it is cleaned, cut, and escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape

from benchledger.ledger.web.render import clean

__all__ = ["Badge", "shields", "svg", "text_width"]

Kind = Literal["pass", "fail", "part", "none", "score"]

# White text on each of these has a contrast of at least 4.5:1, whatever lies around the badge.
_GROUNDS: dict[str, str] = {
    "pass": "1a7f37", "fail": "b42318", "part": "8a5a00", "none": "6b5300", "score": "0a5ab8",
}  # fmt: skip
_LABEL = "444c56"
_LONGEST = 90
_SIZE, _PAD, _HEIGHT = 11, 6, 20
# Advance widths of U+0020 to U+007E in hundredths of an em, of DejaVu Sans, which has those of Verdana.
_WIDTHS = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34,
    84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99,
    69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52,
    39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
_OTHER = {"·": 32, "\u2013": 50, "…": 100}
_WIDE = 100


@dataclass(frozen=True, slots=True)
class Badge:
    """`label` says of what, `message` what; `title` is the whole in words. Of foreign text, as it is."""

    label: str
    message: str
    kind: Kind
    title: str

    def to_json(self) -> dict[str, Any]:
        """Return {label, message, kind, title}, cleaned and not cut."""
        return {
            "label": clean(self.label),
            "message": clean(self.message),
            "kind": self.kind,
            "title": clean(self.title),
        }


def text_width(text: str) -> float:
    """Return how wide a text is, in pixels; a font that is not there is fitted to it."""
    hundredths = 0
    for char in text:
        code = ord(char) - 0x20
        known = _WIDTHS[code] if 0 <= code < len(_WIDTHS) else _OTHER.get(char)
        hundredths += known if known is not None else 64 if ord(char) < 0x0250 else _WIDE
    return hundredths * _SIZE / 100


def svg(badge: Badge) -> bytes:
    """Return a badge as an SVG file, 20 pixels high."""
    label, message, title = _cut(badge.label), _cut(badge.message), escape(clean(badge.title), _QUOTES)
    first, second = text_width(label), text_width(message)
    left = first + 2 * _PAD
    width = left + second + 2 * _PAD
    size = f'width="{width:.1f}" height="{_HEIGHT}" viewBox="0 0 {width:.1f} {_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        f'<rect width="{left:.1f}" height="{_HEIGHT}" fill="#{_LABEL}"/>',
        f'<rect x="{left:.1f}" width="{width - left:.1f}" height="{_HEIGHT}" fill="#{_GROUNDS[badge.kind]}"/>',
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{_SIZE}">',
        _text(label, _PAD, first),
        _text(message, left + _PAD, second),
        "</g></svg>",
    ]
    return "".join(parts).encode() + b"\n"


def shields(badge: Badge) -> dict[str, Any]:
    """Return a badge in the schema of shields.io's endpoint badge, version 1, which refuses any other key."""
    return {
        "schemaVersion": 1,
        "label": _cut(badge.label),
        "message": _cut(badge.message),
        "color": _GROUNDS[badge.kind],
        "labelColor": _LABEL,
    }


_QUOTES = {'"': "&quot;", "'": "&#39;"}


def _cut(text: str) -> str:
    shown = clean(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _text(text: str, x: float, width: float) -> str:
    fitted = f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"' if text else ""
    return f'<text x="{x:.1f}" y="14"{fitted}>{escape(text, _QUOTES)}</text>'
