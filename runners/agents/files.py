"""Reading agents and overlays: the built-in ones, files of a user, and those of other packages."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from benchledger.runners.agents.spec import AgentSpec
from benchledger.schema.errors import BadInput, NoAccess, UnknownName, UsageError

__all__ = ["ENTRY_POINTS", "agent_named", "load_agents", "read_toml"]

ENTRY_POINTS = "benchledger.agents"
_MAX_BYTES = 2**20
_START = "runners/agents/README.md has a worked example"

Model = TypeVar("Model", bound=BaseModel)


def load_agents(extra: Iterable[Path] = ()) -> dict[str, AgentSpec]:
    """Return every known agent by name: built-in, of entry points, and of `extra` files or folders.

    Raises BadInput or UsageError where a file is wrong or a name is taken: two agents of one
    name would share the cells of one.
    """
    found: dict[str, AgentSpec] = {}
    origin: dict[str, str] = {}
    for source, spec in _all(extra):
        if spec.name in found:
            raise UsageError(
                f"{source}: an agent {spec.name!r} is known from {origin[spec.name]}", "give it another name"
            )
        found[spec.name], origin[spec.name] = spec, source
    return dict(sorted(found.items()))


def agent_named(name: str, agents: Mapping[str, AgentSpec]) -> AgentSpec:
    """Return one agent; raises UnknownName with the nearest and all choices."""
    if name not in agents:
        raise UnknownName("agent", name, agents)
    return agents[name]


def read_toml(path: Path, model: type[Model]) -> Model:
    """Read one TOML file as `model`; raises UsageError (no such file) or BadInput (field and reason)."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UsageError(f"there is no file {path}", _START) from None
    except OSError as error:
        raise NoAccess(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise BadInput(f"{path} is larger than {_MAX_BYTES} bytes", _START)
    try:
        # through JSON, because strict models take TOML's arrays as tuples only from there
        return model.model_validate_json(json.dumps(tomllib.loads(data.decode())))
    except ValidationError as error:
        raise BadInput(f"{path}: {_said(error)}", _START) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise BadInput(f"{path}: no TOML of plain values: {error}", _START) from error


def _said(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False):
        where = ".".join(str(part) for part in item["loc"])
        lines.append(f"{where}: {item['msg']}" if where else item["msg"])
    return "; ".join(lines)


def _all(extra: Iterable[Path]) -> Iterator[tuple[str, AgentSpec]]:
    yield from _files(Path(__file__).parent)
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        yield from _plugged(point)
    for path in extra:
        yield from _files(path)


def _files(path: Path) -> Iterator[tuple[str, AgentSpec]]:
    if path.is_dir():
        paths = sorted(path.glob("*.toml"))
        if not paths:
            raise UsageError(f"{path} holds no *.toml", _START)
    else:
        paths = [path]
    for file in paths:
        yield str(file), read_toml(file, AgentSpec)


def _plugged(point: EntryPoint) -> Iterator[tuple[str, AgentSpec]]:
    source = f"entry point {point.name!r} ({point.value})"
    try:
        found: Any = point.load()
    except Exception as error:  # whatever a plug-in does at import is its own
        raise UsageError(f"{source} cannot be loaded: {error}", "update or remove its package") from error
    if isinstance(found, AgentSpec):
        yield source, found
    elif isinstance(found, str | Path):
        yield from _files(Path(found))
    else:
        raise UsageError(
            f"{source} is neither an AgentSpec nor the path of one", "update or remove its package"
        )
