"""Operators on the expressions of Python."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from benchledger.runners.mutate.mutant import Edit
from benchledger.runners.mutate.python import Place

__all__ = ["arithmetic", "boundary", "comparator", "dropped_not", "logic", "negated", "swapped"]

_BOUNDARY: dict[type[cst.CSTNode], str] = {
    cst.LessThan: "<=",
    cst.LessThanEqual: "<",
    cst.GreaterThan: ">=",
    cst.GreaterThanEqual: ">",
}
# Of each pair one is true where the other is not, but for < and >: their opposites are for `negated`.
_EITHER: dict[type[cst.CSTNode], str] = {
    cst.Equal: "!=",
    cst.NotEqual: "==",
    cst.Is: "is not",
    cst.IsNot: "is",
    cst.In: "not in",
    cst.NotIn: "in",
}
_COMPARATOR = _EITHER | {
    cst.LessThan: ">",
    cst.GreaterThan: "<",
    cst.LessThanEqual: ">=",
    cst.GreaterThanEqual: "<=",
}
_ARITHMETIC: dict[type[cst.CSTNode], str] = {
    cst.Add: "-",
    cst.Subtract: "+",
    cst.Multiply: "/",
    cst.Divide: "*",
    cst.FloorDivide: "*",
    cst.Modulo: "*",
    cst.Power: "*",
    cst.LeftShift: ">>",
    cst.RightShift: "<<",
    cst.AddAssign: "-=",
    cst.SubtractAssign: "+=",
    cst.MultiplyAssign: "/=",
    cst.DivideAssign: "*=",
    cst.FloorDivideAssign: "*=",
}
_NO_NUMBERS = (cst.BaseString, cst.FormattedString, cst.BaseList, cst.Tuple)


def boundary(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if type(node) in _BOUNDARY:
        yield place.instead(node, _BOUNDARY[type(node)])


def comparator(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if type(node) in _COMPARATOR and isinstance(place.parent, cst.ComparisonTarget):
        yield place.instead(node, _COMPARATOR[type(node)])


def logic(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if isinstance(node, cst.And | cst.Or):
        yield place.instead(node, "or" if isinstance(node, cst.And) else "and")


def dropped_not(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Not):
        start = place.span(node)[0]
        yield Edit(start, place.whole(node.expression)[0], _gap(place.source, start))


def _gap(source: bytes, start: int) -> str:
    # `return(not x)` needs nothing, `else-not` cannot be: a word right before `not` would have swallowed it.
    return " " if source[start - 1 : start].isalnum() else ""


def negated(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if isinstance(node, cst.If | cst.While | cst.IfExp | cst.CompIf) and not _said_otherwise(node.test):
        # within its parentheses, if it has any: `while(a):` must not become `whilenot (a):`
        yield place.instead(node.test, f"not ({place.text(node.test)})")


def _said_otherwise(test: cst.BaseExpression) -> bool:
    """Return whether another operator turns this condition round, in fewer signs, or nothing does."""
    if isinstance(test, cst.UnaryOperation):
        return isinstance(test.operator, cst.Not)
    if isinstance(test, cst.Name):
        return test.value in {"True", "False"}
    if isinstance(test, cst.Comparison):
        return len(test.comparisons) == 1 and type(test.comparisons[0].operator) in _EITHER
    return False


def arithmetic(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if type(node) not in _ARITHMETIC:
        return
    parent = place.parent
    if isinstance(parent, cst.BinaryOperation):
        sides: tuple[cst.CSTNode, ...] = (parent.left, parent.right)
    elif isinstance(parent, cst.AugAssign):
        sides = (parent.value,)
    else:
        return
    if not any(isinstance(side, _NO_NUMBERS) for side in sides):
        yield place.instead(node, _ARITHMETIC[type(node)])


def swapped(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if not isinstance(node, cst.Call):
        return
    for one, two in zip(node.args, node.args[1:], strict=False):
        plain = all(arg.keyword is None and not arg.star for arg in (one, two))
        if plain and place.text(one) != place.text(two):
            (start, first), (second, end) = place.span(one), place.span(two)
            between = place.source[first:second].decode()
            yield Edit(start, end, place.text(two) + between + place.text(one))
