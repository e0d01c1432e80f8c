"""The table of event types, and reading one event by its type."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal, Union

from pydantic import Field, TypeAdapter, ValidationError, create_model

from benchledger.schema import events, history
from benchledger.schema.base import Payload, Record
from benchledger.schema.errors import BadInput

__all__ = ["EVENT_TYPES", "event_document", "first_error", "load_payload"]

EVENT_TYPES: dict[str, type[Payload]] = {
    model.event_type: model
    for module in (history, events)
    for name in module.__all__
    if isinstance(model := getattr(module, name), type) and issubclass(model, Payload)
}

# What `model_validate_json` calls in the end.
_VALIDATORS: dict[str, Callable[[bytes | str], Payload]] = {
    name: model.__pydantic_validator__.validate_json for name, model in EVENT_TYPES.items()
}


@lru_cache(maxsize=1)
def event_document() -> TypeAdapter[Any]:
    """Return the discriminated union of `{"type": …, "schema": n, "payload": {…}}` over the catalogue."""
    documents = tuple(_document(name, model) for name, model in EVENT_TYPES.items())
    union = Union[documents]  # type: ignore[valid-type]  # noqa: UP007 - built from a table
    return TypeAdapter(Annotated[union, Field(discriminator="type")])


def _document(name: str, model: type[Payload]) -> type[Record]:
    fields: dict[str, Any] = {
        "type": (Literal[name], ...),
        "schema_number": (Literal[model.schema_number], Field(model.schema_number, alias="schema")),
        "payload": (model, ...),
    }
    return create_model(f"{model.__name__}Event", __base__=Record, __doc__=model.__doc__, **fields)


def load_payload(event_type: str, payload: bytes | str) -> Payload:
    """Read the stored payload of a known type; raises BadInput with the first wrong field."""
    try:
        return _VALIDATORS[event_type](payload)
    except ValidationError as error:
        field, reason = first_error(error)
        raise BadInput(f"{event_type}: {field}: {reason}") from error


def first_error(error: ValidationError) -> tuple[str, str]:
    """Return (dotted field, reason) of the first defect that pydantic found."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"]
