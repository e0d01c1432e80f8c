"""The building blocks of every record: frozen, strict, no unknown fields, canonical."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from benchledger.schema.canonical import MAX_INT, canonical_bytes
from benchledger.schema.plain import NotPlainError, fields_of, record_bytes, record_value

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

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Keep fields in the order of their names: so the serializer writes them as canonical JSON has them."""
        schema = handler(source)
        fields = fields_of(schema)
        ordered = {name: fields[name] for name in sorted(fields)}
        fields.clear()
        fields.update(ordered)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the fields in the order in which the class explains them."""
        made = handler(schema)
        described = handler.resolve_ref_schema(made)
        order = [field.alias or name for name, field in cls.model_fields.items()]
        properties, required = described.get("properties", {}), described.get("required", [])
        for name in [name for name in order if name in properties]:
            properties[name] = properties.pop(name)
        required.sort(key=order.index)
        return made

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

    def payload_bytes(self) -> bytes:
        """Return the canonical bytes that are stored and hashed."""
        try:
            return record_bytes(self)
        except NotPlainError:
            return canonical_bytes(self.to_json())

    def payload_value(self) -> dict[str, Any]:
        """Return plain JSON values for reading alone; a field that is None may be there or left out."""
        try:
            return record_value(self)
        except NotPlainError:
            return self.to_json()
