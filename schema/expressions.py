"""Regular expressions out of foreign records, searched for in time that is linear in the text.

Python's `re` tries one way after another: `(a+)+$` takes it years over forty letters. Here all
ways are followed at once, so a hostile expression costs no more than its length times that of
the text. What is found is what `re.search` finds. Rejected: judging by the shape of an
expression whether `re` would be quick, for three harmless `.*` are slow on one long line.

    text -> _Parser -> nodes -> _Machine (states) -> Expression.found_in(line)
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from benchledger.schema.errors import BadInput

__all__ = ["MAX_STATES", "Expression", "Steps"]

MAX_STATES = 2_000
_MAX_DEPTH = 50
_MAX_KNOWN = 20_000
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "a": re.ASCII}
_START = re.compile(r"\(\?([isa]+)\)")
_GROUP = re.compile(r"\((?:\?(?:P<[^>]*>|:))?(?!\?)")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|0[0-7]{0,2}|[^1-9AZbB])", re.DOTALL
)
_REPEAT = re.compile(r"\{(?=[0-9,])([0-9]*)(,?)([0-9]*)\}|[*+?]")
_ASSERTIONS = {"^": "^", "$": "$", r"\A": "^", r"\Z": "$", r"\b": "b", r"\B": "B"}
_ADVICE = (
    "write it without backreferences, lookaround, possessive quantifiers and inline flags (but (?i) at its start), "
    f"and with at most {MAX_STATES:,} characters once its repeats are written out"
)

# ("atom", matcher) · ("assert", which) · ("all", nodes) · ("any", nodes) · ("repeat", node, least, most or None)
_Node = tuple[Any, ...]


class Steps:
    """How much work may still be done; the same work counts the same on every machine."""

    def __init__(self, left: int) -> None:
        """Allow `left` steps: one for each character, one for each state that is looked at anew."""
        self.left = left

    def spend(self, number: int) -> bool:
        """Take some away; returns whether there were so many."""
        self.left -= number
        return self.left >= 0


def _refuse(what: str) -> NoReturn:
    raise BadInput(f"the regular expression {what}", _ADVICE)


class _Parser:
    """Reads an expression that `re` accepts into nodes; refuses what needs to remember or to look around."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.depth, self.flags = text, 0, 0, re.RegexFlag(0)
        self._atoms: dict[str, Callable[[str], object]] = {}

    def parse(self) -> _Node:
        start = _START.match(self.text)
        if start:
            self.place = start.end()
            for letter in start[1]:
                self.flags |= _FLAGS[letter]
        return self._choice()

    def _choice(self) -> _Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            _refuse(f"is nested deeper than {_MAX_DEPTH} groups")
        branches = [self._sequence()]
        while self._next() == "|":
            self.place += 1
            branches.append(self._sequence())
        self.depth -= 1
        return branches[0] if len(branches) == 1 else ("any", branches)

    def _next(self) -> str:
        return self.text[self.place : self.place + 1]

    def _sequence(self) -> _Node:
        nodes = []
        while self._next() not in ("", "|", ")"):
            node = self._item()
            nodes.append(self._repeated(node))
        return ("all", nodes)

    def _item(self) -> _Node:
        char, pair = self._next(), self.text[self.place : self.place + 2]
        spelled = char if char in _ASSERTIONS else pair
        if spelled in _ASSERTIONS:
            self.place += len(spelled)
            return ("assert", _ASSERTIONS[spelled])
        if char == "(":
            return self._group()
        if char in ("[", "\\"):
            found = (_CLASS if char == "[" else _ESCAPE).match(self.text, self.place)
            if found is None:
                _refuse(f"has {pair}, a backreference or an escape that is not known here")
            return self._atom(found[0])
        return self._atom(char if char == "." else re.escape(char), len(char))

    def _group(self) -> _Node:
        found = _GROUP.match(self.text, self.place)
        if found is None:
            _refuse(f"has {self.text[self.place : self.place + 4]}")
        self.place = found.end()
        node = self._choice()
        self.place += 1  # the closing bracket, which `re` has seen
        return node

    def _atom(self, source: str, length: int | None = None) -> _Node:
        self.place += len(source) if length is None else length
        if source not in self._atoms:
            self._atoms[source] = re.compile(source, self.flags).fullmatch
        return ("atom", self._atoms[source])

    def _repeated(self, node: _Node) -> _Node:
        found = _REPEAT.match(self.text, self.place)
        if found is None:
            return node
        self.place = found.end()
        if self._next() == "+":
            _refuse(f"has {found[0]}+, which never gives back")
        if self._next() == "?":
            self.place += 1  # which of several matches comes first is not asked
        if found[0] in "*+?":
            return ("repeat", node, int(found[0] == "+"), 1 if found[0] == "?" else None)
        least, comma, most = found.groups()
        last = int(most) if most else None if comma else int(least)
        return ("repeat", node, int(least or 0), last)


