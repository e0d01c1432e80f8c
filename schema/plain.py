"""Canonical JSON the fast way, for values of which it is known to be canonical.

`plain` walks a value once: it puts keys in order, refuses what JSON cannot say, and refuses
also what two serializers may spell differently (numbers that need an exponent). What is left,
pydantic's serializer writes byte for byte as `canonical_bytes` does, four times as fast; all
else is left to `canonical_bytes`, which is the definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

__all__ = ["MAX_DEPTH", "MAX_INT", "NotPlainError", "fast_bytes", "plain", "plain_record"]

MAX_INT = 2**53 - 1
MAX_DEPTH = 64
# Between these every positive double has one shortest decimal form without an exponent.
_SMALL, _LARGE = 1e-4, 1e16
_SAFE = frozenset({str, bool, type(None)})
_JSON = frozenset({*_SAFE, int, float, dict, list, tuple})
_TEXT = {str}


class NotPlainError(ValueError):
    """The value needs the slow way: it may still be sayable, or not."""


def fast_bytes(value: Any) -> bytes:
    """Return the canonical bytes of what `plain` returned; raises NotPlainError for a lone surrogate."""
    try:
        return to_json(value)
    except PydanticSerializationError as error:
        raise NotPlainError from error


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a JSON value with the keys of its objects in order; the value itself where they are already.

    Raises NotPlainError where the fast way is not known to be right.
    """
    return value if _settled((value,), depth) else _in_order(value)


def _settled(items: Iterable[Any], depth: int) -> bool:
    """Return whether all keys inside are in order; `depth` is how many levels may still follow."""
    settled = True
    for item in items:
        kind = type(item)
        if kind in _SAFE:
            continue
        if kind is int:
            if not -MAX_INT <= item <= MAX_INT:
                raise NotPlainError
        elif kind is float:
            if not (_SMALL <= item < _LARGE or item == 0 or -_LARGE < item <= -_SMALL):
                raise NotPlainError
        elif depth == 0:
            raise NotPlainError
        elif kind is list or kind is tuple:
            settled &= not item or _settled(item, depth - 1)
        elif kind is dict:
            settled &= not item or (_settled(item.values(), depth - 1) & _sorted(item))
        else:
            raise NotPlainError
    return settled


def _sorted(value: dict[Any, Any]) -> bool:
    if set(map(type, value)) != _TEXT:
        raise NotPlainError
    return list(value) == sorted(value)


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return value


def plain_record(record: BaseModel, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Return what `plain` returns of the record as JSON; fields that are None are left out.

    What the types of a validated record promise (text, integers with bounds) is not asked again.
    """
    if depth == 0:
        raise NotPlainError
    names, values, watched = _plan(type(record))
    # The getter gives one value more than there are names.
    pairs = zip(names, values(record.__dict__), strict=False)
    out = {name: item for name, item in pairs if item is not None}
    for name in watched:
        item = out.get(name)
        if type(item) is float:
            if not _SMALL <= item < _LARGE:
                plain(item)
        elif item is not None:
            out[name] = _field(item, depth - 1)
    return out


def _field(item: Any, depth: int) -> Any:
    if type(item) is tuple and item and type(item[0]) not in _JSON:
        if depth == 0:
            raise NotPlainError
        return [plain_record(part, depth - 1) for part in item]
    return plain(item, depth) if type(item) in _JSON else plain_record(item, depth)


@lru_cache(maxsize=1024)
def _plan(kind: type[BaseModel]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], tuple[str, ...]]:
    """Return the names of a model's fields in order, what takes their values out of `__dict__`, which to look into.

    A model that spells itself in a way of its own is not plain.
    """
    # Asked once a class, for an abstract base class answers slowly.
    if not issubclass(kind, BaseModel):
        raise NotPlainError
    own, fields = kind.__pydantic_decorators__, kind.model_fields
    if (
        own.field_serializers
        or own.model_serializers
        or own.computed_fields
        or kind.__pydantic_root_model__
        or kind.model_config.get("extra") != "forbid"
        or any(field.exclude or field.serialization_alias for field in fields.values())
    ):
        raise NotPlainError
    names = tuple(sorted(fields))
    # With a name that is there twice the getter returns a tuple even of a single field.
    getter: Callable[[Any], tuple[Any, ...]] = itemgetter(*names, *names[:1])
    schemas = _field_schemas(kind.__pydantic_core_schema__)
    return names, getter, tuple(name for name in names if not _is_settled(schemas.get(name, {})))


def _field_schemas(schema: Any) -> dict[str, Any]:
    while schema["type"] != "model-fields":
        if "schema" not in schema:
            return {}
        schema = schema["schema"]
    return {name: field["schema"] for name, field in schema["fields"].items()}


def _is_settled(schema: Any) -> bool:
    """Return whether every value that this type lets pass is plain."""
    kind = schema.get("type")
    if kind in ("default", "nullable"):
        return _is_settled(schema["schema"])
    if kind == "int":
        return bool(schema.get("ge", -MAX_INT - 1) >= -MAX_INT and schema.get("le", MAX_INT + 1) <= MAX_INT)
    if kind == "literal":
        return all(type(value) in _SAFE for value in schema["expected"])
    if kind == "tuple":
        return all(_is_settled(item) for item in schema["items_schema"])
    return kind in ("str", "bool")
