"""Operators on the expressions of the languages with braces, whose grammars name most things alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from benchledger.runners.mutate.mutant import Edit
from benchledger.runners.mutate.tree import Source, operator_of

__all__ = ["arithmetic", "boundary", "comparator", "dropped_not", "logic", "negated", "swapped"]

_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_EITHER = {"==": "!=", "!=": "==", "===": "!==", "!==": "==="}
_COMPARATOR = _EITHER | {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_LOGIC = {"&&": "||", "||": "&&"}
_BINARY = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "<<": ">>", ">>": "<<"}
_CHANGING = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "%=": "*=", "++": "--", "--": "++"}
_CHANGES = {
    "assignment_expression",
    "assignment_statement",
    "augmented_assignment_expression",
    "compound_assignment_expr",
    "dec_statement",
    "inc_statement",
    "update_expression",
}
_CONDITIONED = {
    "conditional_expression",
    "do_statement",
    "if_expression",
    "if_statement",
    "ternary_expression",
    "while_expression",
    "while_statement",
}
_STRINGS = {
    "interpreted_string_literal",
    "raw_string_literal",
    "string",
    "string_literal",
    "template_string",
}
# `if let` takes no `!`, and what always holds is how a loop without end is written
_NOT_TURNED = {"boolean_literal", "false", "let_chain", "let_condition", "number_literal", "true"}


def boundary(node: Node, source: Source) -> Iterator[Edit]:
    yield from _binary(node, source, _BOUNDARY)


def comparator(node: Node, source: Source) -> Iterator[Edit]:
    yield from _binary(node, source, _COMPARATOR)


def logic(node: Node, source: Source) -> Iterator[Edit]:
    yield from _binary(node, source, _LOGIC)


def _binary(node: Node, source: Source, signs: Mapping[str, str]) -> Iterator[Edit]:
    if node.type == "binary_expression" and (sign := operator_of(node)) is not None and sign.type in signs:
        yield source.instead(sign, signs[sign.type])


def arithmetic(node: Node, source: Source) -> Iterator[Edit]:
    if any(child.type in _STRINGS for child in _operands(node)):
        return
    yield from _binary(node, source, _BINARY)
    sign = operator_of(node) if node.type in _CHANGES else None
    if sign is not None and sign.type in _CHANGING:
        yield source.instead(sign, _CHANGING[sign.type])


def _operands(node: Node) -> list[Node]:
    if node.type == "assignment_statement":  # of Go, whose sides are lists
        return [item for side in node.named_children for item in side.named_children]
    return node.named_children


def dropped_not(node: Node, _source: Source) -> Iterator[Edit]:
    if _is_not(node):
        yield Edit(node.start_byte, node.named_children[-1].start_byte, "")


def _is_not(node: Node) -> bool:
    return node.type == "unary_expression" and node.children[0].type == "!"


def negated(node: Node, source: Source) -> Iterator[Edit]:
    if node.type not in _CONDITIONED or (condition := node.child_by_field_name("condition")) is None:
        return
    inner = condition
    if condition.type == "parenthesized_expression":
        parts = [child for child in condition.named_children if child.type != "comment"]
        if len(parts) != 1:
            return
        inner = parts[0]
    if inner.type in _NOT_TURNED or _is_not(inner):
        return
    sign = operator_of(inner) if inner.type == "binary_expression" else None
    if sign is None or sign.type not in _EITHER:
        yield source.instead(inner, f"!({source.text(inner)})")


def swapped(node: Node, source: Source) -> Iterator[Edit]:
    if node.type not in {"arguments", "argument_list"}:
        return
    given = [child for child in node.named_children if "comment" not in child.type]
    for one, two in itertools.pairwise(given):
        kinds = (one.type, two.type)
        # `make([]string, 0)` of Go takes a type
        fixed = any(kind == "spread_element" or kind.endswith("_type") for kind in kinds)
        if not fixed and source.text(one) != source.text(two):
            between = source.data[one.end_byte : two.start_byte].decode()
            yield Edit(one.start_byte, two.end_byte, source.text(two) + between + source.text(one))
