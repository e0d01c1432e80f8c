"""Operators on shell scripts, where a comparison is a word and a condition a command."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from benchledger.runners.mutate.mutant import Edit
from benchledger.runners.mutate.tree import Source, nearest, operator_of
from benchledger.runners.mutate.tree_values import one_more

__all__ = [
    "arithmetic",
    "boundary",
    "break_continue",
    "comparator",
    "dropped_call",
    "dropped_not",
    "dropped_return",
    "logic",
    "negated",
    "off_by_one",
    "swapped",
    "wrong_default",
]

_BOUNDARY = {"-lt": "-le", "-le": "-lt", "-gt": "-ge", "-ge": "-gt"}
_EITHER = {"-eq": "-ne", "-ne": "-eq", "=": "!=", "==": "!=", "!=": "=", "-z": "-n", "-n": "-z"}
_COMPARATOR = _EITHER | {"-lt": "-gt", "-gt": "-lt", "-le": "-ge", "-ge": "-le"}
# between (( and )) alone: elsewhere < and > are for texts, or for files
_SIGN_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_SIGN_COMPARATOR = {"==": "!=", "!=": "==", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_SIGN_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"}
_LOGIC = {"&&": "||", "||": "&&"}
_OTHER = {"break": "continue", "continue": "break"}
_LEAVING = {"exit", "return"}
_NOT_DROPPED = _LEAVING | _OTHER.keys() | {":", "true", "set", "shift"}
_NOT_SWAPPED = {"[", "echo", "printf", "set", "test"}
_BODIES = {
    "case_item",
    "compound_statement",
    "do_group",
    "elif_clause",
    "else_clause",
    "if_statement",
    "program",
}


def _name(node: Node, source: Source) -> str:
    """Return the name of a command, "" for another node."""
    name = node.child_by_field_name("name") if node.type == "command" else None
    return "" if name is None else source.text(name)


def _counted(node: Node) -> bool:
    """Return whether a node stands between (( and ))."""
    above: Node | None = node
    while above is not None and above.type in {"binary_expression", "parenthesized_expression"}:
        above = above.parent
    if above is None or not above.children:
        return False
    return above.children[0].type in {"((", "$(("}


def _sign(node: Node, source: Source, words: Mapping[str, str], signs: Mapping[str, str]) -> Iterator[Edit]:
    if node.type not in {"binary_expression", "unary_expression"} or (sign := operator_of(node)) is None:
        return
    other = signs if _counted(node) else words
    if source.text(sign) in other:
        yield source.instead(sign, other[source.text(sign)])


def boundary(node: Node, source: Source) -> Iterator[Edit]:
    yield from _sign(node, source, _BOUNDARY, _SIGN_BOUNDARY)


def comparator(node: Node, source: Source) -> Iterator[Edit]:
    yield from _sign(node, source, _COMPARATOR, _SIGN_COMPARATOR)


def arithmetic(node: Node, source: Source) -> Iterator[Edit]:
    yield from _sign(node, source, {}, _SIGN_ARITHMETIC)


def logic(node: Node, source: Source) -> Iterator[Edit]:
    yield from _sign(node, source, _LOGIC, _LOGIC)
    if node.type == "list":
        yield from (
            source.instead(child, _LOGIC[child.type]) for child in node.children if child.type in _LOGIC
        )


def dropped_not(node: Node, source: Source) -> Iterator[Edit]:
    turned = node.type in {"negated_command", "unary_expression"} and source.text(node.children[0]) == "!"
    if turned and node.named_children:
        yield Edit(node.start_byte, node.children[1].start_byte, "")


def negated(node: Node, source: Source) -> Iterator[Edit]:
    if node.type in {"if_statement", "while_statement"}:
        conditions = [child for child in node.children_by_field_name("condition") if child.is_named]
    else:
        conditions = node.named_children[:1] if node.type == "elif_clause" else []
    if len(conditions) == 1 and conditions[0].type in {"command", "test_command"}:
        condition = conditions[0]
        tested = condition.named_children[0] if condition.type == "test_command" else None
        sign = None if tested is None or "expression" not in tested.type else operator_of(tested)
        said = sign is not None and source.text(sign) in {*_EITHER, "!"}
        if not said and _name(condition, source) not in {":", "true"}:
            yield source.instead(condition, f"! {source.text(condition)}")


def off_by_one(node: Node, source: Source) -> Iterator[Edit]:
    above = node.parent
    leaves = above is not None and _name(above, source) in _LEAVING
    if node.type == "number" and not leaves and (more := one_more(source.text(node))) is not None:
        yield source.instead(node, more)


def wrong_default(node: Node, source: Source) -> Iterator[Edit]:
    if node.type != "expansion" or (sign := _default_sign(node)) is None:
        return
    value = sign.next_sibling
    if value is not None and value.is_named:
        text = source.text(value)
        yield source.instead(value, one_more(text) or "")


def _default_sign(node: Node) -> Node | None:
    """Return the sign of `${name:-value}` and its like, None for other expansions."""
    sign = node.child_by_field_name("operator")
    return sign if sign is not None and sign.type in {":-", "-", ":=", "="} else None


def swapped(node: Node, source: Source) -> Iterator[Edit]:
    if (name := _name(node, source)) == "" or name in _NOT_SWAPPED:
        return
    given = node.children_by_field_name("argument")
    for one, two in itertools.pairwise(given):
        first, second = source.text(one), source.text(two)
        if first != second and not first.startswith("-") and not second.startswith("-"):
            between = source.data[one.end_byte : two.start_byte].decode()
            yield Edit(one.start_byte, two.end_byte, second + between + first)


def break_continue(node: Node, source: Source) -> Iterator[Edit]:
    word = _name(node, source)
    loops = {"c_style_for_statement", "for_statement", "while_statement"}
    alone = word in _OTHER and node.named_child_count == 1
    if alone and nearest(node, loops, {"function_definition"}) is not None:
        yield source.instead(node, _OTHER[word])


def dropped_return(node: Node, source: Source) -> Iterator[Edit]:
    if _name(node, source) in _LEAVING:
        for given in node.children_by_field_name("argument"):
            if given.type == "number" and source.text(given) != "0":
                yield source.instead(given, "0")


def dropped_call(node: Node, source: Source) -> Iterator[Edit]:
    above, name = node.parent, _name(node, source)
    if name == "" or name in _NOT_DROPPED or above is None or above.type not in _BODIES:
        return
    asked = above.children_by_field_name("condition")
    if above.type == "elif_clause":
        asked = above.named_children[:1]
    if node not in asked:
        yield source.instead(node, ":")
