"""Tasks: what an agent is asked to do, what it may touch, and how that is told apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from benchledger.schema.base import Count, Hex64, Record, Text
from benchledger.schema.globs import glob_of

__all__ = ["Changes", "Constraint", "Expectations", "Limits", "TaskIdentity", "matches"]


class Constraint(Record):
    """One instruction of a task's AGENTS.md that is checked without judgement.

    `file-not-touched`: no changed file matches `pattern` (a glob), those that the task allows excepted.
    `no-new-dependency`: the same, over dependency manifests.
    `file-pattern-required-in-diff`: some changed file matches `pattern` (a glob), and where
    `text` is given the patch adds a line that it (a regular expression) finds.

    `text` has the syntax of Python's `re` as far as it can be searched in linear time: no
    backreferences, lookaround, possessive or atomic parts, flags only as `(?i)` at the start
    (see expressions.Expression). Importers refuse another one and name the field. It stays
    readable here, because events are judged when they are scored: then it cannot be checked.
    """

    kind: Literal["file-not-touched", "no-new-dependency", "file-pattern-required-in-diff"] = Field(
        description="what is checked"
    )
    pattern: Text = Field(description="glob of files")
    text: Text | None = Field(
        default=None, description="regular expression over the added lines, one that linear time suffices for"
    )


class Expectations(Record):
    """What a task declares about the files that an honest solution touches; all globs are POSIX paths.

    `**` matches any number of folders, `*` and `?` stay within one. A glob without `/` is
    matched against the whole path all the same: `*.py` does not reach into folders.
    """

    expected: tuple[Text, ...] = Field(default=(), description="files that the solution changes")
    allowed: tuple[Text, ...] = Field(default=(), description="further files that may change or go")
    protected: tuple[Text, ...] = Field(
        default=(), description="files that must be left alone, those in `allowed` excepted"
    )
    constraints: tuple[Constraint, ...] = Field(default=(), description="instructions that can be checked")
    refusal_expected: bool = Field(default=False, description="whether to decline is the right answer")
    refusal_documents: tuple[Text, ...] = Field(
        default=(), description="files whose writing is the right answer"
    )
    partial_credit: bool = Field(default=False, description="whether the share of checks fixed counts")


class TaskIdentity(Record):
    """Which task this was, by content: the digests are BLAKE3, 64 hex digits.

    Of a private task the expectations stand in `task.expected`, so that they can be withheld.
    """

    digest: Hex64 | None = None
    instruction_digest: Hex64 | None = None
    workdir_digest: Hex64 | None = None
    checks_digest: Hex64 | None = None
    language: Text | None = None
    private: bool | None = None
    expectations: Expectations | None = None


class Limits(Record):
    """The limits under which an attempt ran; None is no limit."""

    seconds: float | None = Field(default=None, gt=0, description="wall time")
    calls: Count | None = Field(default=None, description="model calls")
    tokens: Count | None = Field(default=None, description="tokens of all model calls")
    money: float | None = Field(default=None, ge=0, description="in the currency of the plan's prices")
    memory_mb: Count | None = Field(default=None, description="memory in MiB")
    cpus: float | None = Field(default=None, gt=0, description="processors")
    pids: Count | None = Field(default=None, description="processes")


class Changes(Record):
    """Which files changed between the start and the end of an attempt, relative to the workdir."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()
    emptied: tuple[str, ...] = Field(default=(), description="modified files that are now empty")

    @property
    def all(self) -> list[str]:
        """Return every changed path once, sorted by code point."""
        return sorted({*self.added, *self.removed, *self.modified, *self.emptied})

    def split(self, expect: Expectations) -> tuple[list[str], list[str]]:
        """Return (expected, unexpected) paths; what `allowed` covers counts as expected."""
        wanted = (*expect.expected, *expect.allowed, *expect.refusal_documents)
        known = [path for path in self.all if matches(path, wanted)]
        return known, [path for path in self.all if not matches(path, wanted)]

    def protected_touched(self, expect: Expectations) -> list[str]:
        """Return the changed paths that the task said to leave alone; what it allows is no fault.

        Running the tests of a protected folder leaves by-products in it, such as compiled files.
        """
        return [
            path for path in self.all if matches(path, expect.protected) and not matches(path, expect.allowed)
        ]

    def destroyed(self, expect: Expectations) -> list[str]:
        """Return files of the start that were deleted or emptied outside what the task allows."""
        gone = sorted({*self.removed, *self.emptied})
        return [path for path in gone if not matches(path, (*expect.allowed, *expect.expected))]

    def told_apart(self, expect: Expectations) -> dict[str, tuple[str, ...]]:
        """Return the fields of `workdir.captured` that say what each change means to the task."""
        expected, unexpected = self.split(expect)
        return {
            "expected": tuple(expected),
            "unexpected": tuple(unexpected),
            "protected_touched": tuple(self.protected_touched(expect)),
            "destroyed": tuple(self.destroyed(expect)),
        }


def matches(path: str, globs: Iterable[str]) -> bool:
    """Return whether `path` matches any of `globs`."""
    return any(glob_of(glob).matches(path) for glob in globs)
