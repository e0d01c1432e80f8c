"""The table of attacks: every edit of a ledger file that is tried, in one sentence, and what names it."""

from collections.abc import Callable
from typing import NamedTuple


class Attack(NamedTuple):
    """One edit; `kinds` are the defects that must name it, `head` says that a head kept elsewhere is needed."""

    name: str
    sentence: str
    kinds: tuple[str, ...]
    head: bool
    edit: Callable


ATTACKS: list[Attack] = []


def attack(*kinds, head=False):
    """Enter a function into the table; its docstring is the sentence."""

    def enter(edit):
        ATTACKS.append(Attack(edit.__name__, " ".join(edit.__doc__.split()), kinds, head, edit))
        return edit

    return enter


def table():
    """Return the attacks as a table for readers."""
    lines = ["| what an attacker does | named as |", "|---|---|"]
    for item in ATTACKS:
        kinds = ", ".join(f"`{kind}`" for kind in item.kinds)
        lines.append(
            f"| {item.sentence.rstrip('.')} | {kinds}{' (with a head kept elsewhere)' if item.head else ''} |"
        )
    return "\n".join(lines)
