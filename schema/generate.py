"""Write the JSON Schemas of everything that is kept or handed in: `python -m benchledger.schema.generate`.

With `--check` nothing is written; the files that are not current are named, and the exit code is 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchledger.schema.base import Record
from benchledger.schema.catalogue import EVENT_TYPES, event_document
from benchledger.schema.frame import MAX_META
from benchledger.schema.ids import ID_NAME, MODEL_NAME
from benchledger.schema.policy import Policy
from benchledger.schema.published import PublishedCell
from benchledger.schema.records import RunRecord
from benchledger.schema.task import Expectations

__all__ = ["FOLDER", "documents", "main", "stale"]

FOLDER = Path(__file__).parent / "json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, type[Record]] = {
    "policy": Policy,
    "task-expectations": Expectations,
    "run-record": RunRecord,
    "published-cell": PublishedCell,
}


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (file name, JSON Schema) of every document, in the order of names."""
    made = {name: _of_model(model) for name, model in EVENT_TYPES.items()}
    made |= {name: _of_model(model) for name, model in _MODELS.items()}
    made["event"] = event_document().json_schema(by_alias=True) | {
        "title": "Event",
        "description": "Type, schema number and payload of one event; what else it has is in meta.json.",
    }
    made["meta"] = _meta()
    made["cell-id"] = _cell_id()
    for name in sorted(made):
        head = {"$schema": _DIALECT, "$id": f"urn:benchledger:1:{name}"}
        yield f"{name}.json", head | made[name]


def _of_model(model: type[Record]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _meta() -> dict[str, Any]:
    uuid = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
    fields: dict[str, Any] = {
        "actor": {"type": "string", "description": "who or what appended the event"},
        "at": {"type": "integer", "minimum": 0, "description": "Unix time in microseconds"},
        "id": {"type": "string", "pattern": uuid, "description": "UUID, version 7 or 8"},
        "schema": {"type": "integer", "minimum": 1, "description": "number of the payload's schema"},
        "stream": {"type": "string", "description": "ledger, sweep/…, cell/…@n, or <ledger id>:…"},
        "type": {"type": "string", "pattern": "^[a-z]+([._][a-z]+)*$"},
        "version": {"type": "integer", "minimum": 1, "description": "place in the stream"},
    }
    return {
        "title": "Metadata of an event",
        "description": f"Canonical JSON of at most {MAX_META} bytes.",
        "type": "object",
        "properties": fields,
        "required": sorted(fields),
        "additionalProperties": False,
    }


def _cell_id() -> dict[str, Any]:
    name, model = ID_NAME.strip("^$"), MODEL_NAME.strip("^$")
    # As a part of the whole, a name ends at the next slash, and the length of a model is beyond a pattern.
    name = name.replace("{1,2}$", "{1,2}[/#]")
    model = model.replace("(?=.{1,200}$)", "")
    return {
        "title": "Cell id",
        "description": "sweep/agent/model/category/task#runN; the model has at most 200 characters.",
        "type": "string",
        "pattern": f"^{name}/{name}/{model}/{name}/{name}#run[1-9][0-9]{{0,8}}$",
        "maxLength": 1024,
        "examples": ["sweep-1/aider/openai/gpt-oss-120b/mutations/rust-error-negated#run1"],
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the names of files that are missing, not current, or of no document."""
    made = {name: _text(document) for name, document in documents()}
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write every file, or with `--check` say which are not current; returns the exit code."""
    old = stale()
    if "--check" in arguments:
        if old:
            sys.stderr.write(f"not current: {', '.join(old)}; run `python -m benchledger.schema.generate`\n")
        return int(bool(old))
    FOLDER.mkdir(exist_ok=True)
    made = dict(documents())
    for name in old:
        if name in made:
            (FOLDER / name).write_text(_text(made[name]), encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
