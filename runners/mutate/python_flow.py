"""Operators on the statements of Python, and on await."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from benchledger.runners.mutate.mutant import Edit
from benchledger.runners.mutate.python import Place

__all__ = ["break_continue", "dropped_await", "dropped_call", "dropped_return"]

# What is said on the side is hardly ever tested.
_SIDE = {"print", "debug", "info", "warning", "error", "exception", "log", "warn", "echo"}


def break_continue(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if isinstance(node, cst.Break | cst.Continue):
        yield place.instead(node, "continue" if isinstance(node, cst.Break) else "break")


def dropped_return(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if not isinstance(node, cst.Return) or node.value is None:
        return
    if not (isinstance(node.value, cst.Name) and node.value.value == "None"):
        yield place.instead(node, "return None")


def dropped_call(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if not isinstance(node, cst.Expr):
        return
    call = node.value.expression if isinstance(node.value, cst.Await) else node.value
    if not isinstance(call, cst.Call):
        return
    called = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    if not (isinstance(called, cst.Name) and called.value in _SIDE):
        yield place.instead(node, "pass")


def dropped_await(node: cst.CSTNode, place: Place) -> Iterator[Edit]:
    if isinstance(node, cst.Await):
        yield Edit(place.span(node)[0], place.whole(node.expression)[0], "")
