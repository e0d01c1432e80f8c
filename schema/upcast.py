"""Old payloads stay readable: upcasters turn schema n of a type into n + 1, step by step.

An upcaster is a pure function from a payload dict to a payload dict. It is never changed
once it was released, because the golden ledgers of older formats fold through it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from benchledger.schema.base import Payload
from benchledger.schema.catalogue import EVENT_TYPES, load_payload

__all__ = ["UPCASTERS", "Upcaster", "is_known", "payload_of", "upcast"]

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

# (type, schema number it reads) -> the function that gives the next number.
UPCASTERS: dict[tuple[str, int], Upcaster] = {}


def _known(event_type: str, schema: int, newest: int) -> bool:
    return schema <= newest and all((event_type, number) in UPCASTERS for number in range(schema, newest))


def is_known(event_type: str, schema: int) -> bool:
    """Return whether this version can fold a payload of that type and schema number."""
    model = EVENT_TYPES.get(event_type)
    return model is not None and (
        schema == model.schema_number or _known(event_type, schema, model.schema_number)
    )


def upcast(
    event_type: str,
    schema: int,
    payload: dict[str, Any],
    table: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> dict[str, Any]:
    """Return `payload` as the newest schema number of its type; the input is not changed."""
    for number in range(schema, EVENT_TYPES[event_type].schema_number):
        payload = table[event_type, number](dict(payload))
    return payload


def payload_of(event_type: str, schema: int, payload: dict[str, Any]) -> Payload | None:
    """Return a stored payload as the newest model of its type; None for a type that this version lacks."""
    if not is_known(event_type, schema):
        return None
    return load_payload(event_type, json.dumps(upcast(event_type, schema, payload)))
