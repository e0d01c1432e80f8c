"""Operators on the constants of the languages with braces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from benchledger.runners.mutate.mutant import Edit
from benchledger.runners.mutate.tree import Source, operator_of

__all__ = ["flipped", "off_by_one", "one_more", "wrong_default"]

_WHOLE = re.compile(r"(0|[1-9][0-9]*)([uUlL]*|[iu](?:8|16|32|64|128|size))")
_NUMBERS = {"decimal_integer_literal", "int_literal", "integer_literal", "number", "number_literal"}
_FLIPPED = {"true": "false", "false": "true"}
_BOOLEANS = {"boolean_literal", *_FLIPPED}
_STRINGS = {"interpreted_string_literal", "string", "string_literal"}
# type of node -> field with the value that a name starts with, or has where none is given
_STARTING = {
    "assignment_pattern": "right",
    "const_item": "value",
    "const_spec": "value",
    "init_declarator": "value",
    "let_declaration": "value",
    "object_assignment_pattern": "right",
    "short_var_declaration": "right",
    "static_item": "value",
    "var_spec": "value",
    "variable_declarator": "value",
}


def one_more(text: str) -> str | None:
    """Return a whole number as text, one more and of the same type; None where it is none in decimals."""
    found = _WHOLE.fullmatch(text)
    return None if found is None else f"{int(found[1]) + 1}{found[2]}"


def off_by_one(node: Node, source: Source) -> Iterator[Edit]:
    if node.type in _NUMBERS and (more := one_more(source.text(node))) is not None:
        yield source.instead(node, more)


def flipped(node: Node, source: Source) -> Iterator[Edit]:
    if node.is_named and node.type in _BOOLEANS and source.text(node) in _FLIPPED:
        yield source.instead(node, _FLIPPED[source.text(node)])


def wrong_default(node: Node, source: Source) -> Iterator[Edit]:
    value = _default(node, source)
    if value is not None and value.type == "expression_list" and value.named_child_count == 1:
        value = value.named_children[0]
    if value is not None and (other := _other(value, source)) is not None:
        yield source.instead(value, other)


def _default(node: Node, source: Source) -> Node | None:
    if node.type in _STARTING:
        return node.child_by_field_name(_STARTING[node.type])
    if node.type == "binary_expression":
        sign = operator_of(node)
        return node.child_by_field_name("right") if sign is not None and sign.type == "??" else None
    if node.type == "call_expression":
        called, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if called is not None and given is not None and source.text(called).endswith(".unwrap_or"):
            return next(iter(given.named_children), None)
    return None


def _other(value: Node, source: Source) -> str | None:
    """Return another value of the same kind, None where it is not clear what that would be."""
    text = source.text(value)
    if value.type in _NUMBERS:
        return one_more(text)
    if value.type in _BOOLEANS:
        return _FLIPPED.get(text)
    if value.type in _STRINGS and text[:1] in {'"', "'"} and len(text) > 2:
        return text[0] * 2
    return None
