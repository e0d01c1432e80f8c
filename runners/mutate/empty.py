"""What a function gives back where it gives back nothing: the empty value of its declared type."""

from __future__ import annotations

import re
from collections.abc import Callable

from tree_sitter import Node

from benchledger.runners.mutate.tree import Source

__all__ = ["empty_value"]

_NUMBER = {
    "c": re.compile(r"(?:(?:un)?signed|char|short|int|long|float|double|bool|_Bool|\w+_t)(?:\s+\w+)*"),
    "go": re.compile(r"u?int(?:8|16|32|64)?|uintptr|float(?:32|64)|byte|rune"),
    "java": re.compile(r"byte|short|int|long|float|double|char"),
    "rust": re.compile(r"[iu](?:8|16|32|64|128|size)"),
}
_GO_NIL = {
    "channel_type",
    "function_type",
    "interface_type",
    "map_type",
    "pointer_type",
    "slice_type",
}


def empty_value(source: Source, function: Node) -> str | None:
    """Return the empty value for what a function returns; None where it returns nothing or that is not known."""
    return _BY_LANGUAGE[source.language](source, function)


def _c(source: Source, function: Node) -> str | None:
    kind, declarator = function.child_by_field_name("type"), function.child_by_field_name("declarator")
    if kind is None or declarator is None:
        return None
    if declarator.type == "pointer_declarator":
        return "0"
    return "0" if _NUMBER["c"].fullmatch(source.text(kind)) else None


def _go(source: Source, function: Node) -> str | None:
    kind = function.child_by_field_name("result")
    if kind is not None and kind.type == "parameter_list" and kind.named_children:
        kind = kind.named_children[0].child_by_field_name("type")
    if kind is None:
        return None
    text = source.text(kind)
    if kind.type in _GO_NIL or text in {"any", "error"}:
        return "nil"
    if text in {"bool", "string"}:
        return {"bool": "false", "string": '""'}[text]
    return "0" if _NUMBER["go"].fullmatch(text) else None


def _java(source: Source, function: Node) -> str | None:
    kind = function.child_by_field_name("type")
    if kind is None or kind.type == "void_type":
        return None
    if kind.type == "boolean_type":
        return "false"
    return "0" if _NUMBER["java"].fullmatch(source.text(kind)) else "null"


def _javascript(_source: Source, _function: Node) -> str:
    return "undefined"


def _rust(source: Source, function: Node) -> str | None:
    kind = function.child_by_field_name("return_type")
    if kind is None:
        return None
    text = source.text(kind)
    if text == "bool":
        return "false"
    if text == "String" or text.startswith("Vec<"):
        return "Default::default()"
    if text.startswith("Option<"):
        return "None"
    return "0" if _NUMBER["rust"].fullmatch(text) else None


_BY_LANGUAGE: dict[str, Callable[[Source, Node], str | None]] = {
    "c": _c,
    "go": _go,
    "java": _java,
    "javascript": _javascript,
    "rust": _rust,
}
