"""A recorded request, put together from its parts: what was new in this call, and what earlier ones had sent.

A request blob is canonical JSON that names the conversation's messages by digest (runners/proxy/pack.py):
{"key", "messages": [refs], "shared": {name: ref}, "rest"}, or {"body": ref}. Messages that the call was
the first to send are shown; those before stand with the call that brought them, and are linked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchledger.ledger.web.cell.answers import TEXT, pretty, read_message
from benchledger.ledger.web.cell.parts import Parts, Stored
from benchledger.ledger.web.view import NotFound
from benchledger.schema.canonical import canonical_bytes
from benchledger.schema.errors import Tampered

__all__ = ["Budget", "read_blob_text", "read_request", "whole_request"]

_PACKED = 1 << 18  # bytes of a request blob, 2,500 messages
_LARGEST = 1 << 23  # of one that is put together again
_MESSAGE = 1 << 15  # bytes of a message that is taken apart
_EDGE = 3  # known messages that are listed at both ends
_NEW = 30
_CONVERSATION = ("messages", "input", "contents")

Ref = dict[str, Any]


class Budget:
    """How many characters of texts a page may still show: what is beyond is linked."""

    def __init__(self, characters: int) -> None:
        """Start with so many."""
        self.left = characters

    def grant(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return items with their texts cut to what is left."""
        granted = []
        for item in items:
            text = item["text"]
            shown = text[: max(0, self.left)]
            self.left -= len(shown)
            granted.append(item | {"text": shown, "cut": item["cut"] or len(shown) < len(text)})
        return granted


def read_blob_text(parts: Parts, ref: Ref | None, most: int) -> Ref:
    """Return {blob, size, state, said, data, whole}: the first bytes of a blob, or why there are none.

    `state` is kept, none (the event names no blob), removed or damaged.
    """
    empty: Ref = {"blob": None, "size": None, "said": None, "data": b"", "whole": False}
    if ref is None:
        return empty | {"state": "none"}
    named = empty | {"blob": ref["blob"], "size": ref["size"]}
    stored = parts.find(ref["blob"])
    if stored is None:
        return named | {"state": "removed"}
    try:
        head = parts.head(stored, most)
    except Tampered as error:
        return named | {"state": "damaged", "said": str(error)}
    return named | {"state": "kept", "data": head.data, "whole": head.stop == stored.size}


def read_request(parts: Parts, ref: Ref | None, new: frozenset[str], budget: Budget) -> dict[str, Any]:
    """Return a request as plain JSON values; `new` are the digests that this call was the first to send."""
    found = read_blob_text(parts, ref, _PACKED)
    data = found.pop("data")
    made = found | {
        "key": None,
        "messages": [],
        "count": 0,
        "known": 0,
        "left": 0,
        "members": [],
        "text": None,
        "packed": False,
    }
    if found["state"] != "kept":
        return made
    value = _json(data) if found["whole"] else None
    packed = _packed(value)
    if packed is None:
        return made | _unpacked(value, data, whole=found["whole"], budget=budget)
    made["packed"] = True
    if "body" in packed:
        return made | {"members": [_member(parts, "body", packed["body"], new, budget)]}
    messages = packed["messages"]
    shown, left = _chosen(messages, new)
    made |= {"key": packed["key"], "count": len(messages), "left": left}
    made["known"] = sum(each["blob"] not in new for each in messages)
    made["messages"] = [_message(parts, number, messages[number - 1], new, budget) for number in shown]
    made["members"] = [_member(parts, name, each, new, budget) for name, each in packed["shared"].items()]
    if packed["rest"]:
        text, cut = pretty(packed["rest"])
        (rest,) = budget.grant([{"text": text, "cut": cut}])
        made["members"].insert(0, {"name": "parameters", "blob": None, "size": None, "new": True} | rest)
    return made


def whole_request(parts: Parts, stored: Stored) -> Iterator[bytes]:
    """Return the body of a packed request in pieces: the canonical JSON whose BLAKE3 is the request hash.

    Raises NotFound where the blob is no packed request or where a part of it is gone, Tampered where
    one is damaged.
    """
    packed = _packed(_json(parts.head(stored, _LARGEST).data))
    if packed is None:
        raise NotFound(f"blob {stored.digest} is no request that is kept in parts")
    if "body" in packed:
        return parts.pieces(_part(parts, packed["body"]))
    members: dict[str, list[Stored] | Stored | bytes] = {
        **{name: canonical_bytes(value) for name, value in packed["rest"].items()},
        **{name: _part(parts, ref) for name, ref in packed["shared"].items()},
        packed["key"]: [_part(parts, ref) for ref in packed["messages"]],
    }
    return _joined(parts, members)


def _part(parts: Parts, ref: Ref) -> Stored:
    stored = parts.find(ref["blob"])
    if stored is None:
        raise NotFound(f"part {ref['blob']} of the request was removed from this ledger")
    parts.check(stored)
    return stored


