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
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_json

__all__ = [
    "MAX_DEPTH",
    "MAX_INT",
    "NotPlainError",
    "fast_bytes",
    "fields_of",
    "plain",
    "plain_record",
    "record_bytes",
    "record_value",
]

MAX_INT = 2**53 - 1
MAX_DEPTH = 64
# Between these every positive double has one shortest decimal form without an exponent.
_SMALL, _LARGE = 1e-4, 1e16
# Objects with so many keys at most come with the same ones again and again.
_FEW = 32
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
        elif depth <= 0:
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


@lru_cache(maxsize=4096)
def _are_sorted(keys: tuple[str, ...]) -> bool:
    """Return whether keys of a validated record are in order: the same ones come again and again."""
    return list(keys) == sorted(keys)


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    return value


class _Plan(NamedTuple):
    """What is known of a class of records once and for all."""

    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]  # takes the values of all names, in order, out of `__dict__`
    watched: tuple[str, ...]  # fields to look into: numbers, free JSON, other records
    nested: tuple[str, ...]  # fields that may hold other records
    spell: Callable[..., bytes]


def record_bytes(record: BaseModel) -> bytes:
    """Return the canonical bytes of a validated record; fields that are None are left out.

    What its types promise (text, integers with bounds) is not asked again. Raises NotPlainError
    where the fast way is not known to be right.
    """
    plan = _plan(type(record))
    if not _in_canonical_order(record.__dict__, plan, MAX_DEPTH):
        return fast_bytes(plain_record(record))
    try:
        return plan.spell(record, exclude_none=True)
    except PydanticSerializationError as error:
        raise NotPlainError from error


def _in_canonical_order(fields: dict[str, Any], plan: _Plan, depth: int) -> bool:
    """Return whether a record and all inside have their fields and keys in order."""
    if depth <= 0:
        raise NotPlainError
    if tuple(fields) != plan.names:
        return False
    settled = True
    for name in plan.watched:
        item = fields[name]
        if item is None:
            continue
        kind = type(item)
        if kind is float:
            if item and not _SMALL <= item < _LARGE:
                plain(item)
        elif kind is dict:
            if item:
                ordered = _are_sorted(tuple(item)) if len(item) <= _FEW else _sorted(item)
                settled &= ordered & _settled(item.values(), depth - 2)
        elif kind in _JSON and not (kind is tuple and item and type(item[0]) not in _JSON):
            settled &= _settled((item,), depth - 1)
        else:
            inner, level = (item, depth - 2) if kind is tuple else ((item,), depth - 1)
            for part in inner:
                settled &= _is_ordered(part, level)
    return settled


def _is_ordered(record: BaseModel, depth: int) -> bool:
    plan = _plan(type(record))
    return _in_canonical_order(record.__dict__, plan, depth)


def record_value(record: BaseModel) -> dict[str, Any]:
    """Return a record as JSON values for reading alone; in the record itself None stands for absent."""
    fields = record.__dict__
    made: dict[str, Any] = {}
    for name in _plan(type(record)).nested:
        item = fields[name]
        if item is not None:
            made[name] = _field(item, MAX_DEPTH)
    return fields | made if made else fields


def plain_record(record: BaseModel, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Return what `plain` returns of the record as JSON; fields that are None are left out."""
    if depth == 0:
        raise NotPlainError
    names, values, watched, _, _ = _plan(type(record))
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
def _plan(kind: type[BaseModel]) -> _Plan:
    """Return how to spell a class of records; one that spells itself in a way of its own is not plain."""
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
    schemas = {name: field["schema"] for name, field in fields_of(kind.__pydantic_core_schema__).items()}
    watched = tuple(name for name in names if not _is_settled(schemas.get(name, {})))
    nested = tuple(name for name in watched if _may_hold_records(schemas.get(name, {})))
    return _Plan(names, getter, watched, nested, kind.__pydantic_serializer__.to_json)


def fields_of(schema: Any) -> dict[str, Any]:
    """Return the fields inside the core schema of a model: the very dict, which may be changed."""
    while schema["type"] != "model-fields":
        if "schema" not in schema:
            return {}
        schema = schema["schema"]
    fields: dict[str, Any] = schema["fields"]
    return fields


def _may_hold_records(schema: Any) -> bool:
    kind = schema.get("type")
    if kind in ("default", "nullable"):
        return _may_hold_records(schema["schema"])
    if kind == "dict":
        return _may_hold_records(schema["values_schema"])
    if kind == "definition-ref":
        return not schema["schema_ref"].startswith("pydantic.types.JsonValue:")
    return kind not in ("float", "int", "bool", "str")


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
