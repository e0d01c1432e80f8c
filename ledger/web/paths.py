"""Where pages lie: from identities to paths of the site and back.

Paths are relative to the root of the site and hold nothing but [A-Za-z0-9._~-] and `/`, so that a
path, a URL and a file name are one text: no quoting, on any host and from any folder. In a segment all
other bytes are written `~xx`, and so are a leading `.` and `_`, which some hosts hide.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from blake3 import blake3

from benchledger.schema.errors import BadInput
from benchledger.schema.ids import is_ledger_id

__all__ = [
    "CELLS",
    "EVENTS_A_PAGE",
    "attempt_folder",
    "cell_of",
    "cell_path",
    "event_path",
    "named",
    "relative",
    "segment",
    "unsegment",
]

CELLS, TAKEN = "cells", "taken"
EVENTS_A_PAGE = 200
_LONGEST = 200  # bytes of a file name are at most 255 nearly everywhere, and an ending follows
_OTHER = re.compile(rb"[^A-Za-z0-9._-]|^[._]")
_EMPTY = "~"
_CODE = re.compile(r"~([0-9a-f]{2})")
_CUT = re.compile(r"~~[0-9a-f]{32}\Z")


def segment(text: str) -> str:
    """Return one segment of a path; one that would be too long ends in `~~` and a digest of the text.

    The empty text is `~`, for no path has an empty segment.
    """
    if not text:
        return _EMPTY
    raw = text.encode("utf-8", "surrogatepass")
    coded = _OTHER.sub(lambda found: f"~{found[0][0]:02x}".encode(), raw).decode("ascii")
    if len(coded) <= _LONGEST:
        return coded
    return f"{_CODE.sub('', coded)[:100].lstrip('._')}~~{blake3(raw).hexdigest(length=16)}"


def unsegment(coded: str, known: Iterable[str] = ()) -> str | None:
    """Return the text of a segment; one that ends in a digest is looked for among `known`. None: no such text."""
    if _CUT.search(coded):
        return next((text for text in known if segment(text) == coded), None)
    if coded == _EMPTY:
        return ""
    try:
        raw = _CODE.sub(lambda found: chr(int(found[1], 16)), coded).encode("latin-1")
        text = raw.decode()
    except UnicodeError:
        return None
    # One spelling only: another one is another page, which does not exist.
    return text if segment(text) == coded else None


def named(text: str) -> str:
    """Return the path of a name that may hold `/`, as models and tasks do."""
    return "/".join(map(segment, text.split("/")))


def _split(cell: str) -> tuple[str, str]:
    # A sweep, the first part of a cell id, holds no ":".
    origin, _, rest = cell.partition(":")
    return (origin, rest) if is_ledger_id(origin) else ("", cell)


def attempt_folder(cell: str) -> str:
    """Return the folder of what belongs to one cell, `[origin:]cell_id`: `cells/…/runN`."""
    origin, cell_id = _split(cell)
    body, mark, run = cell_id.rpartition("#run")
    if not mark:
        raise BadInput(f"cell {cell!r} has no #run", "write it as `benchledger cells` prints it")
    place = f"{TAKEN}/{origin}" if origin else CELLS
    return f"{place}/{named(body)}/run{run}"


def cell_path(cell: str, attempt: int | None = None) -> str:
    """Return the page of a cell, or the permanent one of an attempt at it."""
    folder = attempt_folder(cell)
    return f"{folder}.html" if attempt is None else f"{folder}/attempt-{attempt}.html"


def cell_of(place: str, coded: str, run: str, known: Iterable[str] = ()) -> str | None:
    """Return the cell, `[origin:]cell_id`, of the two parts of its path; None where there can be none.

    `place` is `cells` or `taken/ORIGIN`; `known` are cells to look among where a segment was cut.
    """
    parts = coded.split("/")
    if any(_CUT.search(part) for part in parts):
        wanted = f"{place}/{coded}/run{run}"
        return next((cell for cell in known if attempt_folder(cell) == wanted), None)
    texts = [unsegment(part) for part in parts]
    if None in texts:
        return None
    origin = place.removeprefix(f"{TAKEN}/") if place.startswith(f"{TAKEN}/") else ""
    body = "/".join(text for text in texts if text is not None)
    return f"{origin + ':' if origin else ''}{body}#run{run}"


def event_path(seq: int) -> str:
    """Return where one event is shown."""
    return f"events/{seq // EVENTS_A_PAGE}.html#e{seq}"


def relative(target: str, here: str) -> str:
    """Return how the page at `here` links to `target`; what follows `#` or `?` stays."""
    mark = min((place for place in (target.find("#"), target.find("?")) if place >= 0), default=len(target))
    path, rest = target[:mark], target[mark:]
    if path == here and rest.startswith("#"):
        return rest
    return posixpath.relpath(path, posixpath.dirname(here) or ".") + rest
