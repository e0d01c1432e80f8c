"""Operators on the statements of the languages with braces, and on await."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from benchledger.runners.mutate.empty import empty_value
from benchledger.runners.mutate.mutant import Edit
from benchledger.runners.mutate.tree import Source, nearest

__all__ = ["break_continue", "dropped_await", "dropped_call", "dropped_return"]

_FUNCTIONS = {
    "arrow_function",
    "closure_expression",
    "func_literal",
    "function_declaration",
    "function_definition",
    "function_expression",
    "function_item",
    "lambda_expression",
    "method_declaration",
    "method_definition",
}
_LOOPS = {
    "do_statement",
    "enhanced_for_statement",
    "for_expression",
    "for_in_statement",
    "for_statement",
    "loop_expression",
    "while_expression",
    "while_statement",
}
_CHOICES = {
    "expression_switch_statement",
    "select_statement",
    "switch_expression",
    "switch_statement",
    "type_switch_statement",
}
_OTHER = {"break": "continue", "continue": "break"}
_CALLS = {"call_expression", "macro_invocation", "method_invocation"}
_AROUND = {"await_expression", "try_expression"}
# What is said on the side is hardly ever tested.
_SIDE = re.compile(r"console\.|log(ger)?\.|System\.(out|err)\.|fmt\.Print|e?print(ln)?\b", re.IGNORECASE)


def break_continue(node: Node, source: Source) -> Iterator[Edit]:
    word = node.type.partition("_")[0]
    if not node.is_named or word not in _OTHER or node.named_child_count:
        return  # with a label or a value it is another thing
    around = nearest(node, _LOOPS | _CHOICES, _FUNCTIONS)
    if around is not None and around.type in _LOOPS:
        yield source.instead(node.children[0], _OTHER[word])


def dropped_return(node: Node, source: Source) -> Iterator[Edit]:
    value = _returned(node)
    if value is None:
        return
    function = nearest(value, _FUNCTIONS, set())
    empty = None if function is None else empty_value(source, function)
    if empty is not None and source.text(value) != empty:
        yield source.instead(value, empty)


def _returned(node: Node) -> Node | None:
    """Return the (first) value that a statement returns, or that ends a function of Rust."""
    value = None
    if node.type in {"return_statement", "return_expression"}:
        value = next((child for child in node.named_children if "comment" not in child.type), None)
    elif node.type == "function_item" and (body := node.child_by_field_name("body")) is not None:
        last = body.named_children[-1] if body.named_children else None
        if last is not None and not last.type.endswith(("statement", "declaration", "comment", "item")):
            value = last
    if value is not None and value.type == "expression_list":
        return value.named_children[0]
    return value


def dropped_call(node: Node, source: Source) -> Iterator[Edit]:
    if node.type != "expression_statement" or not node.named_children:
        return
    call = node.named_children[0]
    while call.type in _AROUND and call.named_children:
        call = call.named_children[0]
    if call.type in _CALLS and not _SIDE.match(source.text(call)):
        yield source.instead(node, "" if source.language == "go" else ";")


def dropped_await(node: Node, _source: Source) -> Iterator[Edit]:
    if node.type == "await_expression" and node.named_children:
        yield Edit(node.start_byte, node.named_children[-1].start_byte, "")
