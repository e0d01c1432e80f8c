"""The building blocks of every record: frozen, strict, no unknown fields, canonical."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from benchledger.schema.canonical import MAX_INT, canonical_bytes
from benchledger.schema.plain import NotPlainError, fast_bytes, plain_record

__all__ = [
    "BlobRef",
    "Count",
    "Hex32",
    "Hex64",
    "Int",
    "Json",
    "Micros",
    "Millis",
    "ModelId",
    "Name",
    "Payload",
    "Record",
    "Text",
    "Unit",
]

Int = Annotated[int, Field(ge=-MAX_INT, le=MAX_INT)]
Count = Annotated[int, Field(ge=0, le=MAX_INT)]
Micros = Annotated[int, Field(ge=0, le=MAX_INT, description="Unix time in microseconds, UTC")]
Millis = Annotated[float, Field(ge=0, description="milliseconds")]
Unit = Annotated[float, Field(ge=0, le=1)]
Hex32 = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Hex64 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$", description="not . or ..")]
ModelId = Annotated[str, Field(min_length=1, max_length=200, description="model id; see ids.MODEL_NAME")]
# Short text that is part of a result's identity; free text goes into blobs.
Text = Annotated[str, Field(max_length=4096)]
Json = JsonValue


class Record(BaseModel):
    """Base of every model: frozen, unknown fields refused, no coercion between types."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; fields that are None are left out (absent = not recorded)."""
        return self.model_dump(mode="json", exclude_none=True)


class BlobRef(Record):
    """A reference to bytes kept in `blobs`: everywhere `{"blob": <64 hex>, "size": n}`."""

    blob: Hex64
    size: Count


class Payload(Record):
    """What one event says. `event_type` and `schema_number` are part of the frame, not of the payload."""

    event_type: ClassVar[str]
    schema_number: ClassVar[int] = 1
    redactable: ClassVar[bool] = True

    def canonical(self) -> tuple[dict[str, Any], bytes]:
        """Return (plain JSON values, the canonical bytes that are stored and hashed)."""
        try:
            value = plain_record(self)
            return value, fast_bytes(value)
        except NotPlainError:
            value = self.to_json()
            return value, canonical_bytes(value)

    def payload_bytes(self) -> bytes:
        """Return the canonical bytes that are stored and hashed."""
        return self.canonical()[1]
