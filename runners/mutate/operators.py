"""The table of mutation operators: name -> what it does, and the functions that find its sites.

A function for Python takes (libcst node, Place), one for a grammar (tree-sitter node, Tree); each
yields an Edit a site at that node. Where two operators come to the same edit, the one that
stands first in the table has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

from benchledger.schema.errors import EnvironmentLacks, UnknownName

__all__ = ["LANGUAGES", "OPERATORS", "SUFFIXES", "Operator", "language_of", "load", "named"]


@dataclass(frozen=True, slots=True)
class Operator:
    """What an operator does in words, and language -> dotted path of the function that finds its sites."""

    about: str
    paths: dict[str, str]


_BRACES = ("c", "go", "java", "javascript", "rust")


def _in(python: str, braces: str, shell: str = "", languages: tuple[str, ...] = _BRACES) -> dict[str, str]:
    paths = {"python": f"benchledger.runners.mutate.{python}"}
    paths |= dict.fromkeys(languages, f"benchledger.runners.mutate.{braces}")
    return paths | ({"shell": f"benchledger.runners.mutate.{shell}"} if shell else {})


OPERATORS: dict[str, Operator] = {
    "wrong-default": Operator(
        "a value that is used where none is given, or that a variable starts with, is another one",
        _in("python_values:wrong_default", "tree_values:wrong_default", "shell:wrong_default"),
    ),
    "boundary": Operator(
        "< becomes <=, > becomes >=, and back",
        _in("python_expressions:boundary", "tree_expressions:boundary", "shell:boundary"),
    ),
    "comparator-swap": Operator(
        "a comparison becomes its opposite: == and !=, < and >",
        _in("python_expressions:comparator", "tree_expressions:comparator", "shell:comparator"),
    ),
    "logic-swap": Operator(
        "`and` becomes `or`, and back",
        _in("python_expressions:logic", "tree_expressions:logic", "shell:logic"),
    ),
    "dropped-not": Operator(
        "a `not` is left out",
        _in("python_expressions:dropped_not", "tree_expressions:dropped_not", "shell:dropped_not"),
    ),
    "negated-condition": Operator(
        "a condition is turned round",
        _in("python_expressions:negated", "tree_expressions:negated", "shell:negated"),
    ),
    "arithmetic-swap": Operator(
        "+ becomes -, * becomes /, and the like",
        _in("python_expressions:arithmetic", "tree_expressions:arithmetic", "shell:arithmetic"),
    ),
    "off-by-one": Operator(
        "a whole number is one more",
        _in("python_values:off_by_one", "tree_values:off_by_one", "shell:off_by_one"),
    ),
    "boolean-flip": Operator(
        "true becomes false, and back", _in("python_values:flipped", "tree_values:flipped")
    ),
    "swapped-arguments": Operator(
        "two arguments of a call change places",
        _in("python_expressions:swapped", "tree_expressions:swapped", "shell:swapped"),
    ),
    "break-continue": Operator(
        "break becomes continue, and back",
        _in("python_flow:break_continue", "tree_flow:break_continue", "shell:break_continue"),
    ),
    "dropped-return": Operator(
        "a function gives back nothing, or the empty value of its type",
        _in("python_flow:dropped_return", "tree_flow:dropped_return", "shell:dropped_return"),
    ),
    "dropped-call": Operator(
        "a call whose result nobody uses is left out",
        _in("python_flow:dropped_call", "tree_flow:dropped_call", "shell:dropped_call"),
    ),
    "dropped-await": Operator(
        "an `await` is left out",
        _in("python_flow:dropped_await", "tree_flow:dropped_await", languages=("javascript",)),
    ),
}

# language -> dotted path of its reader: a function from a source to what finds sites in it
READERS = {"python": "benchledger.runners.mutate.python:read"} | dict.fromkeys(
    (*_BRACES, "shell"), "benchledger.runners.mutate.tree:read"
)
LANGUAGES = tuple(sorted(READERS))
SUFFIXES = {
    ".bash": "shell",
    ".c": "c",
    ".cjs": "javascript",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".mjs": "javascript",
    ".py": "python",
    ".rs": "rust",
    ".sh": "shell",
}


def language_of(path: str) -> str | None:
    """Return the language of a file by its name, None where it is none that can be mutated."""
    return SUFFIXES.get(PurePosixPath(path).suffix)


def named(names: Iterable[str]) -> list[str]:
    """Return operators in the order of the table, all where none is named; raises UnknownName."""
    wanted = set(names)
    for name in sorted(wanted - OPERATORS.keys()):
        raise UnknownName("operator", name, OPERATORS)
    return [name for name in OPERATORS if not wanted or name in wanted]


def load(path: str) -> Any:
    """Return what a dotted path of these tables names; raises EnvironmentLacks without the extra `mutate`."""
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        top = (error.name or "").partition(".")[0]
        if top != "libcst" and not top.startswith("tree_sitter"):
            raise
        raise EnvironmentLacks(
            f"{top} is not installed, which tasks mutate reads sources by",
            "`pip install 'benchledger[mutate]'` installs it",
        ) from error
