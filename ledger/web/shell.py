"""Shell text that can be pasted: each word is read back as it is by bash and zsh, and all of it can be seen.

Words come from a ledger, where agents, models and names of files are foreign text.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

__all__ = ["Raw", "benchledger", "line", "option", "quoted", "variable"]

_WIDTH = 100
_SHORT = 20  # so short a line is not broken: a long word fits no better into the next one
_INDENT = "    "
_ESCAPED = {0x5C: "\\\\", 0x27: "\\'"}  # within $'…'


class Raw(str):
    """A word that is shell text already, such as a variable or a pipe."""

    __slots__ = ()


def quoted(text: str) -> str:
    """Return `text` as one shell word.

    What cannot be seen (control characters, overrides of direction, other spaces) is written as escapes: a
    terminal would obey it when it is pasted, and a reader could not judge it.
    """
    if text.isprintable():
        return shlex.quote(text)
    parts = []
    for char in text:
        if char.isprintable():
            parts.append(_ESCAPED.get(ord(char), char))
        else:
            parts += [f"\\x{byte:02x}" for byte in char.encode(errors="surrogateescape")]
    return f"$'{''.join(parts)}'"


def variable(name: str) -> Raw:
    """Return what stands for the value of a variable of the reader's."""
    return Raw(f'"${name}"')


def option(name: str, value: str) -> Raw:
    """Return `--name value` as one group, that is never broken over two lines."""
    text = value if isinstance(value, Raw) else quoted(value)
    # a value that looks like an option is one only with the sign between them
    return Raw(f"{name}={text}" if value.startswith("-") else f"{name} {text}")


def line(*words: str) -> str:
    """Return a command of these words, broken before a word where it would be longer than 100 characters."""
    rows: list[str] = []
    for word in (each if isinstance(each, Raw) else quoted(each) for each in words):
        if rows and (len(rows[-1]) < _SHORT or len(rows[-1]) + len(f" {word} \\") <= _WIDTH):
            rows[-1] += f" {word}"
        else:
            rows.append(f"{_INDENT if rows else ''}{word}")
    return " \\\n".join(rows)


def benchledger(ledger: str | None, *words: str, place: Sequence[str] = ()) -> str:
    """Return a call of our command on a ledger file of the current folder, None for a call that needs none.

    `place` are foreign words, such as a cell, that come last and are never read as options.
    """
    named = (
        () if ledger is None else (option("--ledger", f"./{ledger}" if ledger.startswith("-") else ledger),)
    )
    guard = ("--",) if any(each.startswith("-") for each in place) else ()
    return line("benchledger", *named, *words, *guard, *place)
