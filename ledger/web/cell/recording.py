"""Terminal recordings (asciicast v2) made safe to play: bounded in size, in screen and in work.

    bytes of the blob -> lines -> events -> Played: what the player gets, and what was left out

A recording is what a hostile program printed. Measured in the player: a screen of 9,999 × 9,999, one
megabyte of `repeat 65,535 times` or of `scroll up` hold a page up for minutes. So screens are clamped,
numbers in control sequences too, and what is left costs a budget of work.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

__all__ = ["COLUMNS", "MOST", "ROWS", "Played", "played"]

MOST = 4 << 20  # bytes of a recording that are read
COLUMNS, ROWS = 300, 100  # the largest screen that is drawn
_USUAL = (80, 24)
_EVENTS = 20_000
_CHARACTERS = 2 << 20
_LATEST = 7 * 24 * 3600.0  # seconds
_WORK = 600_000  # about 5 µs of the player each: two or three seconds
_CARRIED = 256  # characters of a control sequence that goes on in the next event

# C0 characters within a sequence are obeyed by terminals, and the sequence goes on.
_CSI = re.compile(r"(?:\x1b\[|\x9b)([\x00-\x17\x19\x1c-\x3f\x7f]*)([@-~])")
_OPEN = re.compile(r"(?:\x1b|(?:\x1b\[|\x9b)[\x00-\x17\x19\x1c-\x3f\x7f]*)\Z")
_COSTLY = re.compile(r"[\n\v\f\x84\x85\x8d\x90-\x9f]|\x1b[^\[]?")
_COSTS = {"\x1b#": 20, "\x1bc": 8}
_SIZE = re.compile(r"([0-9]{1,9})x([0-9]{1,9})")


class Played(NamedTuple):
    """What the player gets: `events` are [seconds, "o" or "r", text]; `cut` says in words what was left out."""

    columns: int
    rows: int
    started_at: int | None
    events: list[list[Any]]
    cut: list[str]

    @property
    def seconds(self) -> float:
        """Return when the last event is."""
        return float(self.events[-1][0]) if self.events else 0.0

    @property
    def text(self) -> str:
        """Return all that was printed, with its control sequences."""
        return "".join(event[2] for event in self.events if event[1] == "o")


def played(data: bytes, size: int) -> Played | None:
    """Return the recording of which `data` is the beginning and `size` the whole length, None where it is none."""
    lines = data.split(b"\n")
    header = _parsed(lines[0])
    if not isinstance(header, dict) or header.get("version") != 2:
        return None
    if len(data) < size:
        lines.pop()  # a line that goes on beyond what was read
    reader = _Reader()
    columns, rows = reader.screen(header.get("width"), header.get("height"))
    for line in lines[1:]:
        if line.strip() and not reader.take(_parsed(line)):
            break
    cut = reader.cut()
    if len(data) < size and reader.ended is None:
        cut.append(f"only the first {len(data):,} of {size:,} bytes are played")
    return Played(columns, rows, _micros(header.get("timestamp")), reader.events, cut)


def _micros(stamp: Any) -> int | None:
    known = isinstance(stamp, int) and not isinstance(stamp, bool) and 0 <= stamp < 1 << 33
    return stamp * 1_000_000 if known else None


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested beyond reason
        return None


class _Reader:
    """Takes events one by one until a bound is reached; counts what it leaves out."""

    def __init__(self) -> None:
        self.events: list[list[Any]] = []
        self.ended: str | None = None
        self._at = 0.0
        self._characters = self._work = 0
        self._malformed = self._clamped = 0
        self._resized: str | None = None
        self._carried = ""

    def screen(self, width: Any, height: Any) -> tuple[int, int]:
        """Return columns and rows that can be drawn."""
        found = []
        for value, most, usual in zip((width, height), (COLUMNS, ROWS), _USUAL, strict=True):
            whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
            found.append(min(value, most) if whole else usual)
        if [width, height] != found:
            said = " by ".join(str(value)[:12] for value in (width, height))
            self._resized = self._resized or f"a screen of {said} is drawn as {found[0]} by {found[1]}"
        return found[0], found[1]

    def take(self, event: Any) -> bool:
        """Take one event; False where a bound is reached and all that follows is left out."""
        if not (isinstance(event, list) and len(event) == 3 and isinstance(event[2], str)):
            self._malformed += 1
            return True
        at, code, text = event
        if not self._timed(at) or not isinstance(code, str):
            self._malformed += 1
            return True
        if code == "r":
            self._resize(text)
        elif code == "o":
            self._output(text)
        # input and markers are no part of what the terminal showed
        return self.ended is None

    def _timed(self, at: Any) -> bool:
        if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at) or at > _LATEST:
            return False
        # Never backwards: the player trusts the order.
        self._at = max(self._at, round(float(at), 6))
        return True

    def _resize(self, text: str) -> None:
        found = _SIZE.fullmatch(text)
        if found is None:
            self._malformed += 1
            return
        columns, rows = self.screen(int(found[1]), int(found[2]))
        self._work += rows * 2
        self._add("r", f"{columns}x{rows}")

    def _output(self, text: str) -> None:
        # A lone surrogate is no character, and no UTF-8 either.
        text = self._carried + text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        going_on = _OPEN.search(text)
        self._carried = "" if going_on is None else going_on[0]
        if going_on is not None:
            text = text[: going_on.start()]
        if len(self._carried) > _CARRIED:
            self._carried = ""
            self._clamped += 1
        text = _CSI.sub(self._bounded, text)
        self._work += sum(_COSTS.get(found[0], 1) for found in _COSTLY.finditer(text))
        self._add("o", text)

    def _bounded(self, found: re.Match[str]) -> str:
        """Return a control sequence with a number that a screen can have use for."""
        final = found[2]
        if final == "J":
            self._work += 8
        if final not in "bST":
            self._work += 1
            return found[0]
        digits = "".join(re.findall("[0-9;]", found[1])).partition(";")[0].lstrip("0") or "1"
        most = COLUMNS if final == "b" else ROWS
        number = int(digits) if len(digits) < 6 else most + 1
        self._clamped += number > most
        number = min(number, most)
        self._work += 1 + (number // 8 if final == "b" else number)
        return f"\x1b[{number}{final}"

    def _add(self, code: str, text: str) -> None:
        self._characters += len(text)
        if len(self.events) >= _EVENTS:
            self.ended = f"{_EVENTS:,} events"
        elif self._characters > _CHARACTERS:
            self.ended = f"{_CHARACTERS:,} characters"
        elif self._work > _WORK:
            self.ended = "as much as a browser draws in a few seconds"
        elif text:
            self.events.append([self._at, code, text])

    def cut(self) -> list[str]:
        """Return in words what was left out or changed."""
        said = [] if self._resized is None else [self._resized]
        if self.ended is not None:
            said.append(f"it is played up to {self.ended}")
        if self._malformed:
            lines = "line is" if self._malformed == 1 else "lines are"
            said.append(f"{self._malformed:,} malformed {lines} left out")
        if self._clamped:
            said.append(f"control sequences with numbers beyond any screen, made smaller: {self._clamped:,}")
        return said
