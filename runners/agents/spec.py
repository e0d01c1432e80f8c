"""An agent as its TOML file describes it. Built-in agents and those of users have the same format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from benchledger.runners.agents.template import BUILT_IN, placeholders
from benchledger.runners.agents.versions import parse_range
from benchledger.schema.base import Record, Text
from benchledger.schema.errors import UsageError
from benchledger.schema.ids import ID_NAME

__all__ = [
    "ARGS",
    "AgentSpec",
    "EnvName",
    "Install",
    "LaunchTemplate",
    "Protocol",
    "Template",
    "Wire",
    "checked_templates",
]

Protocol = Literal["openai-chat", "openai-responses", "anthropic", "google"]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Template = Annotated[str, Field(max_length=65536)]

# The argument that stands for those of the protocol, then `args`. Where it is absent they come last.
ARGS = "{args}"

# An exact version only: a range would make another agent of the same name tomorrow.
_PINNED = {
    "npm": re.compile(r"(@[a-z0-9._-]+/)?[a-z0-9._-]+@\d+\.\d+\.\d+[A-Za-z0-9.+-]*"),
    "pip": re.compile(r"[A-Za-z0-9._-]+(\[[A-Za-z0-9._,-]+\])?==[A-Za-z0-9.!+_-]+"),
}
_EXAMPLE = {"npm": "name@1.2.3", "pip": "name==1.2.3"}


class Install(Record):
    """How an agent is installed, in a place of its own."""

    kind: Literal["npm", "pip", "none"] = Field(description="none: it is there already, `bin` names it")
    packages: tuple[Text, ...] = Field(default=(), description="pinned packages, name@1.2.3 or name==1.2.3")
    python: Text | None = Field(default=None, description="versions of Python that it runs on: >=3.11,<3.13")
    node: Text | None = Field(default=None, description="versions of Node.js that it runs on: >=20")
    bin: Text = Field(default="", description="name of its executable; kind none: or an absolute path")
    scripts: tuple[Text, ...] = Field(default=(), description="npm packages whose install scripts run")
    check: tuple[Text, ...] = Field(
        default=(), description="argv that proves the installation: prints the version"
    )
    cache_env: EnvName | None = Field(
        default=None, description="variable of a cache that is filled by `check` and then shared, read-only"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        pattern = _PINNED.get(self.kind)
        if pattern is None and self.packages:
            raise ValueError("packages need kind npm or pip")
        if pattern is not None:
            if not self.packages or not self.bin or "/" in self.bin:
                raise ValueError(f"kind {self.kind} needs packages, and bin as a name without a folder")
            for package in self.packages:
                if not pattern.fullmatch(package):
                    raise ValueError(f"package {package!r} is not pinned; write {_EXAMPLE[self.kind]}")
        for wanted in (self.python, self.node):
            if wanted is not None:
                parse_range(wanted)
        return self


class LaunchTemplate(Record):
    """How an agent is started; every text is a template."""

    argv: tuple[Template, ...] = Field(default=(), description="program and arguments")
    args: tuple[Template, ...] = Field(default=(), description="arguments put where argv has {args}")
    env: dict[EnvName, Template] = Field(default={}, description="environment variables")
    files: dict[Text, Template] = Field(default={}, description="path under HOME -> text")
    stdin: Template = Field(default="", description="standard input; empty is /dev/null")
    pty: bool = Field(default=False, description="whether it wants a terminal")


class Wire(Record):
    """What differs by the protocol spoken. `values` define placeholders of the agent's own."""

    values: dict[Text, Template] = Field(default={}, description="placeholder -> text")
    args: tuple[Template, ...] = Field(default=(), description="arguments put where argv has {args}")
    env: dict[EnvName, Template] = {}
    files: dict[Text, Template] = {}


