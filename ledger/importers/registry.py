"""The table of importers, and telling which one a record is for.

An importer is a module with `FORMAT`, `detect(value) -> bool` and `parse(value, canonical) ->
ParsedRun`. Others join by the entry point group `benchledger.importers`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from benchledger.ledger.importers.base import ParsedRun
from benchledger.ledger.importers.plain import printable
from benchledger.ledger.importers.reader import SourceRecord
from benchledger.schema.errors import BadInput, RecordError, RecordErrors, UsageError

__all__ = ["ENTRY_POINTS", "IMPORTERS", "Importer", "importer_for", "parse_record"]

# Asked in this order: what names its own format comes before what is known by its keys.
IMPORTERS = {
    "benchledger-run-1": "benchledger.ledger.importers.run_record",
    "cab-cell-1": "benchledger.ledger.importers.published",
}
ENTRY_POINTS = "benchledger.importers"

_HINT = "correct or remove these records and append the file again: nothing of it was appended"


class Importer(Protocol):
    """One foreign format."""

    FORMAT: str

    def detect(self, value: dict[str, Any]) -> bool:
        """Return whether `value` is of this format. MUST NOT raise; MUST be quick: each record asks."""
        ...

    def parse(self, value: dict[str, Any], canonical: bytes) -> ParsedRun:
        """Return one attempt. MUST be pure. MUST raise RecordErrors or BadInput naming the fields."""
        ...


def importer_for(value: dict[str, Any]) -> Importer:
    """Return the importer whose format `value` has; raises BadInput with the known formats."""
    for path in IMPORTERS.values():
        importer = _load(path)
        if importer.detect(value):
            return importer
    plugged = _plugged()
    for importer in plugged:
        if importer.detect(value):
            return importer
    known = ", ".join([*IMPORTERS, *(importer.FORMAT for importer in plugged)])
    named = value.get("format")
    said = f"unknown format {printable(str(named))[:80]!r}" if named is not None else "no known format"
    raise BadInput(
        f"{said}; known are {known}",
        'a run record starts with {"format": "benchledger-run-1"}; schema/README.md lists its fields',
    )


def parse_record(source: str, record: SourceRecord) -> ParsedRun:
    """Return the attempt that one record of the file `source` tells; raises RecordErrors with its line."""
    try:
        return importer_for(record.value).parse(record.value, record.canonical)
    except RecordErrors as error:
        located = [replace(item, source=source, line=record.line) for item in error.errors]
        raise RecordErrors(located, error.hint or _HINT) from error
    except BadInput as error:
        raise RecordErrors(
            [RecordError(source, record.line, "", error.message)], error.hint or _HINT
        ) from error


@cache
def _load(path: str) -> Importer:
    return cast("Importer", import_module(path))


@cache
def _plugged() -> tuple[Importer, ...]:
    found = sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
    return tuple(_plug(point) for point in found)


def _plug(point: Any) -> Importer:
    try:
        return cast("Importer", point.load())
    except Exception as error:  # whatever a plug-in does at import is its own
        raise UsageError(
            f"importer {point.name!r} ({point.value}) cannot be loaded: {error}",
            "update or remove its package",
        ) from error
