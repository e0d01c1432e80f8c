"""Operators on the constants of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator

import libcst as cst

from benchledger.runners.mutate.mutant import Edit
from benchledger.runners.mutate.python import Place

__all__ = ["flipped", "off_by_one", "wrong_default"]

_WHOLE = re.compile(r"0|[1-9][0-9]*")
_FLIPPED = {"True": "False", "False": "True"}
_ASKING = {"get", "pop", "setdefault", "getattr", "next"}


def off_by_one(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if isinstance(node, cst.Integer) and _WHOLE.fullmatch(node.value):
        yield place.instead(node, str(int(node.value) + 1))


def flipped(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if isinstance(node, cst.Name) and node.value in _FLIPPED:
        yield place.instead(node, _FLIPPED[node.value])


def wrong_default(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    value: cst.BaseExpression | None = None
    if isinstance(node, cst.Param):
        value = node.default
    elif isinstance(node, cst.Call) and len(node.args) > 1 and node.args[-1].keyword is None:
        called = node.func.attr if isinstance(node.func, cst.Attribute) else node.func
        if isinstance(called, cst.Name) and called.value in _ASKING:
            value = node.args[-1].value
    if value is not None and (other := _other(value)) is not None:
        yield place.instead(value, other)


def _other(value: cst.BaseExpression) -> str | None:
    """Return another value of the same kind, None where it is not clear what that would be."""
    if isinstance(value, cst.Integer) and _WHOLE.fullmatch(value.value):
        return str(int(value.value) + 1)
    if isinstance(value, cst.Float):
        return repr(float(value.value.replace("_", "")) + 1.0)
    if isinstance(value, cst.Name):
        return (_FLIPPED | {"None": "0"}).get(value.value)
    if isinstance(value, cst.SimpleString) and value.raw_value:
        return f"{value.prefix}{value.quote[:1] * 2}"
    return None