class AgentSpec(Record):
    """One agent. `protocols` stand in order of preference."""

    name: Annotated[str, Field(pattern=ID_NAME.replace(r"(?!\.{1,2}$)", ""))]
    version: Text
    behaviour: Literal["process", "oracle", "nop"] = Field(
        default="process", description="oracle and nop start no process"
    )
    protocols: tuple[Protocol, ...] = ()
    uses_model: bool = True
    install: Install = Install(kind="none")
    launch: LaunchTemplate = LaunchTemplate()
    protocol: dict[Protocol, Wire] = Field(default={}, description="what differs by protocol")
    strays: tuple[Text, ...] = Field(default=(), description="globs of files it is known to leave behind")
    notes: Text = Field(default="", description="what one has to know to read its results")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name in {".", ".."}:
            raise ValueError("name is not . or ..")
        if self.behaviour != "process":
            return self._without_process()
        if not self.launch.argv:
            raise ValueError("launch.argv is empty")
        if self.uses_model and not self.protocols:
            raise ValueError("protocols is empty; uses_model = false says that it needs none")
        if stray := sorted(set(self.protocol) - set(self.protocols)):
            raise ValueError(f"[protocol.{stray[0]}] is not in protocols")
        self._check_templates()
        return self

    def _without_process(self) -> Self:
        if self.uses_model or self.protocols or self.launch.argv:
            raise ValueError(f"behaviour {self.behaviour} has no model, no protocols and no launch.argv")
        return self

    def _check_templates(self) -> None:
        own = {name for wire in self.protocol.values() for name in wire.values}
        for protocol in self.protocols if own else ():
            wire = self.protocol.get(protocol, Wire())
            if missing := sorted(own - set(wire.values)):
                raise ValueError(f"[protocol.{protocol}.values] lacks {missing[0]}")
        if clash := sorted(own & (BUILT_IN | {"args"})):
            raise ValueError(f"values.{clash[0]} is a placeholder already")
        known = BUILT_IN | own
        seen = set(checked_templates("launch", self.launch, known))
        for protocol, wire in self.protocol.items():
            seen |= set(checked_templates(f"protocol.{protocol}", wire, known))
            for name, text in wire.values.items():
                seen |= _names(f"protocol.{protocol}.values.{name}", text, BUILT_IN)
        if self.uses_model and "instruction" not in seen:
            raise ValueError("{instruction} stands nowhere: the agent would not know what to do")


def checked_templates(where: str, part: LaunchTemplate | Wire, known: Iterable[str]) -> Iterator[str]:
    """Yield every placeholder of `part`; raises ValueError for an unknown one, a token in argv, a bad path."""
    allowed = frozenset(known)
    arguments = (*part.argv, *part.args) if isinstance(part, LaunchTemplate) else part.args
    for number, text in enumerate(arguments):
        if text == ARGS and isinstance(part, LaunchTemplate):
            continue
        names = _names(f"{where}: argument {number}", text, allowed)
        if "token" in names:
            raise ValueError(f"{where}: argument {number}: a key in argv is seen by every process; use env")
        yield from names
    for key, text in part.env.items():
        yield from _names(f"{where}.env.{key}", text, allowed)
    for path, text in part.files.items():
        _check_path(f"{where}.files", path)
        yield from _names(f"{where}.files.{path}", text, allowed)
    if isinstance(part, LaunchTemplate):
        yield from _names(f"{where}.stdin", part.stdin, allowed)


def _names(where: str, text: str, known: Iterable[str]) -> set[str]:
    try:
        names = set(placeholders(text))
    except UsageError as error:
        raise ValueError(f"{where}: {error}") from error
    if unknown := sorted(names - set(known)):
        choices = ", ".join(sorted(known))
        raise ValueError(
            f"{where}: unknown placeholder {{{unknown[0]}}}; known are {choices}; a literal is {{{{word}}}}"
        )
    return names


def _check_path(where: str, path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "~")) or ".." in parts or path.endswith("/") or "\0" in path:
        raise ValueError(f"{where}: {path!r} is no path of a file below HOME")
