"""What importers share: checking a record against its model, and collecting its texts as blobs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from benchledger.ledger.importers.plain import printable
from benchledger.schema.base import BlobRef, Record
from benchledger.schema.errors import BadInput, RecordError, RecordErrors
from benchledger.schema.ids import CellId
from benchledger.schema.ports import blob_ref

__all__ = ["Blobs", "checked", "checked_cell", "field_error"]

Model = TypeVar("Model", bound=Record)


class Blobs(dict[str, bytes]):
    """The blobs of one attempt by digest."""

    def put(self, data: bytes) -> BlobRef:
        """Keep `data` and return its reference."""
        ref = blob_ref(data)
        self[ref.blob] = data
        return ref

    def text(self, text: str | None) -> BlobRef | None:
        """Keep a text that was given, the empty one too; None stays None."""
        return None if text is None else self.put(text.encode())


def field_error(field: str, reason: str) -> RecordErrors:
    """Return the error of one field; source and line, which importers do not know, come later."""
    return RecordErrors([RecordError("", 0, field, reason)])


def checked(model: type[Model], canonical: bytes) -> Model:
    """Return the record as `model`; raises RecordErrors that name every wrong field."""
    try:
        # From the bytes, not the value: only JSON input may give lists for tuples under strict types.
        return model.model_validate_json(canonical)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RecordErrors([_translated(model, item) for item in found]) from error


def checked_cell(cell: CellId) -> CellId:
    """Return `cell`; raises RecordErrors where a part breaks the rules of cell ids."""
    try:
        cell.check()
    except BadInput as error:
        raise field_error("", error.message) from error
    return cell


def _translated(model: type[BaseModel], item: Mapping[str, Any]) -> RecordError:
    field = printable(".".join(str(part) for part in item["loc"]))[:200]
    if item["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(item["loc"][-1]), _names(model, item["loc"][:-1]), n=1)
        return RecordError(
            "", 0, field, f"unknown field; did you mean {near[0]!r}?" if near else "unknown field"
        )
    reason = "is missing" if item["type"] == "missing" else item["msg"].removeprefix("Value error, ")
    return RecordError("", 0, field, printable(reason))


def _names(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Return the field names of the model that `path` leads to; none where it leads through a collection."""
    for part in path:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        choices = (inner, *getattr(inner, "__args__", ()))
        found = [item for item in choices if isinstance(item, type) and issubclass(item, BaseModel)]
        if not found:
            return []
        model = found[0]
    return list(model.model_fields)
