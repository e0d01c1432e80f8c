"""The terminal of an attempt: its recording for the player, its text, or why there is none.

cell.exited.recording -> head of the blob -> text for every reader, events for the player
                         (small: in the page; else recordings/DIGEST.js, which registers them)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.web import vendored
from benchledger.ledger.web.ansi import shown
from benchledger.ledger.web.cell.attempt import Attempt
from benchledger.ledger.web.cell.evidence import parts_of
from benchledger.ledger.web.cell.parts import Stored
from benchledger.ledger.web.cell.recording import MOST, Played, played
from benchledger.ledger.web.pages import Arguments, Made, Raw
from benchledger.ledger.web.view import NotFound, View
from benchledger.schema.errors import Tampered

__all__ = ["needs", "recording_path", "recording_places", "recording_script", "terminal"]

_INLINE = 1 << 16  # bytes of a recording that stands in the page itself
_HEAD = 1 << 14  # bytes of a longer one of which the page shows the text
_SHOWN, _SHOWN_ALONE = 1 << 12, 1 << 16  # characters of text beside the player, and where there is none
_MARKERS = 500
_FEW = 2_000  # events up to which spans are looked through for the launch
_PLAYER = "asciinema-player"
_ASSETS = ("vendor/asciinema-player.css", "vendor/asciinema-player.min.js")
_MARKED = "SELECT number, started_at FROM model_calls WHERE first_seq = ? AND started_at IS NOT NULL LIMIT ?"
_RECORDINGS = (
    "SELECT DISTINCT json_extract(payload, '$.recording.blob') FROM events WHERE type = 'cell.exited'"
)
_STARTED = "SELECT min(started_at) FROM spans WHERE first_seq = ? AND kind = 'container'"


def recording_path(digest: str) -> str:
    """Return where the events of a recording lie as a script."""
    return f"recordings/{digest}.js"


def terminal(view: View, attempt: Attempt) -> dict[str, Any]:
    """Return the terminal section; `state` is `recorded`, `none`, `gone`, `damaged` or `unreadable`."""
    ref = attempt.payload("cell.exited").get("recording")
    if ref is None:
        return _none("none", _why_none(attempt))
    about = {"digest": ref["blob"], "size": ref["size"], "event": attempt.place("cell.exited")}
    parts = parts_of(view)
    stored = parts.find(ref["blob"])
    if stored is None:
        return _none("gone", "The recording was redacted: its event stands, its bytes are gone.") | about
    try:
        piece = parts.head(stored, _INLINE if stored.size <= _INLINE else _HEAD)
    except Tampered as error:
        return _none("damaged", f"The recording cannot be shown: {error}") | about
    found = played(piece.data, stored.size)
    if found is None:
        return (
            _none("unreadable", "The recording is no asciicast of version 2; read its bytes instead.") | about
        )
    return about | _recorded(view, attempt, stored, found)


def needs(attempt: Attempt) -> dict[str, Any]:
    """Return what the head of the page has to know: the player's files, and that it runs WebAssembly."""
    ref = attempt.payload("cell.exited").get("recording")
    plays = (
        ref is not None
        and vendored.why_not(_PLAYER) is None
        and parts_of(attempt.view).find(ref["blob"]) is not None
    )
    return {"assets": _ASSETS if plays else (), "wasm": plays}


def _none(state: str, reason: str) -> dict[str, Any]:
    return {"state": state, "reason": reason, "digest": None}


def _why_none(attempt: Attempt) -> str:
    exited = attempt.one("cell.exited")
    if attempt.one("record.received") is not None:
        return "Not recorded by the source: it handed in no terminal recording."
    if exited is None:
        return (
            "Nothing yet: the attempt has not ended, or its launcher died. When it has, load this page again."
        )
    if exited.payload is None:
        return "The end of the attempt was redacted."
    if (attempt.payload("cell.launched").get("argv") or [""])[0].startswith("builtin:"):
        return "Not applicable: a built-in agent starts no process."
    return "Not applicable: the agent ran without a terminal; its output is under grader output and streams."


def _recorded(view: View, attempt: Attempt, stored: Stored, found: Played) -> dict[str, Any]:
    inline = stored.size <= _INLINE
    began, basis = _began(view, attempt, found)
    start, lacks = attempt.row["started_at"], vendored.why_not(_PLAYER)
    most = _SHOWN if lacks is None else _SHOWN_ALONE
    text = shown(found.text[:most])
    return {
        "state": "recorded",
        "reason": None,
        "lacks": lacks,
        "columns": found.columns,
        "rows": found.rows,
        "cut": found.cut if inline else [],
        "text": text.html,
        "text_notes": text.notes,
        "text_whole": inline and len(found.text) <= most,
        "seconds": found.seconds if inline else None,
        "offset_ms": None if None in (began, start) else ((began or 0) - start) / 1000,
        "offset_basis": basis,
        "script": None if inline else recording_path(stored.digest),
        "data": _data(found) if inline else None,
        "markers": _markers(view, attempt, began),
    }


def _began(view: View, attempt: Attempt, found: Played) -> tuple[int | None, str]:
    """Return when the recording's clock was at 0, in µs, and what says so."""
    if attempt.length <= _FEW:
        (at,) = view.connection.execute(_STARTED, (attempt.first_seq,)).fetchone()
        if at is not None:
            return int(at), "the start of the container span"
    launched = attempt.payload("cell.launched").get("launched_at")
    if launched is not None:
        return int(launched), "the launch of the agent"
    if found.started_at is not None:
        return found.started_at, "the header of the recording, to the second"
    return None, "nothing: neither launch nor header has a time"


def _markers(view: View, attempt: Attempt, began: int | None) -> list[list[Any]]:
    """Return [second, label] of model calls on the recording's clock."""
    if began is None:
        return []
    rows = view.connection.execute(_MARKED, (attempt.first_seq, _MARKERS)).fetchall()
    return sorted([max(0.0, (at - began) / 1e6), f"model call {number}"] for number, at in rows)


def _data(found: Played) -> dict[str, Any]:
    return {
        "columns": found.columns,
        "rows": found.rows,
        "events": found.events,
        "cut": found.cut,
    }


def recording_script(view: View, arguments: Arguments) -> Raw:
    """Return a script that registers the events of a recording: it also works where no server is."""
    digest = arguments["digest"]
    parts = parts_of(view)
    stored = parts.find(digest) if re.fullmatch("[0-9a-f]{64}", digest) else None
    found = None if stored is None else played(parts.head(stored, MOST).data, stored.size)
    if found is None:
        raise NotFound(f"there is no recording {digest}")
    data = json.dumps(_data(found), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    text = (
        '"use strict";(function(b){b.recordings=b.recordings||{};'
        f'b.recordings["{digest}"]={data};}})(window.benchledger=window.benchledger||{{}});\n'
    )
    return Raw("text/javascript; charset=utf-8", [text.encode()])


def recording_places(view: View) -> Iterator[Made]:
    """Yield the script of every recording that is too long for its page."""
    parts = parts_of(view)
    for (digest,) in view.connection.execute(_RECORDINGS).fetchall():
        stored = None if digest is None else parts.find(digest)
        if stored is None or stored.size <= _INLINE:
            continue
        if played(parts.head(stored, 4096).data, stored.size) is not None:
            yield Made(recording_path(digest), digest)
