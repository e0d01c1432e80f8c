"""Text of a terminal as HTML: colours as classes, progress bars as they ended, all else visible.

    text -> lines -> tokens -> cells (character, style) with a cursor -> runs -> escaped HTML

Own code, because the libraries that there are (rich's decoder, ansi2html) write style attributes,
which the pages' policy refuses, drop a carriage return or what it wrote over, and have no bounds.
Every character is looked at a fixed number of times, and what is shown is bounded in lines, in
characters a line and in changes of style: so a bomb of escapes costs what its length costs.

A concealed text, or one in the colour of its background, is evidence too. Concealment is not
followed, and a background is drawn as a line below the text, so that no colours can hide one.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

from benchledger.ledger.web.shown import clean_lines

__all__ = ["LINES", "SPANS", "WIDTH", "Shown", "nearest", "shown"]

LINES = 4_000
WIDTH = 2_000  # characters of a line, unless more are asked for; the rest is counted and left out
SPANS = 6_000  # changes of style; text beyond is shown without
MOST = 1 << 19  # characters looked at

# The lengths are bounded: where no end is found, the search costs no more than that.
_ESCAPE = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]{0,128})m"
    r"|\x1b\[(?P<move>[0-9;]{0,16})(?P<how>[KGCD])"
    r"|\x1b\[[0-?]{0,128}[ -/]{0,8}[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]{0,8192}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{1,4}[0-~]"
    r"|\x1b[0-OQ-WYZ\\`-~]"
    r"|(?P<back>[\r\x08])"
)
_MOVING = re.compile(r"[\r\x08]|\x1b\[[0-9;]{0,16}[KGCD]")
_LEVELS = (0, 95, 135, 175, 215, 255)
_MODES = {1: "b", 2: "d", 3: "i", 4: "u", 7: "r", 9: "s", 21: "u", 53: "o"}
_ENDS = {22: "bd", 23: "i", 24: "u", 27: "r", 29: "s", 55: "o"}


class Shown(NamedTuple):
    """A text as HTML; what was not drawn is counted: escapes, lines, characters, bits written over."""

    html: Markup
    width: int
    escapes: int
    lines_left: int
    cut_lines: int
    overwritten: int
    plain_from: int | None

    @property
    def notes(self) -> list[str]:
        """Return in words what the raw text has and this does not."""
        said = [
            ("control sequences left out", self.escapes),
            ("lines that were written over, shown as they ended", self.overwritten),
            (f"lines cut at {self.width:,} characters", self.cut_lines),
            ("further lines not shown", self.lines_left),
        ]
        notes = [f"{what}: {count:,}" for what, count in said if count]
        if self.plain_from is not None:
            notes.append(
                f"no styles from line {self.plain_from:,} on: it has more than {SPANS:,} changes of them"
            )
        return notes


class _Style(NamedTuple):
    """How a character is drawn: colours of the 256, and the letters of the modes that are on."""

    front: int | None = None
    back: int | None = None
    modes: str = ""

    @property
    def classes(self) -> str:
        front, back = (self.back, self.front) if "r" in self.modes else (self.front, self.back)
        names = [f"a{mode}" for mode in self.modes]
        names += [] if front is None else [f"f{front}"]
        names += [] if back is None else ["ag", f"g{back}"]
        return " ".join(names)


_PLAIN = _Style()


def shown(text: str, lines: int = LINES, width: int = WIDTH) -> Shown:
    """Return terminal output as HTML for a `<pre>`, at most `lines` of it, each of at most `width` characters."""
    screen = _Screen(width)
    rows, beyond = text[:MOST].split("\n"), text.count("\n", MOST) + (len(text) > MOST)
    drawn, spans, plain_from = [], 0, None
    for number, row in enumerate(rows[:lines], 1):
        text = row.removesuffix("\r")
        runs = _runs(screen.line(text)) if _MOVING.search(text) else screen.straight(text)
        spans += len(runs)
        if spans > SPANS and plain_from is None:
            plain_from = number
        drawn.append(_drawn(runs, styled=spans <= SPANS) + screen.mark())
    left = beyond + len(rows) - len(drawn)
    html = Markup("\n").join(drawn)
    return Shown(html, width, screen.escapes, left, screen.cut, screen.overwritten, plain_from)


def _runs(cells: list[tuple[str, _Style]]) -> list[tuple[str, _Style]]:
    grouped = groupby(cells, key=lambda cell: cell[1])
    return [("".join(char for char, _ in run), style) for style, run in grouped]


def _drawn(runs: list[tuple[str, _Style]], *, styled: bool) -> Markup:
    pieces = []
    for text, style in runs:
        safe = escape(clean_lines(text))
        classes = style.classes if styled and style is not _PLAIN else ""
        pieces.append(f'<span class="{classes}">{safe}</span>' if classes else safe)
    # Escaped above; the classes are ours.
    return Markup("".join(pieces))  # noqa: S704


class _Screen:
    """One line of a terminal at a time, with a cursor; the style goes on from line to line."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.style = _PLAIN
        self.escapes = self.cut = self.overwritten = 0
        self._cells: list[tuple[str, _Style]] = []
        self._cursor = self._over = self._beyond = 0

    def line(self, text: str) -> list[tuple[str, _Style]]:
        """Return the cells of a line as a terminal would leave them."""
        self._cells = []
        self._cursor = self._over = self._beyond = 0
        place = 0
        for found in _ESCAPE.finditer(text):
            self._write(text[place : found.start()])
            self._obey(found)
            place = found.end()
        self._write(text[place:])
        return self._cells

    def straight(self, text: str) -> list[tuple[str, _Style]]:
        """Return the runs of a line in which the cursor only goes on: most lines, in a fraction of the time."""
        runs: list[tuple[list[str], _Style]] = []
        self._over = self._beyond = 0
        place, room = 0, self.width

        def write(piece: str) -> None:
            nonlocal room
            self._beyond += max(0, len(piece) - room)
            piece = piece[:room]
            room -= len(piece)
            if piece and (not runs or runs[-1][1] != self.style):
                runs.append(([], self.style))
            if piece:
                runs[-1][0].append(piece)

        for found in _ESCAPE.finditer(text):
            write(text[place : found.start()])
            self._obey(found)
            place = found.end()
        write(text[place:])
        return [("".join(pieces), style) for pieces, style in runs]

    def mark(self) -> Markup:
        """Return what the reader is told behind the line, where it is not all that was written."""
        if not self._over and not self._beyond:
            return Markup("")
        said = []
        if self._over:
            self.overwritten += 1
            said.append(f"\u240d {self._over} earlier")
        if self._beyond:
            self.cut += 1
            said.append(f"\u2026 {self._beyond:,} more characters")
        return Markup("").join(Markup('<span class="an"> {}</span>').format(each) for each in said)

    def _write(self, text: str) -> None:
        room = self.width - self._cursor
        self._beyond += max(0, len(text) - room)
        text = text[:room]
        if text and self._cursor < len(self._cells):
            self._over += 1
        self._cells[self._cursor : self._cursor + len(text)] = [(char, self.style) for char in text]
        self._cursor += len(text)

    def _obey(self, found: re.Match[str]) -> None:
        if found["sgr"] is not None:
            self.style = _styled(self.style, found["sgr"])
        elif found["back"] is not None:
            self._cursor = 0 if found["back"] == "\r" else max(0, self._cursor - 1)
        elif found["how"] is not None:
            self._move(found["how"], found["move"].partition(";")[0])
        else:
            self.escapes += 1

    def _move(self, how: str, word: str) -> None:
        count = int(word or 0)
        if how == "K" and count == 2:
            self._over += bool(self._cells)
            self._cells.clear()
            self._cursor = 0
        elif how == "K":
            self._over += count == 0 and self._cursor < len(self._cells)
            del self._cells[len(self._cells) if count else self._cursor :]
        else:
            # Never behind the end: blanks up to there would make much of little.
            places = {"G": count - 1, "C": self._cursor + max(1, count), "D": self._cursor - max(1, count)}
            self._cursor = min(max(0, places[how]), len(self._cells))


