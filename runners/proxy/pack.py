"""Requests of a conversation share their messages: each is stored once, by its digest.

A packed request is canonical JSON:

    {"key": "messages", "messages": [{"blob": …, "size": …}, …],    the conversation, in order
     "shared": {"tools": {"blob": …, "size": …}},                   other large members of the body
     "rest": {…}}                                                   everything else, as it was

`key` names the member that held the conversation: messages (chat, Anthropic), input (responses),
contents (Google). A body that is no such object is packed as {"body": {"blob": …, "size": …}}.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blake3 import blake3

from benchledger.schema.canonical import canonical_bytes, parse_json
from benchledger.schema.errors import BadInput, CanonicalError
from benchledger.schema.ports import blob_ref

CONVERSATION = ("messages", "input", "contents")
SHARED_FROM = 256  # bytes; below, a reference is hardly smaller than what it stands for


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed request and the bytes that it refers to, by digest."""

    data: bytes
    parts: dict[str, bytes]


def request_hash(body: Any) -> str | None:
    """Return the BLAKE3 of the canonical JSON of a body, None where it has no canonical form."""
    try:
        return blake3(canonical_bytes(body)).hexdigest()
    except CanonicalError:
        return None


def pack_request(body: Any) -> Packed:
    """Pack the body of a request (decoded JSON, or the bytes of what is none)."""
    parts: dict[str, bytes] = {}

    def kept(value: Any) -> dict[str, Any]:
        data = value if isinstance(value, bytes) else canonical_bytes(value)
        ref = blob_ref(data)
        parts[ref.blob] = data
        return ref.to_json()

    try:
        packed = _packed(body, kept)
    except CanonicalError:  # integers beyond the profile, nesting beyond 64: kept as they were spelled
        parts.clear()
        packed = {"body": kept(json.dumps(body, ensure_ascii=True).encode())}
    return Packed(canonical_bytes(packed), parts)


def _packed(body: Any, kept: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    key = next((name for name in CONVERSATION if _is_list(body, name)), None)
    if key is None:
        return {"body": kept(body)}
    messages = [kept(message) for message in body[key]]
    shared, rest = {}, {}
    for name, value in body.items():
        if name == key:
            continue
        if isinstance(value, dict | list | str) and len(canonical_bytes(value)) >= SHARED_FROM:
            shared[name] = kept(value)
        else:
            rest[name] = value
    return {"key": key, "messages": messages, "rest": rest, "shared": shared}


def _is_list(body: Any, name: str) -> bool:
    return isinstance(body, dict) and isinstance(body.get(name), list)


def unpack_request(data: bytes, get: Callable[[str], bytes]) -> Any:
    """Return the body of a packed request; `get` returns the bytes of a digest.

    Bytes that were no JSON come back as bytes. Raises BadInput for what `pack_request` never made.
    """
    try:
        packed = parse_json(data)
        if "body" in packed:
            return _read(get(packed["body"]["blob"]))
        body = dict(packed["rest"])
        body |= {name: parse_json(get(ref["blob"])) for name, ref in packed["shared"].items()}
        body[packed["key"]] = [parse_json(get(ref["blob"])) for ref in packed["messages"]]
    except (CanonicalError, KeyError, TypeError, AttributeError) as error:
        raise BadInput("this is no packed request", "unpack the request blob of a model.called") from error
    return body


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data
