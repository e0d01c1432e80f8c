"""Events as they are stored: all of them in pages of 200, and, where a server answers, a search over all."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchledger.ledger.web.lists.tally import tally
from benchledger.ledger.web.pages import Arguments, Context, Made, key_of
from benchledger.ledger.web.paths import EVENTS_A_PAGE, event_path
from benchledger.ledger.web.shell import benchledger
from benchledger.ledger.web.view import NotFound, View

__all__ = ["events_page", "events_places", "search_page", "search_places"]

_SHOWN = 3_000  # characters of a payload; most are shorter
_PARSED = 100_000  # a longer payload is shown as it is stored, and its blobs are looked for in what is shown
_CHUNK = 5_000  # events that one step of a search looks at
_SECONDS = 2.0
_FOUND = 200
_PAGES = 40  # links to pages of events, about
_BLOB = re.compile(r'"blob":"([0-9a-f]{64})"')
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_COLUMNS = "seq, hash, meta, payload_len, substr(payload, 1, {most}), payload IS NULL, payload_digest"


def events_page(view: View, arguments: Arguments) -> Context:
    """Return one page of events, from seq 200 N on."""
    last = -1 if view.head is None else view.head.seq
    text = arguments["number"]
    number = int(text) if text.isdecimal() and len(text) < 12 and str(int(text)) == text else -1
    if not 0 <= number <= last // EVENTS_A_PAGE:
        raise NotFound(f"there is no page {text} of events: the last event is {last}")
    first = number * EVENTS_A_PAGE
    rows = view.connection.execute(
        f"SELECT {_columns()} FROM events WHERE seq >= ? AND seq < ? ORDER BY seq",
        (first, first + EVENTS_A_PAGE),
    ).fetchall()
    events = [_event(view, row) for row in rows]
    _link(view, events)
    types: dict[str, int] = {}
    for event in events:
        types[event["type"]] = types.get(event["type"], 0) + 1
    return {
        "title": f"Events {first} to {first + len(events) - 1}",
        "number": number,
        "first": first,
        "last": first + len(events) - 1,
        "previous": f"events/{number - 1}.html" if number else None,
        "next": f"events/{number + 1}.html" if number < last // EVENTS_A_PAGE else None,
        "events": events,
        "types": types,
    }


def events_places(view: View) -> Iterator[Made]:
    """Yield every page of events. A full one changes only where something of it was redacted."""
    last = -1 if view.head is None else view.head.seq
    redacted: dict[int, list[int]] = {}
    for (seq,) in view.connection.execute(
        "SELECT target FROM redactions WHERE target IS NOT NULL ORDER BY target"
    ):
        redacted.setdefault(seq // EVENTS_A_PAGE, []).append(seq)
    query = "SELECT blob FROM redactions WHERE blob IS NOT NULL ORDER BY seq"
    gone = key_of([row[0] for row in view.connection.execute(query)])
    pages = last // EVENTS_A_PAGE + 1
    for number in range(pages):
        stop = min(last, (number + 1) * EVENTS_A_PAGE - 1)
        query = "SELECT hash FROM events WHERE seq = ?"
        ends = view.connection.execute(query, (stop,)).fetchone()[0].hex()
        # The chain binds all before it. How many pages there are would change every page, so it is not said there.
        yield Made(
            f"events/{number}.html", key_of(stop, ends, redacted.get(number, []), gone, number + 1 < pages)
        )


def search_page(view: View, arguments: Arguments) -> Context:
    """Return the events that match `type`, `stream` and `q` (a text within payload, id or stream) from seq `from` on.

    A search ends after 200 events or two seconds; `more` is the seq to go on from. A written site cannot search:
    there the page says so and lists the types.
    """
    asked = {name: arguments.get(name, "").strip()[:2_000] for name in ("type", "stream", "q", "from")}
    start = int(asked["from"]) if asked["from"].isdecimal() and len(asked["from"]) < 16 else 0
    wanted = any(asked[name] for name in ("type", "stream", "q")) or bool(asked["from"])
    last = -1 if view.head is None else view.head.seq
    found, more, looked = _search(view, asked, start) if wanted and view.settings.live else ([], None, None)
    counted = tally(view)
    return {
        "title": "Events",
        "asked": asked,
        "searched": looked is not None,
        "looked": looked,
        "events": found,
        "more": more,
        "can_search": view.settings.live,
        "types": [
            {
                "type": kind,
                "events": events,
                "first": counted.first[kind],
                "href": event_path(counted.first[kind]),
            }
            for kind, events in sorted(counted.by_type().items())
        ],
        "last": last,
        "pages": last // EVENTS_A_PAGE + 1,
        "shown_pages": _some_pages(last // EVENTS_A_PAGE + 1),
        "command": benchledger(view.settings.name, "serve"),
    }


def search_places(view: View) -> Iterator[Made]:
    """Yield the page that a written site has in place of a search."""
    yield Made("events.html", key_of(search_page(view, {})))


def _some_pages(pages: int) -> list[int | None]:
    """Return the first and last pages and some between; None where pages are left out."""
    step = max(1, pages // _PAGES)
    shown = sorted({*range(min(pages, 5)), *range(0, pages, step), *range(max(0, pages - 5), pages)})
    found: list[int | None] = []
    for number in shown:
        if found and found[-1] is not None and number > found[-1] + 1:
            found.append(None)
        found.append(number)
    return found


def _columns() -> str:
    return _COLUMNS.format(most=_SHOWN + 1)


def _event(view: View, row: Sequence[Any]) -> dict[str, Any]:
    seq, digest, meta, length, text, redacted, payload_digest = row
    said = json.loads(meta)
    names = ("id", "type", "schema", "stream", "version", "at", "actor")
    cut = text is not None and len(text) > _SHOWN
    shown = (
        None
        if text is None
        else text[:_SHOWN]
        if cut
        else json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    )
    whole = text
    if cut and length <= _PARSED:
        whole = view.connection.execute("SELECT payload FROM events WHERE seq = ?", (seq,)).fetchone()[0]
    return {
        "seq": seq,
        "hash": digest.hex(),
        "payload_digest": payload_digest.hex(),
        **{name: said[name] for name in names},
        "payload": shown,
        "payload_bytes": length,
        "cut": cut,
        "redacted": bool(redacted),
        "blobs": [] if whole is None else list(dict.fromkeys(_BLOB.findall(whole))),
        "href": event_path(seq),
    }


def _link(view: View, events: list[dict[str, Any]]) -> None:
    """Say the hash that each event builds on, None for the first; and which of its blobs are still there."""
    wanted = {blob for event in events for blob in event["blobs"]}
    here = {blob for blob in wanted if _is_stored(view.connection, blob)}
    hashes = {event["seq"]: event["hash"] for event in events}
    for event in events:
        before = event["seq"] - 1
        event["prev"] = hashes[before] if before in hashes else _hash_of(view, before)
        event["blobs"] = [
            {"blob": blob, "href": f"evidence/{blob}.txt" if blob in here else None}
            for blob in event["blobs"]
        ]


def _is_stored(connection: sqlite3.Connection, blob: str) -> bool:
    return (
        connection.execute("SELECT 1 FROM blobs WHERE digest = ?", (bytes.fromhex(blob),)).fetchone()
        is not None
    )


def _hash_of(view: View, seq: int) -> str | None:
    row = view.connection.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else str(row[0].hex())


def _search(view: View, asked: Mapping[str, str], start: int) -> tuple[list[dict[str, Any]], int | None, int]:
    """Return (events, seq to go on from, last seq looked at)."""
    last = -1 if view.head is None else view.head.seq
    where, values = _conditions(view, asked)
    exact = "stream = :stream" in where
    found: list[dict[str, Any]] = []
    at, end = start, time.monotonic() + _SECONDS
    while at <= last:
        # The events of one stream are found by their index, all others by looking at one after another.
        stop = last + 1 if exact else min(last + 1, at + _CHUNK)
        query = f"SELECT {_columns()} FROM events WHERE seq >= :low AND seq < :high{where} ORDER BY seq LIMIT :most"
        bound = values | {"low": at, "high": stop, "most": _FOUND - len(found) + 1}
        rows = view.connection.execute(query, bound).fetchall()
        found += [_event(view, row) for row in rows]
        if len(found) > _FOUND:
            more = found[_FOUND]["seq"]
            return _linked(view, found[:_FOUND]), more, more - 1
        at = stop
        if time.monotonic() > end and at <= last:
            return _linked(view, found), at, at - 1
    return _linked(view, found), None, last


def _linked(view: View, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    _link(view, events)
    return events


def _conditions(view: View, asked: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    where = ""
    values: dict[str, Any] = {name: asked[name] for name in ("type", "stream", "q")}
    if asked["type"]:
        where += " AND type = :type"
    if asked["stream"]:
        query = "SELECT 1 FROM events WHERE stream = ? LIMIT 1"
        known = view.connection.execute(query, (asked["stream"],)).fetchone()
        where += " AND stream = :stream" if known else " AND instr(stream, :stream) > 0"
    if asked["q"]:
        by_hash = ""
        if _HASH.fullmatch(asked["q"]):
            by_hash, values["hash"] = " OR hash = :hash", bytes.fromhex(asked["q"])
        where += f" AND (instr(payload, :q) > 0 OR instr(meta, :q) > 0{by_hash})"
    return where, values