def _styled(style: _Style, words: str) -> _Style:
    """Return the style after a sequence of SGR parameters; what is unknown changes nothing."""
    codes = [int(word or 0) for word in words.replace(":", ";").split(";")]
    place = 0
    while place < len(codes):
        code = codes[place]
        place += 1
        if code in (38, 48, 58):
            colour, used = _colour(codes[place:])
            place += used
            if colour is not None and code != 58:
                style = style._replace(front=colour) if code == 38 else style._replace(back=colour)
        else:
            style = _simple(style, code)
    return style


def _simple(style: _Style, code: int) -> _Style:
    if code == 0:
        return _PLAIN
    if code in _MODES:
        return style._replace(modes="".join(sorted({*style.modes, _MODES[code]})))
    if code in _ENDS:
        return style._replace(modes="".join(mode for mode in style.modes if mode not in _ENDS[code]))
    if 30 <= code <= 39:
        return style._replace(front=None if code == 39 else code - 30)
    if 40 <= code <= 49:
        return style._replace(back=None if code == 49 else code - 40)
    if 90 <= code <= 97:
        return style._replace(front=code - 82)
    if 100 <= code <= 107:
        return style._replace(back=code - 92)
    return style


def _colour(codes: list[int]) -> tuple[int | None, int]:
    """Return (colour of the 256 or None, parameters used) of what follows a 38 or 48."""
    if codes[:1] == [5] and len(codes) > 1:
        return (codes[1] if codes[1] < 256 else None), 2
    if codes[:1] == [2] and len(codes) > 3:
        red, green, blue = (min(code, 255) for code in codes[1:4])
        return nearest(red, green, blue), 4
    return None, 1


def nearest(red: int, green: int, blue: int) -> int:
    """Return which of the 256 colours (16-255: cube and greys) is nearest to a colour of 3 × 8 bits."""
    steps = [min(range(6), key=lambda step: abs(_LEVELS[step] - part)) for part in (red, green, blue)]
    cube = 16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    grey = min(23, max(0, round(((red + green + blue) / 3 - 8) / 10)))
    level = 8 + 10 * grey

    def distance(*colour: int) -> int:
        return sum((one - other) ** 2 for one, other in zip(colour, (red, green, blue), strict=True))

    return (
        cube if distance(*(_LEVELS[step] for step in steps)) <= distance(level, level, level) else 232 + grey
    )
