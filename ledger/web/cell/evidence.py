"""Evidence texts: as much of a blob as a section shows, the blob as it is, and its text in pages.

reference of an event -> text_of -> {state, why, text, links}      sections of a cell's page
evidence/DIGEST.txt   -> the bytes, checked, in pieces
evidence/DIGEST/N.html -> 64 KiB of them as text
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.parts import PAGE, SHORT, Parts
from benchledger.ledger.web.cell.requests import whole_request
from benchledger.ledger.web.pages import Arguments, Context, Made, Raw
from benchledger.ledger.web.view import NotFound, View
from benchledger.schema.errors import Tampered

__all__ = [
    "links_of",
    "parts_of",
    "raw_page",
    "raw_places",
    "request_page",
    "text_of",
    "text_page",
    "text_places",
    "why_nothing",
]

_HEAD, _TAIL = 4_096, 12_288  # bytes of a text that a section shows, where it is longer than both
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Payloads are canonical JSON, so a reference has one spelling; within a text its quotes are escaped.
_REFERENCE = re.compile(r'\{"blob":"([0-9a-f]{64})","size":[0-9]+\}')
_REFERRING = 'SELECT payload FROM events WHERE payload LIKE \'%{"blob":"%\''

Text = dict[str, Any]


def parts_of(view: View) -> Parts:
    """Return what reads parts of blobs for a view; it checks each blob once."""
    return view.kept("parts", lambda: Parts(view.ledger))


def why_nothing(attempt: Attempt, event_type: str, watched: str, what: str) -> str | None:
    """Return in words why an event that would tell `what` says nothing; None where it is there."""
    event = attempt.one(event_type)
    if event is not None:
        return (
            "Redacted or withheld: the payload of the event is not here." if event.payload is None else None
        )
    if attempt.row["outcome"] is None:
        return f"Not there yet: the attempt has not ended, so there is no {what}."
    if watched not in attempt.observed:
        return f"Not recorded by the source: {what}."
    kind = f" ({attempt.row['outcome_kind']})" if attempt.row["outcome_kind"] else ""
    return f"There is no {what}: the attempt ended before, as {attempt.row['outcome']}{kind}."


def links_of(digest: str, size: int) -> dict[str, str | None]:
    """Return where a blob is shown: {raw, pages, last}; `pages` and `last` are None where one page would do."""
    many = -(-size // PAGE)
    return {
        "raw": f"evidence/{digest}.txt",
        "pages": f"evidence/{digest}/1.html" if many > 1 else None,
        "last": f"evidence/{digest}/{many}.html" if many > 1 else None,
    }


def text_of(attempt: Attempt, event_type: str, name: str, none: str, most: int | None = None) -> Text:
    """Return the text that field `name` of an event refers to, or why there is none.

    {state, why, blob, size, head, tail, left, checked, raw, pages, last}: `state` is kept, empty, none,
    removed or damaged; `left` bytes between head and tail are not shown. `none` is said where the event
    names no text. With `most` there is no tail, and that many bytes of head.
    """
    made: Text = {"state": "none", "why": none, "blob": None, "size": None, "head": "", "tail": "", "left": 0}
    made |= {"checked": False, "raw": None, "pages": None, "last": None}
    ref = attempt.payload(event_type).get(name)
    if ref is None:
        return made
    made |= {"blob": ref["blob"], "size": ref["size"]}
    parts = parts_of(attempt.view)
    stored = parts.find(ref["blob"])
    if stored is None:
        return made | {"state": "removed", "why": "Removed from this ledger: it was redacted or withheld."}
    made |= links_of(stored.digest, stored.size)
    if stored.size == 0:
        return made | {"state": "empty", "why": "Empty: nothing was written."}
    try:
        ends = most is None and _HEAD + _TAIL < stored.size <= SHORT
        head = parts.head(stored, _HEAD if ends else most or _HEAD + _TAIL)
        tail = parts.tail(stored, _TAIL) if ends else None
    except Tampered as error:
        return made | {"state": "damaged", "why": f"Damaged: {error}."}
    made |= {
        "state": "kept",
        "why": None,
        "checked": head.checked,
        "head": head.data.decode(errors="replace"),
    }
    made["left"] = (stored.size if tail is None else tail.start) - head.stop
    return made if tail is None else made | {"tail": tail.data.decode(errors="replace")}


def raw_page(view: View, arguments: Arguments) -> Raw:
    """Return a blob as it is, as plain text."""
    parts = parts_of(view)
    stored = parts.find(_digest(arguments))
    if stored is None:
        raise NotFound(
            f"blob {arguments['digest']} is not in this ledger: no event names it, or it was removed"
        )
    return Raw("text/plain; charset=utf-8", parts.pieces(stored))


def request_page(view: View, arguments: Arguments) -> Raw:
    """Return a request put together from its parts. Its BLAKE3 is the request hash of the call."""
    parts = parts_of(view)
    stored = parts.find(_digest(arguments))
    if stored is None:
        raise NotFound(f"request {arguments['digest']} is not in this ledger")
    return Raw("application/json", whole_request(parts, stored))


def text_page(view: View, arguments: Arguments) -> Context:
    """Return one page of a blob's text."""
    parts = parts_of(view)
    stored = parts.find(_digest(arguments))
    number = arguments["number"]
    if stored is None or not re.fullmatch(r"[1-9][0-9]{0,9}", number) or int(number) > stored.pages:
        raise NotFound(f"there is no page {number} of blob {arguments['digest']} in this ledger")
    piece = parts.page(stored, int(number))
    return {
        "title": f"evidence {stored.digest[:12]}, page {number} of {stored.pages}",
        "digest": stored.digest,
        "size": stored.size,
        "number": int(number),
        "pages": stored.pages,
        "start": piece.start,
        "stop": piece.stop,
        "text": piece.data.decode(errors="replace"),
    }


def _digest(arguments: Arguments) -> str:
    digest = arguments["digest"]
    if not _DIGEST.fullmatch(digest):
        raise NotFound(f"{digest} is no digest of a blob")
    return digest


def _linked(view: View) -> dict[str, int]:
    """Return digest -> size of the stored blobs that events name."""
    return view.kept("linked blobs", lambda: _named(view))


def _named(view: View) -> dict[str, int]:
    kept = dict(view.connection.execute("SELECT lower(hex(digest)), size FROM blobs").fetchall())
    named = set()
    for (payload,) in view.connection.execute(_REFERRING):
        named.update(_REFERENCE.findall(payload))
    return {digest: kept[digest] for digest in sorted(named & kept.keys())}


def raw_places(view: View) -> Iterator[Made]:
    """Yield every blob that a page links to; a digest never stands for other bytes."""
    for digest in _linked(view):
        yield Made(f"evidence/{digest}.txt", digest[:24])


def text_places(view: View) -> Iterator[Made]:
    """Yield every page of the texts that are longer than one."""
    for digest, size in _linked(view).items():
        if size > PAGE:
            for number in range(1, -(-size // PAGE) + 1):
                yield Made(f"evidence/{digest}/{number}.html", digest[:24])