def _joined(parts: Parts, members: dict[str, list[Stored] | Stored | bytes]) -> Iterator[bytes]:
    """Yield canonical JSON of members that are canonical JSON themselves."""
    for place, name in enumerate(sorted(members)):
        value = members[name]
        yield (b"," if place else b"{") + canonical_bytes(name) + b":"
        if isinstance(value, bytes):
            yield value
        elif isinstance(value, list):
            yield b"["
            for index, stored in enumerate(value):
                if index:
                    yield b","
                yield from parts.pieces(stored)
            yield b"]"
        else:
            yield from parts.pieces(value)
    yield b"}"


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _unpacked(value: Any, data: bytes, *, whole: bool, budget: Budget) -> dict[str, Any]:
    """Return a request that another harness kept as it was: its messages, or else its text."""
    body = value if isinstance(value, dict) else {}
    key = next((name for name in _CONVERSATION if isinstance(body.get(name), list)), None)
    if key is None:
        text, cut = (data.decode(errors="replace"), not whole) if value is None else pretty(value)
        return {"text": budget.grant([{"text": text[:TEXT], "cut": cut or len(text) > TEXT}])[0]}
    every = body.pop(key)
    shown = [*range(1, len(every) + 1)]
    shown = shown if len(shown) <= _NEW else [*shown[: _NEW // 2], *shown[-_NEW // 2 :]]
    messages = [
        {"number": number, "blob": None, "size": None, "new": True, "state": "kept"}
        | _told(every[number - 1], budget)
        for number in shown
    ]
    text, cut = pretty(body)
    (rest,) = budget.grant([{"text": text, "cut": cut}])
    members = [{"name": "parameters", "blob": None, "size": None, "new": True} | rest] if body else []
    left = len(every) - len(shown)
    return {"key": key, "count": len(every), "left": left, "messages": messages, "members": members}


def _told(value: Any, budget: Budget) -> dict[str, Any]:
    """Return {role, said} of a message."""
    role = (value.get("role") or value.get("type")) if isinstance(value, dict) else None
    said = read_message(value)
    if not said:
        text, cut = pretty(value)
        said = [_plain(text, cut=cut)]
    return {"role": role if isinstance(role, str) else None, "said": budget.grant(said)}


def _packed(value: Any) -> dict[str, Any] | None:
    """Return a packed request, None for a value that no packing made."""
    if not isinstance(value, dict):
        return None
    if "body" in value:
        return value if _is_ref(value["body"]) else None
    messages, shared = value.get("messages"), value.get("shared")
    sound = (
        isinstance(value.get("key"), str)
        and isinstance(messages, list)
        and isinstance(shared, dict)
        and isinstance(value.get("rest"), dict)
        and all(map(_is_ref, messages))
        and all(map(_is_ref, shared.values()))
    )
    return value if sound else None


def _is_ref(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"blob", "size"} or type(value["size"]) is not int:
        return False
    digest = value["blob"]
    return isinstance(digest, str) and len(digest) == 64 and set(digest) <= set("0123456789abcdef")


def _chosen(messages: list[Ref], new: frozenset[str]) -> tuple[list[int], int]:
    """Return (numbers of messages to list, how many are left out): the new ones, and the edges of the rest."""
    fresh = [number for number, each in enumerate(messages, 1) if each["blob"] in new]
    fresh = fresh[: _NEW // 2] + fresh[_NEW // 2 :][-_NEW // 2 :]
    edges = [*range(1, _EDGE + 1), *range(len(messages) - _EDGE + 1, len(messages) + 1)]
    chosen = sorted({*fresh, *(number for number in edges if 1 <= number <= len(messages))})
    return chosen, len(messages) - len(chosen)


def _message(parts: Parts, number: int, ref: Ref, new: frozenset[str], budget: Budget) -> dict[str, Any]:
    made: dict[str, Any] = {"number": number, "role": None, "blob": ref["blob"], "size": ref["size"]}
    made |= {"new": ref["blob"] in new, "said": [], "state": "kept"}
    if not made["new"] or budget.left <= 0:
        return made
    head = read_blob_text(parts, ref, _MESSAGE)
    made["state"] = head["state"]
    if head["state"] != "kept":
        return made | {"said": [_plain(head["said"] or "")] if head["said"] else []}
    value = _json(head["data"]) if head["whole"] else None
    if value is None:
        text = head["data"].decode(errors="replace")
        cut = not head["whole"] or len(text) > TEXT
        return made | {"said": budget.grant([_plain(text[:TEXT], cut=cut)])}
    return made | _told(value, budget)


def _plain(text: str, *, cut: bool = False) -> dict[str, Any]:
    return {"kind": "json", "name": None, "text": text, "cut": cut}


def _member(parts: Parts, name: str, ref: Ref, new: frozenset[str], budget: Budget) -> dict[str, Any]:
    """Return a member of the body that is no message, such as the tools; its text where this call brought it."""
    made: dict[str, Any] = {"name": name, "blob": ref["blob"], "size": ref["size"], "new": ref["blob"] in new}
    made |= {"text": "", "cut": True}
    if not made["new"] or budget.left <= 0:
        return made
    head = read_blob_text(parts, ref, _MESSAGE)
    if head["state"] != "kept":
        return made | {"text": head["said"] or head["state"]}
    text, cut = head["data"].decode(errors="replace"), not head["whole"]
    if head["whole"]:
        try:
            text, cut = pretty(json.loads(text))
        except (ValueError, RecursionError):
            cut = len(text) > TEXT
    return made | budget.grant([{"text": text[:TEXT], "cut": cut or len(text) > TEXT}])[0]
