"""static/ansi.css: the 256 colours of terminals, each moved until it reads well on the pages' background.

`python -m benchledger.ledger.web.ansi_css > ledger/web/static/ansi.css` writes it anew.
"""

from __future__ import annotations

import sys

__all__ = ["stylesheet"]

_LIGHT, _DARK = (243, 244, 246), (29, 36, 45)  # --code-bg of base.css
_CONTRAST = 4.9  # WCAG AA asks 4.5; the rest is for rounding and for other backgrounds near by
_BASIC = (
    *((0, 0, 0), (205, 0, 0), (0, 150, 0), (150, 120, 0), (0, 0, 238), (205, 0, 205), (0, 150, 150)),
    *((110, 110, 110), (90, 90, 90), (255, 0, 0), (0, 200, 0), (200, 170, 0), (92, 92, 255)),
    *((255, 0, 255), (0, 200, 200), (140, 140, 140)),
)
_RULES = """.ansi .ab{font-weight:700}
.ansi .ad{color:var(--muted)}
.ansi .ai{font-style:italic}
.ansi .au{text-decoration:underline}
.ansi .as{text-decoration:line-through}
.ansi .ao{text-decoration:overline}
.ansi .ag,.ansi .ar{border-bottom:2px solid}
.ansi .an{color:var(--muted);user-select:none}
"""

Colour = tuple[int, int, int]


def palette() -> list[Colour]:
    """Return the 256 colours as (red, green, blue)."""
    levels = (0, 95, 135, 175, 215, 255)
    cube = [(red, green, blue) for red in levels for green in levels for blue in levels]
    return [*_BASIC, *cube, *((level, level, level) for level in range(8, 248, 10))]


def _luminance(colour: Colour) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of WCAG 2, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def readable(colour: Colour, background: Colour) -> Colour:
    """Return the nearest colour on the way to black or white that reads well on a background."""
    end = 0 if _luminance(background) > 0.5 else 255
    for step in range(101):
        red, green, blue = (round(part + (end - part) * step / 100) for part in colour)
        if contrast((red, green, blue), background) >= _CONTRAST:
            return red, green, blue
    return end, end, end


def _colours(background: Colour) -> str:
    made = [
        (number, "#{:02x}{:02x}{:02x}".format(*readable(colour, background)))
        for number, colour in enumerate(palette())
    ]
    return "".join(
        f".ansi .f{number}{{color:{code}}}.ansi .g{number}{{border-bottom-color:{code}}}\n"
        for number, code in made
    )


def stylesheet() -> str:
    """Return the whole style sheet."""
    return (
        "/* Written by benchledger.ledger.web.ansi_css: colours of terminals, moved until they can be read. */\n"
        f"{_RULES}{_colours(_LIGHT)}"
        f"@media (prefers-color-scheme: dark) {{\n{_colours(_DARK)}}}\n"
    )


if __name__ == "__main__":
    sys.stdout.write(stylesheet())
