"""What a plan file says, and how one is written: agents x models x tasks x runs, and how they are to be run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from benchledger.runners.tasktoml import read_toml
from benchledger.schema.base import Count, Int, ModelId, Name, Record, Text
from benchledger.schema.errors import BadInput, RecordErrors

__all__ = ["EndpointPart", "PricePart", "StopPart", "SweepFile", "plan_text", "read_plan"]

Price = Annotated[float, Field(ge=0)]
_HINT = "correct the plan; `benchledger sweep --help` says what it may hold"


class EndpointPart(Record):
    """A live endpoint. Keys are named by their variables: a plan is a file that people share."""

    url: Text
    key_env: Text | None = None
    key_header: Text | None = None
    headers: tuple[Text, ...] = ()
    query: tuple[Text, ...] = ()
    path_version: Text | None = None

    @model_validator(mode="after")
    def _no_secrets(self) -> EndpointPart:
        for pair in (*self.headers, *self.query):
            if not pair.partition("=")[2].strip().startswith("env:"):
                raise ValueError("headers and query hold NAME=env:VARIABLE: a plan is no place for a value")
        return self


class PricePart(Record):
    """USD a million tokens."""

    prompt: Price
    completion: Price
    cached: Price | None = None

    @property
    def text(self) -> str:
        """Return it as --price has it."""
        return ",".join(
            f"{each!r}" for each in (self.prompt, self.completion, self.cached) if each is not None
        )


class StopPart(Record):
    """When no further cell is launched, and who is told of what happens."""

    max_cost: Annotated[float, Field(gt=0)] | None = None
    until: Text | None = None
    min_free_disk: Text | None = None
    on_event: Text | None = None


class SweepFile(Record):
    """A plan. `tasks` may hold globs, such as `mutations/*`; paths are relative to the file."""

    sweep: Name
    agents: Annotated[tuple[Name, ...], Field(min_length=1)]
    models: tuple[ModelId, ...] = ()
    tasks: Annotated[tuple[Text, ...], Field(min_length=1)]
    repeats: Annotated[int, Field(ge=1, le=100_000)] = 1
    seed: Int = 0
    policy: Text = "gated-1"
    infra_retries: Count = 2
    workers: Annotated[int, Field(ge=1, le=1000)] | None = None
    sandbox: Text = "local"
    image: Text | None = None
    protocol: Text | None = None
    scripted: bool = False
    variant: Text | None = None
    fault: Text | None = None
    agent_files: tuple[Text, ...] = ()
    overlays: tuple[Text, ...] = ()
    task_paths: tuple[Text, ...] = ()
    limits: dict[str, float | int] = {}
    endpoint: EndpointPart | None = None
    prices: dict[str, PricePart] = {}
    stop: StopPart = StopPart()

    @model_validator(mode="after")
    def _one_source(self) -> SweepFile:
        if self.scripted and self.endpoint is not None:
            raise ValueError("scripted and endpoint exclude each other: keep one source of answers")
        if (self.variant or self.fault) and not self.scripted:
            raise ValueError("variant and fault play on a script: set scripted = true")
        for name in ("agents", "models", "tasks"):
            given = getattr(self, name)
            if len(set(given)) != len(given):
                raise ValueError(f"{name} names something twice; repeats says how often each cell runs")
        return self


def read_plan(path: Path) -> SweepFile:
    """Return a plan whose paths are absolute; raises BadInput, or RecordErrors with each field that is wrong."""
    try:
        plan = read_toml(path, SweepFile)
    except RecordErrors as error:
        raise RecordErrors(error.errors, _HINT) from None
    except BadInput as error:
        raise BadInput(error.message, _HINT) from None
    folder = path.resolve().parent
    moved = {
        name: tuple(str(folder / each) for each in getattr(plan, name))
        for name in ("agent_files", "overlays", "task_paths")
    }
    return plan.model_copy(update=moved)


def plan_text(plan: SweepFile) -> str:
    """Return a plan as TOML that reads back equal; what is left at its default is left out."""
    said: Mapping[str, Any] = plan.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    order = [name for name in _ORDER if name in said]
    lines = [f"{name} = {_value(said[name])}" for name in order if not isinstance(said[name], dict)]
    for name in order:
        if isinstance(said[name], dict):
            lines += _tables(name, said[name])
    return "\n".join(lines) + "\n"


_ORDER = (
    "sweep", "agents", "models", "tasks", "repeats", "seed", "policy", "infra_retries", "workers", "sandbox", "image",
    "protocol", "scripted", "variant", "fault", "agent_files", "overlays", "task_paths", "limits", "endpoint",
    "prices", "stop",
)  # fmt: skip


def _tables(name: str, table: Mapping[str, Any]) -> list[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = (
        ["", f"[{name}]", *(f"{_key(key)} = {_value(value)}" for key, value in plain.items())]
        if plain
        else []
    )
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _tables(f"{name}.{_key(key)}", value)
    return lines


def _key(text: str) -> str:
    plain = text.replace("_", "").replace("-", "").isalnum() and text.isascii()
    return text if plain else _value(text)


def _value(value: Any) -> str:
    # TOML's basic strings, numbers, booleans and arrays are spelled as JSON spells them, DEL excepted
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_value(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
