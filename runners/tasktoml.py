"""Reading task.toml: every field that is wrong is named with its line and what to do."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from benchledger.schema.base import Record
from benchledger.schema.errors import BadInput, RecordError, RecordErrors

__all__ = ["read_toml"]

Model = TypeVar("Model", bound=Record)


_HINT = "correct task.toml; docstrings in runners/task.py list its fields"


def read_toml(path: Path, model: type[Model], hint: str = _HINT) -> Model:
    """Return what a TOML file says; raises BadInput, or RecordErrors with each field that is wrong and `hint`."""
    try:
        text = path.read_text(encoding="utf-8")
        said = tomllib.loads(text)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read: {error.strerror}", "a task is a folder with a task.toml"
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8", "save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is no TOML: {error}", "correct that line") from error
    try:
        # By way of JSON, for there an array may become a tuple; TOML's dates have no place in a task.
        return model.model_validate_json(json.dumps(said, default=str))
    except ValidationError as error:
        # A misspelt name is missing as well; said first, it explains the rest.
        details = sorted(error.errors(), key=lambda detail: detail["type"] == "missing")
        found = [_record(path, text, model, detail) for detail in details]
        raise RecordErrors(found, hint) from error


def _record(path: Path, text: str, model: type[BaseModel], detail: ErrorDetails) -> RecordError:
    where = [part for part in detail["loc"] if isinstance(part, str)]
    reason = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        reason = f"unknown field; {_choices(where[-1], _fields(model, where[:-1]))}"
    elif detail["type"] == "missing":
        reason = "this field is missing"
    elif detail["type"] != "value_error":
        reason = f"{reason}, not {json.dumps(detail['input'], default=str)[:80]}"
    name = ".".join(str(part) for part in detail["loc"])
    return RecordError(str(path), _line(text, where), name, reason)


def _choices(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known := sorted(known), n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"{guess}choices: {', '.join(known)}"


def _fields(model: type[BaseModel], path: list[str]) -> list[str]:
    for name in path:
        model = _inner(model.model_fields[name].annotation) or model
    return list(model.model_fields)


def _inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _inner(part))), None)


def _line(text: str, where: list[str]) -> int:
    """Return the line on which a field stands, or its table begins, else 1."""
    lines = text.split("\n")
    table = re.compile(rf"\s*\[+\s*{re.escape('.'.join(where[:-1]))}\s*\]+") if len(where) > 1 else None
    start = next((n for n, line in enumerate(lines) if table and table.match(line)), 0)
    key = (
        re.compile(rf"""\s*["']?{re.escape(where[-1])}["']?\s*[=\].]|\s*\[+{re.escape(where[-1])}\b""")
        if where
        else None
    )
    found = next((n for n, line in enumerate(lines[start:], start) if key and key.match(line)), start)
    return found + 1