class _Machine:
    """States with a move on one character, or free moves that an assertion may guard."""

    def __init__(self, node: _Node) -> None:
        self.moves: list[tuple[Callable[[str], object], int] | None] = []
        self.free: list[list[tuple[str | None, int]]] = []
        self.start, self.end = self.state(), self.state()
        self.join(self._build(node, self.start), self.end)

    def state(self) -> int:
        if len(self.free) >= MAX_STATES:
            _refuse("is too large")
        self.moves.append(None)
        self.free.append([])
        return len(self.free) - 1

    def join(self, here: int, there: int, guard: str | None = None) -> None:
        self.free[here].append((guard, there))

    def _build(self, node: _Node, here: int) -> int:
        """Add the states of `node` from state `here` on; returns the state behind them."""
        kind, what = node[0], node[1]
        if kind == "all":
            for part in what:
                here = self._build(part, here)
            return here
        if kind == "repeat":
            return self._repeat(here, *node[1:])
        end = self.state()
        if kind == "atom":
            between = self.state()
            self.join(here, between)
            self.moves[between] = (what, end)
        elif kind == "assert":
            self.join(here, end, what)
        else:
            for part in what:
                self.join(self._build(part, self._from(here)), end)
        return end

    def _from(self, here: int) -> int:
        there = self.state()
        self.join(here, there)
        return there

    def _repeat(self, here: int, node: _Node, least: int, most: int | None) -> int:
        for _ in range(least):
            here = self._build(node, here)
        end = self.state()
        if most is None:
            loop = self._from(here)
            self.join(self._build(node, loop), loop)
            self.join(loop, end)
            return end
        self.join(here, end)
        for _ in range(least, most):
            here = self._build(node, here)
            self.join(here, end)
        return end


class Expression:
    """A regular expression that is searched for in linear time; raises BadInput for one that cannot be."""

    def __init__(self, text: str) -> None:
        """Read `text`, in the syntax of Python's `re` as far as it needs no memory and no looking around."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what a later Python may read another way
                re.compile(text)
                parser = _Parser(text)
                self._machine = _Machine(parser.parse())
        except (re.error, RecursionError, OverflowError) as error:
            raise BadInput(f"not a regular expression: {error}", _ADVICE) from error
        self._word = re.compile(r"\w", parser.flags).match
        self._sets: dict[frozenset[int], int] = {}
        self._members: list[frozenset[int]] = []
        # (number of a set, what precedes, character or "" at the end) -> number of the next set, -1 for found
        self._known: dict[tuple[int, int, str], int] = {}

    def found_in(self, line: str, steps: Steps) -> bool | None:
        """Return whether `re.search` finds it in `line`, which has no line break; None where `steps` ran out."""
        if not steps.spend(len(line) + 1):
            return None
        known, current, before = self._known, self._number(frozenset()), 0
        for char in (*line, ""):
            following = known.get((current, before, char))
            if following is None:
                following = self._step(current, before, char, steps, empty=not line)
                if steps.left < 0:
                    return None
                known[current, before, char] = following
            if following < 0:
                return True
            current = following
            before = 2 if char and self._is_word(char) else 1
        return False

    def _is_word(self, char: str) -> bool:
        return char.isalnum() or char == "_" if char.isascii() else self._word(char) is not None

    def _number(self, states: frozenset[int]) -> int:
        if states not in self._sets:
            self._sets[states] = len(self._members)
            self._members.append(states)
        return self._sets[states]

    def _step(self, current: int, before: int, char: str, steps: Steps, *, empty: bool) -> int:
        """Follow all states over one character; a match may also begin here."""
        states = self._members[current] | {self._machine.start}
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
            self._sets.clear()
            self._members.clear()
        edge = (before == 2) != (char != "" and self._is_word(char))
        # An empty line has neither a border of a word nor a place that is none.
        holds = {
            None: True, "^": before == 0, "$": char == "", "b": edge and not empty, "B": not edge and not empty,
        }  # fmt: skip
        reached, waiting, moved = set(states), list(states), set()
        while waiting:
            state = waiting.pop()
            for guard, there in self._machine.free[state]:
                if there not in reached and holds[guard]:
                    reached.add(there)
                    waiting.append(there)
        steps.spend(len(reached))
        if self._machine.end in reached:
            return -1
        for state in reached:
            move = self._machine.moves[state]
            if move is not None and char and move[0](char):
                moved.add(move[1])
        return self._number(frozenset(moved))
